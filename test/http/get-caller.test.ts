import { createServer, type IncomingMessage } from 'node:http';
import Fastify from 'fastify';
import {
  type Caller,
  createRequestAuthenticator,
  getCaller,
  type ProofMechanism,
  requireCallerExpress,
  requireCallerFastify,
  requireCallerFetch,
  type SignatureCaller,
  type WptCaller,
} from 'svidkit/http';
import { anyId } from 'svidkit/id';
import { createMemoryReplayStore } from 'svidkit/replay';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { listen } from '../support/connections.js';
import { WIT, wpt } from '../support/proofs.js';
import { ORIGIN, send, signedLines } from '../support/signed-http.js';
import { bundles, clock, SUBJECT } from '../support/wit-domain.js';

const authenticate = createRequestAuthenticator({
  ...{ bundles, audiences: ORIGIN, authorize: anyId(), replay: createMemoryReplayStore({ clock }), clock },
  mechanisms: ['wpt', 'http-signature'],
});

/** What a handler behind the middleware finds out about its caller. */
async function found(look: (request: IncomingMessage) => unknown): Promise<{ port: number; results: unknown[] }> {
  const results: unknown[] = [];
  const middleware = requireCallerExpress(authenticate);
  const server = createServer((request, response) => {
    void middleware(request, response, () => {
      try {
        results.push(look(request));
      } catch (error) {
        results.push(error);
      }
      response.end();
    });
  });
  return { port: await listen(server), results };
}

const tokenRequest = () => ({
  ...{ method: 'GET', target: '/orders', body: '' },
  fields: ['Host: x', `Workload-Identity-Token: ${WIT}`, `Workload-Proof-Token: ${wpt()}`],
});

describe('getCaller', () => {
  it('gives whoever was let in, by whichever mechanism', async () => {
    const { port, results } = await found((request) => {
      const { id, proof } = getCaller(request);
      return `${id} ${proof.kind}`;
    });
    await send(port, tokenRequest());
    await send(port, await signedLines({ body: 'tea' }));
    expect(results).toEqual([`${SUBJECT} wpt`, `${SUBJECT} http-signature`]);
  });

  it('holds a caller to the mechanism that is named', async () => {
    const { port, results } = await found(
      (request) => `${Buffer.from(getCaller(request, 'http-signature').body.bytes)}`,
    );
    await send(port, await signedLines({ body: 'tea' }));
    await send(port, tokenRequest());
    expect(results).toEqual(['tea', expect.any(TypeError)]);
    expect(String(results[1])).toMatch(/by wpt, and not by http-signature/);
  });

  it('has the types of what may have been let in', () => {
    expectTypeOf(getCaller).returns.toEqualTypeOf<Caller<ProofMechanism>>();
    const signature = (request: IncomingMessage) => getCaller(request, 'http-signature');
    expectTypeOf(signature).returns.toEqualTypeOf<SignatureCaller>();
    const token = (request: IncomingMessage) => getCaller(request, 'wpt');
    expectTypeOf(token).returns.toEqualTypeOf<WptCaller>();
    const narrowed = (request: IncomingMessage) => {
      const caller = getCaller(request);
      return caller.body === undefined ? caller.covered.accessToken : caller.covered.authorization;
    };
    expectTypeOf(narrowed).returns.toBeBoolean();
  });

  it('is a TypeError where nobody was let in', () => {
    expect(() => getCaller({})).toThrow(TypeError);
  });
});

describe('misuse', () => {
  it('of the Fastify hook in another place than preParsing is told before the first request, or with it', async () => {
    const hook = requireCallerFastify(authenticate) as never;
    expect(() => Fastify().addHook('onRequest', hook)).toThrow(/async/i);
    const app = Fastify();
    app.get(
      '/orders',
      { preHandler: (request, reply) => (hook as CallableFunction)(request, reply, () => undefined) },
      () => 'x',
    );
    expect((await app.inject('/orders')).json()).toMatchObject({
      statusCode: 500,
      message: expect.stringContaining('preParsing'),
    });
  });

  it('of the options is a TypeError', () => {
    const wrong = [{ sign: {} }, { maxSignedBytes: -1 }, { maxSignedBytes: Number.NaN }] as unknown as [
      { maxSignedBytes: number },
    ];
    for (const options of wrong) {
      expect(() => requireCallerExpress(authenticate, options)).toThrow(TypeError);
      expect(() => requireCallerFetch(authenticate, () => new Response(), options)).toThrow(TypeError);
    }
    expect(() => requireCallerExpress(undefined as never)).toThrow(TypeError);
    expect(() => requireCallerFetch(authenticate, undefined as never)).toThrow(TypeError);
  });
});
