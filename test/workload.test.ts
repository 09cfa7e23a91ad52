import { once } from 'node:events';
import { request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { inspect } from 'node:util';
import {
  createMemoryReplayStore,
  createRequestAuthenticator,
  exactly,
  getPeer,
  memberOf,
  requireCaller,
  Workload,
  type WorkloadOptions,
} from 'svidkit';
import { createDevEndpoint, type DevEndpoint } from 'svidkit/dev';
import { WorkloadApiError } from 'svidkit/errors';
import { verifyJwtSvid } from 'svidkit/jwt-svid';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { ScriptedEndpoint } from './support/scripted-endpoint.js';
import { until } from './support/until.js';

const PLANNER = 'spiffe://example.org/agents/planner';
const ORDERS = 'spiffe://example.org/services/orders';

let endpoint: DevEndpoint;
beforeAll(async () => {
  endpoint = await createDevEndpoint({ trustDomain: 'example.org' });
});
afterAll(() => endpoint.close());

const addressOf = async (id: string): Promise<string> => (await endpoint.addWorkload(id)).address;

async function refusal(attempt: Promise<unknown>): Promise<WorkloadApiError> {
  const error = await attempt.then(
    () => new Error('it succeeded'),
    (reason) => reason,
  );
  if (error instanceof WorkloadApiError) return error;
  throw error;
}

describe('Workload.connect()', () => {
  it('resolves with an identity, and everything needed to use it', async () => {
    await using workload = await Workload.connect({ address: await addressOf(PLANNER) });
    expect(workload.id.toString()).toBe(PLANNER);
    expect(workload.svid.id.equals(workload.id)).toBe(true);
    expect(workload.wit.getWitSvid().id.equals(workload.id)).toBe(true);
    const svid = await workload.fetchJwtSvid('reports');
    const verified = await verifyJwtSvid(svid.token, workload.bundles, { audience: 'reports' });
    expect(verified.id.toString()).toBe(PLANNER);
  });

  it('takes the address from SPIFFE_ENDPOINT_SOCKET', async () => {
    const before = process.env['SPIFFE_ENDPOINT_SOCKET'];
    process.env['SPIFFE_ENDPOINT_SOCKET'] = await addressOf(PLANNER);
    try {
      await using workload = await Workload.connect();
      expect(workload.id.toString()).toBe(PLANNER);
      delete process.env['SPIFFE_ENDPOINT_SOCKET'];
      expect(await refusal(Workload.connect())).toMatchObject({ code: 'address_unset' });
    } finally {
      if (before === undefined) delete process.env['SPIFFE_ENDPOINT_SOCKET'];
      else process.env['SPIFFE_ENDPOINT_SOCKET'] = before;
    }
  });

  it('chooses by hint, and has no identity where no hint fits', async () => {
    const { address } = await endpoint.addWorkload([
      { id: PLANNER, hint: 'internal' },
      { id: ORDERS, hint: 'external' },
    ]);
    await using workload = await Workload.connect({ address, hint: 'external' });
    expect(workload.id.toString()).toBe(ORDERS);
    expect(workload.wit.getWitSvid().id.toString()).toBe(ORDERS);
    const error = await refusal(Workload.connect({ address, hint: 'other', timeoutMs: 1_500 }));
    expect(error.code).toBe('timeout');
    expect(error.cause).toMatchObject({ code: 'no_identity' });
  });

  it('gives up after its time with the last failure as cause, and leaves nothing behind', async () => {
    const error = await refusal(Workload.connect({ address: 'unix:///nowhere/api.sock', timeoutMs: 1_500 }));
    expect(error.code).toBe('timeout');
    expect(inspect(error.cause)).toContain('unavailable');
  });

  it('leaves nothing open when an option is wrong', async () => {
    const hanging = await ScriptedEndpoint.start();
    onTestFinished(() => hanging.stop());
    const { address } = hanging;
    for (const wrong of [
      { mechanism: 'http-signature', responses: {} },
      { mechanism: 'unknown' },
      { servers: 'everybody' },
      { audience: 'orders' },
    ]) {
      const options = { address, keepProcessAlive: true, ...wrong } as unknown as WorkloadOptions;
      await expect(Workload.connect(options), Object.keys(wrong).join()).rejects.toThrow(TypeError);
    }
    await new Promise((resolve) => setTimeout(resolve, 300));
    // Less than it takes until an endpoint that says nothing is given up.
    await expect.poll(() => hanging.x509.open, { timeout: 5_000 }).toBe(0);
  });

  it('ends with the reason of an abort', async () => {
    const signal = AbortSignal.timeout(50);
    const connecting = Workload.connect({ address: 'unix:///nowhere/api.sock', signal });
    const error = await connecting.catch((reason: unknown) => reason);
    expect(signal.aborted).toBe(true);
    expect(error).toBe(signal.reason);
  });

  it('works without the WIT-SVID profile, until a WIT is asked for', async () => {
    await using plain = await createDevEndpoint({ trustDomain: 'example.org', wit: false });
    const { address } = await plain.addWorkload(PLANNER);
    await using workload = await Workload.connect({ address });
    expect(workload.id.toString()).toBe(PLANNER);
    expect((await workload.fetchJwtSvid('reports')).id.toString()).toBe(PLANNER);
    expect(await refusal(workload.fetch('https://127.0.0.1:1/'))).toMatchObject({ code: 'unimplemented' });
  });

  it('closes as often as asked, and then has no identity', async () => {
    const workload = await Workload.connect({ address: await addressOf(PLANNER) });
    await workload.close();
    await workload.close();
    expect(() => workload.id).toThrow(expect.objectContaining({ code: 'closed' }));
  });

  it('shows no key and no token', async () => {
    await using workload = await Workload.connect({ address: await addressOf(PLANNER) });
    const { token } = workload.wit.getWitSvid();
    const key = workload.svid.privateKeyPkcs8Pem().split('\n')[1] ?? '';
    const seen = inspect(workload, { depth: Number.POSITIVE_INFINITY, showHidden: true }) + JSON.stringify(workload);
    expect(key.length).toBeGreaterThan(40);
    expect(seen).not.toContain(key);
    expect(seen).not.toContain(token);
  });
});

describe('two workloads', () => {
  it('call each other with a proof over mutual TLS, through rotation and until one is withdrawn', async () => {
    const agentSocket = await endpoint.addWorkload(PLANNER);
    await using service = await Workload.connect({ address: await addressOf(ORDERS) });
    await using agent = await Workload.connect({ address: agentSocket.address, servers: exactly(ORDERS) });
    const server = service.createHttpsServer({ authorize: memberOf('example.org') });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const origin = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const authenticate = createRequestAuthenticator({
      bundles: service.bundles,
      audiences: origin,
      authorize: exactly(PLANNER),
      replay: createMemoryReplayStore(),
    });
    server.on(
      'request',
      requireCaller(authenticate, (incoming, answer, caller) => answer.end(`${caller.id} ${getPeer(incoming).id}`)),
    );

    const call = async (): Promise<string> => (await agent.fetch(`${origin}/orders`, { method: 'POST' })).text();
    expect(await call()).toBe(`${PLANNER} ${PLANNER}`);
    const { fingerprint256 } = agent.svid.certificates[0] ?? {};
    await agentSocket.rotate();
    await until(() => agent.svid.certificates[0]?.fingerprint256).not.toBe(fingerprint256);
    expect(await call()).toBe(`${PLANNER} ${PLANNER}`);

    const httpsAgent = agent.httpsAgent({ authorize: exactly(ORDERS) });
    const [answer] = await once(request(`${origin}/`, { agent: httpsAgent }).end(), 'response');
    expect(answer.statusCode).toBe(401);
    await text(answer);

    agentSocket.withdraw();
    for (const source of [agent.x509, agent.wit]) await until(() => source.health.expiresAt).toBeUndefined();
    expect(await refusal(call())).toMatchObject({ code: 'withdrawn' });
    httpsAgent.destroy();
    server.closeAllConnections();
    server.close();
  });

  it('speak over sockets, and close them when their identity is withdrawn', async () => {
    const agentSocket = await endpoint.addWorkload(PLANNER);
    await using service = await Workload.connect({ address: await addressOf(ORDERS) });
    await using agent = await Workload.connect({ address: agentSocket.address });
    const server = service.createTlsServer({ authorize: exactly(PLANNER) }, (socket) => {
      socket.on('error', () => undefined).write(`${getPeer(socket).id}`);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const socket = await agent.connectTls({ authorize: exactly(ORDERS) }, { host: '127.0.0.1', port });
    expect(String((await once(socket, 'data'))[0])).toBe(PLANNER);
    const failure = once(socket, 'error').catch((error: unknown) => [error]);
    agentSocket.withdraw();
    expect(await failure).toMatchObject([{ code: 'bundle_failed', rule: 'withdrawn' }]);
    server.close();
    await once(server, 'close');
  });

  it('call each other by signatures, with the body bound and the answer signed by the expected server alone', async () => {
    await using service = await Workload.connect({ address: await addressOf(ORDERS) });
    const server = service.createHttpsServer({ authorize: memberOf('example.org') });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const origin = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const authenticate = createRequestAuthenticator({
      ...{ bundles: service.bundles, audiences: origin, authorize: exactly(PLANNER) },
      ...{ replay: createMemoryReplayStore(), mechanisms: ['http-signature'] as const },
    });
    const answer = requireCaller(
      authenticate,
      (_, response, { body, proof }) => response.end(`${Buffer.from(body.bytes)} ${proof.signResponse}`),
      { sign: service.wit },
    );
    server.on('request', answer);
    const call = async (expected?: string): Promise<string> => {
      await using agent = await Workload.connect({
        ...{ address: await addressOf(PLANNER), servers: memberOf('example.org'), mechanism: 'http-signature' },
        responses: expected === undefined ? undefined : { authorize: exactly(expected) },
      });
      return (await agent.fetch(`${origin}/orders`, { method: 'POST', body: 'tea' })).text();
    };
    expect(await call()).toBe('tea false');
    expect(await call(ORDERS)).toBe('tea true');
    await expect(call(PLANNER)).rejects.toMatchObject({
      code: 'response_not_verified',
      cause: { code: 'not_authorized' },
    });
    server.closeAllConnections();
    server.close();
  });
});
