import { once } from 'node:events';
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import {
  type Caller,
  createRequestAuthenticator,
  type ProofMechanism,
  type RequestAuthenticator,
  requireCaller,
  type SignatureCaller,
  type WptCaller,
} from 'svidkit/http';
import { createContentDigest, signRequest, signResponse } from 'svidkit/http-signature';
import { anyId, exactly } from 'svidkit/id';
import { createMemoryReplayStore } from 'svidkit/replay';
import { mintWpt } from 'svidkit/wpt';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { outgoing, svid, WIT } from '../support/http-signatures.js';
import { serveHttp } from '../support/raw-http.js';
import { rejectionOf } from '../support/rejections.js';
import {
  changed,
  fieldIn,
  ORIGIN,
  type RawRequest,
  type ServeOptions,
  type SignedServer,
  send,
  serveSigned,
  signedLines,
} from '../support/signed-http.js';
import { until } from '../support/until.js';
import { visibleForms } from '../support/visible-forms.js';
import { bundles, clock, NOW, SUBJECT, wit } from '../support/wit-domain.js';

const BODY = '{"item":"book"}';
const BOTH: ServeOptions = { mechanisms: ['wpt', 'http-signature'] };
const wptFields = async (audience = `${ORIGIN}/orders`): Promise<string> =>
  `WPT ${await mintWpt(svid, { audience, clock })}`;

/** Status and rule; whoever was refused is not told the rule, and the handler does not hear of him. */
async function refused(server: SignedServer, request: RawRequest): Promise<[number, string | undefined]> {
  const { status, head, body } = await send(server.port, request);
  expect(server.callers).toEqual([]);
  expect(head + body).not.toContain(server.refusal() ?? 'accepted');
  expect(server.refusals.at(-1)?.status).toBe(status);
  return [status, server.refusal()];
}

const refusedAlone = async (request: RawRequest, options?: ServeOptions): Promise<[number, string | undefined]> =>
  refused(await serveSigned(options), request);

