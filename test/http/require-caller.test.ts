import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { type Caller, createRequestAuthenticator, type RequestAuthenticatorOptions, requireCaller } from 'svidkit/http';
import { anyId } from 'svidkit/id';
import { createMemoryReplayStore } from 'svidkit/replay';
import { parseWitSvid } from 'svidkit/wit';
import { proveRequest } from 'svidkit/wpt';
import { beforeEach, describe, expect, it } from 'vitest';
import { serveHttp } from '../support/raw-http.js';
import { until } from '../support/until.js';
import { bundles, clock, wit, workload } from '../support/wit-domain.js';

const svid = parseWitSvid({ token: wit(), privateKey: workload });
const audience = 'https://tools.example.org/orders';
const goodHeaders = async (): Promise<Record<string, string>> =>
  Object.fromEntries(await proveRequest(svid, { audience, clock }));

let options: RequestAuthenticatorOptions;
let callers: Caller[];

beforeEach(() => {
  const replay = createMemoryReplayStore({ clock });
  options = { bundles, audiences: audience, authorize: anyId(), replay, clock };
  callers = [];
});

describe('requireCaller', () => {
  it('neither answers nor calls the handler for a client that has gone', async () => {
    let arrived: (value?: unknown) => void = () => undefined;
    const waiting = new Promise((resolve) => {
      arrived = resolve;
    });
    const reasons: unknown[] = [];
    const authenticate = createRequestAuthenticator({
      ...options,
      replay: {
        insert: (_, { signal } = {}) =>
          new Promise((_resolve, reject) => {
            signal?.addEventListener('abort', () => reject(signal.reason));
            arrived();
          }),
      },
    });
    const port = await serveHttp(
      requireCaller(authenticate, (_, __, caller) => void callers.push(caller), {
        onRefused: (error) => reasons.push(error),
      }),
    );
    const headers = await goodHeaders();
    const outgoing = httpRequest({ port, path: '/orders', headers }).end();
    outgoing.on('error', () => undefined);
    await waiting;
    outgoing.destroy();
    await until(() => reasons).toMatchObject([{ name: 'AbortError' }]);
    expect(callers).toEqual([]);
  });

  it('does not call the handler for a client that was gone before', async () => {
    const headers = await goodHeaders();
    const reasons: unknown[] = [];
    const listener = requireCaller(createRequestAuthenticator(options), (_, __, caller) => void callers.push(caller), {
      onRefused: (error) => reasons.push(error),
    });
    const port = await serveHttp((request, response) => {
      response.destroy();
      setImmediate(() => void listener(request, response));
    });
    httpRequest({ port, path: '/orders', headers })
      .on('error', () => undefined)
      .end();
    await until(() => reasons).toMatchObject([{ name: 'AbortError' }]);
    expect(callers).toEqual([]);
  });

  it('refuses all the same when whoever is told of it fails', async () => {
    const listener = requireCaller(createRequestAuthenticator(options), (_, __, caller) => void callers.push(caller), {
      onRefused: () => {
        throw new Error('the log is full');
      },
    });
    const port = await serveHttp(listener);
    for (let count = 0; count < 2; count += 1) {
      const response = await fetch(`http://127.0.0.1:${port}/orders`);
      expect(response.status).toBe(401);
    }
    expect(callers).toEqual([]);
  });

  it('leaves the body to the handler', async () => {
    const port = await serveHttp(
      requireCaller(createRequestAuthenticator(options), async (request, response) => {
        let size = 0;
        for await (const chunk of request) size += chunk.length;
        response.end(`${size}`);
      }),
    );
    const headers = await goodHeaders();
    const outgoing = httpRequest({ port, path: '/orders', method: 'POST', headers }).end('x'.repeat(100_000));
    const [incoming] = await once(outgoing, 'response');
    expect(await once(incoming.setEncoding('utf8'), 'data')).toEqual(['100000']);
  });

  it.each([
    [undefined, () => undefined],
    [async () => undefined, undefined],
  ])('is a TypeError without both functions', (...functions) => {
    expect(() => requireCaller(...(functions as unknown as Parameters<typeof requireCaller>))).toThrow(TypeError);
  });
});
