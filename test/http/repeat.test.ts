import { createServer, type RequestListener, type Server } from 'node:http';
import { constants, createSecureServer } from 'node:http2';
import { buffer } from 'node:stream/consumers';
import { createProvingFetch, type ProvingFetchOptions } from 'svidkit/http';
import { beforeEach, describe, expect, it } from 'vitest';
import { listen } from '../support/connections.js';
import { fetchOverHttp2 } from '../support/fetch-over-http2.js';
import { svid } from '../support/http-signatures.js';
import { serverCertificate } from '../support/server-certificate.js';
import { clock } from '../support/wit-domain.js';

interface Seen {
  readonly method: string | undefined;
  readonly body: string;
  /** What makes one proof another: the proof token, or the signature. */
  readonly proof: string;
}

let seen: Seen[];
/** What becomes of the requests, in the order in which they come; the ones after these are answered with 200. */
let fates: ((...[request, response]: Parameters<RequestListener>) => unknown)[];

beforeEach(() => {
  [seen, fates] = [[], []];
});

const closed: RequestListener = (request) => request.socket.destroy();
const reset: RequestListener = (request) => request.socket.resetAndDestroy();

const listener: RequestListener = async (request, response) => {
  const { authorization, signature } = request.headers;
  seen.push({ method: request.method, body: `${await buffer(request)}`, proof: `${signature ?? authorization}` });
  const fate = fates.shift();
  if (fate === undefined) response.end('answered');
  else fate(request, response);
};

const MECHANISMS: readonly [string, Partial<ProvingFetchOptions>][] = [
  ['a proof token', { mechanism: 'wpt' }],
  ['a signature', { mechanism: 'http-signature' }],
];

function fetchWith(options: Partial<ProvingFetchOptions>): typeof globalThis.fetch {
  return createProvingFetch({
    ...{ wit: { getWitSvid: () => svid }, allowPlaintext: true, clock },
    ...options,
  } as ProvingFetchOptions);
}

describe.each(MECHANISMS)('a request with %s', (_, mechanism) => {
  let origin: string;

  beforeEach(async () => {
    origin = `http://127.0.0.1:${await listen(createServer(listener))}`;
  });

  const outcome = async (init?: RequestInit): Promise<string> => {
    try {
      const response = await fetchWith(mechanism)(`${origin}/orders`, init);
      return `${response.status} ${await response.text()}`;
    } catch (error) {
      return `${(error as Error).name}`;
    }
  };
  const proofs = (): number => new Set(seen.map(({ proof }) => proof)).size;

  it('is not sent a third time', async () => {
    fates = [closed, reset];
    expect(await outcome()).toBe('TypeError');
    expect([seen.length, proofs()]).toEqual([2, 2]);
  });

  it.each([
    ['closed', closed],
    ['reset', reset],
  ])(
    'threat 24: is sent once more with a fresh proof when it is idempotent and its connection was %s (RFC 9110 section 9.2.2)',
    async (_how, fate) => {
      for (const method of ['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS']) {
        fates = [fate];
        const answer = await outcome({ method, body: method === 'PUT' ? 'tea' : null });
        expect(answer, method).toBe(method === 'HEAD' ? '200 ' : '200 answered');
      }
      expect([seen.length, proofs()]).toEqual([10, 10]);
      for (const method of ['POST', 'PATCH']) {
        fates = [fate];
        expect(await outcome({ method, body: 'tea' }), method).toBe('TypeError');
      }
      expect(seen).toHaveLength(12);
    },
  );

  it('is not sent again when it was answered, refusals and failures included', async () => {
    for (const status of [400, 401, 403, 425, 429, 500, 502, 503]) {
      fates = [(_request, response) => response.writeHead(status, { 'Retry-After': '0' }).end()];
      expect(await outcome()).toBe(`${status} `);
    }
    expect(seen).toHaveLength(8);
  });

  it('is not sent again when its caller has given up', async () => {
    const controller = new AbortController();
    fates = [
      (request) => {
        controller.abort();
        request.socket.destroy();
      },
    ];
    expect(await outcome({ signal: controller.signal })).toBe('AbortError');
    expect(seen).toHaveLength(1);
  });
});

it('a request with a stream for a body is not sent again', async () => {
  const origin = `http://127.0.0.1:${await listen(createServer(listener))}`;
  fates = [closed];
  const init = { method: 'PUT', body: new Blob(['tea']).stream(), duplex: 'half' } as RequestInit;
  await expect(fetchWith({})(origin, init)).rejects.toThrow('fetch failed');
  expect(seen).toHaveLength(1);
});

it('a stream of HTTP/2 that was refused unseen is opened once more, whatever the method (RFC 9113 section 8.7)', async () => {
  const server = createSecureServer(await serverCertificate());
  const codes = [constants.NGHTTP2_REFUSED_STREAM, undefined, constants.NGHTTP2_INTERNAL_ERROR];
  const taken: unknown[] = [];
  server.on('stream', (stream, headers) => {
    taken.push(headers['authorization']);
    const code = codes.shift();
    stream.on('error', () => undefined);
    if (code === undefined) stream.respond({ ':status': 200 }, { endStream: true });
    else stream.close(code);
  });
  const port = await listen(server as unknown as Server);
  const proving = fetchWith({ fetch: fetchOverHttp2() });
  const send = () => proving(`https://127.0.0.1:${port}/orders`, { method: 'POST', body: 'tea' });
  expect((await send()).status).toBe(200);
  expect(new Set(taken).size).toBe(2);
  await expect(send()).rejects.toThrow('fetch failed');
  expect(taken).toHaveLength(3);
});
