import { inspect } from 'node:util';
import { HttpSignatureError } from 'svidkit/errors';
import {
  createContentDigest,
  type IncomingRequest,
  type OutgoingRequest,
  readRequestWit,
  type SignRequestOptions,
  signRequest,
  type VerifyRequestOptions,
  verifyRequest,
} from 'svidkit/http-signature';
import { type Authorizer, exactly } from 'svidkit/id';
import { createMemoryReplayStore, type ReplayEntry, type ReplayStore, type ReplayVerdict } from 'svidkit/replay';
import { type UnprovenWit, verifyWit } from 'svidkit/wit';
import { describe, expect, it } from 'vitest';
import {
  AUDIENCE,
  BODY,
  COVERED,
  craft,
  options,
  outcome,
  outgoing,
  pieces,
  sent,
  svid,
  TARGET,
  unproven,
  WIT,
  withFields,
} from '../support/http-signatures.js';
import { keyPair } from '../support/key-pairs.js';
import { rejectionOf } from '../support/rejections.js';
import { bundles, clock, confirmation, NOW, SUBJECT, wit } from '../support/wit-domain.js';

const DIGEST = createContentDigest(BODY);
const other = keyPair('P-256', 'other').privateKey;

describe('a signed request', () => {
  it('proves who sent it, what and for whom', async () => {
    const { request } = await sent(
      { rawHeaders: ['Txn-Token', 'txn', 'Authorization', 'Bearer a', 'X-User', 'u'] },
      { components: ['x-user'], signResponse: true },
    );
    const verified = await verifyWit(readRequestWit(request.rawHeaders), bundles, { clock });
    const caller = await verifyRequest(request, verified, options());
    expect(caller.id.toString()).toBe(SUBJECT);
    expect(caller.claims['exp']).toBe(NOW + 3600);
    expect(caller.proof).toEqual({
      ...{
        kind: 'http-signature',
        draft: 'draft-ietf-wimse-http-signature-07',
        audience: AUDIENCE,
        signResponse: true,
      },
      nonce: expect.stringMatching(/^[\w-]{22}$/),
      createdAt: new Date(NOW * 1000),
      expiresAt: new Date((NOW + 60) * 1000),
    });
    expect(caller.thumbprint).toBe(verified.thumbprint);
    expect(caller.covered).toEqual({
      authorization: true,
      txnToken: true,
      fields: ['content-digest', 'authorization', 'txn-token', 'workload-identity-token', 'x-user'],
    });
    expect(caller.body.state === 'verified' && caller.body.bytes).toEqual(BODY);
    expect([caller, caller.proof, caller.covered].every(Object.isFrozen)).toBe(true);
  });

  it('the hand-made signature of these tests is accepted as it is', async () => {
    expect(await outcome(craft())).toBe('accepted');
    expect(await outcome(craft({ parameters: { 'x-other': '1.5', 'x-more': 'token' } }))).toBe('accepted');
  });

  it('threat 11: nobody makes an UnprovenWit but verifyWit', async () => {
    for (const copy of [{ ...(await unproven()) }, Object.create(await unproven())] as UnprovenWit[]) {
      await expect(verifyRequest(craft(), copy, options())).rejects.toThrow(TypeError);
    }
  });

  it('threat 6: only the key in the WIT counts', async () => {
    expect(await outcome(craft({ key: other }))).toBe('bad_signature');
  });

  it('threat 44: the WIT of the message is the one that was verified', async () => {
    const second = wit({ claims: { sub: 'spiffe://example.org/admin' } });
    expect(await outcome(craft(), {}, second)).toBe('wit_mismatch');
    const swapped = withFields(craft(), { 'Workload-Identity-Token': second });
    expect(await outcome(swapped, {}, second)).toBe('bad_signature');
    expect(await outcome(withFields(craft(), { 'Workload-Identity-Token': `${WIT}=` }))).toBe('bad_header');
    expect(await outcome(withFields(craft(), { 'Workload-Identity-Token': undefined }))).toBe('missing_wit');
  });

  it('a WIT that has expired since it was verified proves nothing', async () => {
    const late = (NOW + 3630) * 1000;
    const parameters = { created: `${NOW + 3600}`, expires: `${NOW + 3690}` };
    const at = (now: number): Promise<string> =>
      outcome(craft({ parameters }), { clock: () => now, replay: createMemoryReplayStore({ clock: () => now }) });
    expect(await at(late - 1)).toBe('accepted');
    expect(await at(late)).toBe('wit_expired');
  });
});

