import { createPrivateKey, X509Certificate } from 'node:crypto';
import { BundleSet, parseJwtBundle, parseWitBundle, parseX509Bundle } from 'svidkit/bundle';
import { createDevEndpoint, type DevEndpoint, type DevWorkload } from 'svidkit/dev';
import { createIssuer } from 'svidkit/issuer';
import { parseJwtSvid, verifyJwtSvid } from 'svidkit/jwt-svid';
import { parseWitSvid, verifyWit } from 'svidkit/wit';
import { parseCertificateList, parseX509Svid, verifyX509Svid } from 'svidkit/x509-svid';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SpiffeWorkloadAPI } from '../../src/workload-api/gen/workloadapi_pb.js';
import { type BareClient, connectBare, withStatus } from '../support/bare-workload-client.js';

const PLANNER = 'spiffe://example.org/agents/planner';
const PLANNER_PUBLIC = 'spiffe://example.org/public/planner';
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

beforeAll(async () => {
  endpoint = await createDevEndpoint();
  workload = await endpoint.addWorkload([
    { id: PLANNER, hint: 'internal', dnsNames: ['planner.example.org'] },
    { id: PLANNER_PUBLIC, hint: 'external' },
  ]);
  client = connectBare(workload.address);
});

afterAll(async () => {
  client.close();
  await endpoint.close();
});

/** Every RPC with a request that is fine. */
const calls: ReadonlyArray<readonly [string, (headers: readonly (readonly [string, string])[]) => Promise<unknown>]> = [
  ['FetchX509SVID', (headers) => client.stream(fetchX509SVID, {}, headers).next()],
  ['FetchX509Bundles', (headers) => client.stream(fetchX509Bundles, {}, headers).next()],
  ['FetchJWTSVID', (headers) => client.unary(fetchJWTSVID, { audience: ['a'] }, headers)],
  ['FetchJWTBundles', (headers) => client.stream(fetchJWTBundles, {}, headers).next()],
  ['ValidateJWTSVID', (headers) => client.unary(validateJWTSVID, { audience: 'a', svid: 'a.b.c' }, headers)],
  ['FetchWITSVID', (headers) => client.stream(fetchWITSVID, {}, headers).next()],
  ['FetchWITBundles', (headers) => client.stream(fetchWITBundles, {}, headers).next()],
];

describe('SPIFFE_Workload_Endpoint section 3: the security header', () => {
  it('covers every RPC of the service', () => {
    expect(calls.map(([name]) => name).sort()).toEqual(SpiffeWorkloadAPI.methods.map(({ name }) => name).sort());
  });

  describe.each(calls)('%s', (_name, call) => {
    it.each([
      ['is missing', []],
      ['is false', [['workload.spiffe.io', 'false']]],
      ['is True', [['workload.spiffe.io', 'True']]],
      ['is empty', [['workload.spiffe.io', '']]],
      ['has another name', [['broker.spiffe.io', 'true']]],
      [
        'comes twice',
        [
          ['workload.spiffe.io', 'true'],
          ['workload.spiffe.io', 'true'],
        ],
      ],
    ] as const)('answers InvalidArgument when it %s', async (_what, headers) => {
      await expect(call(headers)).rejects.toMatchObject({
        ...withStatus('INVALID_ARGUMENT'),
        details: expect.stringContaining('security header'),
      });
    });
  });
});

