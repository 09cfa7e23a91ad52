import type { BrokerApiClient, BrokeredX509Source, BrokeredX509SourceOptions } from 'svidkit/broker-api';
import { parseTrustDomain } from 'svidkit/id';
import { createIssuer } from 'svidkit/issuer';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GrpcStatus, type GrpcStatusCode } from '../../src/workload-api/grpc-status.js';
import { type BrokerBench, hearBroker, IdleProcess, openBrokerBench } from '../support/broker-bench.js';
import { jwtBundlesMessage, x509BundlesMessage, x509Message } from '../support/delivered-messages.js';
import { codeOf } from '../support/refusals.js';
import { rejectionOf } from '../support/rejections.js';
import type { ScriptedWorkload } from '../support/scripted-broker.js';
import { refusal } from '../support/scripted-stream.js';
import { until } from '../support/until.js';

const ORDERS = 'spiffe://example.org/services/orders';
const STOCK = 'spiffe://example.org/services/stock';
const DOMAIN = parseTrustDomain('example.org');
/** No process of this machine, and not to be looked for there. */
const [ONE, OTHER] = [2_000_000_001, 2_000_000_002];
const POD = { kubernetes: { type: { plural: 'pods', group: 'core' }, key: { namespace: 'shop', name: 'checkout' } } };
const POD_TYPE = 'type.googleapis.com/spiffe.broker.KubernetesObjectReference';

let bench: BrokerBench;
let client: BrokerApiClient;
let one: ScriptedWorkload;
let other: ScriptedWorkload;

beforeEach(async () => {
  bench = await openBrokerBench();
  client = bench.client();
  [one, other] = [bench.endpoint.workload(ONE), bench.endpoint.workload(OTHER)];
});

afterEach(async () => {
  await bench[Symbol.asyncDispose]();
});

const x509 = (pid: number, options: BrokeredX509SourceOptions = {}): BrokeredX509Source =>
  client.x509Source({ pid }, { watchProcess: false, ...options });

async function deliver(workload: ScriptedWorkload, id: string): Promise<string> {
  const svid = await bench.issuer.issueX509Svid(id);
  workload.x509.opening = { send: x509Message([svid], bench.issuer.bundle) };
  workload.x509.push(x509Message([svid], bench.issuer.bundle));
  return svid.certificates[0]?.serialNumber ?? '';
}

const serialOf = (source: BrokeredX509Source): string | undefined => source.getX509Svid().certificates[0]?.serialNumber;

describe('sources of two references', () => {
  it('SPIFFE_Broker_API section 4.2: each hold what came for their own, over one connection', async () => {
    await deliver(one, ORDERS);
    await deliver(other, STOCK);
    await using first = x509(ONE);
    await using second = x509(OTHER);
    await Promise.all([first.ready(), second.ready()]);
    expect(first.getX509Svid().id.toString()).toBe(ORDERS);
    expect(second.getX509Svid().id.toString()).toBe(STOCK);
    const rotated = await deliver(other, STOCK);
    await until(() => serialOf(second)).toBe(rotated);
    expect(first.getX509Svid().id.toString()).toBe(ORDERS);
    expect([one.x509.opened, other.x509.opened]).toEqual([1, 1]);
  });

  it.each<[string, (workload: ScriptedWorkload) => void]>([
    [
      'PermissionDenied',
      (workload) => {
        workload.x509.opening = { refuse: GrpcStatus.permissionDenied };
        workload.x509.end(GrpcStatus.permissionDenied);
      },
    ],
    [
      'NotFound',
      (workload) => {
        workload.x509.opening = { refuse: GrpcStatus.notFound };
        workload.x509.end(GrpcStatus.notFound);
      },
    ],
    ['an empty list', (workload) => workload.x509.push({ svids: [] })],
  ])('SPIFFE_Broker_API section 5.2.1: %s takes from the one, and nothing from the other', async (_, withdraw) => {
    await deliver(one, ORDERS);
    await deliver(other, STOCK);
    await using first = x509(ONE, hearBroker());
    await using second = x509(OTHER, hearBroker());
    await Promise.all([first.ready(), second.ready()]);
    withdraw(one);
    await until(() => codeOf(() => first.getX509Svid())).not.toBe('accepted');
    expect(codeOf(() => first.getX509Bundle(DOMAIN))).toBe(codeOf(() => first.current));
    expect(second.getX509Svid().id.toString()).toBe(STOCK);
    expect(second.getX509Bundle(DOMAIN)).toBeDefined();
    expect(other.x509.opened).toBe(1);
  });

  it('SPIFFE_Broker_API section 4.2: never share a JWT-SVID, not even for one audience', async () => {
    for (const [workload, id] of [
      [one, ORDERS],
      [other, STOCK],
    ] as const) {
      const token = await bench.issuer.issueJwtSvid(id, { audience: 'reports' });
      workload.jwt = async () => ({ svids: [{ spiffeId: id, svid: token }] });
      workload.jwtBundles.opening = { send: jwtBundlesMessage(bench.issuer.bundle) };
    }
    await using first = client.jwtSource({ pid: ONE }, { watchProcess: false });
    await using second = client.jwtSource({ pid: OTHER }, { watchProcess: false });
    await Promise.all([first.ready(), second.ready()]);
    const fetch = async (source: typeof first) => (await source.fetchJwtSvid({ audience: 'reports' })).id.toString();
    expect(await Promise.all([fetch(first), fetch(second), fetch(first)])).toEqual([ORDERS, STOCK, ORDERS]);
    one.jwt = async () => {
      throw refusal(GrpcStatus.permissionDenied);
    };
    expect([await fetch(first), await fetch(second)]).toEqual([ORDERS, STOCK]);
    expect(bench.endpoint.calls.length).toBe(4);
  });

  it('made twice for one reference, know nothing of each other', async () => {
    await deliver(one, ORDERS);
    await using first = x509(ONE);
    await using second = x509(ONE);
    await Promise.all([first.ready(), second.ready()]);
    await first.close();
    expect(codeOf(() => first.getX509Svid())).toBe('closed');
    expect(second.getX509Svid().id.toString()).toBe(ORDERS);
  });
});

