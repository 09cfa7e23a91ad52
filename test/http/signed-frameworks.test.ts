import type { RequestAuthenticationError } from 'svidkit/errors';
import {
  type Caller,
  createRequestAuthenticator,
  type ProofMechanism,
  type RequestAuthenticatorOptions,
} from 'svidkit/http';
import { createContentDigest } from 'svidkit/http-signature';
import { anyId } from 'svidkit/id';
import { createMemoryReplayStore } from 'svidkit/replay';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import {
  type Exchange,
  type Field,
  overHttp1,
  overHttp2,
  overHttp2Tls,
  overHttps,
  type Received,
  type Sent,
} from '../support/exchanges.js';
import { type FrameworkOptions, fetchHandler, HTTP1, HTTP2, HTTP2_TLS, hono } from '../support/frameworks.js';
import { craft } from '../support/http-signatures.js';
import { WIT, wpt } from '../support/proofs.js';
import { BODY, fieldOf, REFUSED_TRAILERS, signed, withFields } from '../support/signed-exchange.js';
import { ORIGIN, SERVER, witSvidOf } from '../support/signed-http.js';
import { bundles, clock, SUBJECT } from '../support/wit-domain.js';

const server = witSvidOf(SERVER);
const sign = { getWitSvid: () => server };

let codes: string[];
let errors: unknown[];
let callers: Caller<ProofMechanism>[];

beforeEach(() => {
  [codes, errors, callers] = [[], [], []];
});

interface Changes
  extends Partial<RequestAuthenticatorOptions<ProofMechanism>>,
    Pick<Partial<FrameworkOptions>, 'maxSignedBytes' | 'readsBefore'> {
  readonly unsigned?: boolean;
}

function optionsWith({ maxSignedBytes, readsBefore, unsigned = false, ...changes }: Changes = {}): FrameworkOptions {
  const authenticate = createRequestAuthenticator<ProofMechanism>({
    ...{ bundles, audiences: ORIGIN, authorize: anyId(), replay: createMemoryReplayStore({ clock }), clock },
    mechanisms: ['wpt', 'http-signature'],
    ...changes,
  });
  return {
    authenticate,
    onRefused: (error) => {
      errors.push(error);
      codes.push((error as RequestAuthenticationError).code ?? String(error));
    },
    onHandled: (_, caller) => callers.push(caller),
    clock,
    ...(unsigned ? {} : { sign }),
    ...(maxSignedBytes === undefined ? {} : { maxSignedBytes }),
    ...(readsBefore === undefined ? {} : { readsBefore }),
  };
}

/** Requests that must be refused in the same way whatever carries them. */
const REFUSED: ReadonlyArray<readonly [title: string, request: () => Promise<Sent>, status: number, code: string]> = [
  [
    'threat 40: another body',
    async () => ({ ...(await signed()), body: Buffer.from('{"item":"bomb"}') }),
    400,
    'digest_mismatch',
  ],
  [
    'threat 40: a body cut off',
    async () => ({ ...(await signed()), body: Buffer.from('{"item"') }),
    400,
    'digest_mismatch',
  ],
  [
    'threat 40: a body that nothing binds, of no announced length',
    async () => ({ ...(await signed({ body: null, fields: [] })), body: BODY }),
    400,
    'missing_content_digest',
  ],
  ...REFUSED_TRAILERS,
  [
    'threat 45: a proof token next to the signature',
    async () => withFields(await signed(), { 'workload-proof-token': wpt() }),
    400,
    'two_proofs',
  ],
  [
    'threat 34: a signature twice',
    async () => {
      const sent = await signed();
      return { ...sent, fields: [...sent.fields, ['signature', fieldOf(sent, 'signature')]] };
    },
    400,
    'duplicate_member',
  ],
  [
    'threat 37: a token that came in on the way',
    async () => withFields(await signed(), { 'txn-token': 'tt' }),
    400,
    'not_covered',
  ],
  [
    'threat 41: another target',
    async () => ({ ...(await signed()), target: '/orders?item=bomb' }),
    400,
    'bad_signature',
  ],
  [
    'threat 41: an audience that Host alone names',
    () => signed({}, { audience: 'https://x/orders' }),
    400,
    'wrong_audience',
  ],
  ['413 for a body beyond the bound', () => signed({ body: Buffer.alloc(200_000) }), 413, 'body_too_large'],
];