describe('how the signature travels', () => {
  const doubled = (name: string, value: string): IncomingRequest => {
    const request = craft({ rawHeaders: ['Workload-Identity-Token', WIT, name, value] });
    return { ...request, rawHeaders: [...request.rawHeaders, name.toLowerCase(), value] };
  };

  it.each([
    ['Workload-Identity-Token', WIT],
    ['Authorization', 'Bearer a'],
    ['Txn-Token', 'txn'],
    ['Content-Type', 'text/plain'],
    ['Content-Digest', DIGEST],
  ])('threat 30: two %s fields are refused', async (name, value) => {
    expect(await outcome(doubled(name, value))).toBe('duplicate_header');
  });

  it('threat 30: values joined by a comma are refused', async () => {
    const joined = `${WIT}, ${WIT}`;
    expect(await outcome(craft({ rawHeaders: ['Workload-Identity-Token', joined] }))).toBe('bad_header');
    const covered = [...COVERED, '"txn-token"'];
    expect(await outcome(craft({ covered, rawHeaders: ['Workload-Identity-Token', WIT, 'Txn-Token', 'a, b'] }))).toBe(
      'bad_header',
    );
  });

  it('threat 30: Signature and Signature-Input may come in several lines', async () => {
    const { request } = await sent();
    const second = craft({ label: 'proxy', parameters: { tag: '"proxy"' } }).rawHeaders.slice(-4);
    expect(await outcome({ ...request, rawHeaders: [...second, ...request.rawHeaders] })).toBe('accepted');
  });

  it('threat 34: the signature is picked by its tag, whatever its label; two with the tag are refused', async () => {
    expect(await outcome(craft({ label: 'sig1' }))).toBe('accepted');
    const both = { ...craft(), rawHeaders: [...craft().rawHeaders, ...craft({ label: 'b' }).rawHeaders.slice(-4)] };
    expect(await outcome(both)).toBe('ambiguous_signature');
    const unrelated = craft({ label: 'wimse', parameters: { tag: '"other"' } }).rawHeaders.slice(-4);
    expect(await outcome({ ...craft(), rawHeaders: [...craft({ label: 'a' }).rawHeaders, ...unrelated] })).toBe(
      'accepted',
    );
    expect(await outcome(craft({ parameters: { tag: '"other"' } }))).toBe('missing_signature');
    expect(await outcome(craft({ parameters: { tag: 'wimse-workload-to-workload' } }))).toBe('missing_signature');
    expect(await outcome(craft({ parameters: { tag: undefined } }))).toBe('missing_signature');
  });

  it('threat 34: labels that repeat or stand alone are refused', async () => {
    const more = (name: string, value: string): IncomingRequest => {
      const request = craft();
      return { ...request, rawHeaders: [...request.rawHeaders, name, value] };
    };
    expect(await outcome(more('Signature', 'wimse=:AA==:'))).toBe('duplicate_member');
    expect(await outcome(more('Signature-Input', 'wimse=()'))).toBe('duplicate_member');
    expect(await outcome(more('Signature', 'b=:AA==:'))).toBe('unpaired_label');
    expect(await outcome(more('Signature-Input', 'b=()'))).toBe('unpaired_label');
    expect(await outcome(withFields(craft(), { Signature: undefined }))).toBe('unpaired_label');
    expect(await outcome(withFields(craft(), { 'Signature-Input': undefined }))).toBe('unpaired_label');
    expect(await outcome(withFields(craft(), { 'Signature-Input': undefined, Signature: undefined }))).toBe(
      'missing_signature',
    );
  });

  it('threat 45: a Workload Proof Token next to the signature is refused', async () => {
    const proof = ['Workload-Identity-Token', WIT, 'Workload-Proof-Token', 'a.b.c'];
    expect(await outcome(craft({ rawHeaders: proof }))).toBe('two_proofs');
    const rawHeaders = ['Workload-Identity-Token', WIT, 'Authorization', 'wpt a.b.c'];
    expect(await outcome(craft({ rawHeaders, covered: [...COVERED, '"authorization"'] }))).toBe('two_proofs');
  });

  it('threat 11: a WIT in Authorization is refused', async () => {
    const rawHeaders = ['Workload-Identity-Token', WIT, 'Authorization', `Bearer ${WIT}`];
    expect(await outcome(craft({ rawHeaders, covered: [...COVERED, '"authorization"'] }))).toBe('bad_header');
  });

  it('threat 25: huge fields are refused unread', async () => {
    const huge = `wimse=("@method");created=1;nonce="${'a'.repeat(2_000_000)}"`;
    expect(await outcome(withFields(craft(), { 'Signature-Input': huge }))).toBe('too_large');
  });
});

