import * as grpc from '@grpc/grpc-js';
import { exactly } from 'svidkit/id';
import { createHttpsAgent } from 'svidkit/tls';
import { createWorkloadApiClient, createX509Source, type X509Source } from 'svidkit/workload-api';
import { describe, expect, it, onTestFinished } from 'vitest';
import { call } from '../support/connections.js';
import { refusalIn } from '../tls-matrix/support/refusal-in.js';
import { requireSpire } from './support/binaries.js';
import { orphanConnection } from './support/orphaned-connection.js';
import { ManagedProcess } from './support/processes.js';
import { BACKOFF, type FaultBench, useFaultBench } from './support/use-fault-bench.js';
import { useSpire } from './support/use-spire.js';
import { waitFor } from './support/wait-for.js';

const X509_STREAM = '/SpiffeWorkloadAPI/FetchX509SVID';
const MINUTES = 60_000;

describe('faults of clients of the agent, under a steady load of mutual TLS', () => {
  const spire = useSpire();
  const bench = useFaultBench(spire, { group: 'client' });
  const socket = (): string => spire().address.replace('unix://', '');

  it('one that pings every half second is cut off; the source beside it, which pings every 5.5 minutes, is not', async () => {
    const client = openClient({ 'grpc.keepalive_time_ms': 500 });
    let messages = 0;
    await elsewhere('another client pings too often', 'not concerned; the other: resource_exhausted', async () => {
      const ended = endOf(client, [['workload.spiffe.io', 'true']], () => {
        messages += 1;
      });
      // What gRPC makes of GOAWAY with ENHANCE_YOUR_CALM.
      expect(await ended).toMatchObject({ code: grpc.status.RESOURCE_EXHAUSTED });
    });
    expect(messages).toBeGreaterThan(0);
    expect(bench().source.health.lastError).toBeUndefined();
  });

  it.each<[string, ReadonlyArray<[string, string]>]>([
    ['no security header', []],
    ['another value in the security header', [['workload.spiffe.io', 'True']]],
    [
      'two security headers',
      [
        ['workload.spiffe.io', 'true'],
        ['workload.spiffe.io', 'true'],
      ],
    ],
    ['the header of the Broker API', [['broker.spiffe.io', 'true']]],
  ])('a call with %s is an invalid argument and disturbs nobody', async (what, headers) => {
    await elsewhere(`call with ${what}`, 'not concerned; the call: invalid_argument', async () => {
      expect(await endOf(openClient(), headers)).toMatchObject({ code: grpc.status.INVALID_ARGUMENT });
    });
  });

  it('processes that are killed with their streams open take nothing from the others', async () => {
    await elsewhere('5 processes killed with open streams', 'not concerned; new source: ready', async () => {
      const watchers = Array.from({ length: 5 }, () => {
        return new ManagedProcess('agent-watch', requireSpire().agent, ['api', 'watch', '-socketPath', socket()]);
      });
      onTestFinished(async () => {
        for (const watcher of watchers) await watcher.end('SIGKILL');
      });
      const isServed = ({ lines }: ManagedProcess): boolean => lines.some((line) => line.includes('SPIFFE ID:'));
      await waitFor('streams that have delivered', () => watchers.every(isServed));
      await Promise.all(watchers.map((watcher) => watcher.end('SIGKILL')));
      await using late = createX509Source({ address: spire().address, backoff: BACKOFF });
      await late.ready({ timeoutMs: 30_000 });
      expect(late.getX509Svid().id.equals(bench().source.getX509Svid().id)).toBe(true);
    });
  });

  it('a connection whose maker has died is given no identity', async () => {
    await elsewhere('connection outlives its process', 'on that connection: unavailable', async () => {
      using orphan = await orphanConnection(socket());
      await using client = createWorkloadApiClient({ address: orphan.address });
      await expect(client.fetchX509Context()).rejects.toMatchObject({
        code: 'unavailable',
        message: expect.stringContaining('attestation'),
      });
    });
  });

  it('one whose clock is 10 minutes ahead presents nothing, because to it everything has expired', async () => {
    const { source, fault } = bench();
    const clock = (): number => Date.now() + 10 * MINUTES;
    const codes: string[] = [];
    await fault('clock of a client 10 min ahead', 'expired; presented nothing', async () => {
      const onError = ({ code }: { code: string }): void => void codes.push(code);
      await using ahead = createX509Source({ address: spire().address, backoff: BACKOFF, clock, onError });
      await waitFor('a delivery', () => codes.length > 0);
      expect(() => ahead.getX509Svid()).toThrow(expect.objectContaining({ code: 'expired' }));
      expect(ahead.health).toMatchObject({ connected: true, expiresAt: undefined });
      expect(await visit({ svid: source, clock })).toBe('identity_expired');
      expect(await visit({ svid: ahead, clock })).toMatch(/^(no_identity|identity_expired)$/);
    });
    expect(new Set(codes)).toEqual(new Set(['expired']));
  });

  it('one whose clock is 10 minutes behind refuses its peers; within the 10 seconds that SPIRE allows for, it does not', async () => {
    const { source, fault } = bench();
    await fault('clock of a client 10 min behind', 'peer refused: not yet valid', async () => {
      expect(await visit({ svid: source, clock: () => Date.now() - 10 * MINUTES })).toBe('peer_refused/not_yet_valid');
    });
    await fault('clock of a client 5 s behind', 'went on: SVIDs are dated 10 s back', async () => {
      expect(await visit({ svid: source, clock: () => Date.now() - 5_000 })).toBe('served');
    });
  });

  /** A fault as `bench().fault` provokes it, of which the source under load is told nothing. */
  async function elsewhere(...parameters: Parameters<FaultBench['fault']>): Promise<void> {
    const { source, errors, fault } = bench();
    const heard = errors.length;
    await fault(...parameters);
    expect(errors.slice(heard)).toEqual([]);
    expect(source.health.connected).toBe(true);
  }

  /** A client without svidkit, which does what svidkit would not. */
  function openClient(options: grpc.ClientOptions = {}): grpc.Client {
    const client = new grpc.Client(`unix://${socket()}`, grpc.credentials.createInsecure(), {
      'grpc.default_authority': 'localhost',
      'grpc.use_local_subchannel_pool': 1,
      ...options,
    });
    onTestFinished(() => client.close());
    return client;
  }

  /** How a request with the identity of this source, and with this clock, ends: `served`, or by which rule. */
  async function visit({ svid, clock }: { svid: X509Source; clock: () => number }): Promise<string> {
    const { source, server } = bench();
    const agent = createHttpsAgent({ svid, bundles: source, authorize: exactly(server.id), clock });
    onTestFinished(() => agent.destroy());
    return await call(agent, server.port).then(() => 'served', refusalIn);
  }
});

/** Opens a stream of X.509-SVIDs, and gives the error that ends it. */
function endOf(
  client: grpc.Client,
  headers: ReadonlyArray<readonly [string, string]>,
  onMessage: () => void = () => {},
): Promise<unknown> {
  const metadata = new grpc.Metadata();
  for (const [name, value] of headers) metadata.add(name, value);
  const same = (bytes: Buffer): Buffer => bytes;
  const stream = client.makeServerStreamRequest(X509_STREAM, same, same, Buffer.alloc(0), metadata);
  return new Promise((resolve) => {
    stream
      .on('data', onMessage)
      .once('error', resolve)
      .once('end', () => resolve('ended without an error'));
  });
}
