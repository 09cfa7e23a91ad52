import { once } from 'node:events';
import { existsSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  JWTSVIDResponseSchema,
  SpiffeWorkloadAPI,
  X509SVIDResponseSchema,
} from '../../src/workload-api/gen/workloadapi_pb.js';
import { type GrpcChannel, openGrpcChannel } from '../../src/workload-api/grpc-client.js';
import { serveGrpc } from '../../src/workload-api/grpc-server.js';
import { GrpcStatus, GrpcStatusError } from '../../src/workload-api/grpc-status.js';
import { UndecodableMessage } from '../../src/workload-api/grpc-wire.js';
import { connectBare, withStatus } from '../support/bare-workload-client.js';
import { ScriptedEndpoint, undecodable } from '../support/scripted-endpoint.js';
import { refusal } from '../support/scripted-stream.js';
import { until } from '../support/until.js';

const { fetchX509SVID, fetchJWTSVID, validateJWTSVID } = SpiffeWorkloadAPI.method;
const message = (spiffeId: string) => ({ svids: [{ spiffeId }] });
const OPTIONS = { metadata: { 'workload.spiffe.io': 'true' }, maxMessageBytes: 1024 * 1024 };

describe('the gRPC transport', () => {
  let endpoint: ScriptedEndpoint;
  let channel: GrpcChannel;

  beforeEach(async () => {
    endpoint = await ScriptedEndpoint.start();
    channel = openGrpcChannel({ transport: 'unix', path: endpoint.path }, OPTIONS);
  });

  afterEach(async () => {
    channel.close();
    await endpoint.stop();
  });

  const open = (signal?: AbortSignal) => channel.serverStream(fetchX509SVID, {}, { signal })[Symbol.asyncIterator]();

  it('sends the metadata and the authority "localhost" with every call', async () => {
    const seen: unknown[] = [];
    endpoint.jwt = async (_request, call) => {
      seen.push([call.metadata('workload.spiffe.io'), call.metadata('absent'), call.authority]);
      return {};
    };
    await channel.unary(fetchJWTSVID, { audience: ['a'] });
    endpoint.x509.opening = { send: message('1') };
    await open().next();
    const [call] = endpoint.x509.calls;
    expect(seen).toEqual([[['true'], [], 'localhost']]);
    expect([call?.metadata('workload.spiffe.io'), call?.authority]).toEqual([['true'], 'localhost']);
  });

  it('serves many streams at once without a warning of a leak', async () => {
    const warnings: Error[] = [];
    const note = (warning: Error): number => warnings.push(warning);
    process.on('warning', note);
    endpoint.x509.opening = { send: message('1') };
    await Promise.all(Array.from({ length: 30 }, () => open().next()));
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', note);
    expect(warnings).toEqual([]);
  });

  it('carries requests and answers', async () => {
    endpoint.jwt = async ({ audience, spiffeId }) => ({ svids: [{ spiffeId, svid: audience.join('+') }] });
    const answer = await channel.unary(fetchJWTSVID, { audience: ['a', 'b'], spiffeId: 'id' });
    expect(answer.svids).toMatchObject([{ spiffeId: 'id', svid: 'a+b', hint: '' }]);
  });

  it('gives the status and message of a refused call', async () => {
    for (const status of Object.values(GrpcStatus).filter((code) => code !== GrpcStatus.ok)) {
      endpoint.jwt = async () => {
        throw refusal(status);
      };
      await expect(channel.unary(fetchJWTSVID, {})).rejects.toMatchObject({ status, message: 'scripted' });
    }
  });

  it('tells a client nothing of what else a handler throws', async () => {
    endpoint.jwt = async () => {
      throw new Error('secret detail');
    };
    await expect(channel.unary(fetchJWTSVID, {})).rejects.toMatchObject({ status: 13, message: 'internal error' });
  });

  it('streams in order, and ends as the server ends', async () => {
    endpoint.x509.opening = { send: message('1') };
    const stream = open();
    await stream.next();
    for (const id of ['2', '3', '4']) endpoint.x509.push(message(id));
    endpoint.x509.end();
    const ids: (string | undefined)[] = [];
    for (let step = await stream.next(); !step.done; step = await stream.next())
      ids.push(step.value.svids[0]?.spiffeId);
    expect(ids).toEqual(['2', '3', '4']);
    await expect(stream.next()).resolves.toEqual({ done: true, value: undefined });

    endpoint.x509.opening = { refuse: GrpcStatus.permissionDenied };
    const refused = open();
    await expect(refused.next()).rejects.toMatchObject({ status: GrpcStatus.permissionDenied });
    await expect(refused.next()).resolves.toEqual({ done: true, value: undefined });
  });

  it('opens no call before the first message is asked for', async () => {
    const stream = open();
    await channel.unary(fetchJWTSVID, {}).catch(() => {});
    expect(endpoint.x509.opened).toBe(0);
    await stream.return?.();
  });

  it('cancels the call on break', async () => {
    endpoint.x509.opening = { send: message('1') };
    for await (const _ of channel.serverStream(fetchX509SVID, {})) break;
    await until(() => endpoint.x509.open).toBe(0);
    expect(endpoint.x509.calls[0]?.signal.aborted).toBe(true);
  });

  it('cancels the call on return() even while next() waits', async () => {
    endpoint.x509.opening = { send: message('1') };
    const stream = open();
    await stream.next();
    const waiting = stream.next();
    await stream.return?.();
    await expect(waiting).resolves.toEqual({ done: true, value: undefined });
    await until(() => endpoint.x509.open).toBe(0);
  });

  it('ends a stream and a call with the reason of an abort', async () => {
    const controller = new AbortController();
    const reason = new Error('mine');
    const stream = open(controller.signal);
    const waiting = stream.next();
    await until(() => endpoint.x509.open).toBe(1);
    endpoint.jwt = () => new Promise(() => {});
    const call = channel.unary(fetchJWTSVID, {}, { signal: controller.signal });
    controller.abort(reason);
    await Promise.all([waiting, call].map((one) => expect(one).rejects.toBe(reason)));
    await until(() => endpoint.x509.open).toBe(0);

    await expect(open(controller.signal).next()).rejects.toBe(reason);
    await expect(channel.unary(fetchJWTSVID, {}, { signal: controller.signal })).rejects.toBe(reason);
    expect(endpoint.x509.opened).toBe(1);
  });

  it('refuses a message over the limit', async () => {
    endpoint.x509.opening = { send: message('x'.repeat(OPTIONS.maxMessageBytes)) };
    await expect(open().next()).rejects.toMatchObject({ status: GrpcStatus.resourceExhausted });
  });

  it('carries a message that is far larger than one flow-control window', async () => {
    endpoint.x509.opening = { send: message('x'.repeat(900_000)) };
    const step = await open().next();
    expect(step.value?.svids[0]?.spiffeId.length).toBe(900_000);
  });

  it('says unavailable when nobody listens, and finds the server again', async () => {
    await endpoint.stop();
    expect(existsSync(endpoint.path)).toBe(false);
    await expect(channel.unary(validateJWTSVID, {})).rejects.toMatchObject({ status: GrpcStatus.unavailable });
    await endpoint.listen();
    const status = () => channel.unary(validateJWTSVID, {}).catch((error: GrpcStatusError) => error.status);
    await until(status).toBe(GrpcStatus.invalidArgument);
  });

  it('ends open calls when it is closed', async () => {
    const stream = open();
    const waiting = stream.next();
    await until(() => endpoint.x509.open).toBe(1);
    channel.close();
    await expect(waiting).rejects.toMatchObject({ status: GrpcStatus.cancelled });
    await until(() => endpoint.x509.open).toBe(0);
  });

  it('reports bytes that are not the message, and cancels the stream that sent them', async () => {
    endpoint.jwt = async () => undecodable(JWTSVIDResponseSchema);
    await expect(channel.unary(fetchJWTSVID, {})).rejects.toThrow(UndecodableMessage);
    endpoint.x509.opening = { send: undecodable(X509SVIDResponseSchema) };
    await expect(open().next()).rejects.toThrow(UndecodableMessage);
    await until(() => endpoint.x509.open).toBe(0);
  });
});