describe('a source of X.509-SVIDs', () => {
  it('SPIRE: takes an empty list for a withdrawal, and the next full one on the same stream for its end', async () => {
    const heard = hearBroker();
    one.x509.opening = { send: { svids: [] } };
    await using source = x509(ONE, heard);
    await until(() => heard.codes).toEqual(['permission_denied']);
    expect(codeOf(() => source.getX509Svid())).toBe('not_ready');
    const ready = source.ready();
    await deliver(one, ORDERS);
    await ready;
    one.x509.push({ svids: [], federatedBundles: x509BundlesMessage(bench.issuer.bundle).bundles });
    await until(() => codeOf(() => source.getX509Svid())).toBe('withdrawn');
    const serial = await deliver(one, ORDERS);
    await until(() => codeOf(() => source.getX509Svid())).toBe('accepted');
    expect(serialOf(source)).toBe(serial);
    expect(one.x509.opened).toBe(1);
  });

  it('keeps what it has while the endpoint is away, and comes back', async () => {
    await deliver(one, ORDERS);
    await using source = x509(ONE, hearBroker());
    await source.ready();
    await bench.endpoint.stop();
    await until(() => source.health.connected).toBe(false);
    expect(source.getX509Svid().id.toString()).toBe(ORDERS);
    const serial = await deliver(one, ORDERS);
    await bench.endpoint.listen();
    await until(() => serialOf(source)).toBe(serial);
    expect(source.health).toMatchObject({ connected: true, lastError: undefined });
  });

  it.each<[keyof typeof GrpcStatus, string]>([
    ['invalidArgument', 'invalid_argument'],
    ['unimplemented', 'unimplemented'],
  ])('SPIFFE_Broker_Endpoint section 6: does not ask again after %s', async (status, code) => {
    one.x509.opening = { refuse: GrpcStatus[status] as GrpcStatusCode };
    await using source = x509(ONE, hearBroker());
    expect(await rejectionOf(source.ready())).toBe(code);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(one.x509.opened).toBe(1);
  });

  it.each<keyof typeof GrpcStatus>(['unavailable', 'permissionDenied', 'unauthenticated', 'internal'])(
    'SPIFFE_Broker_Endpoint section 6: asks again after %s, with a backoff',
    async (status) => {
      one.x509.opening = { refuse: GrpcStatus[status] as GrpcStatusCode };
      const heard = hearBroker();
      await using source = x509(ONE, heard);
      await until(() => one.x509.opened).toBeGreaterThan(2);
      await deliver(one, ORDERS);
      await source.ready();
      expect(new Set(heard.codes).size).toBe(1);
    },
  );

  it('refuses a delivery that does not hold together and keeps the last good one', async () => {
    const heard = hearBroker();
    const serial = await deliver(one, ORDERS);
    await using source = x509(ONE, heard);
    await source.ready();
    const [entry] = x509Message([await bench.issuer.issueX509Svid(ORDERS)], bench.issuer.bundle).svids;
    one.x509.push({ svids: [{ ...entry, spiffeId: STOCK }] });
    await until(() => heard.codes).toEqual(['bad_identity']);
    expect(serialOf(source)).toBe(serial);
  });

  it('presents nothing that has expired', async () => {
    let now = Date.now();
    await deliver(one, ORDERS);
    await using source = x509(ONE, { clock: () => now });
    await source.ready();
    now += 2 * 3_600_000;
    expect(codeOf(() => source.getX509Svid())).toBe('expired');
    expect(source.getX509Bundle(DOMAIN)).toBeDefined();
  });

  it('tells of updates, and ends with its client', async () => {
    await deliver(one, ORDERS);
    const source = x509(ONE);
    const updates = source.updates()[Symbol.asyncIterator]();
    expect((await updates.next()).value?.defaultSvid.id.toString()).toBe(ORDERS);
    const next = updates.next();
    await client.close();
    expect(await next).toEqual({ done: true, value: undefined });
    expect(codeOf(() => source.getX509Svid())).toBe('closed');
    expect(await rejectionOf(source.ready())).toBe('closed');
  });

  it('SPIFFE_Broker_API section 5.3: gives the first identity, or the one picked by hint', async () => {
    const svids = [
      await bench.issuer.issueX509Svid(ORDERS),
      await bench.issuer.issueX509Svid(STOCK, { hint: 'internal' }),
    ];
    one.x509.opening = { send: x509Message(svids, bench.issuer.bundle) };
    await using plain = x509(ONE);
    await using picky = x509(ONE, { pick: (all) => all.find(({ hint }) => hint === 'internal') });
    await Promise.all([plain.ready(), picky.ready()]);
    expect([plain.getX509Svid().id.toString(), picky.getX509Svid().id.toString()]).toEqual([ORDERS, STOCK]);
  });
});

