import * as grpc from '@grpc/grpc-js';
import { type BrokerApiClient, type BrokeredX509Source, createBrokerApiClient } from 'svidkit/broker-api';
import { BrokerApiError } from 'svidkit/errors';
import { type Authorizer, exactly, parseTrustDomain, under } from 'svidkit/id';
import { verifyJwtSvid } from 'svidkit/jwt-svid';
import { createGrpcCredentials } from 'svidkit/tls';
import { createX509Source, type X509Source } from 'svidkit/workload-api';
import { verifyX509Svid, type X509Svid } from 'svidkit/x509-svid';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { API } from '../../src/broker-api/gen/brokerapi_pb.js';
import { readReference } from '../../src/broker-api/reference.js';
import { parseEndpointAddress } from '../../src/workload-api/endpoint-address.js';
import { openGrpcChannel } from '../../src/workload-api/grpc-client.js';
import { codeOf } from '../support/refusals.js';
import { rejectionOf } from '../support/rejections.js';
import { PID_REFERENCE } from './support/broker-config.js';
import { type ForeignProcess, startForeignProcess } from './support/foreign-process.js';
import { useSpire } from './support/use-spire.js';
import { twoUsers } from './support/users.js';
import { waitFor } from './support/wait-for.js';

const { own, other, distinct } = twoUsers();
const THIRD_UID = 61_002;
/** Of a user for whom there is no entry. */
const NOBODY_UID = 61_099;
/** Brokers, all of them this process, and only two of them with an entry in the agent's list. */
const MESH = '/brokers/mesh';
const PODS_ONLY = '/brokers/pods-only';
const UNLISTED = '/brokers/unlisted';
const OVER_TCP = '/brokers/over-tcp';
const BACKOFF = { initialMs: 100, maxMs: 1_000 } as const;
const DOMAIN = parseTrustDomain('example.org');

