import { createDevEndpoint, type DevEndpoint, type DevWorkload } from 'svidkit/dev';
import { WorkloadApiError } from 'svidkit/errors';
import { parseTrustDomain } from 'svidkit/id';
import { createIssuer, type Issuer } from 'svidkit/issuer';
import { verifyJwtSvid } from 'svidkit/jwt-svid';
import { verifyWit } from 'svidkit/wit';
import { createWorkloadApiClient, type WorkloadApiClient } from 'svidkit/workload-api';
import { verifyX509Svid } from 'svidkit/x509-svid';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { JWTSVIDResponseSchema, X509SVIDResponseSchema } from '../../src/workload-api/gen/workloadapi_pb.js';
import { GrpcStatus } from '../../src/workload-api/grpc-status.js';
import { x509Message } from '../support/delivered-messages.js';
import { rejectionOf } from '../support/rejections.js';
import { ScriptedEndpoint, undecodable } from '../support/scripted-endpoint.js';
import { refusal } from '../support/scripted-stream.js';
import { until } from '../support/until.js';

const HOME = parseTrustDomain('example.org');
const PLANNER = 'spiffe://example.org/agents/planner';

describe('a client at an endpoint that does as the standard says', () => {
  let endpoint: DevEndpoint;
  let workload: DevWorkload;
  let client: WorkloadApiClient;

  beforeAll(async () => {
    endpoint = await createDevEndpoint();
    workload = await endpoint.addWorkload([{ id: PLANNER, hint: 'internal' }, { id: 'spiffe://example.org/b' }]);
    const foreign = await createIssuer({ trustDomain: 'b.example' });
    await endpoint.federate(foreign.bundle);
    client = createWorkloadApiClient({ address: workload.address });
  });

  afterAll(async () => {
    await client.close();
    await endpoint.close();
  });

  it('gets X.509-SVIDs that verify against the delivered bundles', async () => {
    const context = await client.fetchX509Context();
    expect(context.svids.map((svid) => [`${svid.id}`, svid.hint])).toEqual([
      [PLANNER, 'internal'],
      ['spiffe://example.org/b', undefined],
    ]);
    expect(context.defaultSvid).toBe(context.svids[0]);
    expect(`${verifyX509Svid(context.defaultSvid.certificates, context.bundles).id}`).toBe(PLANNER);
    expect(context.bundles.trustDomains().map(String).sort()).toEqual(['spiffe://b.example', 'spiffe://example.org']);
    expect(context.refusedBundles).toEqual([]);
  });

  it('gets bundles of every kind', async () => {
    const x509 = await client.fetchX509Bundles();
    const jwt = await client.fetchJwtBundles();
    const wit = await client.fetchWitBundles();
    expect(x509.bundles.getX509Bundle(HOME)?.equals(endpoint.issuer.bundle.x509)).toBe(true);
    expect(jwt.bundles.getJwtBundle(HOME)?.equals(endpoint.issuer.bundle.jwt)).toBe(true);
    expect(wit.bundles.getWitBundle(HOME)?.equals(endpoint.issuer.bundle.wit)).toBe(true);
    expect(jwt.bundles.getX509Bundle(HOME)).toBeUndefined();
  });

  it('gets JWT-SVIDs, all or the one asked for, and has them validated', async () => {
    const svids = await client.fetchJwtSvids({ audience: ['b', 'a', 'b'] });
    expect(svids.map(({ id, hint, audience }) => [`${id}`, hint, audience])).toEqual([
      [PLANNER, 'internal', ['a', 'b']],
      ['spiffe://example.org/b', undefined, ['a', 'b']],
    ]);
    const [svid] = await client.fetchJwtSvids({ audience: 'a', id: 'spiffe://example.org/b' });
    const token = svid?.token ?? '';
    const { bundles } = await client.fetchJwtBundles();
    expect(`${(await verifyJwtSvid(token, bundles, { audience: 'a' })).id}`).toBe('spiffe://example.org/b');
    const validated = await client.validateJwtSvid({ audience: 'a', token });
    expect(`${validated.id}`).toBe('spiffe://example.org/b');
    expect(validated.claims).toMatchObject({ sub: 'spiffe://example.org/b', aud: ['a'] });
    expect(await rejectionOf(client.validateJwtSvid({ audience: 'other', token }))).toBe('invalid_argument');
    const stranger = client.fetchJwtSvids({ audience: 'a', id: 'spiffe://example.org/stranger' });
    expect(await rejectionOf(stranger)).toBe('permission_denied');
  });

  it('gets WIT-SVIDs that verify, all or the one asked for', async () => {
    const svids = await client.fetchWitSvids();
    expect(svids.map((svid) => [`${svid.id}`, svid.hint])).toEqual([
      [PLANNER, 'internal'],
      ['spiffe://example.org/b', undefined],
    ]);
    const { bundles } = await client.fetchWitBundles();
    for (const svid of svids) expect((await verifyWit(svid.token, bundles)).trustDomain.equals(HOME)).toBe(true);
    const one = await client.fetchWitSvids({ id: 'spiffe://example.org/b' });
    expect(one.map((svid) => `${svid.id}`)).toEqual(['spiffe://example.org/b']);
  });

  it('streams what changes', async () => {
    const serials: (string | undefined)[] = [];
    for await (const { defaultSvid } of client.streamX509Contexts()) {
      serials.push(defaultSvid.certificates[0]?.serialNumber);
      if (serials.length === 3) break;
      await workload.rotate();
    }
    expect(new Set(serials).size).toBe(3);
  });

  it('throws permission_denied on an open stream when the identity is withdrawn', async () => {
    const stream = client.streamX509Contexts()[Symbol.asyncIterator]();
    await stream.next();
    workload.withdraw();
    const error = await stream.next().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(WorkloadApiError);
    expect(error).toMatchObject({ code: 'permission_denied', grpcStatus: 7 });
    expect(await rejectionOf(client.fetchWitSvids())).toBe('permission_denied');
    await workload.restore();
  });

  it('throws unimplemented where WIT-SVIDs are not served', async () => {
    await using plain = await createDevEndpoint({ wit: false });
    const { address } = await plain.addWorkload(PLANNER);
    await using other = createWorkloadApiClient({ address });
    expect(await rejectionOf(other.fetchWitSvids())).toBe('unimplemented');
    expect(await rejectionOf(other.fetchWitBundles())).toBe('unimplemented');
  });

  it('works over TCP', async () => {
    const { address } = await endpoint.addWorkload('spiffe://example.org/tcp', { address: 'tcp://127.0.0.1:0' });
    await using other = createWorkloadApiClient({ address });
    expect(`${(await other.fetchX509Context()).defaultSvid.id}`).toBe('spiffe://example.org/tcp');
  });
});

