import type { Server } from 'node:http';
import { connect } from 'node:tls';
import type { RequestAuthenticationError } from 'svidkit/errors';
import { createRequestAuthenticator, type ProofMechanism } from 'svidkit/http';
import { anyId, exactly } from 'svidkit/id';
import { createIssuer } from 'svidkit/issuer';
import { createMemoryReplayStore } from 'svidkit/replay';
import { createHttpsServer, getPeer } from 'svidkit/tls';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { type Exchange, type Field, overHttp2Tls, overHttps, type Sent } from '../support/exchanges.js';
import { ON_A_SERVER } from '../support/frameworks.js';
import { WIT, wpt } from '../support/proofs.js';
import { sendRawHttp2 } from '../support/raw-http2.js';
import { BODY, fieldOf, REFUSED_TRAILERS, signed } from '../support/signed-exchange.js';
import { ORIGIN, SERVER, witSvidOf } from '../support/signed-http.js';
import { bundles, clock, SUBJECT } from '../support/wit-domain.js';
import { startNginx } from './support/nginx.js';

const PROXY = 'spiffe://example.org/proxy';

const issuer = await createIssuer({ trustDomain: 'example.org' });
const svid = await issuer.issueX509Svid(SERVER, { dnsNames: ['orders.internal'] });
const proxySvid = await issuer.issueX509Svid(PROXY);
const trust = { getX509Bundle: () => issuer.bundle.x509 };
const answering = witSvidOf(SERVER);

/** What came out of the proxy: who sent it by TLS, in which form, with how much of the body announced. */
interface Arrived {
  readonly peer: string;
  readonly target: string | undefined;
  readonly framing: 'chunked' | 'length' | 'none';
}

let arrived: Arrived[];
let handled: string[];
let codes: string[];

beforeEach(() => {
  [arrived, handled, codes] = [[], [], []];
});

/** An application with both mechanisms, which only the proxy can reach, and the proxy. Gives the port of that. */
async function behindProxy(serve: (typeof ON_A_SERVER)[string]): Promise<number> {
  const authenticate = createRequestAuthenticator<ProofMechanism>({
    ...{ bundles, audiences: ORIGIN, authorize: anyId(), replay: createMemoryReplayStore({ clock }), clock },
    mechanisms: ['wpt', 'http-signature'],
  });
  const options = {
    ...{ authenticate, clock, sign: { getWitSvid: () => answering } },
    onRefused: (error: unknown) => void codes.push((error as RequestAuthenticationError).code ?? String(error)),
    onHandled: (caller: string) => void handled.push(caller),
  };
  const serverPort = await serve(options, (listener) => {
    const tls = { svid: { getX509Svid: () => svid }, bundles: trust, authorize: exactly(PROXY) };
    const server = createHttpsServer(tls, listener);
    server.prependListener('request', (request) => {
      const { 'transfer-encoding': coding, 'content-length': length } = request.headers;
      const framing = coding === undefined ? (length === undefined ? 'none' : 'length') : 'chunked';
      arrived.push({ peer: `${getPeer(request).id}`, target: request.url, framing });
    });
    return server as unknown as Server;
  });
  const proxy = await startNginx({
    ...{ svid: proxySvid, authorities: issuer.bundle.x509.toPem(), serverName: 'orders.internal', serverPort },
    locations: {
      '/': 'proxy_pass $origin;',
      '/orders/size': 'proxy_request_buffering off; proxy_pass $origin;',
    },
  });
  onTestFinished(() => proxy[Symbol.asyncDispose]());
  return proxy.port;
}

const BYTES: Field = ['content-type', 'application/octet-stream'];

/** A request with a proof token, whose body comes in pieces. */
function proven(target = '/orders', changes: Partial<Sent> = {}): Sent {
  const proof = wpt({ claims: { aud: `${ORIGIN}${target}` } });
  const fields: Field[] = [['workload-identity-token', WIT], ['authorization', `WPT ${proof}`], BYTES];
  return { method: 'POST', target, fields, body: BODY, ...changes };
}

