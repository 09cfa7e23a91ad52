import { BundleSet, parseJwtBundle, parseX509Bundle } from 'svidkit/bundle';
import { createDevEndpoint, type DevEndpoint, type DevWorkload } from 'svidkit/dev';
import { DevError } from 'svidkit/errors';
import { createIssuer } from 'svidkit/issuer';
import { verifyWit } from 'svidkit/wit';
import { parseCertificateList, parseX509Svid, verifyX509Svid } from 'svidkit/x509-svid';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SpiffeWorkloadAPI, type X509SVIDResponse } from '../../src/workload-api/gen/workloadapi_pb.js';
import { type BareClient, connectBare, withStatus } from '../support/bare-workload-client.js';

const PLANNER = 'spiffe://example.org/agents/planner';
const {
  fetchX509SVID,
  fetchX509Bundles,
  fetchJWTSVID,
  fetchJWTBundles,
  validateJWTSVID,
  fetchWITSVID,
  fetchWITBundles,
} = SpiffeWorkloadAPI.method;

let endpoint: DevEndpoint;
let workload: DevWorkload;
let client: BareClient;

beforeEach(async () => {
  endpoint = await createDevEndpoint();
  workload = await endpoint.addWorkload(PLANNER);
  client = connectBare(workload.address);
});

afterEach(async () => {
  client.close();
  await endpoint.close();
});

function openAll(bare: BareClient = client) {
  return {
    x509: bare.stream(fetchX509SVID, {}),
    x509Bundles: bare.stream(fetchX509Bundles, {}),
    jwtBundles: bare.stream(fetchJWTBundles, {}),
    wit: bare.stream(fetchWITSVID, {}),
    witBundles: bare.stream(fetchWITBundles, {}),
  };
}

/** Verifies what was delivered under the bundle that came with it. */
function verifies({ svids }: X509SVIDResponse): boolean {
  return svids.every(({ x509Svid, x509SvidKey, bundle }) => {
    const { certificates } = parseX509Svid({ certificates: x509Svid, privateKey: x509SvidKey });
    verifyX509Svid(certificates, new BundleSet([parseX509Bundle('example.org', bundle)]));
    return true;
  });
}

describe('Workload API section 4.3: rotation', () => {
  it('reaches every open stream with the same new credentials', async () => {
    const streams = openAll();
    const second = client.stream(fetchX509SVID, {});
    const first = await streams.x509.next();
    expect(await second.next()).toEqual(first);
    const firstWit = await streams.wit.next();
    await streams.x509Bundles.next();

    await endpoint.rotate();
    const next = await streams.x509.next();
    expect(await second.next()).toEqual(next);
    expect(next.svids[0]?.x509Svid).not.toEqual(first.svids[0]?.x509Svid);
    expect(next.svids[0]?.x509SvidKey).not.toEqual(first.svids[0]?.x509SvidKey);
    expect(next.svids[0]?.bundle).toEqual(first.svids[0]?.bundle);
    const nextWit = await streams.wit.next();
    expect(nextWit.svids[0]?.witSvid).not.toBe(firstWit.svids[0]?.witSvid);
    expect(nextWit.svids[0]?.witSvidKey).not.toBe(firstWit.svids[0]?.witSvidKey);
    expect(streams.x509Bundles.unread).toBe(0);
  });

  it('leaves the other workloads alone when one is rotated', async () => {
    const other = await endpoint.addWorkload('spiffe://example.org/other');
    const bare = connectBare(other.address);
    const stream = bare.stream(fetchX509SVID, {});
    const mine = client.stream(fetchX509SVID, {});
    const first = await stream.next();
    await mine.next();
    await workload.rotate();
    await mine.next();
    const again = bare.stream(fetchX509SVID, {});
    expect(await again.next()).toEqual(first);
    expect(stream.unread).toBe(0);
    bare.close();
  });

  it('happens by itself when half of the lifetime has passed', async () => {
    await using quick = await createDevEndpoint({ issuer: endpoint.issuer, x509TtlSeconds: 30, rotateAt: 0.01 });
    const bare = connectBare((await quick.addWorkload(PLANNER)).address);
    const stream = bare.stream(fetchX509SVID, {});
    const chains = new Set<string>();
    for (let turn = 0; turn < 3; turn += 1) {
      const message = await stream.next();
      expect(verifies(message)).toBe(true);
      chains.add(Buffer.from(message.svids[0]?.x509Svid ?? []).toString('hex'));
    }
    expect(chains.size).toBe(3);
    bare.close();
  });

  it('revoking an X.509-SVID sends the list, and another SVID to whom it belonged', async () => {
    const streams = openAll();
    const other = client.stream(fetchX509Bundles, {});
    const [first] = [await streams.x509.next(), await streams.x509Bundles.next(), await other.next()];
    const [entry] = first.svids;
    const { x509Svid: certificates = new Uint8Array(), x509SvidKey: privateKey = new Uint8Array() } = entry ?? {};
    const held = parseX509Svid({ certificates, privateKey });
    await endpoint.issuer.revokeX509Svid(held);
    const second = await streams.x509.next();
    const [x509Bundles, others] = [await streams.x509Bundles.next(), await other.next()];
    for (const { crl } of [second, x509Bundles, others]) {
      expect(crl.map((list) => parseCertificateList(list).size)).toEqual([1]);
    }
    expect(verifies(second)).toBe(true);
    expect(second.svids[0]?.x509Svid).not.toEqual(entry?.x509Svid);
    expect(second.svids[0]?.bundle).toEqual(entry?.bundle);
  });
});

