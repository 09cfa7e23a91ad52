import { createPrivateKey, type JsonWebKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  type Component,
  type ComponentLike,
  createSignatureBase,
  HTTP_SIGNATURE_DRAFTS,
  type HttpMessage,
  type ItemParameters,
  readRequestWit,
  readResponseWit,
  readSignatures,
  type SignatureParameters,
  type SignedRequest,
  signMessage,
  verifyContentDigest,
  verifyMessage,
  verifyRequest,
  verifyResponse,
} from 'svidkit/http-signature';
import { exactly, parseWorkloadId } from 'svidkit/id';
import { createMemoryReplayStore } from 'svidkit/replay';
import { decodeWitUnverified } from 'svidkit/wit';
import { describe, expect, it } from 'vitest';
import { keepRequest } from '../../src/http-signature/kept-request.js';
import { readRequest } from '../../src/http-signature/message.js';
import { type PublicKeyJwk, readPublicJwk } from '../../src/internal/jwk.js';
import { tokenHash } from '../../src/internal/token-hash.js';
import { UnprovenWit } from '../../src/wit/unproven-wit.js';
import { codeOf } from '../support/refusals.js';
import { rejectionOf } from '../support/rejections.js';

interface Example {
  readonly tag: string;
  readonly kind: 'request' | 'response';
  readonly startLine: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
  readonly signatureBase: string;
  readonly signatureValid: boolean | null;
  readonly contentDigestValid: boolean | null;
  readonly witDecodable: boolean;
}

const examples = JSON.parse(
  readFileSync(new URL('../vectors/wimse-httpsig-drafts.json', import.meta.url), 'utf8'),
) as readonly Example[];
const { caller, callee } = JSON.parse(
  readFileSync(new URL('../vectors/wimse-httpsig-06-keys.json', import.meta.url), 'utf8'),
) as { readonly caller: JsonWebKey; readonly callee: JsonWebKey };
const keys = { request: caller, response: callee };
const titled = examples.map((example) => [`${example.kind} of ${example.tag}`, example] as const);
const DRAFT = 'draft-ietf-wimse-http-signature-06';
const AUDIENCE = 'https://svcb.example.com/gimme-ice-cream';

/** What a verifier of -06 answers to each published request and response. */
const VERDICTS: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    ['03', '05', '06'].flatMap((version) => [
      [`request of draft-ietf-wimse-s2s-protocol-${version}`, 'no WIT'],
      [`response of draft-ietf-wimse-s2s-protocol-${version}`, 'no WIT'],
    ]),
  ),
  ...Object.fromEntries(
    ['s2s-protocol-07', 'http-signature-00', 'http-signature-02', 'http-signature-03', 'http-signature-04'].flatMap(
      (name) => [
        // wimse-aud came with -03, wimse-req-nonce with -04 and into its example with -05.
        [
          `request of draft-ietf-wimse-${name}`,
          name.endsWith('03') || name.endsWith('04') ? 'accepted' : 'missing_parameter',
        ],
        [`response of draft-ietf-wimse-${name}`, 'missing_parameter'],
      ],
    ),
  ),
  ...Object.fromEntries(
    ['05', '06'].flatMap((version) => [
      [`request of draft-ietf-wimse-http-signature-${version}`, 'accepted'],
      [`response of draft-ietf-wimse-http-signature-${version}`, 'accepted'],
    ]),
  ),
};

function requestOf(example: Example) {
  const request = examples.find(({ tag, kind }) => tag === example.tag && kind === 'request') ?? example;
  const [method = '', target = ''] = request.startLine.split(' ');
  return { method, target, rawHeaders: request.headers.flat(), scheme: 'https' as const };
}

function messageOf(example: Example): HttpMessage {
  if (example.kind === 'request') return requestOf(example);
  const status = Number(example.startLine.split(' ')[1]);
  return { status, rawHeaders: example.headers.flat(), request: requestOf(example) };
}

const named = ({ name, parameters }: Component): ComponentLike => ({
  name,
  parameters: Object.fromEntries(parameters),
});
const valuesOf = (parameters: ItemParameters): SignatureParameters =>
  Object.fromEntries(Array.from(parameters, ([name, item]) => [name, item.value as string | number | boolean]));
const field = ({ headers }: Example, name: string): string => headers.find(([key]) => key === name)?.[1] ?? '';
const witOf = (example: Example): string => field(example, 'Workload-Identity-Token');

function confirmationOf(token: string): { readonly key: PublicKeyJwk; readonly alg: 'EdDSA' } {
  const { claims } = decodeWitUnverified(token);
  const { jwk } = claims['cnf'] as { readonly jwk: object };
  return { key: readPublicJwk(jwk), alg: 'EdDSA' };
}

/** Nobody published the key that signed these WITs: as if they had been verified. */
function asIfVerified(token: string): UnprovenWit {
  const { claims } = decodeWitUnverified(token);
  const { key, alg } = confirmationOf(token);
  const exp = Number(claims['exp']);
  const contents = { id: parseWorkloadId(String(claims['sub'])), claims, usableUntil: exp * 1000 };
  const { thumbprint } = key;
  return new UnprovenWit({ alg, confirmationKey: key.key, thumbprint, exp, hash: tokenHash(token), contents });
}

/** As if this client had sent the published request. */
function asIfSent(example: Example): SignedRequest {
  const message = readRequest(requestOf(example));
  const [signature] = readSignatures(message);
  const nonce = String(signature?.parameters.get('nonce')?.value);
  const signed = {} as SignedRequest;
  keepRequest(signed, { message, draft: DRAFT, nonce, signResponse: true });
  return signed;
}

const createdOf = (example: Example): number =>
  Number(readSignatures(messageOf(example))[0]?.parameters.get('created')?.value);
