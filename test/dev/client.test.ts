import { createDevEndpoint, type DevEndpoint, type DevWorkload } from 'svidkit/dev';
import { createIssuer } from 'svidkit/issuer';
import { verifyJwtSvid } from 'svidkit/jwt-svid';
import { verifyWit } from 'svidkit/wit';
import {
  createBundleSource,
  createJwtSource,
  createWitSource,
  createWorkloadApiClient,
  createX509Source,
} from 'svidkit/workload-api';
import { verifyX509Svid } from 'svidkit/x509-svid';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const PLANNER = 'spiffe://example.org/agents/planner';

let endpoint: DevEndpoint;
let workload: DevWorkload;
let address: string;

beforeEach(async () => {
  endpoint = await createDevEndpoint();
  workload = await endpoint.addWorkload([{ id: PLANNER, hint: 'internal' }, { id: `${PLANNER}/2` }]);
  address = workload.address;
});

afterEach(() => endpoint.close());

describe('our own client at the development endpoint', () => {
  it('fetches everything there is', async () => {
    await using client = createWorkloadApiClient({ address });
    const { svids, defaultSvid, bundles } = await client.fetchX509Context();
    expect(svids.map(({ id, hint }) => [id.toString(), hint])).toEqual([
      [PLANNER, 'internal'],
      [`${PLANNER}/2`, undefined],
    ]);
    expect(verifyX509Svid(defaultSvid.certificates, bundles).id.toString()).toBe(PLANNER);

    const [jwt] = await client.fetchJwtSvids({ audience: 'orders', id: `${PLANNER}/2` });
    expect(jwt?.id.toString()).toBe(`${PLANNER}/2`);
    const validated = await client.validateJwtSvid({ audience: 'orders', token: jwt?.token ?? '' });
    expect(validated.id.toString()).toBe(`${PLANNER}/2`);
    const jwtBundles = await client.fetchJwtBundles();
    await verifyJwtSvid(jwt?.token ?? '', jwtBundles.bundles, { audience: 'orders' });

    const wits = await client.fetchWitSvids();
    const { bundles: witBundles } = await client.fetchWitBundles();
    for (const { token } of wits) await verifyWit(token, witBundles);
    expect(wits).toHaveLength(2);
  });

  it('follows rotation, federation, withdrawal and restoration with its sources', async () => {
    const foreign = await createIssuer({ trustDomain: 'b.example' });
    await using x509 = createX509Source({ address, backoff: { initialMs: 5, maxMs: 10 } });
    await using wit = createWitSource({ address, backoff: { initialMs: 5, maxMs: 10 } });
    await using jwt = createJwtSource({ address, backoff: { initialMs: 5, maxMs: 10 } });
    await using bundles = createBundleSource({ address, backoff: { initialMs: 5, maxMs: 10 } });
    await Promise.all([x509, wit, jwt, bundles].map((source) => source.ready()));
    const first = x509.getX509Svid();
    const until = async (reached: () => boolean): Promise<void> => {
      for await (const _ of x509.updates()) if (reached()) return;
    };

    await endpoint.rotate();
    await until(() => !x509.getX509Svid().equals(first));
    await endpoint.federate(foreign.bundle);
    await until(() => x509.getX509Bundle(foreign.trustDomain)?.equals(foreign.bundle.x509) === true);
    await endpoint.unfederate(foreign.trustDomain);
    await until(() => x509.getX509Bundle(foreign.trustDomain) === undefined);

    const before = x509.getX509Svid();
    workload.withdraw();
    await using client = createWorkloadApiClient({ address });
    await expect(client.fetchX509Context()).rejects.toMatchObject({ grpcStatus: 7 });
    await workload.restore();
    await x509.ready();
    await until(() => !x509.getX509Svid().equals(before));
    expect((await jwt.fetchJwtSvid({ audience: 'orders' })).id.toString()).toBe(PLANNER);
  });

  it('learns that the WIT-SVID profile is not served', async () => {
    await using plain = await createDevEndpoint({ issuer: endpoint.issuer, wit: false });
    const { address: other } = await plain.addWorkload(PLANNER);
    await using source = createWitSource({ address: other });
    await expect(source.ready()).rejects.toMatchObject({ code: 'unimplemented' });
  });
});