describe('a signed request is authenticated', () => {
  it('and the handler has the verified body', async () => {
    const server = await serveSigned();
    const answer = await send(server.port, await signedLines({ body: BODY }));
    expect(answer).toMatchObject({ status: 200, body: BODY });
    const [caller] = server.callers;
    expect(caller?.id.toString()).toBe(SUBJECT);
    expect(caller?.proof).toMatchObject({ kind: 'http-signature', audience: `${ORIGIN}/orders`, signResponse: false });
    expect(caller?.covered).toEqual({
      ...{ authorization: false, txnToken: false },
      fields: ['content-digest', 'workload-identity-token'],
    });
    expect(Buffer.from(caller?.body?.bytes ?? []).toString()).toBe(BODY);
  });

  it('without a body, in any method, with tokens that the signature covers', async () => {
    const server = await serveSigned();
    const fields = ['Host: x', 'Authorization: Bearer at', 'Txn-Token: tt'];
    for (const method of ['GET', 'DELETE', 'PROPFIND', 'POST']) {
      expect(await send(server.port, await signedLines({ method, fields }))).toMatchObject({ status: 200, body: '' });
    }
    expect(server.callers.map(({ covered }) => 'authorization' in covered && covered.authorization)).toEqual(
      new Array(4).fill(true),
    );
  });

  it('with a body of no announced length, in chunks', async () => {
    const server = await serveSigned();
    const signed = changed(await signedLines({ body: 'abcdef' }), {
      'Content-Length': undefined,
      'Transfer-Encoding': 'chunked',
    });
    expect(await send(server.port, { ...signed, body: '2\r\nab\r\n4\r\ncdef\r\n0\r\n\r\n' })).toMatchObject({
      status: 200,
      body: 'abcdef',
    });
  });

  it('with the body as it came, before its coding is undone', async () => {
    const coded = gzipSync(BODY);
    const request = { ...outgoing({ rawHeaders: ['Content-Encoding', 'gzip'], body: coded }), target: '/orders' };
    const signed = await signRequest(svid, request, { audience: ORIGIN, clock });
    const authenticate = createRequestAuthenticator(authenticating());
    const rawHeaders = [...request.rawHeaders, ...signed.fields.flat()];
    const caller = await authenticate({ method: 'POST', url: '/orders', rawHeaders }, { body: coded });
    expect(Buffer.from(caller.body.bytes)).toEqual(coded);
  });

  it('for the target before a framework rewrote it', async () => {
    const request = outgoing();
    const signed = await signRequest(svid, request, { audience: `${ORIGIN}/orders`, clock });
    const rawHeaders = [...request.rawHeaders, ...signed.fields.flat()];
    const received = { method: 'POST', url: '/', originalUrl: request.target, rawHeaders };
    const caller = await createRequestAuthenticator(authenticating())(received, { body: Buffer.from(BODY) });
    expect(caller.proof.audience).toBe(`${ORIGIN}/orders`);
  });

  it('or by a proof token, where both are accepted', async () => {
    const server = await serveSigned(BOTH);
    const fields = ['Host: x', `Workload-Identity-Token: ${WIT}`, `Authorization: ${await wptFields()}`];
    const answers = [
      await send(server.port, { method: 'GET', target: '/orders', fields, body: '' }),
      await send(server.port, await signedLines({ body: BODY })),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(server.callers.map(({ proof }) => proof.kind)).toEqual(['wpt', 'http-signature']);
    expect(server.callers.map(({ body }) => body?.state)).toEqual([undefined, 'verified']);
  });

  it('and its caller shows no token', async () => {
    const server = await serveSigned();
    const request = await signedLines({ body: BODY });
    await send(server.port, request);
    const forms = visibleForms(server.callers[0]).join('\n');
    for (const secret of [...WIT.split('.'), fieldIn(request, 'Signature').slice(8, 60)]) {
      expect(forms).not.toContain(secret);
    }
  });

  it('by the older draft, where that is accepted', async () => {
    const request = outgoing();
    const draft = 'draft-ietf-wimse-http-signature-06';
    const signed = await signRequest(svid, request, { audience: `${ORIGIN}/orders`, draft, clock });
    const received = {
      ...{ method: 'POST', url: request.target },
      rawHeaders: [...request.rawHeaders, ...signed.fields.flat()],
    };
    const body = Buffer.from(BODY);
    expect(await rejectionOf(createRequestAuthenticator(authenticating())(received, { body }))).toBe('not_covered');
    const accepting = createRequestAuthenticator({ ...authenticating(), signatureDrafts: [draft] });
    expect((await accepting(received, { body })).proof.draft).toBe(draft);
  });
});

const authenticating = () => ({
  ...{ bundles, audiences: ORIGIN, authorize: anyId(), clock },
  mechanisms: ['http-signature'] as const,
  replay: createMemoryReplayStore({ clock }),
});

describe('a signed request is refused', () => {
  it('threat 34: when a signature field is doubled, several signatures prove, or a label is in one field only', async () => {
    const request = await signedLines();
    const [input, signature] = [fieldIn(request, 'Signature-Input'), fieldIn(request, 'Signature')];
    const doubled = { ...request, fields: [...request.fields, `Signature: ${signature}`] };
    expect(await refusedAlone(doubled)).toEqual([400, 'duplicate_member']);
    const twice = { ...request, fields: [...request.fields, `signature-input: ${input}`] };
    expect(await refusedAlone(twice)).toEqual([400, 'duplicate_member']);
    const second = changed(request, {
      'Signature-Input': `${input}, other${input.slice('wimse'.length)}`,
      Signature: `${signature}, other${signature.slice('wimse'.length)}`,
    });
    expect(await refusedAlone(second)).toEqual([400, 'ambiguous_signature']);
    expect(await refusedAlone(changed(request, { Signature: undefined }))).toEqual([400, 'unpaired_label']);
    const renamed = changed(request, { Signature: `other${signature.slice('wimse'.length)}` });
    expect(await refusedAlone(renamed)).toEqual([400, 'unpaired_label']);
  });

  it('threat 35: when a parameter is changed or added', async () => {
    const request = await signedLines();
    const input = fieldIn(request, 'Signature-Input');
    const withInput = (text: string): RawRequest => changed(request, { 'Signature-Input': text });
    expect(await refusedAlone(withInput(`${input};keyid="k1"`))).toEqual([400, 'forbidden_parameter']);
    expect(await refusedAlone(withInput(`${input};wimse-sign-response=?0`))).toEqual([400, 'bad_parameter']);
    expect(await refusedAlone(withInput(`${input};wimse-sign-response`))).toEqual([400, 'bad_signature']);
    expect(await refusedAlone(withInput(input.replace(/nonce="[^"]*"/, 'nonce="other"')))).toEqual([
      400,
      'bad_signature',
    ]);
  });

  it('threat 36: when it is used after its time', async () => {
    const later = { clock: () => (NOW + 71) * 1000 };
    expect(await refusedAlone(await signedLines(), later)).toEqual([400, 'expired']);
    const earlier = { clock: () => (NOW - 11) * 1000 };
    expect(await refusedAlone(await signedLines(), earlier)).toEqual([400, 'not_yet_valid']);
  });

  it('threat 37: when a field of the profile comes in on the way, once or twice', async () => {
    const request = await signedLines({ body: BODY });
    for (const line of ['Authorization: Bearer stolen', 'Txn-Token: tt', 'Content-Type: text/plain']) {
      expect(await refusedAlone({ ...request, fields: [...request.fields, line] })).toEqual([400, 'not_covered']);
    }
    for (const line of [`Workload-Identity-Token: ${WIT}`, 'Content-Digest: sha-256=:AAAA:']) {
      expect(await refusedAlone({ ...request, fields: [line, ...request.fields] })).toEqual([400, 'duplicate_header']);
    }
    const covered = await signedLines({ fields: ['Host: x', 'Authorization: Bearer at', 'Content-Type: text/plain'] });
    expect(await refusedAlone(changed(covered, { Authorization: 'Bearer other' }))).toEqual([400, 'bad_signature']);
    expect(await refusedAlone(changed(covered, { 'Content-Type': undefined }))).toEqual([400, 'missing_component']);
  });

  it('threat 39: when a covered value is more than ASCII', async () => {
    const request = await signedLines({ fields: ['Host: x', 'Content-Type: text/plain'] });
    expect(await refusedAlone(changed(request, { 'Content-Type': 'text/pl\u00e4in' }))).toEqual([
      400,
      'bad_component_value',
    ]);
  });

  it('threat 40: when its body is changed, added, cut off or taken away', async () => {
    const request = await signedLines({ body: BODY });
    expect(await refusedAlone({ ...request, body: BODY.replace('book', 'bomb') })).toEqual([400, 'digest_mismatch']);
    expect(await refusedAlone(changed({ ...request, body: '' }, { 'Content-Length': '0' }))).toEqual([
      400,
      'digest_mismatch',
    ]);
    const digest = { 'Content-Digest': createContentDigest(Buffer.from('x')) };
    expect(await refusedAlone(changed({ ...request, body: 'x' }, { ...digest, 'Content-Length': '1' }))).toEqual([
      400,
      'bad_signature',
    ]);
    const without = await signedLines();
    expect(await refusedAlone(changed({ ...without, body: 'x' }, { 'Content-Length': '1' }))).toEqual([
      400,
      'missing_content_digest',
    ]);
    const chunks = changed({ ...without, body: '1\r\nx\r\n0\r\n\r\n' }, { 'Transfer-Encoding': 'chunked' });
    expect(await refusedAlone(chunks)).toEqual([400, 'missing_content_digest']);
  });

  it('threat 40: when only the trailers have its digest, or change what the fields say', async () => {
    const request = changed(await signedLines({ body: BODY }), {
      'Content-Length': undefined,
      'Transfer-Encoding': 'chunked',
    });
    const chunked = (trailer: string): string => `f\r\n${BODY}\r\n0\r\n${trailer}\r\n\r\n`;
    const server = await serveSigned();
    const digest = fieldIn(request, 'Content-Digest');
    expect((await send(server.port, { ...request, body: chunked('Content-Digest: sha-256=:AAAA:') })).status).toBe(200);
    const moved = changed(request, { 'Content-Digest': undefined });
    expect(await refusedAlone({ ...moved, body: chunked(`Content-Digest: ${digest}`) })).toEqual([
      400,
      'missing_component',
    ]);
  });

  it('threat 41: when its target is another, or in another form', async () => {
    const request = await signedLines();
    for (const target of ['/orders?item=bomb', '/orders', '/invoices?item=book', '/%6Frders?item=book', '//orders']) {
      const [status, code] = await refusedAlone({ ...request, target }, { audiences: [ORIGIN, `${ORIGIN}/orders`] });
      expect([target, status, code]).toEqual([target, 400, 'bad_signature']);
    }
    const absolute = { ...request, target: `${ORIGIN}/orders?item=book` };
    expect(await refusedAlone(absolute)).toEqual([400, 'wrong_audience']);
    expect(await refusedAlone({ ...request, target: '*', method: 'OPTIONS' })).toEqual([400, 'missing_component']);
    expect(await refusedAlone({ ...request, method: 'PUT' })).toEqual([400, 'bad_signature']);
  });

  it('threat 41: when it is for another host, whatever Host says', async () => {
    const audience = 'https://billing.example.org/orders';
    const request = await signedLines({ audience, fields: ['Host: billing.example.org'] });
    expect(await refusedAlone(request)).toEqual([400, 'wrong_audience']);
  });

  it('threat 42: when it was used before, or twice at once', async () => {
    const server = await serveSigned();
    const request = await signedLines({ body: BODY });
    const answers = await Promise.all(Array.from({ length: 5 }, () => send(server.port, request)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 400, 400, 400, 400]);
    expect(server.refusals.map(({ code }) => code)).toEqual(new Array(4).fill('replayed'));
    expect(server.callers).toHaveLength(1);
  });

  it('threat 43: when it asks for a signed response, and none can be given', async () => {
    expect(await refusedAlone(await signedLines({ signResponse: true }))).toEqual([501, 'cannot_sign_response']);
  });

  it('threat 44: before its body has come, when the rest is wrong already', async () => {
    const server = await serveSigned({ authorize: exactly('spiffe://example.org/agents/other') });
    const request = await signedLines({ body: BODY });
    expect(await refused(server, { ...request, body: '' })).toEqual([403, 'not_authorized']);
    const forged = changed(request, { 'Workload-Identity-Token': wit({ header: { kid: 'k2' } }) });
    expect(await refused(server, { ...forged, body: '' })).toEqual([400, 'unknown_key']);
  });

  it.each([
    ['wpt', ['wpt']],
    ['http-signature', ['http-signature']],
    ['both', ['wpt', 'http-signature']],
  ] as const)('threat 45: when it has a proof token as well, where %s is accepted', async (_, mechanisms) => {
    const request = await signedLines();
    const proof = await mintWpt(svid, { audience: `${ORIGIN}/orders`, clock });
    for (const line of [`Authorization: WPT ${proof}`, `Workload-Proof-Token: ${proof}`]) {
      const both = { ...request, fields: [...request.fields, line] };
      expect(await refusedAlone(both, { mechanisms })).toEqual([400, 'two_proofs']);
    }
  });

  it('threat 45: when it proves itself in the way that is not accepted', async () => {
    expect(await refusedAlone(await signedLines(), { mechanisms: ['wpt'] })).toEqual([401, 'mechanism_not_accepted']);
    const fields = ['Host: x', `Workload-Identity-Token: ${WIT}`, `Authorization: ${await wptFields()}`];
    expect(await refusedAlone({ method: 'GET', target: '/orders', fields, body: '' })).toEqual([
      400,
      'mechanism_not_accepted',
    ]);
  });

  it('threat 45: when its WIT is in a trailer', async () => {
    const request = changed(await signedLines({ body: 'x' }), {
      ...{ 'Workload-Identity-Token': undefined, 'Content-Length': undefined },
      'Transfer-Encoding': 'chunked',
    });
    const body = `1\r\nx\r\n0\r\nWorkload-Identity-Token: ${WIT}\r\n\r\n`;
    expect(await refusedAlone({ ...request, body })).toEqual([400, 'missing_wit']);
  });

  it('when it proves nothing', async () => {
    const bare = { method: 'GET', target: '/orders', fields: ['Host: x'], body: '' };
    expect(await refusedAlone(bare)).toEqual([400, 'no_credentials']);
    const onlyWit = { ...bare, fields: ['Host: x', `Workload-Identity-Token: ${WIT}`] };
    expect(await refusedAlone(onlyWit)).toEqual([400, 'no_credentials']);
    const other = changed(await signedLines(), {
      'Signature-Input': 'sig=("@method");tag="app"',
      Signature: 'sig=:AA==:',
    });
    expect(await refusedAlone(other)).toEqual([400, 'no_credentials']);
    const server = await serveSigned(BOTH);
    const answer = await send(server.port, onlyWit);
    expect([answer.status, server.refusal()]).toEqual([401, 'no_credentials']);
    expect(answer.head).toContain('WWW-Authenticate: WPT');
  });

  it('with 413 when its body is longer than may be held, and the connection goes on', async () => {
    const options = { maxBodyBytes: 100_000 };
    expect(
      (await send((await serveSigned(options)).port, await signedLines({ body: 'x'.repeat(100_000) }))).status,
    ).toBe(200);
    expect(await refusedAlone(await signedLines({ body: 'x'.repeat(1_000_000) }), options)).toEqual([
      413,
      'body_too_large',
    ]);
    const server = await serveSigned(options);
    const [long, short] = [await signedLines({ body: 'x'.repeat(500_000) }), await signedLines({ body: 'y' })];
    const text = [long, short].map(({ method, target, fields, body }, index) =>
      [`${method} ${target} HTTP/1.1`, ...fields, ...(index === 1 ? ['Connection: close'] : []), '', body].join('\r\n'),
    );
    const socket = connect(server.port, '127.0.0.1').setEncoding('utf8');
    let answers = '';
    socket.on('data', (chunk) => {
      answers += chunk;
    });
    socket.write(text.join(''));
    await once(socket, 'close');
    expect(answers.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 413', 'HTTP/1.1 200']);
  });

  it('with 503 when it cannot be verified now', async () => {
    const failing = { insert: () => Promise.reject(new Error('connection lost')) };
    expect(await refusedAlone(await signedLines(), { replay: failing })).toEqual([503, 'replay_store_failed']);
    const closed = {
      getWitBundle: () => {
        throw new Error('closed');
      },
    };
    expect(await refusedAlone(await signedLines(), { bundles: closed })).toEqual([503, 'unavailable']);
  });
});

describe('a client that goes away in the middle of its body', () => {
  it('is not answered, and the handler is not called', async () => {
    const seen: unknown[] = [];
    const listener = requireCaller(
      createRequestAuthenticator(authenticating()),
      (_, __, caller: Caller<'http-signature'>) => seen.push(caller),
      { onRefused: (error) => seen.push(error) },
    );
    const port = await serveHttp(listener);
    const { method, target, fields } = await signedLines({ body: BODY });
    const socket = connect(port, '127.0.0.1');
    socket.write([`${method} ${target} HTTP/1.1`, ...fields, '', '{'].join('\r\n'), () => socket.destroy());
    await until(() => seen).toMatchObject([{ name: 'AbortError' }]);
  });
});

describe('the body of a request', () => {
  it('must be given where the request is no stream, or was read before', async () => {
    const authenticate = createRequestAuthenticator(authenticating());
    const request = outgoing();
    const signed = await signRequest(svid, request, { audience: `${ORIGIN}/orders`, clock });
    const received = {
      ...{ method: 'POST', url: request.target },
      rawHeaders: [...request.rawHeaders, ...signed.fields.flat()],
    };
    await expect(authenticate(received)).rejects.toThrow(TypeError);
    expect(await rejectionOf(authenticate(received, { body: null }))).toBe('digest_mismatch');
    await expect(authenticate({ ...received, method: undefined }, { body: null })).rejects.toThrow(TypeError);
    await expect(authenticate({ ...received, url: undefined }, { body: null })).rejects.toThrow(TypeError);
    const read = { ...received, readableDidRead: true, async *[Symbol.asyncIterator]() {} };
    await expect(authenticate(read)).rejects.toThrow(TypeError);
    expect((await authenticate(read, { body: Buffer.from(BODY) })).body.state).toBe('verified');
  });

  it('is no longer waited for when the signal says so', async () => {
    const authenticate = createRequestAuthenticator(authenticating());
    const request = outgoing();
    const signed = await signRequest(svid, request, { audience: `${ORIGIN}/orders`, clock });
    const rawHeaders = [...request.rawHeaders, ...signed.fields.flat()];
    const enough = new AbortController();
    const body = (async function* () {
      setImmediate(() => enough.abort(new Error('enough')));
      yield await new Promise<never>(() => {});
    })();
    const given = { body, signal: enough.signal };
    await expect(authenticate({ method: 'POST', url: request.target, rawHeaders }, given)).rejects.toThrow('enough');
  });

  it('lets the answer to its request be signed', async () => {
    const authenticate = createRequestAuthenticator(authenticating());
    const request = outgoing();
    const signed = await signRequest(svid, request, { audience: `${ORIGIN}/orders`, clock, signResponse: true });
    const received = {
      ...{ method: 'POST', url: request.target },
      rawHeaders: [...request.rawHeaders, ...signed.fields.flat()],
    };
    const caller = await authenticate(received, { body: Buffer.from(BODY), signsResponses: true });
    const fields = await signResponse(svid, { status: 200, rawHeaders: [], body: null }, { request: caller, clock });
    expect(fields.map(([name]) => name)).toContain('Signature');
  });
});

describe('misuse', () => {
  it.each([
    { mechanisms: [] },
    { mechanisms: ['mtls'] },
    { signatureDrafts: [] },
    { signatureDrafts: ['draft-ietf-wimse-http-signature-99'] },
    { maxBodyBytes: -1 },
    { maxBodyBytes: Number.NaN },
  ])('createRequestAuthenticator with %o is a TypeError', (wrong) => {
    expect(() => createRequestAuthenticator({ ...authenticating(), ...(wrong as object) })).toThrow(TypeError);
  });
});

describe('the types', () => {
  it('say what a caller has, by the mechanisms that are accepted', () => {
    const { mechanisms: _, ...plain } = authenticating();
    type CallerOf<Authenticate extends (...given: never[]) => Promise<unknown>> = Awaited<ReturnType<Authenticate>>;
    const byToken = createRequestAuthenticator(plain);
    const bySignature = createRequestAuthenticator({ ...plain, mechanisms: ['http-signature'] });
    const byEither = createRequestAuthenticator({ ...plain, mechanisms: ['wpt', 'http-signature'] });
    expectTypeOf<CallerOf<typeof byToken>>().toEqualTypeOf<WptCaller>();
    expectTypeOf<CallerOf<typeof bySignature>>().toEqualTypeOf<SignatureCaller>();
    expectTypeOf<CallerOf<typeof byEither>>().toEqualTypeOf<WptCaller | SignatureCaller>();
    const read = (caller: CallerOf<typeof byEither>): void => {
      if (caller.body !== undefined) expectTypeOf(caller).toEqualTypeOf<SignatureCaller>();
      else expectTypeOf(caller).toEqualTypeOf<WptCaller>();
    };
    expectTypeOf(read).toBeFunction();
    expectTypeOf(byEither).not.toExtend<RequestAuthenticator>();
    expectTypeOf(byToken).toExtend<RequestAuthenticator<ProofMechanism>>();
  });
});