describe('rotation of the authorities', () => {
  it('publishes a new X.509 authority without replacing the credentials', async () => {
    const { x509, x509Bundles, jwtBundles } = openAll();
    const first = await x509.next();
    await x509Bundles.next();
    await jwtBundles.next();
    await endpoint.issuer.rotateX509Authority();
    const next = await x509.next();
    expect(next.svids[0]?.x509Svid).toEqual(first.svids[0]?.x509Svid);
    expect(parseX509Bundle('example.org', next.svids[0]?.bundle ?? new Uint8Array()).authorities).toHaveLength(2);
    expect((await x509Bundles.next()).bundles['spiffe://example.org']).toEqual(next.svids[0]?.bundle);
    expect(verifies(next)).toBe(true);
    expect(jwtBundles.unread).toBe(0);
  });

  it('replaces the credentials in the same message as the authority that is revoked', async () => {
    const { x509 } = openAll();
    const first = await x509.next();
    const [old] = endpoint.issuer.authorities.x509;
    await endpoint.issuer.rotateX509Authority();
    await x509.next();
    endpoint.issuer.revokeX509Authority(old?.id ?? '');
    const next = await x509.next();
    expect(next.svids[0]?.x509Svid).not.toEqual(first.svids[0]?.x509Svid);
    expect(parseX509Bundle('example.org', next.svids[0]?.bundle ?? new Uint8Array()).authorities).toHaveLength(1);
    expect(verifies(next)).toBe(true);
  });

  it('replaces a WIT-SVID whose key is revoked', async () => {
    const { wit, witBundles } = openAll();
    const first = await wit.next();
    await witBundles.next();
    const [old] = endpoint.issuer.authorities.wit;
    await endpoint.issuer.rotateWitKey();
    await witBundles.next();
    endpoint.issuer.revokeWitKey(old?.id ?? '');
    const next = await wit.next();
    expect(next.svids[0]?.witSvid).not.toBe(first.svids[0]?.witSvid);
    await verifyWit(next.svids[0]?.witSvid ?? '', new BundleSet([endpoint.issuer.bundle]));
  });

  it('reaches the JWT bundle streams only, when it is the JWT key', async () => {
    const { x509, jwtBundles } = openAll();
    await x509.next();
    await jwtBundles.next();
    await endpoint.issuer.rotateJwtKey();
    const { bundles } = await jwtBundles.next();
    const bundle = parseJwtBundle('example.org', Buffer.from(bundles['spiffe://example.org'] ?? []).toString());
    expect(bundle.equals(endpoint.issuer.bundle.jwt)).toBe(true);
    expect(x509.unread).toBe(0);
  });
});