describe('a client at an endpoint that does not', () => {
  let issuer: Issuer;
  let endpoint: ScriptedEndpoint;
  let client: WorkloadApiClient;

  beforeAll(async () => {
    issuer = await createIssuer({ trustDomain: 'example.org' });
  });

  beforeEach(async () => {
    endpoint = await ScriptedEndpoint.start();
    client = createWorkloadApiClient({ address: endpoint.address });
  });

  afterEach(async () => {
    await client.close();
    await endpoint.stop();
  });

  it.each([
    [GrpcStatus.invalidArgument, 'invalid_argument', 'invalid_argument'],
    [GrpcStatus.permissionDenied, 'permission_denied', 'permission_denied'],
    [GrpcStatus.unavailable, 'unavailable', 'unavailable'],
    [GrpcStatus.unimplemented, 'unimplemented', 'unimplemented'],
    [GrpcStatus.failedPrecondition, 'rpc_failed', 'unimplemented'],
    [GrpcStatus.resourceExhausted, 'resource_exhausted', 'resource_exhausted'],
    [GrpcStatus.deadlineExceeded, 'timeout', 'timeout'],
    [GrpcStatus.unknown, 'rpc_failed', 'rpc_failed'],
    [GrpcStatus.internal, 'rpc_failed', 'rpc_failed'],
    [GrpcStatus.unauthenticated, 'rpc_failed', 'rpc_failed'],
  ] as const)('status %i becomes %s, for the WIT-SVID profile %s', async (status, code, witCode) => {
    endpoint.x509.opening = { refuse: status };
    endpoint.wit.opening = { refuse: status };
    endpoint.jwt = async () => {
      throw refusal(status);
    };
    await expect(client.fetchX509Context()).rejects.toMatchObject({ code, grpcStatus: status });
    await expect(client.fetchJwtSvids({ audience: 'a' })).rejects.toMatchObject({ code, grpcStatus: status });
    await expect(client.fetchWitSvids()).rejects.toMatchObject({ code: witCode, grpcStatus: status });
  });

  it('times out when nothing comes, but not between messages', async () => {
    await using hasty = createWorkloadApiClient({ address: endpoint.address, timeoutMs: 50 });
    expect(await rejectionOf(hasty.fetchX509Context())).toBe('timeout');
    await until(() => endpoint.x509.open).toBe(0);
    endpoint.jwt = () => new Promise(() => {});
    expect(await rejectionOf(client.fetchJwtSvids({ audience: 'a' }, { timeoutMs: 20 }))).toBe('timeout');

    endpoint.x509.opening = { send: x509Message([await issuer.issueX509Svid(PLANNER)], issuer.bundle) };
    const stream = client.streamX509Contexts({ timeoutMs: 1_500 })[Symbol.asyncIterator]();
    await stream.next();
    const later = stream.next();
    await new Promise((resolve) => setTimeout(resolve, 1_600));
    endpoint.x509.push(x509Message([await issuer.issueX509Svid(PLANNER)], issuer.bundle));
    await expect(later).resolves.toMatchObject({ done: false });
    await stream.return?.();
  });

  it('rejects with the reason of an abort', async () => {
    const controller = new AbortController();
    const reason = new Error('mine');
    endpoint.jwt = () => new Promise(() => {});
    const { signal } = controller;
    const waiting = [client.fetchX509Context({ signal }), client.fetchJwtSvids({ audience: 'a' }, { signal })];
    await until(() => endpoint.x509.open).toBe(1);
    controller.abort(reason);
    await Promise.all(waiting.map((promise) => expect(promise).rejects.toBe(reason)));
    await expect(client.fetchX509Context({ signal })).rejects.toBe(reason);
    expect(endpoint.x509.opened).toBe(1);
  });

  it('says so when a stream ends before its first message', async () => {
    const fetching = client.fetchX509Context();
    await until(() => endpoint.x509.open).toBe(1);
    endpoint.x509.end();
    expect(await rejectionOf(fetching)).toBe('stream_ended');
  });

  it('refuses bytes that are no message, and messages over its limit', async () => {
    endpoint.x509.opening = { send: undecodable(X509SVIDResponseSchema) };
    expect(await rejectionOf(client.fetchX509Context())).toBe('bad_message');
    endpoint.jwt = async () => undecodable(JWTSVIDResponseSchema);
    expect(await rejectionOf(client.fetchJwtSvids({ audience: 'a' }))).toBe('bad_message');

    await using narrow = createWorkloadApiClient({ address: endpoint.address, maxMessageBytes: 1000 });
    endpoint.x509.opening = { send: { svids: [{ spiffeId: 'x'.repeat(1000) }] } };
    expect(await rejectionOf(narrow.fetchX509Context())).toBe('resource_exhausted');
  });

  it('accepts a message above the usual 4 MiB', async () => {
    const svid = await issuer.issueX509Svid(PLANNER);
    endpoint.x509.opening = { send: { ...x509Message([svid], issuer.bundle), crl: [new Uint8Array(5 * 1024 * 1024)] } };
    const context = await client.fetchX509Context();
    expect(context.crls.map((crl) => crl.length)).toEqual([5 * 1024 * 1024]);
  });

  it('cancels the call when a message is refused, and opens one for each iteration', async () => {
    endpoint.x509.opening = { send: {} };
    const contexts = client.streamX509Contexts();
    for (const opened of [1, 2]) {
      expect(await rejectionOf(contexts[Symbol.asyncIterator]().next())).toBe('empty_field');
      expect(endpoint.x509.opened).toBe(opened);
    }
    await until(() => endpoint.x509.open).toBe(0);
  });

  it('says closed after it was closed, to calls under way too', async () => {
    endpoint.jwt = () => new Promise(() => {});
    const waiting = [client.fetchX509Context(), client.fetchJwtSvids({ audience: 'a' })];
    const codes = Promise.all(waiting.map((promise) => rejectionOf(promise as Promise<unknown>)));
    await until(() => endpoint.x509.open).toBe(1);
    await client.close();
    await client.close();
    expect(await codes).toEqual(['closed', 'closed']);
    expect(await rejectionOf(client.fetchX509Context())).toBe('closed');
    expect(await rejectionOf(client.validateJwtSvid({ audience: 'a', token: 't' }))).toBe('closed');
  });

  it('finds nobody at an address where nobody is', async () => {
    await using lost = createWorkloadApiClient({ address: 'unix:///nowhere/agent.sock' });
    await expect(lost.fetchX509Context()).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('ENOENT'),
    });
  });

  it('knows a mistaken caller from a failing endpoint', async () => {
    await expect(client.fetchJwtSvids({ audience: [] })).rejects.toThrow(TypeError);
    await expect(client.fetchJwtSvids({ audience: '' })).rejects.toThrow(TypeError);
    await expect(client.validateJwtSvid({ audience: '', token: 't' })).rejects.toThrow(TypeError);
    await expect(client.validateJwtSvid({ audience: 'a', token: '' })).rejects.toThrow(TypeError);
    await expect(client.fetchJwtSvids({ audience: 'a' }, { timeoutMs: 0 })).rejects.toThrow(TypeError);
    expect(await rejectionOf(client.fetchJwtSvids({ audience: 'a', id: 'nonsense' }))).toBe('wrong_scheme');
    for (const options of [
      { maxMessageBytes: 0 },
      { maxMessageBytes: 1.5 },
      { timeoutMs: -1 },
      { timeoutMs: Number.NaN },
    ]) {
      expect(() => createWorkloadApiClient({ address: 'unix:///a', ...options })).toThrow(TypeError);
    }
  });
});