describe('the bundles of a source', () => {
  const federated = async (name: string) => (await createIssuer({ trustDomain: name })).bundle;

  it('SPIFFE_Broker_API section 4.7: of other trust domains come with the SVID, and go when they are left out', async () => {
    const svid = await bench.issuer.issueX509Svid(ORDERS);
    const bundle = await federated('other.example');
    const message = x509Message([svid], bench.issuer.bundle);
    one.x509.opening = { send: { ...message, federatedBundles: x509BundlesMessage(bundle).bundles } };
    await deliver(other, STOCK);
    await using source = x509(ONE);
    await using neighbour = x509(OTHER);
    await Promise.all([source.ready(), neighbour.ready()]);
    expect(source.getX509Bundle(bundle.trustDomain)?.equals(bundle.x509)).toBe(true);
    expect(neighbour.getX509Bundle(bundle.trustDomain)).toBeUndefined();
    one.x509.push(message);
    await until(() => source.getX509Bundle(bundle.trustDomain)).toBeUndefined();
    expect(source.getX509Bundle(DOMAIN)).toBeDefined();
  });

  it('SPIFFE_Broker_API sections 5.2.2 and 6.2.2: are those of the last message, for their own workload', async () => {
    const foreign = await federated('other.example');
    for (const workload of [one, other]) {
      workload.x509Bundles.opening = { send: x509BundlesMessage(bench.issuer.bundle, foreign) };
      workload.jwtBundles.opening = { send: jwtBundlesMessage(bench.issuer.bundle, foreign) };
    }
    await using source = client.bundleSource({ pid: ONE }, { watchProcess: false, ...hearBroker() });
    await using neighbour = client.bundleSource({ pid: OTHER }, { watchProcess: false, ...hearBroker() });
    await Promise.all([source.ready(), neighbour.ready()]);
    one.x509Bundles.push(x509BundlesMessage(bench.issuer.bundle));
    one.jwtBundles.push(jwtBundlesMessage(bench.issuer.bundle));
    await until(() => source.getX509Bundle(foreign.trustDomain)).toBeUndefined();
    await until(() => source.getJwtBundle(foreign.trustDomain)).toBeUndefined();
    for (const stream of [one.x509Bundles, one.jwtBundles]) {
      stream.opening = { refuse: GrpcStatus.permissionDenied };
      stream.end(GrpcStatus.permissionDenied);
    }
    await until(() => codeOf(() => source.getX509Bundle(DOMAIN))).toBe('withdrawn');
    await until(() => codeOf(() => source.getJwtBundle(DOMAIN))).toBe('withdrawn');
    expect(neighbour.getX509Bundle(foreign.trustDomain)).toBeDefined();
    expect(neighbour.getJwtBundle(foreign.trustDomain)).toBeDefined();
  });
});

describe('a source of bundles', () => {
  it('has X.509 and JWT bundles, and loses each kind by itself', async () => {
    one.x509Bundles.opening = { send: x509BundlesMessage(bench.issuer.bundle) };
    one.jwtBundles.opening = { send: jwtBundlesMessage(bench.issuer.bundle) };
    await using source = client.bundleSource({ pid: ONE }, { watchProcess: false, ...hearBroker() });
    await source.ready();
    expect(source.getX509Bundle(DOMAIN)?.equals(bench.issuer.bundle.x509)).toBe(true);
    expect(source.getJwtBundle(DOMAIN)?.equals(bench.issuer.bundle.jwt)).toBe(true);
    expect(source.getX509Crls()).toEqual([]);
    one.jwtBundles.opening = { refuse: GrpcStatus.permissionDenied };
    one.jwtBundles.end(GrpcStatus.permissionDenied);
    await until(() => codeOf(() => source.getJwtBundle(DOMAIN))).toBe('withdrawn');
    expect(source.getX509Bundle(DOMAIN)).toBeDefined();
  });
});