describe('Workload API section 4.6: federation', () => {
  it('adds the bundle of a foreign trust domain to every stream and takes it back', async () => {
    const foreign = await createIssuer({ trustDomain: 'b.example' });
    const { x509, x509Bundles, jwtBundles, witBundles, wit } = openAll();
    const first = await x509.next();
    for (const stream of [x509Bundles, jwtBundles, witBundles, wit]) await stream.next();

    await endpoint.federate(foreign.bundle);
    const next = await x509.next();
    expect(next.svids).toEqual(first.svids);
    expect(Object.keys(next.federatedBundles)).toEqual(['spiffe://b.example']);
    const delivered = parseX509Bundle('b.example', next.federatedBundles['spiffe://b.example'] ?? new Uint8Array());
    expect(delivered.equals(foreign.bundle.x509)).toBe(true);
    const both = ['spiffe://b.example', 'spiffe://example.org'];
    expect(Object.keys((await x509Bundles.next()).bundles).sort()).toEqual(both);
    expect(Object.keys((await jwtBundles.next()).bundles).sort()).toEqual(both);
    expect(Object.keys((await witBundles.next()).bundles).sort()).toEqual(both);
    const svid = await foreign.issueJwtSvid('spiffe://b.example/w', { audience: 'orders' });
    expect((await client.unary(validateJWTSVID, { audience: 'orders', svid })).spiffeId).toBe('spiffe://b.example/w');

    await foreign.rotateX509Authority();
    await endpoint.federate(foreign.bundle);
    const { federatedBundles } = await x509.next();
    const rotated = parseX509Bundle('b.example', federatedBundles['spiffe://b.example'] ?? new Uint8Array());
    expect(rotated.authorities).toHaveLength(2);

    await endpoint.unfederate('b.example');
    expect((await x509.next()).federatedBundles).toEqual({});
    const validation = client.unary(validateJWTSVID, { audience: 'orders', svid });
    await expect(validation).rejects.toMatchObject(withStatus('INVALID_ARGUMENT'));
    expect(wit.unread).toBe(0);
  });

  it('says nothing when nothing changed', async () => {
    const foreign = await createIssuer({ trustDomain: 'b.example' });
    const { x509 } = openAll();
    await x509.next();
    await endpoint.federate(foreign.bundle);
    await x509.next();
    await endpoint.federate(foreign.bundle);
    await endpoint.unfederate('c.example');
    await endpoint.unfederate('b.example');
    expect((await x509.next()).federatedBundles).toEqual({});
  });

  it('reaches workloads that are added later', async () => {
    const foreign = await createIssuer({ trustDomain: 'b.example' });
    await endpoint.federate(foreign.bundle);
    const bare = connectBare((await endpoint.addWorkload('spiffe://example.org/late')).address);
    expect(Object.keys((await bare.stream(fetchX509SVID, {}).next()).federatedBundles)).toEqual(['spiffe://b.example']);
    bare.close();
  });

  it('is not for the own trust domain', async () => {
    const twin = await createIssuer({ trustDomain: 'example.org' });
    await expect(endpoint.federate(twin.bundle)).rejects.toMatchObject({ code: 'own_trust_domain' });
  });
});