describe('the parameters of the signature', () => {
  it.each([
    ['forbidden_parameter', { keyid: '"k"' }],
    ['forbidden_parameter', { alg: '"ecdsa-p256-sha256"' }],
    ['forbidden_parameter', { 'wimse-req-nonce': '"n"' }],
    ['missing_parameter', { created: undefined }],
    ['missing_parameter', { expires: undefined }],
    ['missing_parameter', { nonce: undefined }],
    ['missing_parameter', { 'wimse-aud': undefined }],
    ['bad_parameter', { created: `${NOW}.0` }],
    ['bad_parameter', { created: `"${NOW}"` }],
    ['bad_parameter', { created: '' }],
    ['bad_parameter', { created: '-1' }],
    ['bad_parameter', { expires: `${NOW + 60}.0` }],
    ['bad_parameter', { expires: `t${NOW}` }],
    ['bad_parameter', { expires: '999999999999999' }],
    ['bad_parameter', { nonce: '7' }],
    ['bad_parameter', { nonce: 'token' }],
    ['bad_parameter', { nonce: '""' }],
    ['bad_parameter', { nonce: `"${'n'.repeat(257)}"` }],
    ['bad_parameter', { nonce: ':AA==:' }],
    ['bad_parameter', { 'wimse-aud': '""' }],
    ['bad_parameter', { 'wimse-aud': 'tools' }],
    ['bad_parameter', { 'wimse-sign-response': '?0' }],
    ['bad_parameter', { 'wimse-sign-response': '1' }],
    ['bad_parameter', { 'wimse-sign-response': '"true"' }],
    ['bad_parameter', { 'wimse-sign-response': 'true' }],
    ['accepted', { 'wimse-sign-response': '' }],
    ['accepted', { 'x-unknown': '?0' }],
  ])('threat 35: %s: %j', async (code, parameters) => {
    expect(await outcome(craft({ parameters }))).toBe(code);
  });

  it('threat 35: a parameter that is there twice is refused', async () => {
    const tail = `;created=${NOW};expires=${NOW + 60};nonce="a";tag="wimse-workload-to-workload";wimse-aud="${AUDIENCE}"`;
    expect(await outcome(craft({ tail }))).toBe('accepted');
    for (const again of [';nonce="b"', ';wimse-aud="x"', `;created=${NOW}`, ';tag="wimse-workload-to-workload"']) {
      expect(await outcome(craft({ tail: tail + again })), again).toBe('duplicate_member');
    }
  });

  it.each([
    ['accepted', NOW, NOW + 300],
    ['accepted', NOW, NOW + 310],
    ['lifetime_too_long', NOW, NOW + 311],
    ['lifetime_too_long', NOW - 300, NOW + 60],
    ['accepted', NOW + 10, NOW + 60],
    ['not_yet_valid', NOW + 11, NOW + 60],
    ['accepted', NOW - 60, NOW - 9],
    ['expired', NOW - 60, NOW - 10],
    ['expires_before_created', NOW + 5, NOW + 4],
    ['accepted', NOW, NOW],
  ])('threat 36: %s: created %i, expires %i', async (code, created, expires) => {
    expect(await outcome(craft({ parameters: { created: `${created}`, expires: `${expires}` } }))).toBe(code);
  });

  it('threat 24: leeway and lifetime are options, and a broken clock refuses', async () => {
    const long = (): IncomingRequest => craft({ parameters: { expires: `${NOW + 601}` } });
    expect(await outcome(long(), { maxLifetimeSeconds: 591 })).toBe('accepted');
    expect(await outcome(long(), { maxLifetimeSeconds: 600, leewaySeconds: 0 })).toBe('lifetime_too_long');
    expect(await outcome(craft({ parameters: { created: `${NOW + 1}` } }), { leewaySeconds: 0 })).toBe('not_yet_valid');
    expect(await outcome(craft(), { clock: () => Number.NaN })).toBe('expired');
  });

  it.each([
    ['accepted', AUDIENCE, AUDIENCE],
    ['accepted', 'HTTPS://TOOLS.example.org:443/orders?x=1', AUDIENCE],
    ['accepted', 'https://tools.example.org', 'https://tools.example.org/'],
    ['accepted', 'orders-service', 'orders-service'],
    ['wrong_audience', 'Orders-Service', 'orders-service'],
    ['wrong_audience', `${AUDIENCE}/`, AUDIENCE],
    ['wrong_audience', 'https://tools.example.org/Orders', AUDIENCE],
    ['wrong_audience', 'https://tools.example.org/x/../orders', AUDIENCE],
    ['wrong_audience', 'https://tools.example.org/%6frders', AUDIENCE],
    ['wrong_audience', 'http://tools.example.org/orders', AUDIENCE],
    ['wrong_audience', 'https://tools.example.org:8443/orders', AUDIENCE],
    ['wrong_audience', 'https://u@tools.example.org/orders', AUDIENCE],
  ])('threat 12: %s: wimse-aud %s for %s', async (code, aud, audiences) => {
    expect(await outcome(craft({ parameters: { 'wimse-aud': `"${aud}"` } }), { audiences })).toBe(code);
  });

  it('threat 12: Host, forwarding fields and an absolute target do not make an audience ours', async () => {
    const aud = 'https://attacker.example/orders';
    const rawHeaders = [
      'Host',
      'attacker.example',
      'X-Forwarded-Host',
      'attacker.example',
      ':authority',
      'attacker.example',
    ];
    const request = craft({
      target: aud,
      rawHeaders: [...rawHeaders, 'Workload-Identity-Token', WIT],
      parameters: { 'wimse-aud': `"${aud}"` },
      values: { '"@path"': '/orders', '"@query"': '?' },
    });
    expect(await outcome(request)).toBe('wrong_audience');
    expect(await outcome(request, { audiences: [AUDIENCE, aud] })).toBe('accepted');
  });
});

