import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { BundleSet } from 'svidkit/bundle';
import type { RequestAuthenticationError } from 'svidkit/errors';
import { createProvingFetch, createRequestAuthenticator, type ProvingFetchOptions, requireCaller } from 'svidkit/http';
import { exactly, memberOf } from 'svidkit/id';
import { createIssuer, type Issuer } from 'svidkit/issuer';
import { createMemoryReplayStore } from 'svidkit/replay';
import { createHttpsServer, createMtlsFetch, getPeer, type MtlsFetch } from 'svidkit/tls';
import type { WitSvid } from 'svidkit/wit';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Nginx, startNginx } from './support/nginx.js';

const ORIGIN = 'https://tools.example.org';
const AGENT = 'spiffe://example.org/agents/planner';
const PROXY = 'spiffe://example.org/proxy';
const SERVER = 'spiffe://example.org/services/orders';

interface Seen {
  readonly peer: string;
  readonly caller: string;
  readonly kind: string;
  readonly target: string | undefined;
  readonly forwarded: string | undefined;
}

let bundles: BundleSet;
let issuer: Issuer;
let agent: WitSvid;
let proxy: Nginx;
let mtls: MtlsFetch;
let close: () => Promise<void>;
const seen: Seen[] = [];
const refusals: RequestAuthenticationError[] = [];