describe('the end of a workload', () => {
  it('SPIFFE_Broker_API section 4.9: its process is gone, so everything is dropped and nothing asked again', async () => {
    await using child = new IdleProcess();
    const workload = bench.endpoint.workload(child.pid);
    await deliver(workload, ORDERS);
    workload.jwtBundles.opening = { send: jwtBundlesMessage(bench.issuer.bundle) };
    const token = await bench.issuer.issueJwtSvid(ORDERS, { audience: 'reports' });
    workload.jwt = async () => ({ svids: [{ spiffeId: ORDERS, svid: token }] });
    const heard = hearBroker();
    await using source = client.x509Source({ pid: child.pid }, heard);
    await using jwt = client.jwtSource({ pid: child.pid });
    await Promise.all([source.ready(), jwt.fetchJwtSvid({ audience: 'reports' })]);
    const updates = source.updates()[Symbol.asyncIterator]();
    await updates.next();
    const next = rejectionOf(updates.next());
    await child.kill();
    expect(codeOf(() => source.getX509Svid())).toBe('workload_ended');
    expect(await next).toBe('workload_ended');
    expect(await rejectionOf(source.ready())).toBe('workload_ended');
    expect(codeOf(() => source.getX509Bundle(DOMAIN))).toBe('workload_ended');
    expect(source.health).toMatchObject({ connected: false, lastError: { code: 'workload_ended' } });
    expect(await rejectionOf(jwt.fetchJwtSvid({ audience: 'reports' }))).toBe('workload_ended');
    await until(() => workload.x509.open + workload.jwtBundles.open).toBe(0);
    expect(heard.codes).toEqual(['workload_ended']);
  });

  it('SPIFFE_Broker_API section 4.9: is noticed within seconds where nobody uses the source', async () => {
    await using child = new IdleProcess();
    const workload = bench.endpoint.workload(child.pid);
    await deliver(workload, ORDERS);
    const heard = hearBroker();
    await using source = client.x509Source({ pid: child.pid }, heard);
    await source.ready();
    await child.kill();
    await until(() => heard.codes).toEqual(['workload_ended']);
    await until(() => workload.x509.open).toBe(0);
  });

  it('SPIFFE_Broker_API section 4.9: a process that is not there is not asked for', async () => {
    await using child = new IdleProcess();
    await child.kill();
    await using source = client.x509Source({ pid: child.pid });
    expect(await rejectionOf(source.ready())).toBe('workload_ended');
    expect(bench.endpoint.calls).toEqual([]);
  });

  it('SPIFFE_Broker_API section 4.8: a process that the endpoint does not find is given up', async () => {
    const heard = hearBroker();
    await deliver(one, ORDERS);
    await using source = x509(ONE, heard);
    await source.ready();
    one.x509.opening = { refuse: GrpcStatus.notFound };
    one.x509.end(GrpcStatus.notFound);
    await until(() => codeOf(() => source.getX509Svid())).toBe('workload_not_found');
    await deliver(one, STOCK);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect([one.x509.opened, heard.codes]).toEqual([1, ['workload_not_found']]);

    one.jwtBundles.opening = { send: jwtBundlesMessage(bench.issuer.bundle) };
    one.jwt = async () => {
      throw refusal(GrpcStatus.notFound);
    };
    await using jwt = client.jwtSource({ pid: ONE }, { watchProcess: false });
    await jwt.ready();
    expect(await rejectionOf(jwt.fetchJwtSvid({ audience: 'reports' }))).toBe('workload_not_found');
    expect(codeOf(() => jwt.getJwtBundle(DOMAIN))).toBe('workload_not_found');
  });

  it('SPIFFE_Broker_API section 4.8: an object that the endpoint does not find may be made again', async () => {
    const heard = hearBroker();
    const pod = bench.endpoint.workload(POD_TYPE);
    await deliver(pod, ORDERS);
    await using source = client.x509Source(POD, heard);
    await source.ready();
    pod.x509.opening = { refuse: GrpcStatus.notFound };
    pod.x509.end(GrpcStatus.notFound);
    await until(() => codeOf(() => source.getX509Svid())).toBe('withdrawn');
    expect(heard.codes).toContain('workload_not_found');
    await deliver(pod, ORDERS);
    await until(() => codeOf(() => source.getX509Svid())).toBe('accepted');
  });
});