describe('what the signature covers', () => {
  it.each(COVERED)('threat 37: %s must be covered', async (missing) => {
    const covered = COVERED.filter((identifier) => identifier !== missing);
    expect(await outcome(craft({ covered }))).toBe('not_covered');
  });

  it.each([
    ['Content-Type', 'text/plain'],
    ['Content-Digest', createContentDigest(new Uint8Array())],
    ['Authorization', 'Bearer a'],
    ['Txn-Token', 'txn'],
  ])('threat 37: %s must be covered when it is there, and stay as it was', async (name, value) => {
    const rawHeaders = ['Workload-Identity-Token', WIT, name, value];
    expect(await outcome(craft({ rawHeaders }))).toBe('not_covered');
    const covered = [...COVERED, `"${name.toLowerCase()}"`];
    expect(await outcome(craft({ rawHeaders, covered }))).toBe('accepted');
    expect(await outcome(withFields(craft(), { [name]: value }))).toBe('not_covered');
    expect(await outcome(withFields(craft({ rawHeaders, covered }), { [name]: undefined }))).toBe('missing_component');
    const other = name === 'Content-Digest' ? createContentDigest(BODY) : 'other';
    expect(await outcome(withFields(craft({ rawHeaders, covered }), { [name]: other }))).toBe('bad_signature');
  });

  it.each([
    ['"@method"', '"@method"', 'duplicate_component'],
    ['"workload-identity-token"', '"workload-identity-token"', 'duplicate_component'],
    ['"@signature-params"', '', 'bad_component'],
    ['"Content-Type"', 'x', 'bad_component'],
    ['"@unknown"', 'x', 'bad_component'],
    ['"@status"', '200', 'bad_component'],
    ['"content-type";req', 'text/plain', 'bad_component'],
    ['"@method";req', 'GET', 'bad_component'],
    ['"content-type";sf', 'text/plain', 'bad_component'],
    ['"content-type";bs', ':dGV4dC9wbGFpbg==:', 'bad_component'],
    ['"workload-identity-token";bs', 'x', 'bad_component'],
    ['"authorization";key="a"', 'x', 'bad_component'],
    ['"content-type";tr', 'text/plain', 'unsupported_component'],
    ['"content-type";other', 'text/plain', 'bad_component'],
    ['"x-absent"', 'x', 'missing_component'],
    ['"x-user";sf', 'u', 'unsupported_component'],
    ['"x-user";bs', ':dQ==:', 'accepted'],
    ['"x-user"', 'u', 'accepted'],
    ['"@authority"', 'tools.example.org', 'accepted'],
    ['"@target-uri"', 'https://tools.example.org/orders', 'missing_component'],
  ])('threat 38: covering %s as well, with %j: %s', async (identifier, value, code) => {
    const rawHeaders = [
      'Workload-Identity-Token',
      WIT,
      'Content-Type',
      'text/plain',
      'X-User',
      'u',
      'Host',
      'tools.example.org',
    ];
    const covered = [...COVERED, '"content-type"', identifier];
    expect(await outcome(craft({ rawHeaders, covered, values: { [identifier]: value } }))).toBe(code);
  });

  it('threat 37: what is covered in another reading only does not count as covered', async () => {
    const rawHeaders = ['Workload-Identity-Token', WIT, 'X-User', 'u'];
    const request = craft({ rawHeaders, covered: [...COVERED, '"x-user";bs'], values: { '"x-user";bs': ':dQ==:' } });
    const caller = await verifyRequest(request, await unproven(), options());
    expect(caller.covered.fields).toEqual(['workload-identity-token']);
  });

  it('threat 39: values with line breaks or beyond ASCII are refused, even when they were signed', async () => {
    const covered = [...COVERED, '"x-user"'];
    for (const value of ['u\r\n"@method": GET', 'u\nv', 'u\r\n v', '\u00e9', 'u\0']) {
      const rawHeaders = ['Workload-Identity-Token', WIT, 'X-User', value];
      expect(await outcome(craft({ rawHeaders, covered })), JSON.stringify(value)).toBe('bad_component_value');
    }
    expect(await outcome(craft({ target: '/a\n"@query": ?' }))).toBe('bad_component_value');
  });

  it('threat 39: a value that spells lines of the base is one value', async () => {
    const rawHeaders = ['Workload-Identity-Token', WIT, 'X-User', 'u "@method": GET'];
    expect(await outcome(craft({ rawHeaders, covered: [...COVERED, '"x-user"'] }))).toBe('accepted');
  });

  it.each([
    ['" "', '"  "'],
    ['("', '( "'],
    ['")', '" )'],
    [';nonce', '; nonce'],
    [';created=', ';created=0'],
    [';nonce', ';x=?1;nonce'],
  ])('threat 39: Signature-Input with %j written as %j is refused', async (from, to) => {
    const request = craft();
    const input = request.rawHeaders[request.rawHeaders.indexOf('Signature-Input') + 1] ?? '';
    expect(await outcome(withFields(request, { 'Signature-Input': input.replace(from, to) }))).toBe('not_canonical');
    expect(await outcome(withFields(request, { 'Signature-Input': `  ${input} ` }))).toBe('accepted');
  });
});