beforeAll(async () => {
  issuer = await createIssuer({ trustDomain: 'example.org' });
  bundles = new BundleSet([issuer.bundle]);
  agent = await issuer.issueWitSvid(AGENT);
  const own = await issuer.issueX509Svid(SERVER, { dnsNames: ['orders.internal'] });
  const wit = await issuer.issueWitSvid(SERVER);
  const server = createHttpsServer(
    { svid: { getX509Svid: () => own }, bundles, authorize: exactly(PROXY) },
    requireCaller(
      createRequestAuthenticator({
        ...{ bundles, audiences: ORIGIN, authorize: memberOf('example.org'), replay: createMemoryReplayStore() },
        mechanisms: ['wpt', 'http-signature'],
      }),
      (request, response, caller) => {
        seen.push({
          peer: getPeer(request).id.toString(),
          caller: caller.id.toString(),
          kind: caller.proof.kind,
          target: request.url,
          forwarded: request.headers['x-forwarded-host']?.toString(),
        });
        response.writeHead(200, { 'Content-Type': 'text/plain' }).end(caller.body?.bytes ?? 'answer');
      },
      {
        sign: { getWitSvid: () => wit },
        onRefused: (error) => refusals.push(error as RequestAuthenticationError),
      },
    ),
  ).listen(0, '127.0.0.1');
  await once(server, 'listening');
  proxy = await startNginx({
    svid: await issuer.issueX509Svid(PROXY),
    authorities: issuer.bundle.x509.toPem(),
    serverName: 'orders.internal',
    serverPort: (server.address() as AddressInfo).port,
    locations: {
      '/': 'proxy_pass $origin;',
      '/api/': 'rewrite ^/api/(.*)$ /$1 break; proxy_pass $origin;',
      '/stripped/': 'proxy_set_header Authorization ""; proxy_set_header Signature ""; proxy_pass $origin;',
      '/cached/': 'proxy_cache answers; proxy_cache_key $uri; proxy_cache_valid any 1m; proxy_pass $origin;',
      '/coded/': 'gzip on; gzip_min_length 1; gzip_types *; gzip_proxied any; proxy_pass $origin;',
      '/answered/': 'default_type text/plain; return 200 "answer of the proxy";',
    },
  });
  const agentSvid = await issuer.issueX509Svid(AGENT);
  mtls = createMtlsFetch({ svid: { getX509Svid: () => agentSvid }, bundles, authorize: exactly(PROXY) });
  close = async () => {
    await mtls.close();
    await proxy[Symbol.asyncDispose]();
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
});

afterAll(() => close());

beforeEach(() => {
  seen.length = 0;
  refusals.length = 0;
});

/** A request by way of the proxy, proven for the server behind it. */
function call(path: string, init: RequestInit = {}, options: Partial<ProvingFetchOptions> = {}): Promise<Response> {
  const fetch = createProvingFetch({
    wit: { getWitSvid: () => agent },
    fetch: mtls.fetch,
    audience: (url) => ORIGIN + new URL(url).pathname,
    ...options,
  } as ProvingFetchOptions);
  return fetch(`https://127.0.0.1:${proxy.port}${path}`, init);
}

const signed = { mechanism: 'http-signature' } as const;
const verifying = (authorize = exactly(SERVER)) => ({ ...signed, responses: { bundles, authorize } });

async function refusalOf(promise: Promise<unknown>): Promise<unknown> {
  const error: unknown = await promise.then(
    () => ({ code: 'accepted' }),
    (thrown: unknown) => thrown,
  );
  return (error as { cause?: { code?: unknown } }).cause?.code ?? error;
}

describe('behind a proxy that ends TLS', () => {
  it('mutual TLS sees the proxy, and a proof token the workload that began the call', async () => {
    const answer = await call('/orders?item=book', { method: 'POST', body: 'x'.repeat(100_000) });
    expect([answer.status, await answer.text()]).toEqual([200, 'answer']);
    expect(seen).toEqual([
      { peer: PROXY, caller: AGENT, kind: 'wpt', target: '/orders?item=book', forwarded: '127.0.0.1' },
    ]);
  });

  it('a signature also binds the body to that workload, and the response to the server', async () => {
    const body = 'x'.repeat(100_000);
    const answer = await call('/orders?item=book', { method: 'POST', body }, verifying());
    expect([answer.status, (await answer.text()) === body]).toEqual([200, true]);
    expect(seen).toMatchObject([{ peer: PROXY, caller: AGENT, kind: 'http-signature', target: '/orders?item=book' }]);
    expect(await refusalOf(call('/orders', {}, verifying(exactly(PROXY))))).toBe('not_authorized');
  });

  it('threat 43: a signed response may have no body', async () => {
    const answer = await call('/orders', { method: 'HEAD' }, verifying());
    expect([answer.status, answer.body, answer.headers.get('Content-Type')]).toEqual([200, null, 'text/plain']);
  });

  it('threat 41: a target that the proxy rewrites is not the one that was proven', async () => {
    expect((await call('/api/orders')).status).toBe(401);
    expect((await call('/api/orders', {}, signed)).status).toBe(400);
    expect(refusals.map(({ code }) => code)).toEqual(['wrong_audience', 'bad_signature']);
    const audience = (): string => `${ORIGIN}/orders`;
    expect((await call('/api/orders', {}, { audience })).status).toBe(200);
    expect((await call('/api/orders', {}, { ...signed, audience })).status).toBe(400);
  });

  it.each(['//orders', '/orders/%2Fx', '/a;b/%C3%A4?q=%20&&'])(
    'threat 41: the target %s arrives as it was proven',
    async (path) => {
      expect((await call(path, {}, verifying())).status).toBe(200);
    },
  );

  it('a proof that the proxy takes away is missed', async () => {
    expect((await call('/stripped/x')).status).toBe(401);
    expect((await call('/stripped/x', {}, signed)).status).toBe(400);
    expect(refusals.map(({ code }) => code)).toEqual(['no_credentials', 'unpaired_label']);
  });

  it('threat 43: the answer of the proxy is not the answer of the server', async () => {
    expect(await (await call('/answered/x')).text()).toBe('answer of the proxy');
    expect(await refusalOf(call('/answered/x', {}, verifying()))).toBe('response_not_signed');
  });

  it('threat 43: an answer from the cache of the proxy was made for another request', async () => {
    expect(await (await call('/cached/x', {}, verifying())).text()).toBe('');
    expect(await refusalOf(call('/cached/x', {}, verifying()))).toBe('req_nonce_mismatch');
    expect(seen).toHaveLength(1);
  });

  it('threat 40: a response comes as it was signed, or is decoded to that', async () => {
    const init = { method: 'POST', body: 'x'.repeat(1000) };
    const plain = await call('/coded/x', init, verifying());
    expect([plain.headers.get('Content-Encoding'), await plain.text()]).toEqual([null, init.body]);
    const coded = await call('/coded/x', { ...init, headers: { 'Accept-Encoding': 'gzip' } }, verifying());
    expect([coded.headers.get('Content-Encoding'), await coded.text()]).toEqual(['gzip', init.body]);
  });
});