describe('Workload API section 5: X.509-SVIDs', () => {
  it('delivers every identity, the default one first, with chain, key, bundle and hint', async () => {
    const stream = client.stream(fetchX509SVID, {});
    const { svids, crl, federatedBundles } = await stream.next();
    stream.cancel();
    expect(svids.map(({ spiffeId, hint }) => [spiffeId, hint])).toEqual([
      [PLANNER, 'internal'],
      [PLANNER_PUBLIC, 'external'],
    ]);
    expect(crl.map((list) => parseCertificateList(list).size)).toEqual([0]);
    expect(federatedBundles).toEqual({});
    for (const svid of svids) {
      const privateKey = createPrivateKey({ key: Buffer.from(svid.x509SvidKey), format: 'der', type: 'pkcs8' });
      expect(new X509Certificate(svid.x509Svid).checkPrivateKey(privateKey)).toBe(true);
      const parsed = parseX509Svid({ certificates: svid.x509Svid, privateKey: svid.x509SvidKey });
      const bundles = new BundleSet([parseX509Bundle('example.org', svid.bundle)]);
      expect(verifyX509Svid(parsed.certificates, bundles).id.toString()).toBe(svid.spiffeId);
    }
    expect(new X509Certificate(svids[0]?.x509Svid ?? '').subjectAltName).toContain('DNS:planner.example.org');
  });

  it('delivers chains of an issuer with an intermediate', async () => {
    const issuer = await createIssuer({ trustDomain: 'example.org', intermediate: true });
    await using other = await createDevEndpoint({ issuer });
    const bare = connectBare((await other.addWorkload(PLANNER)).address);
    const { svids } = await bare.stream(fetchX509SVID, {}).next();
    bare.close();
    const [svid] = svids;
    const parsed = parseX509Svid({
      certificates: svid?.x509Svid ?? new Uint8Array(),
      privateKey: svid?.x509SvidKey ?? new Uint8Array(),
    });
    expect(parsed.certificates).toHaveLength(2);
    expect(parseX509Bundle('example.org', svid?.bundle ?? new Uint8Array()).authorities).toHaveLength(1);
  });

  it('delivers the bundle of the trust domain under its SPIFFE ID', async () => {
    const stream = client.stream(fetchX509Bundles, {});
    const { bundles } = await stream.next();
    stream.cancel();
    expect(Object.keys(bundles)).toEqual(['spiffe://example.org']);
    const bundle = parseX509Bundle('example.org', bundles['spiffe://example.org'] ?? new Uint8Array());
    expect(bundle.equals(endpoint.issuer.bundle.x509)).toBe(true);
  });
});

describe('Workload API section 6: JWT-SVIDs', () => {
  it('delivers a token for every identity', async () => {
    const { svids } = await client.unary(fetchJWTSVID, { audience: ['orders', 'stock'] });
    expect(svids.map(({ spiffeId, hint }) => [spiffeId, hint])).toEqual([
      [PLANNER, 'internal'],
      [PLANNER_PUBLIC, 'external'],
    ]);
    for (const { svid, spiffeId } of svids) {
      expect(parseJwtSvid(svid).id.toString()).toBe(spiffeId);
      const verified = await verifyJwtSvid(svid, new BundleSet([endpoint.issuer.bundle]), { audience: 'stock' });
      expect(verified.id.toString()).toBe(spiffeId);
      expect(verified.audience).toEqual(['orders', 'stock']);
    }
  });

  it('delivers a token for the identity that is asked for', async () => {
    const { svids } = await client.unary(fetchJWTSVID, { audience: ['orders'], spiffeId: PLANNER_PUBLIC });
    expect(svids.map(({ spiffeId }) => spiffeId)).toEqual([PLANNER_PUBLIC]);
  });

  it.each([
    ['no audience', { audience: [] }, 'INVALID_ARGUMENT'],
    ['an empty audience', { audience: ['a', ''] }, 'INVALID_ARGUMENT'],
    ['a malformed SPIFFE ID', { audience: ['a'], spiffeId: 'spiffe://example.org/a/../b' }, 'INVALID_ARGUMENT'],
    ['a WIMSE identifier', { audience: ['a'], spiffeId: 'wimse://example.org/a' }, 'INVALID_ARGUMENT'],
    ['the identity of another workload', { audience: ['a'], spiffeId: 'spiffe://example.org/x' }, 'PERMISSION_DENIED'],
  ] as const)('refuses %s', async (_what, request, code) => {
    await expect(client.unary(fetchJWTSVID, request as never)).rejects.toMatchObject(withStatus(code));
  });

  it('delivers JWK Sets as SPIRE does: with kid, without use and alg', async () => {
    const stream = client.stream(fetchJWTBundles, {});
    const { bundles } = await stream.next();
    stream.cancel();
    const text = Buffer.from(bundles['spiffe://example.org'] ?? []).toString();
    const { keys } = JSON.parse(text);
    expect(keys).toHaveLength(1);
    expect(Object.keys(keys[0]).sort()).toEqual(['crv', 'kid', 'kty', 'x', 'y']);
    expect(parseJwtBundle('example.org', text).equals(endpoint.issuer.bundle.jwt)).toBe(true);
  });

  it('validates a token and gives its claims', async () => {
    const svid = await endpoint.issuer.issueJwtSvid(PLANNER, { audience: ['orders', 'stock'] });
    const { spiffeId, claims } = await client.unary(validateJWTSVID, { audience: 'stock', svid });
    expect(spiffeId).toBe(PLANNER);
    expect(claims).toMatchObject({ sub: PLANNER, aud: ['orders', 'stock'], exp: expect.any(Number) });
  });

  it('refuses to validate what our verifier refuses', async () => {
    const good = await endpoint.issuer.issueJwtSvid(PLANNER, { audience: 'orders' });
    const other = await createIssuer({ trustDomain: 'example.org' });
    const forged = await other.issueJwtSvid(PLANNER, { audience: 'orders' });
    const foreign = await createIssuer({ trustDomain: 'b.example' });
    const unknown = await foreign.issueJwtSvid('spiffe://b.example/w', { audience: 'orders' });
    const wit = await endpoint.issuer.issueWitSvid(PLANNER);
    for (const [audience, svid] of [
      ['other', good],
      ['', good],
      ['orders', ''],
      ['orders', 'not a token'],
      ['orders', `${good}x`],
      ['orders', forged],
      ['orders', unknown],
      ['orders', wit.token],
    ] as const) {
      const validation = client.unary(validateJWTSVID, { audience, svid });
      await expect(validation).rejects.toMatchObject(withStatus('INVALID_ARGUMENT'));
    }
  });
});