describe('the request target', () => {
  it('threat 41: method, path and query are bound', async () => {
    const { request } = await sent();
    expect(await outcome({ ...request, method: 'PUT' })).toBe('bad_signature');
    expect(await outcome({ ...request, method: 'post' })).toBe('bad_signature');
    for (const target of [
      '/orders',
      '/orders?',
      '/orders?item=Book',
      '/Orders?item=book',
      '//orders?item=book',
      '/orders/?item=book',
      '/%6frders?item=book',
      '/x/../orders?item=book',
    ]) {
      expect(await outcome({ ...request, target }), target).toBe('bad_signature');
    }
    expect(await outcome(request)).toBe('accepted');
  });

  it('threat 41: -07 binds path and query, so that origin and absolute form are one; -06 the target as it stands', async () => {
    const absolute = `https://tools.example.org${TARGET}`;
    const { request } = await sent();
    expect(await outcome({ ...request, target: absolute })).toBe('accepted');
    const draft = 'draft-ietf-wimse-http-signature-06' as const;
    const { request: older } = await sent({}, { draft });
    expect(await outcome({ ...older, target: absolute }, { drafts: [draft] })).toBe('bad_signature');
    expect(await outcome(older, { drafts: [draft] })).toBe('accepted');
  });

  it('threat 41: a target without a path can be signed by -06 only', async () => {
    const draft = 'draft-ietf-wimse-http-signature-06' as const;
    for (const [method, target] of [
      ['OPTIONS', '*'],
      ['CONNECT', 'tools.example.org:443'],
    ] as const) {
      const message = { method, target, body: null, rawHeaders: [] };
      expect(await rejectionOf(sent(message))).toBe('missing_component');
      const { request } = await sent(message, { draft });
      expect(await outcome(request, { drafts: [draft] })).toBe('accepted');
    }
  });

  it('an empty query and none are told apart by -06 only', async () => {
    const { request } = await sent({ target: '/orders' });
    expect(await outcome({ ...request, target: '/orders?' })).toBe('accepted');
    const draft = 'draft-ietf-wimse-http-signature-06' as const;
    const { request: older } = await sent({ target: '/orders' }, { draft });
    expect(await outcome({ ...older, target: '/orders?' }, { drafts: [draft] })).toBe('bad_signature');
  });

  it('a draft that is not accepted is refused; of several accepted, the one covered is named', async () => {
    const drafts = ['draft-ietf-wimse-http-signature-07', 'draft-ietf-wimse-http-signature-06'] as const;
    const { request } = await sent({}, { draft: drafts[1] });
    expect(await outcome(request)).toBe('not_covered');
    const caller = await verifyRequest(request, await unproven(), options({ drafts }));
    expect(caller.proof.draft).toBe(drafts[1]);
  });
});

