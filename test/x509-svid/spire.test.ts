import { readFileSync } from 'node:fs';
import { parseX509BundlePem } from 'svidkit/bundle';
import { parseSpiffeId } from 'svidkit/id';
import { parseX509SvidPem, verifyX509Svid } from 'svidkit/x509-svid';
import { describe, expect, it } from 'vitest';
import { codeOf } from '../support/refusals.js';
import { sourceOf } from '../support/x509.js';

interface Vectors {
  readonly at: string;
  readonly cases: readonly {
    readonly id: string;
    readonly dns?: readonly string[];
    readonly svid: string;
    readonly key: string;
    readonly bundle: string;
    readonly pathLength: number;
  }[];
}

const vectors = JSON.parse(
  readFileSync(new URL('../vectors/spire-1.15.3-x509-svids.json', import.meta.url), 'utf8'),
) as Vectors;
const clock = () => Date.parse(vectors.at);

describe('X.509-SVIDs that SPIRE 1.15.3 minted', () => {
  it.each(vectors.cases)(
    '$id is read, and verifies against its own bundle',
    ({ id, dns, svid, key, bundle, pathLength }) => {
      const mine = parseX509SvidPem(svid, key, { id: parseSpiffeId(id) });
      const trusted = parseX509BundlePem(parseSpiffeId(id).trustDomain, bundle);
      for (const profile of ['spiffe', 'wimse'] as const) {
        for (const purpose of ['client', 'server', undefined] as const) {
          const verified = verifyX509Svid(mine.certificates, sourceOf(trusted), { clock, profile, purpose });
          expect(verified.id.toString()).toBe(id);
          expect(verified.path).toHaveLength(pathLength);
          expect(verified.leaf.dnsSans).toEqual(dns ?? []);
          expect(verified.expiresAt).toEqual(mine.expiresAt);
        }
      }
    },
  );

  it('each is refused against the bundle of another server under its own name', () => {
    for (const { id, svid, key } of vectors.cases) {
      for (const other of vectors.cases) {
        const isOwn = parseSpiffeId(other.id).trustDomain.equals(parseSpiffeId(id).trustDomain);
        if (isOwn) continue;
        const wrong = parseX509BundlePem(parseSpiffeId(id).trustDomain, other.bundle);
        const chain = parseX509SvidPem(svid, key).certificates;
        expect(codeOf(() => verifyX509Svid(chain, sourceOf(wrong), { clock }))).toBe('untrusted');
      }
    }
  });

  it('each is refused a day later and a day earlier', () => {
    for (const { id, svid, key, bundle } of vectors.cases) {
      const source = sourceOf(parseX509BundlePem(parseSpiffeId(id).trustDomain, bundle));
      const chain = parseX509SvidPem(svid, key).certificates;
      const codeAt = (ms: number) => codeOf(() => verifyX509Svid(chain, source, { clock: () => clock() + ms }));
      expect(codeAt(86_400_000)).toBe('expired');
      expect(codeAt(-86_400_000)).toBe('not_yet_valid');
    }
  });
});
