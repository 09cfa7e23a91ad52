import {
  createContentDigest,
  type IncomingResponse,
  type OutgoingResponse,
  type ProvenRequest,
  readResponseWit,
  type SignedRequest,
  type SignResponseOptions,
  signResponse,
  type VerifyResponseOptions,
  verifyRequest,
  verifyResponse,
} from 'svidkit/http-signature';
import { anyId, exactly } from 'svidkit/id';
import { createMemoryReplayStore } from 'svidkit/replay';
import { parseWitSvid, type UnprovenWit, verifyWit } from 'svidkit/wit';
import { describe, expect, it } from 'vitest';
import { signJws } from '../../src/internal/jws-algorithm.js';
import { options, pieces, sent, TARGET, unproven, withFields } from '../support/http-signatures.js';
import { keyPair } from '../support/key-pairs.js';
import { codeOf } from '../support/refusals.js';
import { rejectionOf } from '../support/rejections.js';
import { bundles, clock, confirmation, NOW, wit } from '../support/wit-domain.js';

const SERVER = 'spiffe://example.org/services/orders';
const server = keyPair('P-256', 'server').privateKey;
const WIT = wit({ claims: { sub: SERVER, cnf: confirmation(server, 'ES256') } });
const svid = parseWitSvid({ token: WIT, privateKey: server });
const ANSWER = Buffer.from('{"order":1}');

interface Exchange {
  readonly signed: SignedRequest;
  readonly proven: ProvenRequest;
}

async function exchange(
  message: Parameters<typeof sent>[0] = {},
  choices: Parameters<typeof sent>[1] = { signResponse: true },
): Promise<Exchange> {
  const { request, signed } = await sent(message, choices);
  const drafts = [signed.draft];
  return { signed, proven: await verifyRequest(request, await unproven(), options({ drafts })) };
}

function answerOf(changes: Partial<OutgoingResponse> = {}): OutgoingResponse {
  return { status: 200, rawHeaders: ['Content-Type', 'application/json'], body: ANSWER, ...changes };
}

async function answered(
  { proven }: Pick<Exchange, 'proven'>,
  changes: Partial<OutgoingResponse> = {},
  choices: Partial<SignResponseOptions> = {},
): Promise<IncomingResponse> {
  const answer = answerOf(changes);
  const fields = await signResponse(svid, answer, { request: proven, clock, ...choices });
  return { status: answer.status, rawHeaders: [...answer.rawHeaders, ...fields.flat()], body: answer.body ?? null };
}

const verified = (token: string = WIT): Promise<UnprovenWit> => verifyWit(token, bundles, { clock });

async function outcome(
  response: IncomingResponse,
  { signed }: Pick<Exchange, 'signed'>,
  changes: Partial<VerifyResponseOptions> = {},
  token: string = WIT,
): Promise<string> {
  const given = { request: signed, authorize: exactly(SERVER), clock, ...changes };
  return rejectionOf(verifyResponse(response, await verified(token), given));
}

/** A response signed by hand. */
async function craft(
  { signed, proven }: Exchange,
  changes: {
    readonly covered?: readonly string[];
    readonly values?: Readonly<Record<string, string>>;
    readonly parameters?: Readonly<Record<string, string | undefined>>;
    readonly key?: typeof server;
  } = {},
): Promise<IncomingResponse> {
  const covered = changes.covered ?? COVERED;
  const good = { created: `${NOW}`, expires: `${NOW + 60}`, nonce: '"answer"', tag: '"wimse-workload-to-workload"' };
  const parameters = { ...good, 'wimse-req-nonce': `"${proven.proof.nonce}"`, ...changes.parameters };
  const tail = Object.entries(parameters).flatMap(([name, text]) => (text === undefined ? [] : [`;${name}=${text}`]));
  const params = `(${covered.join(' ')})${tail.join('')}`;
  const values: Record<string, string> = {
    '"@status"': '204',
    '"workload-identity-token"': WIT,
    '"@method";req': 'POST',
    '"@path";req': '/orders',
    '"@query";req': '?item=book',
    ...changes.values,
  };
  const lines = covered.map((identifier) => `${identifier}: ${values[identifier] ?? ''}`);
  const base = [...lines, `"@signature-params": ${params}`].join('\n');
  const signature = Buffer.from(signJws('ES256', changes.key ?? server, Buffer.from(base))).toString('base64');
  const rawHeaders = ['Signature-Input', `wimse=${params}`, 'Signature', `wimse=:${signature}:`];
  expect(signed.signResponse).toBe(true);
  return { status: 204, rawHeaders: [...rawHeaders, 'Workload-Identity-Token', WIT], body: null };
}