describe('the body', () => {
  const post = (rawHeaders: readonly string[]): IncomingRequest => {
    const covered = [...COVERED, ...(rawHeaders.includes('Content-Digest') ? ['"content-digest"'] : [])];
    return craft({ method: 'POST', covered, rawHeaders: ['Workload-Identity-Token', WIT, ...rawHeaders] });
  };

  it.each([
    ['bytes', () => BODY],
    ['pieces', () => pieces([BODY.subarray(0, 3), '', BODY.subarray(3)])],
  ])('threat 40: as %s, must be the one of the digest', async (_, body) => {
    const { request } = await sent();
    const caller = await verifyRequest({ ...request, body: body() }, await unproven(), options());
    expect(caller.body).toMatchObject({ state: 'verified' });
    expect(caller.body.state === 'verified' && Buffer.from(caller.body.bytes).toString()).toBe('{"item":"book"}');
  });

  it.each([
    ['digest_mismatch', Buffer.from('{"item":"bomb"}')],
    ['digest_mismatch', new Uint8Array()],
    ['digest_mismatch', Buffer.concat([BODY, Buffer.of(0)])],
    ['digest_mismatch', pieces(['{"item":', '"bomb"}'])],
    ['digest_mismatch', pieces([])],
    ['digest_mismatch', null],
  ])('threat 40: %s: another body', async (code, body) => {
    const { request } = await sent();
    expect(await outcome({ ...request, body })).toBe(code);
  });

  it.each([
    ['missing_content_digest', []],
    ['unsupported_digest', ['Content-Digest', 'sha3-256=:AA==:']],
    ['unsupported_digest', ['Content-Digest', '']],
    ['weak_digest', ['Content-Digest', 'md5=:AA==:']],
    ['weak_digest', ['Content-Digest', `${DIGEST}, sha=:AA==:`]],
    ['bad_structured_field', ['Content-Digest', 'sha-256="AA=="']],
    ['bad_structured_field', ['Content-Digest', DIGEST.replace('=:', ':')]],
    ['duplicate_member', ['Content-Digest', `${DIGEST}, ${DIGEST}`]],
    ['digest_mismatch', ['Content-Digest', `${DIGEST}, sha-512=:AA==:`]],
    ['digest_mismatch', ['Content-Digest', createContentDigest(Buffer.from('x'))]],
    ['accepted', ['Content-Digest', `${DIGEST}, sha3-256=:AA==:`]],
    ['accepted', ['Content-Digest', createContentDigest(BODY, ['sha-512', 'sha-256'])]],
  ])('threat 40: %s: a body with %j', async (code, fields) => {
    expect(await outcome({ ...post(fields), body: BODY })).toBe(code);
    expect(await outcome({ ...post(fields), body: pieces([BODY]) })).toBe(code);
  });

  it('threat 40: no result is had for a body that was not given', async () => {
    for (const fields of [
      ['Content-Length', '15'],
      ['Content-Length', '0', 'Content-Length', '15'],
      ['Transfer-Encoding', 'chunked'],
    ]) {
      expect(await outcome(post(fields)), fields.join()).toBe('body_not_given');
      expect(await outcome({ ...post(fields), body: BODY }), fields.join()).toBe('missing_content_digest');
    }
    expect(await outcome(post(['Content-Length', '0']))).toBe('accepted');
    for (const body of [undefined, '{"item":"book"}', {}, [BODY]]) {
      const request = { ...post([]), body } as unknown as IncomingRequest;
      await expect(verifyRequest(request, await unproven(), options()), String(body)).rejects.toThrow(TypeError);
    }
  });

  it('threat 40: an empty body needs no digest', async () => {
    expect(await outcome({ ...post([]), body: new Uint8Array() })).toBe('accepted');
    expect(await outcome({ ...post([]), body: pieces(['', '']) })).toBe('accepted');
  });

  it('threat 40: a long body comes in pieces, the last one after its digest matched', async () => {
    const chunks = ['a'.repeat(10), 'b'.repeat(10), 'c'.repeat(10), 'd'];
    const { request } = await sent({ body: Buffer.from(chunks.join('')) });
    const caller = await verifyRequest(
      { ...request, body: pieces(chunks) },
      await unproven(),
      options({ maxBufferedBytes: 15 }),
    );
    if (caller.body.state !== 'verifying') throw new Error('the body was held back');
    const seen: string[] = [];
    for await (const chunk of caller.body) seen.push(Buffer.from(chunk).toString());
    expect(seen).toEqual(chunks);
  });

  it('threat 40: a long body that was changed ends in an error, before its last piece', async () => {
    const { request } = await sent({ body: Buffer.from('aaaabbbbcccc') });
    const source = pieces(['aaaa', 'bbbb', 'cccC']);
    const caller = await verifyRequest(
      { ...request, body: source },
      await unproven(),
      options({ maxBufferedBytes: 5 }),
    );
    if (caller.body.state !== 'verifying') throw new Error('the body was held back');
    const seen: string[] = [];
    const read = async (content: AsyncIterable<Uint8Array>): Promise<void> => {
      for await (const chunk of content) seen.push(Buffer.from(chunk).toString());
    };
    expect(await rejectionOf(read(caller.body))).toBe('digest_mismatch');
    expect(seen).toEqual(['aaaa', 'bbbb']);
    await expect(read(caller.body)).rejects.toThrow(TypeError);
  });

  it('is not read before the authorizer has said yes', async () => {
    const { request } = await sent();
    const body = pieces([BODY]);
    expect(await outcome({ ...request, body }, { authorize: () => false })).toBe('not_authorized');
    expect(body.state()).toBe('unread');
  });

  it('stops waiting when it is told to', async () => {
    const { request } = await sent();
    const abort = new AbortController();
    const body = {
      [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => abort.abort(new Error('enough'))) }),
    };
    await expect(outcome({ ...request, body }, { signal: abort.signal })).rejects.toThrow('enough');
  });
});

describe('who may', () => {
  it('threat 33: an authorizer, audiences and a replay store are mandatory', async () => {
    for (const changes of [
      { authorize: undefined },
      { authorize: true },
      { replay: undefined },
      { replay: {} },
      { audiences: undefined },
      { audiences: [] },
      { audiences: '' },
      { audiences: [''] },
      { drafts: [] },
      { drafts: ['draft-ietf-wimse-http-signature-05'] },
      { maxLifetimeSeconds: 0 },
      { maxLifetimeSeconds: 3601 },
      { leewaySeconds: 61 },
      { maxBufferedBytes: -1 },
    ]) {
      const run = outcome(craft(), changes as unknown as Partial<VerifyRequestOptions>);
      await expect(run, inspect(changes)).rejects.toThrow(TypeError);
    }
    const nothing = undefined as unknown as VerifyRequestOptions;
    await expect(verifyRequest(craft(), await unproven(), nothing)).rejects.toThrow(TypeError);
  });

  it.each([
    ['undefined', () => undefined],
    ['a text', () => 'yes'],
    ['a promise of true', async () => true],
    ['a promise that fails', () => Promise.reject(new Error('later'))],
  ])('threat 33: an answer of %s is no permission', async (_, authorize) => {
    expect(await outcome(craft(), { authorize: authorize as unknown as Authorizer })).toBe('not_authorized');
  });

  it('threat 33: an authorizer that throws refuses, with the cause kept', async () => {
    const cause = new Error('policy engine down');
    const authorize = (): never => {
      throw cause;
    };
    const error = await verifyRequest(craft(), await unproven(), options({ authorize })).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(HttpSignatureError);
    expect(error).toMatchObject({ code: 'not_authorized', cause });
  });

  it('threat 32: the identifier is compared as a whole', async () => {
    expect(await outcome(craft(), { authorize: exactly(SUBJECT) })).toBe('accepted');
    expect(await outcome(craft(), { authorize: exactly(`${SUBJECT}2`) })).toBe('not_authorized');
  });

  it('the authorizer is asked after everything about the signature held, and before it is remembered', async () => {
    const asked: string[] = [];
    const authorize: Authorizer = (id) => asked.push(id.toString()) < 0;
    const replay = createMemoryReplayStore({ clock });
    const bad = [
      craft({ key: other }),
      craft({ parameters: { expires: `${NOW - 60}`, created: `${NOW - 90}` } }),
      craft({ parameters: { 'wimse-aud': '"x"' } }),
      craft({ covered: [] }),
    ];
    for (const request of bad) await outcome(request, { authorize, replay });
    expect(asked).toEqual([]);
    expect(await outcome(craft(), { authorize, replay })).toBe('not_authorized');
    expect(asked).toEqual([SUBJECT]);
    expect(replay.size).toBe(0);
  });
});