const clockOf = (example: Example) => () => (createdOf(example) + 5) * 1000;

async function verdict(example: Example): Promise<string> {
  const clock = clockOf(example);
  const replay = createMemoryReplayStore({ clock });
  const body = Buffer.from(example.body);
  if (example.kind === 'request') {
    const request = { ...requestOf(example), body };
    const wit = asIfVerified(readRequestWit(request.rawHeaders));
    const authorize = exactly('wimse://example.com/svcA');
    return rejectionOf(verifyRequest(request, wit, { audiences: AUDIENCE, authorize, replay, drafts: [DRAFT], clock }));
  }
  const request = asIfSent(example);
  const response = { status: 404, rawHeaders: example.headers.flat(), body };
  const wit = asIfVerified(readResponseWit(response.rawHeaders, { request }) ?? '');
  const authorize = exactly('wimse://example.com/svcB');
  return rejectionOf(verifyResponse(response, wit, { request, authorize, replay, clock }));
}

describe('the published examples', () => {
  it('are twenty, of ten revisions', () => {
    expect(examples).toHaveLength(20);
    expect(Object.keys(VERDICTS).sort()).toEqual(titled.map(([title]) => title).sort());
  });

  it.each(titled)('%s has its signature base', (_, example) => {
    const message = messageOf(example);
    const [signature] = readSignatures(message);
    const components = signature?.components.map(named) ?? [];
    const { text } = createSignatureBase(message, components, valuesOf(signature?.parameters ?? new Map()));
    expect(text).toBe(example.signatureBase);
  });

  it.each(titled.filter(([, { signatureValid }]) => signatureValid !== null))(
    '%s has a valid signature',
    (_, example) => {
      const { key, alg } = confirmationOf(witOf(example));
      const verify = (): unknown =>
        verifyMessage(
          messageOf(example),
          { key: key.key, alg },
          { components: [], tag: 'wimse-workload-to-workload', clock: clockOf(example) },
        );
      expect(codeOf(verify)).toBe(example.signatureValid === true ? 'accepted' : 'bad_signature');
    },
  );

  it.each(titled.filter(([, { contentDigestValid }]) => contentDigestValid !== null))(
    'threat 40: %s has the digest it is said to have',
    async (_, example) => {
      const verified = verifyContentDigest(field(example, 'Content-Digest'), Buffer.from(example.body));
      expect(await rejectionOf(verified)).toBe(example.contentDigestValid === true ? 'accepted' : 'digest_mismatch');
    },
  );

  it.each(titled)('%s: the verdict of -06', async (title, example) => {
    if (VERDICTS[title] === 'no WIT') {
      expect(example.witDecodable).toBe(false);
      expect(() => decodeWitUnverified(witOf(example))).toThrow();
    } else {
      expect(await verdict(example)).toBe(VERDICTS[title]);
    }
  });

  it('threat 40: valid signatures over wrong digests are refused once nothing else is wrong', async () => {
    const example = examples.find(({ tag, kind }) => tag.endsWith('signature-06') && kind === 'response');
    if (example === undefined) throw new Error('the example is not there');
    expect(await verdict({ ...example, body: 'No ice cream today.\n' })).toBe('digest_mismatch');
  });

  it('the published response lives for 302 seconds, which only the leeway lets pass', async () => {
    const example = examples.find(({ tag, kind }) => tag.endsWith('signature-06') && kind === 'response');
    if (example === undefined) throw new Error('the example is not there');
    const request = asIfSent(example);
    const response = { status: 404, rawHeaders: example.headers.flat(), body: Buffer.from(example.body) };
    const given = { request, authorize: exactly('wimse://example.com/svcB'), clock: clockOf(example) };
    const wit = asIfVerified(witOf(example));
    expect(await rejectionOf(verifyResponse(response, wit, { ...given, leewaySeconds: 0 }))).toBe('lifetime_too_long');
    expect(await rejectionOf(verifyResponse(response, wit, given))).toBe('accepted');
  });

  it('by -07 they are refused: the target is covered otherwise', async () => {
    const example = examples.find(({ tag, kind }) => tag.endsWith('signature-06') && kind === 'request');
    if (example === undefined) throw new Error('the example is not there');
    const replay = createMemoryReplayStore({ clock: clockOf(example) });
    const given = {
      audiences: AUDIENCE,
      authorize: exactly('wimse://example.com/svcA'),
      replay,
      clock: clockOf(example),
    };
    const request = { ...requestOf(example), body: null };
    expect(await rejectionOf(verifyRequest(request, asIfVerified(witOf(example)), given))).toBe('not_covered');
  });
});

describe('draft-ietf-wimse-http-signature-06', () => {
  it('has the request target as one component, and refuses with 400', () => {
    expect(HTTP_SIGNATURE_DRAFTS[DRAFT]).toEqual({ targetComponents: ['@request-target'], refusalStatus: 400 });
  });

  it.each(['request', 'response'] as const)('the %s of the draft is signed again byte for byte', async (kind) => {
    const example = examples.find((each) => each.tag === DRAFT && each.kind === kind);
    if (example === undefined) throw new Error('the example is not there');
    const unsigned = example.headers.filter(([name]) => !name.startsWith('Signature')).flat();
    const message = { ...messageOf(example), rawHeaders: unsigned };
    const [published] = readSignatures(messageOf(example));
    const fields = await signMessage(message, createPrivateKey({ key: keys[kind], format: 'jwk' }), {
      label: 'wimse',
      components: published?.components.map(named) ?? [],
      parameters: valuesOf(published?.parameters ?? new Map()),
    });
    expect(fields).toEqual([
      ['Signature-Input', field(example, 'Signature-Input')],
      ['Signature', field(example, 'Signature')],
    ]);
  });
});