describe('the gRPC server', () => {
  it('answers unimplemented where it has no handler, and asks admit before every handler', async () => {
    const path = `/tmp/svidkit-admit-${process.pid}.sock`;
    const admitted: string[] = [];
    await using server = await serveGrpc(
      { transport: 'unix', path },
      SpiffeWorkloadAPI,
      {
        fetchJWTSVID: () => ({}),
        async *fetchX509SVID() {
          yield {};
        },
      },
      {
        admit: (call) => {
          if (call.metadata('workload.spiffe.io')[0] !== 'true') throw refusal(GrpcStatus.invalidArgument);
          admitted.push('yes');
        },
      },
    );
    const client = connectBare(`unix://${path}`);
    await expect(client.unary(validateJWTSVID, {})).rejects.toMatchObject(withStatus('UNIMPLEMENTED'));
    await expect(client.unary(fetchJWTSVID, {}, [])).rejects.toMatchObject(withStatus('INVALID_ARGUMENT'));
    await expect(client.stream(fetchX509SVID, {}, []).next()).rejects.toMatchObject(withStatus('INVALID_ARGUMENT'));
    await expect(client.unary(fetchJWTSVID, {})).resolves.toBeDefined();
    expect(admitted).toEqual(['yes']);
    client.close();
    await server.close();
    await server.close();
    expect(existsSync(path)).toBe(false);
  });

  it('reports what a handler throws that is not a status, and only that', async () => {
    const errors: unknown[] = [];
    const boom = new Error('boom');
    await using server = await serveGrpc(
      { transport: 'tcp', host: '127.0.0.1', port: 0 },
      SpiffeWorkloadAPI,
      {
        fetchJWTSVID: () => {
          throw boom;
        },
        validateJWTSVID: () => {
          throw refusal(GrpcStatus.notFound);
        },
      },
      { onError: (error) => errors.push(error) },
    );
    if (server.address.transport !== 'tcp') return expect.unreachable();
    expect(server.address.port).toBeGreaterThan(0);
    const channel = openGrpcChannel(server.address, OPTIONS);
    await expect(channel.unary(fetchJWTSVID, {})).rejects.toMatchObject({ status: GrpcStatus.internal });
    await expect(channel.unary(validateJWTSVID, {})).rejects.toMatchObject({ status: GrpcStatus.notFound });
    expect(errors).toEqual([boom]);
    channel.close();
  });

  it('refuses to listen where somebody else does', async () => {
    const path = `/tmp/svidkit-taken-${process.pid}.sock`;
    const other = createServer().listen(path);
    await once(other, 'listening');
    await expect(serveGrpc({ transport: 'unix', path }, SpiffeWorkloadAPI, {})).rejects.toThrow(/EADDRINUSE/);
    other.close();
    rmSync(path, { force: true });
  });

  it('ends open streams with unavailable when it closes, and returns from their handlers', async () => {
    await using endpoint = await ScriptedEndpoint.start();
    const channel = openGrpcChannel({ transport: 'unix', path: endpoint.path }, OPTIONS);
    const stream = channel.serverStream(fetchX509SVID, {})[Symbol.asyncIterator]();
    const waiting = stream.next().catch((error: unknown) => error);
    await until(() => endpoint.x509.open).toBe(1);
    await endpoint.stop();
    const error = await waiting;
    expect(error).toBeInstanceOf(GrpcStatusError);
    expect(error).toMatchObject({ status: GrpcStatus.unavailable });
    await until(() => endpoint.x509.open).toBe(0);
    channel.close();
  });
});
