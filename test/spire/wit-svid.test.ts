import { setTimeout as sleep } from 'node:timers/promises';
import { parseWitBundle } from 'svidkit/bundle';
import { createProvingFetch } from 'svidkit/http';
import { exactly } from 'svidkit/id';
import { parseWitSvid, verifyWit } from 'svidkit/wit';
import { createWitSource, createWorkloadApiClient } from 'svidkit/workload-api';
import { proveRequest } from 'svidkit/wpt';
import { describe, expect, it } from 'vitest';
import { collect } from './support/collect.js';
import { recordFault } from './support/fault-table.js';
import { bundlesOf, startProofService } from './support/proof-service.js';
import { useSpire } from './support/use-spire.js';

const AUDIENCE = 'https://tools.example.org/orders';
const PLANNER = 'spiffe://example.org/agents/planner';

describe('the WIT-SVID profile of a SPIRE agent that does not serve it', () => {
  const spire = useSpire();

  it('is answered at once by a typed error, on single calls and on streams', async () => {
    await using client = createWorkloadApiClient({ address: spire().address });
    const unimplemented = { name: 'WorkloadApiError', code: 'unimplemented', grpcStatus: 12 };
    await expect(client.fetchWitSvids()).rejects.toMatchObject(unimplemented);
    await expect(client.fetchWitBundles()).rejects.toMatchObject(unimplemented);
    await expect(collect(client.streamWitSvids())).rejects.toMatchObject(unimplemented);
    await expect(collect(client.streamWitBundles())).rejects.toMatchObject(unimplemented);
  });

  it('makes a source give up after one call of each kind', async () => {
    const counts = async (): Promise<number[]> => [
      await spire().callsOf('fetch_witsvid'),
      await spire().callsOf('fetch_wit_bundles'),
    ];
    const [svidsBefore = 0, bundlesBefore = 0] = await counts();
    await using source = createWitSource({ address: spire().address, backoff: { initialMs: 10, maxMs: 50 } });
    await expect(source.ready({ timeoutMs: 10_000 })).rejects.toMatchObject({ code: 'unimplemented' });
    await sleep(1_500);
    const [svids = 0, bundles = 0] = await counts();
    expect(svids - svidsBefore).toBe(1);
    expect(bundles - bundlesBefore).toBeLessThanOrEqual(1);
    expect(() => source.getWitSvid()).toThrow(expect.objectContaining({ code: 'unimplemented' }));
    recordFault({ group: 'agent', fault: 'WIT-SVIDs not served', client: 'unimplemented; gave up after one call' });
  });
});

describe('WIT-SVIDs minted by a real SPIRE server', () => {
  const spire = useSpire();

  it.each([
    { keyType: 'ec-p256', signingAlgorithm: 'ES256' },
    { keyType: 'ec-p384', signingAlgorithm: 'ES384' },
    { keyType: 'rsa-2048', signingAlgorithm: 'RS256' },
    { keyType: 'rsa-2048', signingAlgorithm: 'PS256' },
  ] as const)('are read, verified and proven with $keyType and $signingAlgorithm', async (options) => {
    const bundle = parseWitBundle('example.org', await spire().commands.witJwks());
    const svid = parseWitSvid(await spire().commands.mintWit('/agents/planner', options), { profile: 'spiffe' });
    expect(svid.id.toString()).toBe(PLANNER);
    expect(svid.alg).toBe(options.signingAlgorithm);

    const verified = await verifyWit(svid.token, { getWitBundle: () => bundle }, { profiles: ['spiffe'] });
    expect(verified.alg).toBe(options.signingAlgorithm);
    expect(verified.trustDomain.name).toBe('example.org');

    await using service = await startProofService({
      bundles: bundlesOf(bundle),
      audience: AUDIENCE,
      authorize: exactly(PLANNER),
    });
    const provingFetch = createProvingFetch({
      wit: { getWitSvid: () => svid },
      audience: () => AUDIENCE,
      allowPlaintext: true,
    });
    const answer = await provingFetch(service.url, { method: 'POST', body: '{"item":"book"}' });
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({ id: PLANNER });
  });

  it('are refused in a replayed proof and without one', async () => {
    const bundle = parseWitBundle('example.org', await spire().commands.witJwks());
    const svid = parseWitSvid(await spire().commands.mintWit('/agents/planner'));
    await using service = await startProofService({
      bundles: bundlesOf(bundle),
      audience: AUDIENCE,
      authorize: exactly(PLANNER),
    });
    const headers = [...(await proveRequest(svid, { audience: AUDIENCE }))].map(([name, value]): [string, string] => [
      name,
      value,
    ]);
    expect((await fetch(service.url, { headers })).status).toBe(200);
    expect((await fetch(service.url, { headers })).status).toBe(401);
    const bare = await fetch(service.url, { headers: { 'workload-identity-token': svid.token } });
    expect(bare.status).toBe(401);
    expect(service.refusals).toEqual(['replayed', 'no_credentials']);
  });

  it('are refused under the bundle of another server and for another identity', async () => {
    const bundle = parseWitBundle('example.org', await spire().commands.witJwks());
    const stranger = parseWitSvid(await spire().commands.mintWit('/agents/stranger'));
    await using service = await startProofService({
      bundles: bundlesOf(bundle),
      audience: AUDIENCE,
      authorize: exactly(PLANNER),
    });
    const asStranger = createProvingFetch({
      wit: { getWitSvid: () => stranger },
      audience: () => AUDIENCE,
      allowPlaintext: true,
    });
    expect((await asStranger(service.url)).status).toBe(403);

    const foreign = JSON.parse(await spire().commands.bundleDocument());
    const jwtKeys = foreign.keys.filter((key: { use?: string }) => key.use === 'jwt-svid');
    const wrong = parseWitBundle(
      'example.org',
      JSON.stringify({ keys: jwtKeys.map((key: object) => ({ ...key, use: 'wit-svid' })) }),
    );
    await using other = await startProofService({
      bundles: bundlesOf(wrong),
      audience: AUDIENCE,
      authorize: exactly(PLANNER),
    });
    expect((await asStranger(other.url)).status).toBe(401);
    expect([...service.refusals, ...other.refusals]).toEqual(['not_authorized', 'unknown_key']);
  });
});
