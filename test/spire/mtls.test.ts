import { once } from 'node:events';
import { type Agent, request } from 'node:https';
import { json } from 'node:stream/consumers';
import { TlsError } from 'svidkit/errors';
import { exactly } from 'svidkit/id';
import { createHttpsAgent, getPeer } from 'svidkit/tls';
import { createX509Source, type X509Source } from 'svidkit/workload-api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type MtlsServer, startMtlsServer } from './support/mtls-server-process.js';
import type { Entry } from './support/spire-commands.js';
import { useSpire } from './support/use-spire.js';
import { twoUsers } from './support/users.js';
import { waitFor } from './support/wait-for.js';

const ROTATIONS = 3;
const { own, other, distinct } = twoUsers();
const planner: Entry = { path: '/agents/planner', uid: own, x509TtlSeconds: 20 };

describe('mutual TLS between two processes with SVIDs of a real SPIRE', () => {
  const spire = useSpire();
  let source: X509Source;
  let server: MtlsServer;
  let clientId: string;
  let serverId: string;
  let entryId: string;

  beforeAll(async () => {
    clientId = spire().commands.id('/agents/planner');
    serverId = distinct ? spire().commands.id('/services/orders') : clientId;
    // A lifetime of 20 s is renewed about every 6 s.
    entryId = await spire().commands.createEntry(planner);
    if (distinct) await spire().commands.createEntry({ path: '/services/orders', uid: other, x509TtlSeconds: 20 });
    source = createX509Source({ address: spire().address });
    await source.ready({ timeoutMs: 30_000 });
    server = await startMtlsServer({ address: spire().address, uid: other, callerId: clientId });
  });

  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    await source?.close();
  });

  it('shows each side the identity of the other', async () => {
    using agent = disposable(createHttpsAgent({ svid: source, bundles: source, authorize: exactly(serverId) }));
    expect(server.id).toBe(serverId);
    const ownSerial = (): string | undefined => source.getX509Svid().certificates[0]?.serialNumber;
    const before = ownSerial();
    const answer = await call(agent.agent, server.port);
    expect(answer.server.id).toBe(serverId);
    expect(answer.client.id).toBe(clientId);
    // It may have been renewed in the meantime.
    expect([before, ownSerial()]).toContain(answer.client.serialNumber);
  });

  it('is refused by a client that expects somebody else', async () => {
    using agent = disposable(
      createHttpsAgent({ svid: source, bundles: source, authorize: exactly(`${serverId}/else`) }),
    );
    await expect(call(agent.agent, server.port)).rejects.toMatchObject({ name: 'TlsError', code: 'not_authorized' });
  });

  it('is refused by a server that expects somebody else', async () => {
    using agent = disposable(createHttpsAgent({ svid: source, bundles: source, authorize: exactly(serverId) }));
    await expect(call(agent.agent, server.closedPort)).rejects.toThrow();
    await call(agent.agent, server.port);
  });

  it(`survives ${ROTATIONS} rotations on both sides under steady traffic without a failed request`, async () => {
    const options = { svid: source, bundles: source, authorize: exactly(serverId) };
    using fresh = disposable(createHttpsAgent(options, { keepAlive: false }));
    using kept = disposable(createHttpsAgent(options, { keepAlive: true, maxSockets: 2 }));
    const failures: unknown[] = [];
    const clientSerials = new Set<string>();
    const serverSerials = new Set<string>();
    let requests = 0;
    let onKeptConnections = 0;
    const deadline = Date.now() + 150_000;
    while (Date.now() < deadline && (clientSerials.size <= ROTATIONS || serverSerials.size <= ROTATIONS)) {
      const calls = [call(fresh.agent, server.port), call(kept.agent, server.port), call(kept.agent, server.port)];
      for (const outcome of await Promise.allSettled(calls)) {
        requests += 1;
        if (outcome.status === 'rejected') {
          failures.push(outcome.reason);
          continue;
        }
        if (outcome.value.reused) onKeptConnections += 1;
        expect(outcome.value.client.id).toBe(clientId);
        expect(outcome.value.server.id).toBe(serverId);
      }
      clientSerials.add(source.getX509Svid().certificates[0]?.serialNumber ?? '');
      const [newest] = await Promise.all([call(fresh.agent, server.port)]);
      serverSerials.add(newest.server.serialNumber);
    }
    console.log(
      `${requests} requests, ${onKeptConnections} of them on kept connections; ` +
        `${clientSerials.size} client and ${serverSerials.size} server certificates`,
    );
    expect(failures).toEqual([]);
    expect(clientSerials.size).toBeGreaterThan(ROTATIONS);
    expect(serverSerials.size).toBeGreaterThan(ROTATIONS);
    // Two of three may go over kept ones, and the two of these are made anew when either end has a new identity.
    expect((requests * 2) / 3 - onKeptConnections).toBeLessThanOrEqual(2 * (clientSerials.size + serverSerials.size));
  });

  it('is not tried with an identity that was withdrawn, and works again once it is restored', async () => {
    using agent = disposable(createHttpsAgent({ svid: source, bundles: source, authorize: exactly(serverId) }));
    await call(agent.agent, server.port);
    await spire().commands.deleteEntry(entryId);
    const refusal = await waitFor('a refused connection', async () => {
      try {
        await call(agent.agent, server.port);
        return undefined;
      } catch (error) {
        // A request that is on its way at that moment ends with its connection.
        return error instanceof TlsError && error.code === 'bundle_failed' ? undefined : error;
      }
    });
    expect(refusal).toMatchObject({ name: 'TlsError', code: 'no_identity', cause: { code: 'withdrawn' } });

    entryId = await spire().commands.createEntry(planner);
    const answer = await waitFor('an answered request', async () => await call(agent.agent, server.port));
    expect(answer.client.id).toBe(clientId);
  });
});

interface Seen {
  readonly id: string;
  readonly serialNumber: string;
}

interface Answer {
  /** What the server says about us. */
  readonly client: Seen;
  /** What we verified about the server. */
  readonly server: Seen;
  /** Whether the request went over a connection that had carried one before. */
  readonly reused: boolean;
}

async function call(agent: Agent, port: number): Promise<Answer> {
  const outgoing = request({ host: '127.0.0.1', port, path: '/', agent });
  outgoing.end();
  const [incoming] = await once(outgoing, 'response');
  const peer = getPeer(incoming);
  const server = { id: peer.id.toString(), serialNumber: peer.leaf.serialNumber };
  const client = (await json(incoming)) as Seen;
  return { client, server, reused: outgoing.reusedSocket };
}

function disposable(agent: Agent): Disposable & { readonly agent: Agent } {
  return { agent, [Symbol.dispose]: () => agent.destroy() };
}