const SERVERS: readonly [name: string, serve: (typeof HTTP1)[string], exchange: Exchange][] = [
  ...Object.entries(HTTP1).map(([name, serve]) => [name, serve, overHttp1] as [string, typeof serve, Exchange]),
  ...Object.entries(HTTP2).map(([name, serve]) => [name, serve, overHttp2] as [string, typeof serve, Exchange]),
  ...Object.entries(HTTP2_TLS).flatMap(([name, serve]) => [
    [name, serve, overHttp2Tls] as [string, typeof serve, Exchange],
    [`${name}, by HTTP/1.1`, serve, overHttps] as [string, typeof serve, Exchange],
  ]),
];

describe.each(SERVERS)('%s', (_, serve, exchange) => {
  it('gives the verified body to the handler, and signs the answer for who asks', async () => {
    const port = await serve(optionsWith());
    const sent = await signed();
    const received = await exchange(port, sent);
    expect([await sent.verify(received), codes]).toEqual([`201 ${SUBJECT} ${BODY.length}`, []]);
    const [caller] = callers;
    expect(Buffer.from(caller?.body?.bytes ?? [])).toEqual(BODY);
    expect(received.rawHeaders[received.rawHeaders.indexOf('content-type') + 1]).toMatch(/^text\/plain/);
  });

  it('signs an answer that comes in pieces as a whole, and none that nobody asked it of', async () => {
    const port = await serve(optionsWith());
    const pieced = await signed({ target: '/orders?pieces' });
    expect(await pieced.verify(await exchange(port, pieced))).toMatch(new RegExp(`^201 0 1 2 .* 99 ${SUBJECT} 15$`));
    const plain = await signed({}, { signResponse: false });
    const { status, rawHeaders, body } = await exchange(port, plain);
    expect([status, `${body}`, rawHeaders.includes('signature')]).toEqual([201, `${SUBJECT} 15`, false]);
  });

  it('serves proof tokens next to it, whose body nobody verified', async () => {
    const port = await serve(optionsWith());
    const fields: Field[] = [
      ['workload-identity-token', WIT],
      ['authorization', `WPT ${wpt({ claims: { aud: `${ORIGIN}/orders` } })}`],
      ['content-type', 'application/octet-stream'],
    ];
    const { status, body } = await exchange(port, { method: 'POST', target: '/orders', fields, body: BODY });
    expect([status, `${body}`, callers.map(({ body: verified }) => verified)]).toEqual([
      201,
      `${SUBJECT} 15`,
      [undefined],
    ]);
  });

  it.each(REFUSED)('refuses %s', async (_title, request, status, code) => {
    const port = await serve(optionsWith({ maxBodyBytes: 100_000 }));
    const received = await exchange(port, await request());
    expect([received.status, codes, callers]).toEqual([status, [code], []]);
    expect(received.rawHeaders.join() + received.body).not.toContain(code);
  });

  it('threat 40: takes no notice of trailers, whatever they say', async () => {
    const port = await serve(optionsWith());
    const trailers = { 'content-digest': createContentDigest(Buffer.from('x')), authorization: 'Bearer stolen' };
    const sent = { ...(await signed()), trailers };
    expect((await exchange(port, sent)).status).toBe(201);
    expect([callers.map(({ covered }) => 'authorization' in covered && covered.authorization), codes]).toEqual([
      [false],
      [],
    ]);
  });

  it('threat 42: admits a signature once, also of three at the same time', async () => {
    const port = await serve(optionsWith());
    const sent = await signed();
    const answers = await Promise.all([exchange(port, sent), exchange(port, sent), exchange(port, sent)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 400, 400]);
    expect([callers.length, codes]).toEqual([1, ['replayed', 'replayed']]);
  });

  it('threat 43: gives no unsigned success to who asked for a signature: 501 before the handler, 500 after it', async () => {
    const sent = await signed();
    expect((await exchange(await serve(optionsWith({ unsigned: true })), sent)).status).toBe(501);
    expect([callers, codes]).toEqual([[], ['cannot_sign_response']]);
    const { status, rawHeaders, body } = await exchange(
      await serve(optionsWith({ maxSignedBytes: 10 })),
      await signed(),
    );
    expect([status, JSON.parse(`${body}`).status, callers.length]).toEqual([500, 500, 1]);
    expect([codes.length, rawHeaders.includes('signature')]).toEqual([2, false]);
    expect(rawHeaders[rawHeaders.indexOf('content-type') + 1]).toBe('application/problem+json');
  });

  it('threat 40: refuses a signed body that somebody has read before, and says what to do', async () => {
    const port = await serve(optionsWith({ readsBefore: true }));
    expect((await exchange(port, await signed())).status).toBe(500);
    expect(callers).toEqual([]);
    expect(errors).toMatchObject([expect.any(TypeError)]);
    expect(codes[0]).toMatch(/mount authentication before every body parser/);
  });

  it('threat 38: refuses components that the profile does not know', async () => {
    const port = await serve(optionsWith());
    const covering = async (...extra: string[]): Promise<string | undefined> => {
      const covered = ['"@method"', '"@path"', '"@query"', '"workload-identity-token"', ...extra];
      const { rawHeaders, method } = craft({
        target: '/orders',
        covered,
        parameters: { 'wimse-aud': `"${ORIGIN}/orders"` },
      });
      const fields = rawHeaders.flatMap((name, index): Field[] =>
        index % 2 === 0 ? [[name, rawHeaders[index + 1] ?? '']] : [],
      );
      codes = [];
      const { status } = await exchange(port, { method, target: '/orders', fields, body: null });
      return status === 201 ? undefined : codes[0];
    };
    expect(await covering()).toBeUndefined();
    expect(await covering('"@method"')).toBe('duplicate_component');
    expect(await covering('"@signature-params"')).toBe('bad_component');
    expect(await covering('"Host"')).toBe('bad_component');
    expect(await covering('"@method";req')).toBe('bad_component');
    expect(await covering('"workload-identity-token";sf')).toBe('bad_component');
    expect(await covering('"workload-identity-token";bs')).toBe('bad_component');
    expect(await covering('"workload-identity-token";tr')).toBe('unsupported_component');
    expect(await covering('"@unknown"')).toBe('bad_component');
    expect(await covering('":path"')).toBe('bad_component');
    expect(await covering('":authority"')).toBe('bad_component');
    expect(callers).toHaveLength(1);
  });

  it('knows the authority that a signature covers', async () => {
    const port = await serve(optionsWith());
    const covering = () => signed({ host: 'x' }, { components: ['@authority'] });
    expect((await exchange(port, await covering())).status).toBe(201);
    expect((await exchange(port, { ...(await covering()), host: 'other' })).status).toBe(400);
    expect(codes).toEqual(['bad_signature']);
  });
});