describe('Workload API section 5.2.1: entitlement', () => {
  it('ends every stream and refuses every call while it is withdrawn', async () => {
    const streams = Object.values(openAll());
    for (const stream of streams) await stream.next();
    const token = await endpoint.issuer.issueJwtSvid(PLANNER, { audience: 'a' });
    workload.withdraw();
    expect(workload.withdrawn).toBe(true);
    for (const stream of streams) await expect(stream.next()).rejects.toMatchObject(withStatus('PERMISSION_DENIED'));
    for (const stream of Object.values(openAll())) {
      await expect(stream.next()).rejects.toMatchObject(withStatus('PERMISSION_DENIED'));
    }
    const fetching = client.unary(fetchJWTSVID, { audience: ['a'] });
    await expect(fetching).rejects.toMatchObject(withStatus('PERMISSION_DENIED'));
    expect((await client.unary(validateJWTSVID, { audience: 'a', svid: token })).spiffeId).toBe(PLANNER);
    expect(workload.ids.map(String)).toEqual([PLANNER]);
  });

  it('comes back with fresh credentials', async () => {
    const stream = client.stream(fetchX509SVID, {});
    const first = await stream.next();
    workload.withdraw();
    await workload.rotate();
    await endpoint.issuer.rotateX509Authority();
    await expect(stream.next()).rejects.toMatchObject(withStatus('PERMISSION_DENIED'));
    await workload.restore();
    const next = await client.stream(fetchX509SVID, {}).next();
    expect(next.svids[0]?.x509Svid).not.toEqual(first.svids[0]?.x509Svid);
    expect(verifies(next)).toBe(true);
    await workload.restore();
    expect(await client.stream(fetchX509SVID, {}).next()).toEqual(next);
  });

  it('ends streams that were open even if it comes back at once', async () => {
    const streams = Object.values(openAll());
    for (const stream of streams) await stream.next();
    workload.withdraw();
    await workload.restore();
    for (const stream of streams) await expect(stream.next()).rejects.toMatchObject(withStatus('PERMISSION_DENIED'));
  });

  it('stays withdrawn when a rotation was under way', async () => {
    const rotating = workload.rotate();
    workload.withdraw();
    await rotating;
    const stream = client.stream(fetchX509SVID, {});
    await expect(stream.next()).rejects.toMatchObject(withStatus('PERMISSION_DENIED'));
  });

  it('leaves other workloads alone', async () => {
    const bare = connectBare((await endpoint.addWorkload('spiffe://example.org/other')).address);
    workload.withdraw();
    expect((await bare.stream(fetchX509SVID, {}).next()).svids).toHaveLength(1);
    bare.close();
  });

  it('can be for other identities, with a hint that changes and an order that counts', async () => {
    const { x509, wit } = openAll();
    const named = client.stream(fetchWITSVID, { spiffeId: PLANNER });
    await Promise.all([x509.next(), wit.next(), named.next()]);
    await workload.setIdentities([{ id: 'spiffe://example.org/second', hint: 'new' }, { id: PLANNER }]);
    const { svids } = await x509.next();
    expect(svids.map(({ spiffeId, hint }) => [spiffeId, hint])).toEqual([
      ['spiffe://example.org/second', 'new'],
      [PLANNER, ''],
    ]);
    expect((await wit.next()).svids).toHaveLength(2);
    expect((await named.next()).svids.map(({ spiffeId }) => spiffeId)).toEqual([PLANNER]);
    await workload.setIdentities('spiffe://example.org/second');
    await expect(named.next()).rejects.toMatchObject(withStatus('PERMISSION_DENIED'));
    expect((await x509.next()).svids).toHaveLength(1);
  });

  it('refuses hints that clash or are too long, and identities of other trust domains', async () => {
    const twice = [
      { id: PLANNER, hint: 'a' },
      { id: `${PLANNER}/2`, hint: 'a' },
    ];
    await expect(workload.setIdentities(twice)).rejects.toMatchObject({ code: 'bad_hint' });
    await expect(endpoint.addWorkload(twice)).rejects.toThrow(DevError);
    const long = [{ id: PLANNER, hint: 'é'.repeat(513) }];
    await expect(endpoint.addWorkload(long)).rejects.toMatchObject({ code: 'bad_hint' });
    await expect(endpoint.addWorkload([])).rejects.toThrow(TypeError);
    await expect(endpoint.addWorkload('not an id')).rejects.toMatchObject({ code: 'wrong_scheme' });
    const foreign = 'spiffe://b.example/w';
    await expect(endpoint.addWorkload(foreign)).rejects.toMatchObject({ code: 'foreign_trust_domain' });
    await expect(workload.setIdentities(foreign)).rejects.toMatchObject({ code: 'foreign_trust_domain' });
    await workload.rotate();
    expect(workload.ids.map(String)).toEqual([PLANNER]);
    expect(endpoint.workloads).toEqual([workload]);
  });
});