describe('replay', () => {
  it('threat 42: threat 17: a signature is accepted once, also of twenty at once', async () => {
    const replay = createMemoryReplayStore({ clock });
    const { request } = await sent();
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => outcome(request, { replay })));
    expect(outcomes.filter((code) => code === 'accepted')).toHaveLength(1);
    expect(outcomes.filter((code) => code === 'replayed')).toHaveLength(19);
    expect(await outcome((await sent()).request, { replay })).toBe('accepted');
  });

  it('threat 42: threat 18: only what held is remembered, a wrong body included', async () => {
    const replay = createMemoryReplayStore({ clock });
    const { request } = await sent();
    expect(await outcome({ ...request, body: Buffer.from('x') }, { replay })).toBe('digest_mismatch');
    for (let index = 0; index < 20; index += 1) await outcome(craft({ key: other }), { replay });
    expect(replay.size).toBe(0);
    expect(await outcome(request, { replay })).toBe('accepted');
  });

  it('threat 42: threat 18: an entry is kept until the signature cannot be accepted any more', async () => {
    const seen: ReplayEntry[] = [];
    const replay: ReplayStore = { insert: async (entry) => (seen.push({ ...entry }) > 0 ? 'fresh' : 'full') };
    await outcome(craft({ parameters: { nonce: '"the-nonce"' } }), { replay, leewaySeconds: 7 });
    expect(seen).toEqual([
      { key: expect.stringMatching(/^[\w-]{43}$/), sender: SUBJECT, expiresAt: (NOW + 67) * 1000 },
    ]);
    expect(JSON.stringify(seen)).not.toContain('the-nonce');
  });

  it('threat 42: threat 19: a nonce is of one key: two senders do not burn each other’s', async () => {
    const replay = createMemoryReplayStore({ clock });
    const parameters = { nonce: '"same"' };
    expect(await outcome(craft({ parameters }), { replay })).toBe('accepted');
    const token = wit({ claims: { cnf: confirmation(other, 'ES256') } });
    const rawHeaders = ['Workload-Identity-Token', token];
    expect(await outcome(craft({ parameters, rawHeaders, key: other }), { replay }, token)).toBe('accepted');
    expect(await outcome(craft({ parameters }), { replay })).toBe('replayed');
  });

  it('threat 42: threat 20: the high-S twin of a signature is a replay', async () => {
    const replay = createMemoryReplayStore({ clock });
    const request = craft();
    const text = request.rawHeaders[request.rawHeaders.indexOf('Signature') + 1] ?? '';
    const signature = Buffer.from(text.slice('wimse=:'.length, -1), 'base64');
    const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
    const s = order - BigInt(`0x${signature.subarray(32).toString('hex')}`);
    const twin = Buffer.concat([signature.subarray(0, 32), Buffer.from(s.toString(16).padStart(64, '0'), 'hex')]);
    expect(await outcome(request, { replay })).toBe('accepted');
    const again = withFields(request, { Signature: `wimse=:${twin.toString('base64')}:` });
    expect(await outcome(again, { replay })).toBe('replayed');
    expect(await outcome(again)).toBe('accepted');
  });

  it.each<[string, () => Promise<ReplayVerdict>]>([
    ['replay_store_full', async () => 'full'],
    ['replay_store_full', async () => 'sender_full'],
    ['replay_store_failed', async () => 'ok' as ReplayVerdict],
    ['replay_store_failed', async () => undefined as unknown as ReplayVerdict],
    ['replay_store_failed', () => Promise.reject(new Error('down'))],
  ])('threat 42: %s when the store does not say fresh', async (code, insert) => {
    expect(await outcome(craft(), { replay: { insert } })).toBe(code);
  });
});

