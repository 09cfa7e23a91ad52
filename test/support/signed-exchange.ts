import { readResponseWit, type SignRequestOptions, signRequest, verifyResponse } from 'svidkit/http-signature';
import { exactly } from 'svidkit/id';
import { verifyWit } from 'svidkit/wit';
import type { Field, Received, Sent } from './exchanges.js';
import { svid } from './http-signatures.js';
import { WIT } from './proofs.js';
import { ORIGIN, SERVER } from './signed-http.js';
import { bundles, clock } from './wit-domain.js';

export const BODY: Buffer = Buffer.from('{"item":"book"}');

export interface Signed extends Sent {
  /** The answer, once its signature was verified as that of the server; the code of what refused it. */
  readonly verify: (received: Received) => Promise<string>;
}

/** A signed request of the planner to `/orders`, with changes; it asks for a signed answer. */
export async function signed(changes: Partial<Sent> = {}, choices: Partial<SignRequestOptions> = {}): Promise<Signed> {
  const { method = 'POST', target = '/orders', body = BODY, fields = [['Content-Type', 'application/json']] } = changes;
  const request = { method, target, rawHeaders: fields.flat(), body, authority: 'x' };
  const made = await signRequest(svid, request, {
    audience: `${ORIGIN}/orders`,
    clock,
    signResponse: true,
    ...choices,
  });
  const verify = async ({ status, rawHeaders, body: received }: Received): Promise<string> => {
    try {
      const wit = await verifyWit(readResponseWit(rawHeaders, { request: made }) ?? '', bundles, { clock });
      const answer = { status, rawHeaders, body: received.length === 0 ? null : received };
      const proven = await verifyResponse(answer, wit, { request: made, authorize: exactly(SERVER), clock });
      if (proven.body.state !== 'verified') throw new Error('not held');
      return `${status} ${Buffer.from(proven.body.bytes)}`;
    } catch (error) {
      return `${(error as { code?: string }).code}`;
    }
  };
  return { ...changes, method, target, body, fields: [...fields, ...made.fields], verify };
}

/** The request with other fields: those of a name are replaced, or left out for `undefined`. */
export function withFields(sent: Signed, changes: Readonly<Record<string, string | undefined>>): Signed {
  const names = Object.keys(changes).map((name) => name.toLowerCase());
  const kept = sent.fields.filter(([name]) => !names.includes(name.toLowerCase()));
  const added = Object.entries(changes).flatMap(([name, value]): Field[] =>
    value === undefined ? [] : [[name, value]],
  );
  return { ...sent, fields: [...kept, ...added] };
}

export const fieldOf = (sent: Sent, name: string): string =>
  sent.fields.find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1] ?? '';

/** What has to stand in the head of a signed request and not behind its body, with status and code of the refusal. */
export const REFUSED_TRAILERS: readonly (readonly [
  title: string,
  request: () => Promise<Sent>,
  status: number,
  code: string,
])[] = [
  [
    'threat 40: a digest in the trailers',
    async () => {
      const sent = await signed();
      const trailers = { 'content-digest': fieldOf(sent, 'content-digest') };
      return { ...withFields(sent, { 'content-digest': undefined }), trailers };
    },
    400,
    'missing_component',
  ],
  [
    'threat 45: a WIT in the trailers',
    async () => ({
      ...withFields(await signed(), { 'workload-identity-token': undefined }),
      trailers: { 'workload-identity-token': WIT },
    }),
    400,
    'missing_wit',
  ],
];