describe.each(Object.entries({ ...HTTP2, ...HTTP2_TLS }))('%s', (name, serve) => {
  it('is no reason for Node to warn of what HTTP/2 does not have', async () => {
    const warnings: string[] = [];
    const warned = (warning: Error): number => warnings.push(warning.name);
    process.on('warning', warned);
    onTestFinished(() => void process.off('warning', warned));
    const exchange = name in HTTP2 ? overHttp2 : overHttp2Tls;
    const statuses = [
      await exchange(await serve(optionsWith()), await signed()),
      await exchange(await serve(optionsWith({ maxSignedBytes: 1 })), await signed()),
    ].map(({ status }) => status);
    await new Promise(setImmediate);
    expect(statuses).toEqual([201, 500]);
    expect(warnings).not.toContain('UnsupportedWarning');
  });

  it('threat 12: refuses a Host that is another than :authority', async () => {
    const port = await serve(optionsWith());
    const exchange = name in HTTP2 ? overHttp2 : overHttp2Tls;
    const sent = await signed({ fields: [['host', 'other.example.org']] }, { components: ['@authority'] });
    expect((await exchange(port, sent)).status).toBe(400);
    expect([callers, codes]).toEqual([[], ['bad_header']]);
  });
});

describe.each([
  [
    'Hono on a platform that has only the Request',
    (options: FrameworkOptions) => hono(options).request.bind(hono(options)),
  ],
  ['requireCallerFetch', fetchHandler],
])('%s', (_, serve) => {
  const send = async (sent: Sent, options = optionsWith()): Promise<Received> => {
    const { method, target, fields, body } = sent;
    const headers = new Headers();
    for (const [name, value] of fields) headers.append(name, value);
    const answer = await serve(options)(
      new Request(`${ORIGIN}${target}`, { method, headers, body: body && new Uint8Array(body) }),
    );
    const rawHeaders = Array.from(answer.headers).flat();
    return { status: answer.status, rawHeaders, body: Buffer.from(await answer.arrayBuffer()), trailers: {} };
  };

  it('gives the verified body to the handler, and signs the answer for who asks', async () => {
    const sent = await signed();
    expect([await sent.verify(await send(sent)), codes]).toEqual([`201 ${SUBJECT} ${BODY.length}`, []]);
    expect(Buffer.from(callers[0]?.body?.bytes ?? [])).toEqual(BODY);
  });

  it('gives the handler a body to read also when none of it came', async () => {
    const sent = await signed({ body: Buffer.alloc(0) });
    expect([await sent.verify(await send(sent)), codes]).toEqual([`201 ${SUBJECT} 0`, []]);
  });

  it.each(REFUSED.filter(([title]) => !title.includes('trailers')))(
    'refuses %s',
    async (_title, request, status, code) => {
      const received = await send(await request(), optionsWith({ maxBodyBytes: 100_000 }));
      expect([received.status, codes, callers]).toEqual([status, [code], []]);
    },
  );

  it('takes a list for a list, and two tokens for two', async () => {
    const digest: Field = ['Content-Digest', createContentDigest(BODY, ['sha-256', 'sha-512'])];
    expect((await send(await signed({ fields: [digest, ['Content-Type', 'text/x; a="b,c"']] }))).status).toBe(201);
    const sent = await signed();
    expect((await send({ ...sent, fields: [...sent.fields, ['workload-identity-token', WIT]] })).status).toBe(400);
    expect(codes).toEqual(['duplicate_header']);
  });

  it('threat 43: gives no unsigned success to who asked for a signature', async () => {
    expect((await send(await signed(), optionsWith({ unsigned: true }))).status).toBe(501);
    const { status, rawHeaders } = await send(await signed(), optionsWith({ maxSignedBytes: 10 }));
    expect([status, rawHeaders.includes('signature'), codes]).toEqual([
      500,
      false,
      ['cannot_sign_response', 'cannot_sign_response'],
    ]);
  });

  it('threat 40: refuses a signed body that somebody has read before', async () => {
    const { method, target, fields, body } = await signed();
    const request = new Request(`${ORIGIN}${target}`, {
      method,
      headers: new Headers(fields.map(([a, b]) => [a, b])),
      body: new Uint8Array(body ?? []),
    });
    await request.text();
    expect((await serve(optionsWith())(request)).status).toBe(500);
    expect([callers, codes]).toEqual([[], [expect.stringMatching(/mount authentication before/)]]);
  });
});