describe('signing a request', () => {
  const sign = (message: Partial<OutgoingRequest> = {}, changes: Partial<SignRequestOptions> = {}) =>
    signRequest(svid, outgoing(message), { audience: AUDIENCE, clock, ...changes });

  it('threat 47: does not make what a verifier refuses', async () => {
    expect(await rejectionOf(sign({ rawHeaders: ['Txn-Token', 'a b'] }))).toBe('bad_header');
    expect(await rejectionOf(sign({ rawHeaders: ['Authorization', `Bearer ${WIT}`] }))).toBe('bad_header');
    expect(await rejectionOf(sign({ rawHeaders: ['Authorization', 'WPT a'] }))).toBe('two_proofs');
    expect(await rejectionOf(sign({ rawHeaders: ['Txn-Token', 'a', 'txn-token', 'b'] }))).toBe('duplicate_header');
    expect(await rejectionOf(sign({ rawHeaders: ['Content-Type', 'text/\u00e9'] }))).toBe('bad_component_value');
    expect(await rejectionOf(sign({ body: null, rawHeaders: ['Content-Length', '5'] }))).toBe('body_not_given');
    expect(await rejectionOf(sign({ body: undefined }))).toBe('missing_content_digest');
    expect(await rejectionOf(sign({ rawHeaders: ['Content-Digest', createContentDigest(Buffer.from('x'))] }))).toBe(
      'digest_mismatch',
    );
    expect(await rejectionOf(sign({ body: undefined, rawHeaders: ['Content-Digest', 'md5=:AA==:'] }))).toBe(
      'weak_digest',
    );
    expect(await rejectionOf(sign({}, { clock: () => (NOW + 3600) * 1000 }))).toBe('wit_expired');
    for (const [message, changes] of [
      [{ rawHeaders: ['Workload-Identity-Token', WIT] }, {}],
      [{ body: 'text' }, {}],
      [{}, { audience: '' }],
      [{}, { audience: undefined }],
      [{}, { audience: 'https://t\u00e9.example' }],
      [{}, { lifetimeSeconds: 301 }],
      [{}, { lifetimeSeconds: 0 }],
      [{}, { draft: 'draft-ietf-wimse-http-signature-05' }],
      [{}, { label: 'Wimse' }],
    ] as const) {
      const run = sign(message as Partial<OutgoingRequest>, changes as unknown as Partial<SignRequestOptions>);
      await expect(run, inspect([message, changes])).rejects.toThrow(TypeError);
    }
  });

  it('a digest that was given is used, also for a body that is not held', async () => {
    const rawHeaders = ['Content-Digest', createContentDigest(BODY, ['sha-512'])];
    const signed = await sign({ body: undefined, rawHeaders });
    expect(signed.fields.map(([name]) => name)).toEqual(['Workload-Identity-Token', 'Signature-Input', 'Signature']);
    const request = { ...outgoing({ rawHeaders: [...rawHeaders, ...signed.fields.flat()] }), body: pieces([BODY]) };
    expect(await outcome(request)).toBe('accepted');
  });

  it('does not outlive the WIT, and cuts query and fragment off the audience', async () => {
    const signed = await sign({}, { clock: () => (NOW + 3590) * 1000, audience: `${AUDIENCE}?x#y` });
    const input = signed.fields.find(([name]) => name === 'Signature-Input')?.[1];
    expect(input).toContain(`;created=${NOW + 3590};expires=${NOW + 3600};`);
    expect(input).toContain(`;wimse-aud="${AUDIENCE}"`);
    expect(input).not.toContain('wimse-sign-response');
  });

  it('works with a key that is held elsewhere, if it is the one in the WIT', async () => {
    const { signer, expiresAt } = svid;
    const remote = {
      alg: signer.alg,
      publicKey: signer.publicKey,
      sign: async (input: Uint8Array) => signer.sign(input),
    };
    const credential = { token: WIT, key: remote, alg: 'ES256' as const, expiresAt };
    const signed = await signRequest(credential, outgoing(), { audience: AUDIENCE, clock });
    expect(
      await outcome({ ...outgoing({ rawHeaders: [...outgoing().rawHeaders, ...signed.fields.flat()] }), body: BODY }),
    ).toBe('accepted');
    const wrong = { ...credential, key: other };
    await expect(signRequest(wrong, outgoing(), { audience: AUDIENCE, clock })).rejects.toThrow(TypeError);
    const elliptic = { ...credential, key: keyPair('P-384').privateKey, alg: 'ES384' as const };
    expect(await rejectionOf(signRequest(elliptic, outgoing(), { audience: AUDIENCE, clock }))).toBe('alg_mismatch');
    const broken = { ...credential, key: { ...remote, sign: () => new Uint8Array(64) } };
    await expect(signRequest(broken, outgoing(), { audience: AUDIENCE, clock })).rejects.toThrow(TypeError);
    const noWit = { ...credential, token: 'e30.e30.AA' };
    await expect(signRequest(noWit, outgoing(), { audience: AUDIENCE, clock })).rejects.toThrow(TypeError);
  });
});