const including = (sent: Sent, ...fields: Field[]): Sent => ({ ...sent, fields: [...sent.fields, ...fields] });

/** Requests that must be refused whatever application stands behind the proxy. */
const REFUSED: ReadonlyArray<readonly [title: string, request: () => Promise<Sent>, status: number, code: string]> = [
  ['no credentials', async () => proven('/orders', { fields: [BYTES] }), 401, 'no_credentials'],
  [
    'threat 11: a WIT alone',
    async () => proven('/orders', { fields: [['workload-identity-token', WIT], BYTES] }),
    401,
    'no_credentials',
  ],
  [
    'threat 12: a proof for another path',
    async () => ({ ...proven('/size'), target: '/orders' }),
    401,
    'wrong_audience',
  ],
  ['threat 30: two WITs', async () => including(proven(), ['workload-identity-token', WIT]), 400, 'duplicate_header'],
  [
    'threat 45: a proof token next to a signature',
    async () => including(await signed(), ['workload-proof-token', wpt()]),
    400,
    'two_proofs',
  ],
  [
    'threat 40: another body',
    async () => ({ ...(await signed()), body: Buffer.from('{"item":"bomb"}') }),
    400,
    'digest_mismatch',
  ],
  [
    'threat 34: a signature twice',
    async () => {
      const sent = await signed();
      return including(sent, ['signature', fieldOf(sent, 'signature')]);
    },
    400,
    'duplicate_member',
  ],
  [
    'threat 41: another target',
    async () => ({ ...(await signed()), target: '/orders?item=bomb' }),
    400,
    'bad_signature',
  ],
];

/** The same, of what nginx takes away from requests of HTTP/1.1, and refuses in those of HTTP/2. */
const IN_TRAILERS: typeof REFUSED = [
  [
    'threat 45: a WIT in the trailers of a proof token',
    async () => {
      const { fields } = proven();
      return proven('/orders', { fields: fields.slice(1), trailers: { 'workload-identity-token': WIT } });
    },
    401,
    'missing_wit',
  ],
  ...REFUSED_TRAILERS,
];

/** Sends the fields of a request over HTTP/2 as Node's client would not. */
function rawStatus(port: number, { target, fields }: Sent): Promise<number> {
  const pseudo: Field[] = [
    [':method', 'GET'],
    [':scheme', 'https'],
    [':path', target],
    [':authority', 'x'],
  ];
  const socket = connect({ host: '127.0.0.1', port, ALPNProtocols: ['h2'], rejectUnauthorized: false });
  return sendRawHttp2(port, [...pseudo, ...fields], socket);
}

const ABSOLUTE = 'https://tools.example.org/orders';

const ROWS = Object.entries(ON_A_SERVER).flatMap(([name, serve]) => [
  [`${name} behind nginx, by HTTP/1.1`, serve, overHttps] as const,
  [`${name} behind nginx, by HTTP/2`, serve, overHttp2Tls] as const,
]);