describe('Workload API section 7: WIT-SVIDs', () => {
  it('delivers a token and its private key for every identity', async () => {
    const stream = client.stream(fetchWITSVID, {});
    const { svids } = await stream.next();
    stream.cancel();
    expect(svids.map(({ spiffeId, hint }) => [spiffeId, hint])).toEqual([
      [PLANNER, 'internal'],
      [PLANNER_PUBLIC, 'external'],
    ]);
    for (const { spiffeId, witSvid, witSvidKey } of svids) {
      const svid = parseWitSvid({ token: witSvid, privateKey: witSvidKey, id: spiffeId });
      await verifyWit(svid.token, new BundleSet([endpoint.issuer.bundle]));
    }
  });

  it('delivers the identity that is asked for', async () => {
    const stream = client.stream(fetchWITSVID, { spiffeId: PLANNER_PUBLIC });
    const { svids } = await stream.next();
    stream.cancel();
    expect(svids.map(({ spiffeId }) => spiffeId)).toEqual([PLANNER_PUBLIC]);
  });

  it.each([
    ['spiffe://example.org/a//b', 'INVALID_ARGUMENT'],
    ['spiffe://example.org/x', 'PERMISSION_DENIED'],
  ] as const)('refuses the identity %s', async (spiffeId, code) => {
    await expect(client.stream(fetchWITSVID, { spiffeId }).next()).rejects.toMatchObject(withStatus(code));
  });

  it('delivers JWK Sets with kid', async () => {
    const stream = client.stream(fetchWITBundles, {});
    const { bundles } = await stream.next();
    stream.cancel();
    const text = bundles['spiffe://example.org'] ?? '';
    expect(JSON.parse(text).keys[0].kid).toBe(endpoint.issuer.authorities.wit[0]?.id);
    expect(parseWitBundle('example.org', text).equals(endpoint.issuer.bundle.wit)).toBe(true);
  });

  it('answers Unimplemented where the profile is not served, and serves the others', async () => {
    await using plain = await createDevEndpoint({ issuer: endpoint.issuer, wit: false });
    const bare = connectBare((await plain.addWorkload(PLANNER)).address);
    await expect(bare.stream(fetchWITSVID, {}).next()).rejects.toMatchObject(withStatus('UNIMPLEMENTED'));
    await expect(bare.stream(fetchWITBundles, {}).next()).rejects.toMatchObject(withStatus('UNIMPLEMENTED'));
    await expect(bare.stream(fetchWITBundles, {}, []).next()).rejects.toMatchObject(withStatus('INVALID_ARGUMENT'));
    expect((await bare.stream(fetchX509SVID, {}).next()).svids).toHaveLength(1);
    bare.close();
  });
});
