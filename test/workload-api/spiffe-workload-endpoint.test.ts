import { createWorkloadApiClient } from 'svidkit/workload-api';
import { describe, expect, it } from 'vitest';
import { SpiffeWorkloadAPI } from '../../src/workload-api/gen/workloadapi_pb.js';
import { serveGrpc } from '../../src/workload-api/grpc-server.js';
import { GrpcStatus, GrpcStatusError } from '../../src/workload-api/grpc-status.js';
import { rejectionOf } from '../support/rejections.js';

describe('SPIFFE_Workload_Endpoint', () => {
  it('section 3: every RPC of the client has the security header, once, and asks no other', async () => {
    const headers: (readonly string[])[] = [];
    const called = new Set<string>();
    const handler = (name: string) => (): never => {
      called.add(name);
      throw new GrpcStatusError(GrpcStatus.permissionDenied, 'seen');
    };
    const admit = (call: { metadata(name: string): readonly string[] }) =>
      void headers.push(call.metadata('workload.spiffe.io'));
    const names = SpiffeWorkloadAPI.methods.map(({ localName }) => localName);
    const handlers = Object.fromEntries(names.map((name) => [name, handler(name)]));
    await using server = await serveGrpc(
      { transport: 'tcp', host: '127.0.0.1', port: 0 },
      SpiffeWorkloadAPI,
      handlers,
      {
        admit,
      },
    );
    if (server.address.transport !== 'tcp') throw new Error('not where it was asked to be');
    await using client = createWorkloadApiClient({ address: `tcp://127.0.0.1:${server.address.port}` });
    const first = (stream: AsyncIterable<unknown>) => stream[Symbol.asyncIterator]().next();
    const calls: (() => Promise<unknown>)[] = [
      () => client.fetchX509Context(),
      () => client.fetchX509Bundles(),
      () => client.fetchJwtSvids({ audience: 'a' }),
      () => client.fetchJwtBundles(),
      () => client.validateJwtSvid({ audience: 'a', token: 't' }),
      () => client.fetchWitSvids(),
      () => client.fetchWitBundles(),
      () => first(client.streamX509Contexts()),
      () => first(client.streamX509Bundles()),
      () => first(client.streamJwtBundles()),
      () => first(client.streamWitSvids()),
      () => first(client.streamWitBundles()),
    ];
    for (const call of calls) expect(await rejectionOf(call())).toBe('permission_denied');
    expect(headers).toEqual(calls.map(() => ['true']));
    expect([...called].sort()).toEqual([...names].sort());
  });
});