const COVERED = ['"@status"', '"workload-identity-token"', '"@method";req', '"@path";req', '"@query";req'];

describe('a signed response', () => {
  it.each(['draft-ietf-wimse-http-signature-07', 'draft-ietf-wimse-http-signature-06'] as const)(
    'proves by %s who answered, and to what',
    async (draft) => {
      const made = await exchange({}, { signResponse: true, draft });
      const response = await answered(made);
      expect(readResponseWit(response.rawHeaders, { request: made.signed })).toBe(WIT);
      const given = { request: made.signed, authorize: exactly(SERVER), clock };
      const answer = await verifyResponse(response, await verified(), given);
      expect(answer.id.toString()).toBe(SERVER);
      expect(answer.proof).toEqual({
        ...{ kind: 'http-signature', draft, nonce: expect.stringMatching(/^[\w-]{22}$/) },
        createdAt: new Date(NOW * 1000),
        expiresAt: new Date((NOW + 60) * 1000),
      });
      expect(answer.covered.fields).toEqual(['workload-identity-token', 'content-type', 'content-digest']);
      expect(answer.body.state === 'verified' && answer.body.bytes).toEqual(ANSWER);
      const input = response.rawHeaders[response.rawHeaders.indexOf('Signature-Input') + 1];
      expect(input).toContain(`;wimse-req-nonce="${made.proven.proof.nonce}"`);
      expect(input).toContain(draft.endsWith('06') ? ' "@request-target";req)' : ' "@path";req "@query";req)');
    },
  );

  it('may come to a request that did not ask for it, and is verified all the same', async () => {
    const made = await exchange({}, { signResponse: false });
    const response = await answered(made);
    expect(readResponseWit(response.rawHeaders, { request: made.signed })).toBe(WIT);
    expect(await outcome(response, made)).toBe('accepted');
    expect(await outcome({ ...response, status: 201 }, made)).toBe('bad_signature');
  });

  it('the hand-made response of these tests is accepted as it is', async () => {
    const made = await exchange();
    expect(await outcome(await craft(made), made)).toBe('accepted');
  });

  it('threat 43: an unsigned response is refused when a signed one was asked for, or is the policy', async () => {
    const asked = await exchange();
    const silent = await exchange({}, { signResponse: false });
    const response = await answered(asked);
    const stripped = withFields(response, { Signature: undefined, 'Signature-Input': undefined });
    const bare = withFields(stripped, { 'Workload-Identity-Token': undefined });
    for (const { rawHeaders } of [stripped, bare]) {
      expect(codeOf(() => readResponseWit(rawHeaders, { request: asked.signed }))).toBe('response_not_signed');
      expect(codeOf(() => readResponseWit(rawHeaders, { request: silent.signed, required: true }))).toBe(
        'response_not_signed',
      );
      expect(readResponseWit(rawHeaders, { request: silent.signed })).toBeUndefined();
      expect(codeOf(() => readResponseWit(rawHeaders, { request: asked.signed, required: false }))).toBe(
        'response_not_signed',
      );
    }
    expect(await outcome(stripped, asked)).toBe('response_not_signed');
    const input = response.rawHeaders[response.rawHeaders.indexOf('Signature-Input') + 1] ?? '';
    const retagged = withFields(response, { 'Signature-Input': input.replace('wimse-workload', 'other') });
    expect(await outcome(retagged, asked)).toBe('response_not_signed');
    const cut = withFields(response, { Signature: undefined });
    expect(codeOf(() => readResponseWit(cut.rawHeaders, { request: silent.signed }))).toBe('unpaired_label');
    const anonymous = withFields(response, { 'Workload-Identity-Token': undefined });
    expect(codeOf(() => readResponseWit(anonymous.rawHeaders, { request: silent.signed }))).toBe('missing_wit');
  });

  it('threat 43: the response to another request is refused, by nonce and by what the client kept', async () => {
    const [one, two] = [await exchange(), await exchange()];
    expect(await outcome(await answered(one), two)).toBe('req_nonce_mismatch');
    const elsewhere = await exchange({ target: '/orders?item=bomb' });
    expect(await outcome(await answered(one), elsewhere)).toBe('bad_signature');
    const put = await exchange({ method: 'PUT' });
    expect(await outcome(await answered(one), put)).toBe('bad_signature');
    for (const nonce of [undefined, '"x"', '""', 'token', ':AA==:', `"${'n'.repeat(257)}"`]) {
      const code = nonce === undefined ? 'missing_parameter' : nonce === '"x"' ? 'req_nonce_mismatch' : 'bad_parameter';
      expect(await outcome(await craft(one, { parameters: { 'wimse-req-nonce': nonce } }), one), nonce).toBe(code);
    }
  });

  it('threat 43: ;req means the client’s copy, and not what the response says', async () => {
    const made = await exchange();
    const values = { '"@path";req': '/other' };
    expect(await outcome(await craft(made, { values }), made)).toBe('bad_signature');
    const response = await craft(made, { covered: [...COVERED, '"x-a";req'], values: { '"x-a";req': '1' } });
    const forged = { ...response, rawHeaders: [...response.rawHeaders, 'X-A', '1'] };
    expect(await outcome(forged, made)).toBe('missing_component');
  });

  it('threat 43: another workload with a valid WIT is not the server', async () => {
    const made = await exchange();
    const thief = keyPair('P-256', 'thief').privateKey;
    const token = wit({ claims: { sub: 'spiffe://example.org/thief', cnf: confirmation(thief, 'ES256') } });
    const impostor = parseWitSvid({ token, privateKey: thief });
    const fields = await signResponse(impostor, answerOf(), { request: made.proven, clock });
    const response = { ...answerOf(), body: ANSWER, rawHeaders: [...answerOf().rawHeaders, ...fields.flat()] };
    expect(await outcome(response, made, {}, token)).toBe('not_authorized');
    expect(await outcome(response, made, { authorize: anyId() }, token)).toBe('accepted');
    expect(await outcome(response, made)).toBe('wit_mismatch');
    const own = withFields(response, { 'Workload-Identity-Token': WIT });
    expect(await outcome(own, made)).toBe('bad_signature');
    const none = { authorize: undefined } as unknown as Partial<VerifyResponseOptions>;
    await expect(outcome(response, made, none, token)).rejects.toThrow(TypeError);
  });

  it.each(COVERED)('threat 37: %s must be covered', async (missing) => {
    const made = await exchange();
    const covered = COVERED.filter((identifier) => identifier !== missing);
    expect(await outcome(await craft(made, { covered }), made)).toBe('not_covered');
  });

  it('threat 37: the request’s components count with req only', async () => {
    const made = await exchange();
    const covered = COVERED.map((identifier) => identifier.replace('"@method";req', '"@method"'));
    expect(await outcome(await craft(made, { covered }), made)).toBe('not_covered');
  });

  it('threat 37: a Content-Type that was added is not covered', async () => {
    const made = await exchange();
    const response = withFields(await craft(made), { 'Content-Type': 'text/html' });
    expect(await outcome(response, made)).toBe('not_covered');
  });

  it.each([
    ['forbidden_parameter', { keyid: '"k"' }],
    ['forbidden_parameter', { alg: '"ecdsa-p256-sha256"' }],
    ['forbidden_parameter', { 'wimse-aud': '"x"' }],
    ['forbidden_parameter', { 'wimse-sign-response': '?1' }],
    ['missing_parameter', { created: undefined }],
    ['missing_parameter', { expires: undefined }],
    ['missing_parameter', { nonce: undefined }],
    ['response_not_signed', { tag: undefined }],
    ['expired', { created: `${NOW - 60}`, expires: `${NOW - 10}` }],
    ['not_yet_valid', { created: `${NOW + 11}` }],
    ['lifetime_too_long', { expires: `${NOW + 311}` }],
    ['expires_before_created', { expires: `${NOW - 1}` }],
  ])('threat 35: %s: %j', async (code, parameters) => {
    const made = await exchange();
    expect(await outcome(await craft(made, { parameters }), made)).toBe(code);
  });

  it.each([
    ['digest_mismatch', Buffer.from('other')],
    ['digest_mismatch', null],
    ['digest_mismatch', pieces(['{"order":2}'])],
    ['accepted', pieces(['{"order"', ':1}'])],
  ])('threat 40: %s: body', async (code, body) => {
    const made = await exchange();
    expect(await outcome({ ...(await answered(made)), body }, made)).toBe(code);
  });

  it('threat 40: a body without a digest is refused', async () => {
    const made = await exchange();
    const response = await craft(made);
    expect(await outcome({ ...response, body: ANSWER }, made)).toBe('missing_content_digest');
    const ok = await answered(made, { body: null });
    expect(await outcome(ok, made)).toBe('accepted');
    expect(await outcome(withFields(ok, { 'Content-Length': '11' }), made)).toBe('body_not_given');
  });

  it('threat 43: responses without a body can be signed: 204, 304, HEAD', async () => {
    const made = await exchange();
    const rawHeaders = ['Content-Length', '11', 'Content-Type', 'application/json'];
    for (const status of [204, 304]) {
      expect(await outcome(await answered(made, { status, rawHeaders, body: null }), made)).toBe('accepted');
    }
    const head = await exchange({ method: 'HEAD', body: null });
    expect(await outcome(await answered(head, { rawHeaders, body: null }), head)).toBe('accepted');
    expect(await rejectionOf(answered(made, { rawHeaders, body: null }))).toBe('body_not_given');
  });

  it('threat 43: a stream cannot be signed, and says so, unless its digest is known', async () => {
    const made = await exchange();
    expect(await rejectionOf(answered(made, { body: undefined }))).toBe('missing_content_digest');
    const rawHeaders = ['Content-Digest', createContentDigest(ANSWER, ['sha-512'])];
    const response = await answered(made, { body: undefined, rawHeaders });
    expect(await outcome({ ...response, body: pieces([ANSWER]) }, made)).toBe('accepted');
  });

  it('threat 30: fields that are there twice are refused', async () => {
    const made = await exchange();
    const response = await answered(made);
    for (const [name, value] of [
      ['content-type', 'application/json'],
      ['content-digest', createContentDigest(ANSWER)],
      ['workload-identity-token', WIT],
    ] as const) {
      const twice = { ...response, rawHeaders: [...response.rawHeaders, name, value] };
      expect(await outcome(twice, made), name).toBe('duplicate_header');
    }
  });

  it('threat 42: a response is accepted once where a store is given', async () => {
    const made = await exchange();
    const response = await answered(made);
    const replay = createMemoryReplayStore({ clock });
    expect(await outcome(response, made, { replay })).toBe('accepted');
    expect(await outcome(response, made, { replay })).toBe('replayed');
    expect(await outcome(response, made)).toBe('accepted');
  });

  it('a WIT that has expired since it was verified proves nothing', async () => {
    const made = await exchange();
    const late = (NOW + 3630) * 1000;
    const parameters = { created: `${NOW + 3600}`, expires: `${NOW + 3660}` };
    const response = await craft(made, { parameters });
    expect(await outcome(response, made, { clock: () => late })).toBe('wit_expired');
  });

  it('misuse is a TypeError', async () => {
    const made = await exchange();
    const response = await answered(made);
    const request = { ...made.signed } as SignedRequest;
    await expect(outcome(response, made, { request })).rejects.toThrow(TypeError);
    await expect(answered({ proven: { ...made.proven } })).rejects.toThrow(TypeError);
    await expect(answered(made, { rawHeaders: ['Workload-Identity-Token', WIT] })).rejects.toThrow(TypeError);
    const body = undefined as unknown as null;
    await expect(outcome({ ...response, body }, made)).rejects.toThrow(TypeError);
    expect(await rejectionOf(answered(made, {}, { clock: () => (NOW + 3600) * 1000 }))).toBe('wit_expired');
    expect(TARGET).toContain('/orders');
  });
});
