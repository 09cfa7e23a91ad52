import { generateKeyPairSync } from 'node:crypto';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import type { SpiffeBundle, X509Bundle } from 'svidkit/bundle';
import { parseTrustDomain } from 'svidkit/id';
import { createIssuer, type Issuer } from 'svidkit/issuer';
import type { X509Svid } from 'svidkit/x509-svid';
import { beforeAll, describe, expect, it } from 'vitest';
import type { DeliveredBundles } from '../../src/workload-api/delivered.js';
import { X509BundlesResponseSchema, X509SVIDResponseSchema } from '../../src/workload-api/gen/workloadapi_pb.js';
import { readX509Bundles, readX509Context } from '../../src/workload-api/x509-context.js';
import { x509BundlesMessage, x509Message } from '../support/delivered-messages.js';
import { makeAuthority } from '../support/x509.js';

const HOME = 'spiffe://example.org';
const AWAY = 'spiffe://b.example';

let home: Issuer;
let away: Issuer;
let svid: X509Svid;

beforeAll(async () => {
  home = await createIssuer({ trustDomain: 'example.org' });
  away = await createIssuer({ trustDomain: 'b.example' });
  svid = await home.issueX509Svid(`${HOME}/agents/planner`);
});

type Read = (bundles: Record<string, Uint8Array>, held?: DeliveredBundles) => DeliveredBundles;

const readers: Readonly<Record<string, Read>> = {
  'with an SVID': ({ [HOME]: own = new Uint8Array(), ...federatedBundles }, held) => {
    const { svids } = x509Message([svid], home.bundle);
    const message: MessageInitShape<typeof X509SVIDResponseSchema> = {
      svids: svids.map((entry) => ({ ...entry, bundle: own })),
      federatedBundles,
    };
    return readX509Context(create(X509SVIDResponseSchema, message), undefined, held);
  },
  'by themselves': (bundles, held) => readX509Bundles(create(X509BundlesResponseSchema, { bundles }), held),
};

const bundleOf = ({ bundles }: DeliveredBundles, trustDomain: string): X509Bundle | undefined =>
  bundles.getX509Bundle(parseTrustDomain(trustDomain));
const written = (...bundles: SpiffeBundle[]): Record<string, Uint8Array> => x509BundlesMessage(...bundles).bundles;

describe.each(Object.entries(readers))('reading X.509 bundles that are delivered %s', (_, read) => {
  it('reads only those that the delivery before did not have', async () => {
    const before = read(written(home.bundle, away.bundle));
    const other = await createIssuer({ trustDomain: 'b.example' });
    const after = read(written(home.bundle, other.bundle), before);
    expect(bundleOf(after, HOME)).toBe(bundleOf(before, HOME));
    expect(bundleOf(after, AWAY)?.equals(other.bundle.x509)).toBe(true);
    expect(bundleOf(read(written(home.bundle), after), AWAY), 'what is not delivered is not kept').toBeUndefined();
  });

  it('reads again what is other bytes, also where they mean less or the same', () => {
    const bytes = away.bundle.x509.toDer();
    const held = read({ ...written(home.bundle), [AWAY]: Buffer.concat([bytes, bytes]) });
    for (const changed of [Buffer.concat([bytes, bytes]), Buffer.of(), bytes]) {
      const bundle = bundleOf(read({ ...written(home.bundle), [AWAY]: changed }, held), AWAY);
      expect(bundle?.authorities).toHaveLength(changed.length === 0 ? 0 : 1);
    }
    const cut = read({ ...written(home.bundle), [AWAY]: bytes.subarray(1) }, held);
    expect([bundleOf(cut, AWAY), cut.refusedBundles]).toMatchObject([undefined, [{ code: 'bad_bundle' }]]);
  });

  it('lists an ignored authority as long as it is delivered', () => {
    const keys = generateKeyPairSync('rsa', { modulusLength: 1024 });
    const good = away.bundle.x509.toDer();
    const both = { ...written(home.bundle), [AWAY]: Buffer.concat([good, makeAuthority('weak', { keys }).der]) };
    const first = read(both);
    const second = read(both, first);
    const third = read(written(home.bundle, away.bundle), second);
    const ignored = [first, second, third].map((each) => bundleOf(each, AWAY)?.ignored.map(({ rule }) => rule));
    expect(ignored).toEqual([['weak_key'], ['weak_key'], []]);
  });

  it('takes none that is held for another trust domain', () => {
    const held = read(written(home.bundle));
    const moved = read({ ...written(home.bundle), [AWAY]: home.bundle.x509.toDer() }, held);
    expect(`${bundleOf(moved, AWAY)?.trustDomain}`).toBe(AWAY);
  });
});