// As anybody but root no process of another user can be started, and then there is nobody to act for.
describe.skipIf(!distinct)('the Broker API of a SPIRE agent', () => {
  const spire = useSpire({
    brokers: [
      { path: MESH, referenceTypes: [{ typeUrl: PID_REFERENCE }] },
      { path: OVER_TCP, referenceTypes: [{ typeUrl: PID_REFERENCE, overTcp: true }] },
      {
        path: PODS_ONLY,
        referenceTypes: [{ typeUrl: 'type.googleapis.com/spiffe.broker.KubernetesObjectReference' }],
      },
    ],
  });
  const sources = new Map<string, X509Source>();
  const entries = new Map<string, string>();
  let orders: ForeignProcess;
  let stock: ForeignProcess;
  let client: BrokerApiClient;

  beforeAll(async () => {
    const { commands, address } = spire();
    for (const path of [MESH, OVER_TCP, PODS_ONLY, UNLISTED]) await commands.createEntry({ path, uid: own });
    entries.set('orders', await commands.createEntry({ path: '/services/orders', uid: other, x509TtlSeconds: 20 }));
    // The other one is not renewed while the tests look at it.
    entries.set(
      'stock',
      await commands.createEntry({ path: '/services/stock', uid: THIRD_UID, x509TtlSeconds: 3_600 }),
    );
    for (const path of [MESH, OVER_TCP, PODS_ONLY, UNLISTED]) {
      const source = createX509Source({
        address,
        backoff: BACKOFF,
        pick: (svids) => svids.find(({ id }) => id.path === path),
      });
      await source.ready({ timeoutMs: 30_000 });
      sources.set(path, source);
    }
    [orders, stock] = [startForeignProcess(other), startForeignProcess(THIRD_UID)];
    client = clientOf(MESH);
  });

  afterAll(async () => {
    await client?.close();
    for (const source of sources.values()) await source.close();
    for (const process of [orders, stock]) await process?.end();
  });

  /** A client that is a broker of this path. */
  function clientOf(path: string, options: { address?: string; authorize?: Authorizer } = {}): BrokerApiClient {
    const source = sourceOf(path);
    const { address = spire().broker.address, authorize = under(spire().commands.id('/spire/agent')) } = options;
    return createBrokerApiClient({ address, svid: source, bundles: source, authorize });
  }

  function sourceOf(path: string): X509Source {
    const source = sources.get(path);
    if (source === undefined) throw new Error(`there is no broker ${path}`);
    return source;
  }

  async function readySource(process: ForeignProcess): Promise<BrokeredX509Source> {
    const source = client.x509Source({ pid: process.pid }, { backoff: BACKOFF });
    onTestFinished(() => source.close());
    await source.ready({ timeoutMs: 30_000 });
    return source;
  }

  async function failureOf(promise: Promise<unknown>): Promise<BrokerApiError> {
    const error: unknown = await promise.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    if (!(error instanceof BrokerApiError)) throw new Error('no BrokerApiError', { cause: error });
    return error;
  }

  const pathOf = (svid: X509Svid): string => svid.id.path;

  it('gives two processes of two users each their own identity, at once', async () => {
    const [first, second] = await Promise.all([readySource(orders), readySource(stock)]);
    expect([pathOf(first.getX509Svid()), pathOf(second.getX509Svid())]).toEqual([
      '/services/orders',
      '/services/stock',
    ]);
    for (const source of [first, second]) {
      const { certificates, id } = source.getX509Svid();
      expect(verifyX509Svid(certificates, source).id.equals(id)).toBe(true);
    }
    expect(sourceOf(MESH).getX509Svid().id.path).toBe(MESH);
  });

  it('answers every call', async () => {
    const reference = { pid: orders.pid };
    const { defaultSvid, bundles } = await client.fetchX509Context(reference);
    expect(pathOf(defaultSvid)).toBe('/services/orders');
    expect(
      bundles
        .getX509Bundle(DOMAIN)
        ?.equals((await client.fetchX509Bundles(reference)).bundles.getX509Bundle(DOMAIN) ?? failed()),
    ).toBe(true);
    const [token, ...more] = await client.fetchJwtSvids(reference, { audience: 'reports' });
    expect([token?.id.path, more.length]).toEqual(['/services/orders', 0]);
    const jwt = (await client.fetchJwtBundles(reference)).bundles;
    const verified = await verifyJwtSvid(token?.token ?? '', jwt, { audience: 'reports' });
    expect(verified.id.path).toBe('/services/orders');
  });

  it('is told which identity is wanted, does not listen, and is given only the right one anyway', async () => {
    const { commands } = spire();
    const second = await commands.createEntry({ path: '/services/stock-admin', uid: THIRD_UID });
    const fetch = async (id?: string) => {
      const tokens = await client.fetchJwtSvids({ pid: stock.pid }, { audience: 'reports', ...(id && { id }) });
      return tokens.map((token) => token.id.path).sort();
    };
    const both = ['/services/stock', '/services/stock-admin'];
    await waitFor('both identities', async () => (await fetch()).join() === both.join());
    expect(await fetch(commands.id('/services/stock-admin'))).toEqual(['/services/stock-admin']);
    expect(await rejectionOf(fetch(commands.id('/services/orders')))).toBe('bad_identity');
    await commands.deleteEntry(second);
    await waitFor('one identity', async () => (await fetch()).length === 1);
  });

  it('keeps JWT-SVIDs apart, each in a cache of its own', async () => {
    const [first, second] = [client.jwtSource({ pid: orders.pid }), client.jwtSource({ pid: stock.pid })];
    await Promise.all([first.ready({ timeoutMs: 30_000 }), second.ready({ timeoutMs: 30_000 })]);
    const [one, two] = await Promise.all([
      first.fetchJwtSvid({ audience: 'reports' }),
      second.fetchJwtSvid({ audience: 'reports' }),
    ]);
    expect([one.id.path, two.id.path]).toEqual(['/services/orders', '/services/stock']);
    expect(await first.fetchJwtSvid({ audience: 'reports' })).toBe(one);
    expect((await verifyJwtSvid(one.token, first, { audience: 'reports' })).id.path).toBe('/services/orders');
    await Promise.all([first.close(), second.close()]);
  });

  it('rotates the identity of a workload on the open stream', async () => {
    const source = await readySource(orders);
    const before = source.getX509Svid();
    await waitFor('a new SVID', () => !source.getX509Svid().equals(before));
    expect(pathOf(source.getX509Svid())).toBe('/services/orders');
    expect(source.getX509Svid().expiresAt.getTime()).toBeGreaterThan(before.expiresAt.getTime());
  });

  it('withdraws one workload when its entry is deleted, and leaves the other alone', async () => {
    const { commands } = spire();
    const [first, second] = await Promise.all([readySource(orders), readySource(stock)]);
    const untouched = second.getX509Svid();
    await commands.deleteEntry(entries.get('orders') ?? '');
    await waitFor('a withdrawn identity', () => codeOf(() => first.getX509Svid()) === 'withdrawn');
    expect(codeOf(() => first.getX509Bundle(DOMAIN))).toBe('withdrawn');
    expect(first.health.lastError).toMatchObject({ code: 'permission_denied', grpcStatus: undefined });
    expect(second.getX509Svid().equals(untouched)).toBe(true);
    expect(second.health.connected).toBe(true);
    expect(await rejectionOf(client.fetchX509Context({ pid: orders.pid }))).toBe('permission_denied');
    expect((await failureOf(client.fetchJwtSvids({ pid: orders.pid }, { audience: 'x' }))).grpcStatus).toBe(7);
    entries.set('orders', await commands.createEntry({ path: '/services/orders', uid: other, x509TtlSeconds: 20 }));
    await waitFor('the identity again', () => codeOf(() => first.getX509Svid()) === 'accepted');
  });

  it('outlives a restart of the agent', async () => {
    const source = await readySource(stock);
    const serial = source.getX509Svid().certificates[0]?.serialNumber;
    await spire().endAgent('SIGKILL');
    await waitFor('a lost connection', () => !source.health.connected);
    expect(pathOf(source.getX509Svid())).toBe('/services/stock');
    await spire().startAgent();
    await waitFor('a connection', () => source.health.connected);
    expect(source.getX509Svid().certificates[0]?.serialNumber).not.toBe(serial);
  });

  it('gives nothing to a process that has no entry', async () => {
    await using nobody = startForeignProcess(NOBODY_UID);
    expect(await rejectionOf(client.fetchX509Context({ pid: nobody.pid }))).toBe('permission_denied');
    expect(await rejectionOf(client.fetchJwtSvids({ pid: nobody.pid }, { audience: 'x' }))).toBe('permission_denied');
  });

  it('does not say when a process has ended; the source notices by itself', async () => {
    const process = startForeignProcess(other);
    const source = await readySource(process);
    await process.end();
    expect(codeOf(() => source.getX509Svid())).toBe('workload_ended');
    // The raw call has nobody who looks: SPIRE says Internal, which tells nothing.
    expect((await failureOf(client.fetchX509Context({ pid: process.pid }))).code).toBe('rpc_failed');
  });

  it('refuses an unlisted broker in the handshake', async () => {
    await using unlisted = clientOf(UNLISTED);
    const error = await failureOf(unlisted.fetchX509Context({ pid: orders.pid }));
    expect(error.code).toBe('unavailable');
    expect(error.message).toMatch(/SPIFFE ID is in the endpoint’s list/);
  });

  it('refuses a type of reference that is not allowed', async () => {
    await using podsOnly = clientOf(PODS_ONLY);
    const error = await failureOf(podsOnly.fetchX509Context({ pid: orders.pid }));
    expect([error.code, error.grpcStatus]).toEqual(['permission_denied', 7]);
    const pod = { kubernetes: { type: { plural: 'pods', group: 'core' }, key: { namespace: 'shop', name: 'x' } } };
    expect(await rejectionOf(podsOnly.fetchX509Context(pod))).toBe('unimplemented');
    expect(await rejectionOf(client.fetchX509Context(pod))).toBe('permission_denied');
  });

  it('refuses processes over TCP unless that is allowed', async () => {
    const address = spire().broker.tcpAddress;
    await using mesh = clientOf(MESH, { address });
    const error = await failureOf(mesh.fetchX509Context({ pid: orders.pid }));
    expect([error.code, error.message]).toEqual(['permission_denied', expect.stringContaining('over TCP')]);
    await using overTcp = clientOf(OVER_TCP, { address });
    expect(pathOf((await overTcp.fetchX509Context({ pid: orders.pid })).defaultSvid)).toBe('/services/orders');
  });

  it('is asked nothing where it is not the expected agent', async () => {
    await using wary = clientOf(MESH, { authorize: exactly(spire().commands.id('/spire/agent/another')) });
    const error = await failureOf(wary.fetchX509Context({ pid: orders.pid }));
    expect([error.code, error.message]).toEqual(['unavailable', expect.stringContaining('not_authorized')]);
  });

  it.each<[string, Record<string, string>]>([
    ['without', {}],
    ['with another value of', { 'broker.spiffe.io': 'True' }],
    ['with the Workload API’s in place of', { 'workload.spiffe.io': 'true' }],
  ])('says InvalidArgument to a call %s the security header', async (_, metadata) => {
    const source = sourceOf(MESH);
    const authorize = under(spire().commands.id('/spire/agent'));
    const channel = openGrpcChannel(parseEndpointAddress(spire().broker.address), {
      metadata,
      maxMessageBytes: 4_194_304,
      credentials: createGrpcCredentials(grpc, { svid: source, bundles: source, authorize }),
    });
    onTestFinished(() => channel.close());
    const request = { reference: readReference({ pid: orders.pid }).message(), audience: ['reports'] };
    await expect(channel.unary(API.method.fetchJWTSVID, request)).rejects.toMatchObject({ status: 3 });
    const stream = channel.serverStream(API.method.subscribeToX509SVID, request)[Symbol.asyncIterator]();
    await expect(stream.next()).rejects.toMatchObject({ status: 3 });
  });
});

function failed(): never {
  throw new Error('there is no bundle');
}