describe.each(ROWS)('%s', (_, serve, exchange: Exchange) => {
  it('mutual TLS sees the proxy, and a proof token the workload that began the call, once', async () => {
    const port = await behindProxy(serve);
    const sent = proven();
    const answers = [await exchange(port, sent), await exchange(port, sent)];
    expect(answers.map(({ status, body }) => `${status} ${body}`)).toEqual([`201 ${SUBJECT} ${BODY.length}`, '401 ']);
    expect([handled, codes]).toEqual([[SUBJECT], ['replayed']]);
    const first = { peer: PROXY, target: '/orders', framing: 'length' };
    expect(arrived).toEqual([first, first]);
  });

  it('a signature binds the body to that workload, and the answer to the server, once', async () => {
    const port = await behindProxy(serve);
    const sent = await signed();
    const first = await exchange(port, sent);
    expect(await sent.verify(first)).toBe(`201 ${SUBJECT} ${BODY.length}`);
    expect((await exchange(port, sent)).status).toBe(400);
    expect([handled, codes, arrived[0]?.peer]).toEqual([[SUBJECT], ['replayed'], PROXY]);
  });

  it('an answer in pieces is signed as a whole', async () => {
    const port = await behindProxy(serve);
    const sent = await signed({ target: '/orders?pieces' });
    expect(await sent.verify(await exchange(port, sent))).toMatch(new RegExp(`^201 .*${SUBJECT} ${BODY.length}$`));
  });

  it('threat 40: a body that the proxy passes on in chunks is verified, and trailers of HTTP/1.1 are taken no notice of', async () => {
    const port = await behindProxy(serve);
    const stolen = { authorization: 'Bearer stolen', 'content-digest': 'sha-256=:AAAA:' };
    const trailers = exchange === overHttps ? { trailers: stolen } : {};
    const long = Buffer.alloc(300_000, 'x');
    const target = '/orders/size';
    const token = await exchange(port, proven(target, { body: long, ...trailers }));
    expect([token.status, `${token.body}`]).toEqual([201, `${SUBJECT} ${long.length}`]);
    const sent = await signed({ target, body: long, fields: [BYTES] }, { audience: `${ORIGIN}${target}` });
    expect(await sent.verify(await exchange(port, { ...sent, ...trailers }))).toBe(`201 ${SUBJECT} ${long.length}`);
    expect(arrived).toEqual(Array.from({ length: 2 }, () => ({ peer: PROXY, target, framing: 'chunked' })));
  });

  it.each(REFUSED)('refuses %s', async (_title, request, status, code) => {
    const port = await behindProxy(serve);
    const received = await exchange(port, await request());
    expect([received.status, handled]).toEqual([status, []]);
    // Some versions of nginx refuse a field that comes twice themselves.
    expect(codes).toEqual(arrived.length === 0 ? [] : [code]);
    expect(received.rawHeaders.join() + received.body).not.toContain(code);
  });
});

describe.each(Object.entries(ON_A_SERVER))('%s behind nginx', (_, serve) => {
  it.each(IN_TRAILERS)('refuses %s, by HTTP/1.1', async (_title, request, status, code) => {
    const port = await behindProxy(serve);
    expect([(await overHttps(port, await request())).status, handled, codes]).toEqual([status, [], [code]]);
  });

  it.each(IN_TRAILERS)('handles no %s, by HTTP/2', async (_title, request) => {
    const port = await behindProxy(serve);
    await overHttp2Tls(port, await request()).catch(() => undefined);
    expect(handled).toEqual([]);
  });

  it.each(['HTTP/1.1', 'HTTP/2'])('refuses threat 15: two Authorization fields, by %s', async (protocol) => {
    const port = await behindProxy(serve);
    const sent = including(proven(), ['authorization', 'Bearer at-1']);
    expect(
      await (protocol === 'HTTP/2' ? rawStatus(port, sent) : overHttps(port, sent).then(({ status }) => status)),
    ).toBe(400);
    expect([handled, codes]).toEqual([[], arrived.length === 0 ? [] : ['duplicate_header']]);
  });

  it('threat 12: an absolute-form target arrives as its path, and names no audience', async () => {
    const port = await behindProxy(serve);
    const ours = { host: 'tools.example.org' };
    expect((await overHttps(port, { ...proven(), target: ABSOLUTE, ...ours })).status).toBe(201);
    const sent = await signed();
    expect(await sent.verify(await overHttps(port, { ...sent, target: ABSOLUTE, ...ours }))).toMatch(/^201 /);
    expect(arrived.map(({ target }) => target)).toEqual(['/orders', '/orders']);
    const other = 'https://other.example.org/orders';
    const elsewhere = { target: other, host: 'other.example.org' };
    const foreign: Field[] = [
      ['workload-identity-token', WIT],
      ['authorization', `WPT ${wpt({ claims: { aud: other } })}`],
    ];
    expect((await overHttps(port, { ...proven(), fields: foreign, ...elsewhere })).status).toBe(401);
    expect((await overHttps(port, { ...(await signed({}, { audience: other })), ...elsewhere })).status).toBe(400);
    expect([handled.length, codes]).toEqual([2, ['wrong_audience', 'wrong_audience']]);
  });
});
