import { Socket } from 'node:net';
import { createIssuer } from 'svidkit/issuer';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SpiffeWorkloadAPI } from '../../src/workload-api/gen/workloadapi_pb.js';
import { type GrpcChannel, openGrpcChannel } from '../../src/workload-api/grpc-client.js';
import { GrpcStatus } from '../../src/workload-api/grpc-status.js';
import { x509Message } from '../support/delivered-messages.js';
import { ScriptedEndpoint } from '../support/scripted-endpoint.js';
import { SilentPath } from '../support/silent-path.js';
import { manyTurns } from '../support/turns.js';
import { until } from '../support/until.js';

const { fetchX509SVID } = SpiffeWorkloadAPI.method;
const OPTIONS = { metadata: { 'workload.spiffe.io': 'true' }, maxMessageBytes: 1024 * 1024 };
const MINUTE = 60_000;

describe('keeping watch over connections', () => {
  let endpoint: ScriptedEndpoint;
  let path: SilentPath;
  let channel: GrpcChannel | undefined;

  beforeEach(async () => {
    const issuer = await createIssuer({ trustDomain: 'example.org' });
    endpoint = await ScriptedEndpoint.start();
    const svid = await issuer.issueX509Svid('spiffe://example.org/a');
    endpoint.x509.opening = { send: x509Message([svid], issuer.bundle) };
    path = await SilentPath.to({ path: endpoint.path });
  });

  afterEach(async () => {
    vi.useRealTimers();
    vi.restoreAllMocks();
    channel?.close();
    await path[Symbol.asyncDispose]();
    await endpoint.stop();
  });

  const openStream = async (address: Parameters<typeof openGrpcChannel>[0]) => {
    channel = openGrpcChannel(address, OPTIONS);
    const stream = channel.serverStream(fetchX509SVID, {})[Symbol.asyncIterator]();
    await stream.next();
    return stream;
  };

  it('pings while a call is open, never twice in the five minutes that gRPC servers insist on', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const stream = await openStream({ transport: 'tcp', host: '127.0.0.1', port: path.port });
    const waiting = stream.next().catch((error: unknown) => error);
    await manyTurns();
    const before = path.sent;
    for (const pings of [1, 2]) {
      const quiet = path.sent;
      vi.advanceTimersByTime(5 * MINUTE);
      await manyTurns();
      expect(path.sent, 'nothing within five minutes').toBe(quiet);
      vi.advanceTimersByTime(MINUTE / 2);
      await until(() => path.sent - before).toBe(pings * 17);
      await manyTurns();
    }

    await path.die();
    vi.advanceTimersByTime(5.5 * MINUTE);
    await until(() => path.sent - before).toBe(3 * 17);
    vi.advanceTimersByTime(MINUTE);
    expect(await waiting).toMatchObject({ status: GrpcStatus.unavailable });
  });

  it('does not ping while no call is open', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const stream = await openStream({ transport: 'tcp', host: '127.0.0.1', port: path.port });
    await stream.return?.();
    await manyTurns();
    const before = path.sent;
    vi.advanceTimersByTime(20 * MINUTE);
    await manyTurns();
    expect(path.sent).toBe(before);
  });

  it('has the operating system look after TCP connections, and after no Unix sockets', async () => {
    const keepAlive = vi.spyOn(Socket.prototype, 'setKeepAlive');
    await openStream({ transport: 'unix', path: endpoint.path });
    expect(keepAlive).not.toHaveBeenCalled();
    channel?.close();
    await openStream({ transport: 'tcp', host: '127.0.0.1', port: path.port });
    expect(keepAlive.mock.calls).toEqual([[true, 30_000]]);
  });
});
