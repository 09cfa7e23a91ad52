import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import * as grpc from '@grpc/grpc-js';
import { exactly } from 'svidkit/id';
import { createGrpcCredentials, createGrpcListener, getPeer } from 'svidkit/tls';
import { createX509Source, type X509Source } from 'svidkit/workload-api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type GrpcPeer, startGrpcPeer } from './support/grpc-peer.js';
import { useSpire } from './support/use-spire.js';
import { twoUsers } from './support/users.js';

const ROTATIONS = 3;
const { own, other, distinct } = twoUsers();

const same = (bytes: Buffer): Buffer => bytes;
/** An empty HealthCheckRequest, and a HealthCheckResponse that says SERVING. */
const [REQUEST, SERVING] = [Buffer.from([]), Buffer.from([8, 1])];
const CHECK = '/grpc.health.v1.Health/Check';

describe('gRPC over mutual TLS with go-spiffe at the other end, with SVIDs of a real SPIRE', () => {
  const spire = useSpire();
  const closing: Array<() => unknown> = [];
  let source: X509Source;
  let peer: GrpcPeer;
  let ourId: string;
  let port: number;
  let closedPort: number;
  const callers = new Set<string>();

  beforeAll(async () => {
    ourId = spire().commands.id('/agents/planner');
    // A lifetime of 20 s is renewed about every 6 s.
    await spire().commands.createEntry({ path: '/agents/planner', uid: own, x509TtlSeconds: 20 });
    if (distinct) await spire().commands.createEntry({ path: '/services/orders', uid: other, x509TtlSeconds: 20 });
    source = createX509Source({ address: spire().address });
    await source.ready({ timeoutMs: 30_000 });
    peer = await startGrpcPeer({ address: spire().address, uid: other, callerId: ourId });
    port = await listen(peer.id);
    closedPort = await listen(`${peer.id}/somebody-else`);
  });

  afterAll(async () => {
    for (const close of closing) close();
    await peer?.[Symbol.asyncDispose]();
    await source?.close();
  });

  async function listen(allowed: string): Promise<number> {
    const server = new grpc.Server();
    const check: grpc.handleUnaryCall<Buffer, Buffer> = (call, callback) => {
      const { id, leaf } = getPeer(call);
      callers.add(leaf.serialNumber);
      const header = new grpc.Metadata();
      header.set('client-id', id.toString());
      call.sendMetadata(header);
      callback(null, SERVING);
    };
    server.register(CHECK, check, same, same, 'unary');
    const options = { svid: source, bundles: source, authorize: exactly(allowed) };
    const listener = createGrpcListener(grpc, server, options).listen(0, '127.0.0.1');
    closing.push(() => server.forceShutdown());
    await once(listener, 'listening');
    return (listener.address() as AddressInfo).port;
  }

  function channel(to: number, expected: string): grpc.Client {
    const options = { svid: source, bundles: source, authorize: exactly(expected) };
    const client = new grpc.Client(`127.0.0.1:${to}`, createGrpcCredentials(grpc, options));
    closing.push(() => client.close());
    return client;
  }

  it('shows go-spiffe our identity and us its own, whoever calls', async () => {
    expect(peer.id).toBe(distinct ? spire().commands.id('/services/orders') : ourId);
    expect(await check(channel(peer.port, peer.id))).toMatchObject({ status: 'OK', caller: ourId });
    const outcome = await peer.call({ target: `127.0.0.1:${port}`, server: ourId });
    expect(outcome).toMatchObject({ status: 'OK', server: ourId, client: peer.id });
  });

  it('is refused by either client that expects somebody else', async () => {
    const answer = await check(channel(peer.port, `${peer.id}/else`));
    expect(answer.status).toBe('UNAVAILABLE');
    expect(answer.details).toContain('not_authorized');
    const outcome = await peer.call({ target: `127.0.0.1:${port}`, server: `${ourId}/else` });
    expect(outcome).toMatchObject({ status: 'Unavailable', message: expect.stringContaining('unexpected ID') });
  });

  it('is refused by either server that expects somebody else', async () => {
    expect((await check(channel(peer.closedPort, peer.id))).status).toBe('UNAVAILABLE');
    const outcome = await peer.call({ target: `127.0.0.1:${closedPort}`, server: ourId });
    expect(outcome.status).toBe('Unavailable');
  });

  it(`survives ${ROTATIONS} rotations on both sides under steady calls on kept connections without one that fails`, async () => {
    const kept = channel(peer.port, peer.id);
    const failures: unknown[] = [];
    const deadline = Date.now() + 150_000;
    let [calls, oursSeen, theirsSeen] = [0, 0, 0];
    callers.clear();
    const { certificates: before } = await peer.call({ target: `127.0.0.1:${port}`, server: ourId });
    const first = Number((await check(kept)).certificates);
    while (Date.now() < deadline && !(oursSeen > ROTATIONS && theirsSeen > ROTATIONS && callers.size > ROTATIONS)) {
      const [answer, outcome] = await Promise.all([
        check(kept),
        peer.call({ target: `127.0.0.1:${port}`, server: ourId }),
      ]);
      calls += 2;
      if (answer.status !== 'OK') failures.push(answer);
      if (outcome.status !== 'OK') failures.push(outcome);
      [oursSeen, theirsSeen] = [answer.certificates - first + 1, outcome.certificates - before + 1];
    }
    console.log(
      `${calls} calls; go-spiffe saw ${oursSeen} of our certificates as a server and ${theirsSeen} as a client; ` +
        `we saw ${callers.size} of its own`,
    );
    expect(failures).toEqual([]);
    expect(oursSeen).toBeGreaterThan(ROTATIONS);
    expect(theirsSeen).toBeGreaterThan(ROTATIONS);
    expect(callers.size).toBeGreaterThan(ROTATIONS);
  });
});

interface Checked {
  readonly status: string;
  readonly details: string;
  /** What the server says about us: who we are, and how many certificates of ours it has seen. */
  readonly caller: string | undefined;
  readonly certificates: number;
}

function check(client: grpc.Client): Promise<Checked> {
  return new Promise((resolve) => {
    let header = new grpc.Metadata();
    const deadline = Date.now() + 10_000;
    const call = client.makeUnaryRequest(CHECK, same, same, REQUEST, { deadline }, (error) => {
      const [caller] = header.get('client-id').map(String);
      const certificates = Number(header.get('client-certificates')[0] ?? 0);
      resolve({ status: grpc.status[error?.code ?? 0] ?? '', details: error?.details ?? '', caller, certificates });
    });
    call.on('metadata', (received: grpc.Metadata) => {
      header = received;
    });
  });
}
