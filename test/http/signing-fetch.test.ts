import type { ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { createProvingFetch, type SignatureCaller, type SignatureFetchOptions } from 'svidkit/http';
import { createContentDigest, type OutgoingResponse, signResponse } from 'svidkit/http-signature';
import { exactly } from 'svidkit/id';
import { describe, expect, it } from 'vitest';
import { svid as client } from '../support/http-signatures.js';
import { middlebox, type Passing } from '../support/middlebox.js';
import { rejectionOf } from '../support/rejections.js';
import {
  ORIGIN,
  SERVER,
  type ServeOptions,
  type SignedServer,
  serveByHand,
  serveSigned,
  witSvidOf,
} from '../support/signed-http.js';
import { bundles, clock, SUBJECT } from '../support/wit-domain.js';

const server = witSvidOf(SERVER);
const sign = { getWitSvid: () => server };
const responses = { bundles, authorize: exactly(SERVER) };
const signing = { sign };

function signingFetch(options: Partial<SignatureFetchOptions> = {}): typeof fetch {
  return createProvingFetch({
    ...{ mechanism: 'http-signature', wit: { getWitSvid: () => client }, allowPlaintext: true, clock },
    audience: (url) => ORIGIN + new URL(url).pathname,
    ...options,
  });
}

const at = (port: number, path = '/orders'): string => `http://127.0.0.1:${port}${path}`;

/** The code that a call is refused with, and the rule behind it. */
async function refusal(promise: Promise<unknown>): Promise<[code: unknown, rule: unknown]> {
  const error: unknown = await promise.then(
    () => ({ code: 'accepted' }),
    (thrown: unknown) => thrown,
  );
  const { code, cause } = error as { code?: unknown; cause?: { code?: unknown } };
  if (code === undefined) throw error;
  return [code, cause?.code];
}

const kinds = ({ callers }: SignedServer): string[] => callers.map(({ id, proof }) => `${id} ${proof.kind}`);

describe('the signing fetch', () => {
  it.each([
    ['text', () => 'text', 'text', 'text/plain;charset=UTF-8'],
    ['bytes', () => new TextEncoder().encode('bytes'), 'bytes', undefined],
    ['a buffer', () => new TextEncoder().encode('buffer').buffer, 'buffer', undefined],
    ['a blob', () => new Blob(['blob'], { type: 'text/x' }), 'blob', 'text/x'],
    ['parameters', () => new URLSearchParams({ a: 'b' }), 'a=b', 'application/x-www-form-urlencoded;charset=UTF-8'],
  ] as [string, () => NonNullable<RequestInit['body']>, string, string | undefined][])(
    'signs %s, with the type that goes along',
    async (_, body, expected, type) => {
      const types: unknown[] = [];
      const served = await serveSigned({
        handler: (request, response, caller) => {
          types.push(request.headers['content-type']);
          response.end(caller.body?.bytes);
        },
      });
      const answer = await signingFetch()(at(served.port), { method: 'post', body: body() });
      expect([answer.status, await answer.text(), types]).toEqual([200, expected, [type]]);
      const fields = served.callers.map(({ covered }) => 'fields' in covered && covered.fields);
      expect(fields).toEqual([
        expect.arrayContaining(['content-digest', ...(type === undefined ? [] : ['content-type'])]),
      ]);
    },
  );

  it('signs a form', async () => {
    const form = new FormData();
    form.set('file', new Blob(['content']), 'name.txt');
    const served = await serveSigned();
    const answer = await signingFetch()(at(served.port), { method: 'POST', body: form });
    expect(await answer.text()).toContain('filename="name.txt"');
  });

  it('signs every request afresh, its query, its tokens and its coding included', async () => {
    const served = await serveSigned();
    const fetch = signingFetch();
    await fetch(at(served.port, '/orders?item=book#part'));
    await fetch(at(served.port, '/orders?'), { method: 'DELETE' });
    await fetch(at(served.port), { headers: { Authorization: 'Bearer at', 'Txn-Token': 'tt' } });
    await fetch(at(served.port), { method: 'POST', body: gzipSync('x'), headers: { 'Content-Encoding': 'gzip' } });
    expect(kinds(served)).toEqual(new Array(4).fill(`${SUBJECT} http-signature`));
    expect(new Set(served.callers.map(({ proof }) => 'nonce' in proof && proof.nonce)).size).toBe(4);
    expect(served.callers[2]?.covered).toMatchObject({ authorization: true, txnToken: true });
    expect(served.callers[3]?.covered).toMatchObject({ fields: expect.arrayContaining(['content-encoding']) });
  });

  it('follows the older draft where it is told to', async () => {
    const draft = 'draft-ietf-wimse-http-signature-06';
    const served = await serveSigned({ signatureDrafts: [draft] });
    expect((await signingFetch({ draft })(at(served.port))).status).toBe(200);
    expect((await signingFetch()(at(served.port))).status).toBe(400);
  });

  it('sends nothing that it cannot sign or must not send', async () => {
    const served = await serveSigned();
    const stream = () => ReadableStream.from([new Uint8Array(1)]);
    const refuse = (init: RequestInit): Promise<string> => rejectionOf(signingFetch()(at(served.port), init));
    expect(await refuse({ method: 'POST', body: stream() })).toBe('stream_body');
    const request = new Request(at(served.port), { method: 'POST', body: 'text' });
    expect(await rejectionOf(signingFetch()(request))).toBe('stream_body');
    for (const name of ['Workload-Identity-Token', 'Workload-Proof-Token', 'Signature', 'Signature-Input']) {
      expect(await refuse({ headers: { [name]: 'x' } })).toBe('reserved_header');
    }
    expect(await refuse({ headers: { Authorization: 'WPT x' } })).toBe('two_proofs');
    expect(await refuse({ headers: { 'Content-Type': 'text/\u00e4' } })).toBe('bad_component_value');
    expect(await refuse({ method: 'POST', body: 'x', headers: { 'Content-Digest': 'sha-256=:AAAA:' } })).toBe(
      'digest_mismatch',
    );
    expect(await rejectionOf(signingFetch({ allowPlaintext: false })(at(served.port)))).toBe('not_tls');
    expect([served.callers, served.refusals]).toEqual([[], []]);
  });

  it('refuses a signed response when it was not told who may sign', async () => {
    const box = await middlebox((await serveSigned({ signing })).port, (answer) => ({
      ...answer,
      rawHeaders: [
        ...answer.rawHeaders,
        'Signature-Input',
        'a=();tag="wimse-workload-to-workload"',
        'Signature',
        'a=:AA==:',
      ],
    }));
    expect(await refusal(signingFetch()(at(box)))).toEqual(['response_not_verified', 'missing_wit']);
    const signed = await serveByHand(signedAnswer({}));
    expect(await refusal(signingFetch()(at(signed)))).toEqual(['response_not_verified', undefined]);
  });
});

interface Answering extends Partial<OutgoingResponse> {
  readonly svid?: typeof server;
  readonly components?: readonly string[];
}

/** Signs an answer itself. */
function signedAnswer({ svid = server, components, ...changes }: Answering) {
  return async (response: ServerResponse, request: SignatureCaller): Promise<void> => {
    const answer = { status: 200, rawHeaders: [], body: Buffer.from('answer'), ...changes };
    const fields = await signResponse(svid, answer, { request, components, clock });
    response.writeHead(answer.status, [...answer.rawHeaders, ...fields.flat()]).end(answer.body);
  };
}

describe('the signing fetch with signed responses', () => {
  const verifying = (options: Partial<SignatureFetchOptions> = {}): typeof fetch =>
    signingFetch({ responses, ...options });

  it('gives the verified body, with status, fields and URL', async () => {
    const served = await serveSigned({
      signing,
      handler: (_, response) =>
        response.writeHead(201, 'Made', { 'Content-Type': 'application/json' }).end('{"order":1}'),
    });
    const answer = await verifying()(at(served.port, '/orders?item=book'), { method: 'POST', body: 'x' });
    expect([answer.status, answer.statusText, answer.ok]).toEqual([201, 'Made', true]);
    expect(answer.url).toBe(at(served.port, '/orders?item=book'));
    expect(answer.headers.get('Content-Type')).toBe('application/json');
    expect(await answer.json()).toEqual({ order: 1 });
    expect(served.callers[0]?.proof).toMatchObject({ signResponse: true });
  });

  it('threat 43: takes signed answers without a body: to HEAD, 204 and 304', async () => {
    const served = await serveSigned({
      signing,
      handler: (request, response) => {
        const status = Number(request.url?.slice(1));
        response.writeHead(status, status === 200 ? { 'Content-Length': 6 } : { ETag: '"a"' }).end();
      },
    });
    const head = await verifying()(at(served.port, '/200'), { method: 'HEAD' });
    expect([head.status, head.body, head.headers.get('Content-Length')]).toEqual([200, null, '6']);
    for (const status of [204, 304]) {
      const answer = await verifying()(at(served.port, `/${status}`));
      expect([answer.status, answer.body]).toEqual([status, null]);
    }
  });

  it('threat 43: refuses what is unsigned: answers, refusals and a 501', async () => {
    const unsigned = await serveByHand((response) => response.end('answer'));
    expect(await refusal(verifying()(at(unsigned)))).toEqual(['response_not_verified', 'response_not_signed']);
    const cannot = await serveSigned();
    expect(await refusal(verifying()(at(cannot.port)))).toEqual(['response_not_verified', 'response_not_signed']);
    expect(cannot.refusal()).toBe('cannot_sign_response');
    await expect(verifying()(at(cannot.port))).rejects.toThrow('status 501');
    const stripped = await middlebox((await serveSigned({ signing })).port, (answer) => ({
      ...answer,
      rawHeaders: answer.rawHeaders.filter((_, index, all) => !/^signature/i.test(all[index - (index % 2)] ?? '')),
    }));
    expect(await refusal(verifying()(at(stripped)))).toEqual(['response_not_verified', 'response_not_signed']);
  });

  it('threat 43: refuses the answer of another workload', async () => {
    const other = witSvidOf('spiffe://example.org/services/invoices');
    const port = await serveByHand(signedAnswer({ svid: other }));
    expect(await refusal(verifying()(at(port)))).toEqual(['response_not_verified', 'not_authorized']);
    const reflected = await serveByHand(signedAnswer({ svid: client }));
    expect(await refusal(verifying()(at(reflected)))).toEqual(['response_not_verified', 'not_authorized']);
  });

  it('threat 43: refuses what was changed on the way, and the answer to another request', async () => {
    const served = await serveSigned({
      signing,
      handler: (_, response) => response.writeHead(200, { 'Content-Type': 'text/plain' }).end('answer'),
    });
    const changes: [(answer: Passing) => Passing, string][] = [
      [(answer) => ({ ...answer, body: Buffer.from('forged') }), 'digest_mismatch'],
      [(answer) => ({ ...answer, body: Buffer.alloc(0) }), 'digest_mismatch'],
      [(answer) => ({ ...answer, status: 201 }), 'bad_signature'],
      [
        ({ rawHeaders, ...answer }) => ({
          ...answer,
          rawHeaders: rawHeaders.map((text) => (text === 'text/plain' ? 'text/html' : text)),
        }),
        'bad_signature',
      ],
    ];
    for (const [change, rule] of changes) {
      const box = await middlebox(served.port, change);
      expect(await refusal(verifying()(at(box)))).toEqual(['response_not_verified', rule]);
    }
    let first: Passing | undefined;
    const replaying = await middlebox(served.port, (answer) => {
      first ??= answer;
      return first;
    });
    expect(await (await verifying()(at(replaying))).text()).toBe('answer');
    expect(await refusal(verifying()(at(replaying)))).toEqual(['response_not_verified', 'req_nonce_mismatch']);
    const late = await middlebox(served.port, (answer) => answer);
    const times = [0, 0, 71_000];
    const passing = (): number => clock() + (times.shift() ?? 0);
    expect(await refusal(verifying({ clock: passing })(at(late)))).toEqual(['response_not_verified', 'expired']);
  });

  it('refuses more than it may hold', async () => {
    const served = await serveSigned({ signing, handler: (_, response) => response.end('x'.repeat(11)) });
    const holding = (maxBodyBytes: number): typeof fetch => verifying({ responses: { ...responses, maxBodyBytes } });
    expect(await (await holding(11)(at(served.port))).text()).toHaveLength(11);
    expect(await refusal(holding(10)(at(served.port)))).toEqual(['response_too_large', undefined]);
  });

  it('asks for no coding, and refuses an answer that was coded all the same', async () => {
    const asked: unknown[] = [];
    const coded = gzipSync('answer');
    const served = await serveSigned({
      signing,
      handler: (request, response) => {
        asked.push(request.headers['accept-encoding']);
        response.writeHead(200, { 'Content-Encoding': 'gzip' }).end(coded);
      },
    });
    expect(await refusal(verifying()(at(served.port)))).toEqual(['response_not_verified', 'digest_mismatch']);
    expect(asked).toEqual(['identity']);
  });

  it('is aborted by its signal while it reads', async () => {
    const port = await serveByHand(async (response, request) => {
      const answer = { status: 200, rawHeaders: [], body: Buffer.from('answer') };
      const fields = await signResponse(server, answer, { request, clock });
      response.writeHead(200, fields.flat()).write('ans');
    });
    const enough = new AbortController();
    const reason = new Error('enough');
    const wit = {
      ...bundles,
      getWitBundle: (domain: Parameters<typeof bundles.getWitBundle>[0]) => {
        setImmediate(() => enough.abort(reason));
        return bundles.getWitBundle(domain);
      },
    };
    const call = verifying({ responses: { ...responses, bundles: wit } })(at(port), { signal: enough.signal });
    await expect(call).rejects.toBe(reason);
  });
});

describe('redirects of signed requests', () => {
  const redirecting = (status: number, location: string): ServeOptions => ({
    signing,
    handler: (request, response, { body }) =>
      request.url === '/a' ? response.writeHead(status, { Location: location }).end() : response.end(body?.bytes),
  });

  it.each([
    [307, 'body'],
    [302, ''],
  ])('with %i are followed with a fresh signature', async (status, body) => {
    for (const options of [{}, { responses }]) {
      const served = await serveSigned(redirecting(status, '/b'));
      const answer = await signingFetch(options)(at(served.port, '/a'), {
        ...{ method: 'POST', body: 'body' },
        headers: { 'Content-Digest': createContentDigest(Buffer.from('body')) },
      });
      expect([answer.status, await answer.text()]).toEqual([200, body]);
      expect(served.callers.map(({ proof }) => proof.audience)).toEqual([`${ORIGIN}/a`, `${ORIGIN}/b`]);
    }
  });

  it('to another origin are refused', async () => {
    const served = await serveSigned(redirecting(307, 'http://127.0.0.2/b'));
    expect(await refusal(signingFetch({ responses })(at(served.port, '/a')))).toEqual([
      'cross_origin_redirect',
      undefined,
    ]);
  });

  it('threat 43: go where the server signed them to go', async () => {
    const served = await serveSigned(redirecting(307, '/b'));
    const box = await middlebox(served.port, ({ rawHeaders, ...answer }) => ({
      ...answer,
      rawHeaders: rawHeaders.map((text) => (text === '/b' ? '/delete' : text)),
    }));
    const call = signingFetch({ responses })(at(box, '/a'), { method: 'POST', body: 'body' });
    expect(await refusal(call)).toEqual(['response_not_verified', 'bad_signature']);
    const loose = await serveByHand(signedAnswer({ status: 307, rawHeaders: ['Location', '/delete'], body: null }));
    expect(await refusal(signingFetch({ responses })(at(loose, '/a')))).toEqual(['bad_redirect', undefined]);
    const manual = await signingFetch({ responses })(at(loose, '/a'), { redirect: 'manual' });
    expect([manual.status, manual.headers.get('Location')]).toEqual([307, '/delete']);
    expect(served.callers).toHaveLength(1);
  });
});

describe('misuse', () => {
  it.each([
    { mechanism: 'mtls' },
    { draft: 'draft-ietf-wimse-wpt-02' },
    { responses: {} },
    { responses: { bundles } },
    { responses: { ...responses, maxBodyBytes: -1 } },
  ])('createProvingFetch with %o is a TypeError', (wrong) => {
    expect(() => signingFetch(wrong as object)).toThrow(TypeError);
  });
});
