import { type VerifyX509SvidOptions, verifyX509Svid } from 'svidkit/x509-svid';
import { describe, expect, it } from 'vitest';
import { keyPair } from '../support/key-pairs.js';
import { codeOf } from '../support/refusals.js';
import * as x509 from '../support/x509.js';

const ID = 'spiffe://example.org/agents/planner';
const root = x509.makeAuthority('root');
const trusted = x509.sourceOf(x509.bundleOf('example.org', root));
const keys = keyPair('P-256', 'intermediate');
const under = (index: number) => x509.makeAuthority(`middle ${index}`, { issuer: root, keys });

function verify(chain: readonly Uint8Array[], source = trusted, options: VerifyX509SvidOptions = {}) {
  return verifyX509Svid(chain, source, { clock: x509.clock, ...options });
}
const intermediateOf = (chain: readonly Uint8Array[]) => verify(chain).path[1];
const chainOf = (middle: x509.Made) => [x509.makeLeaf(middle, ID).der, middle.der];

describe('intermediates of verified paths are read once', () => {
  it('the same bytes give the same certificate, other bytes another', () => {
    const [one, two] = [chainOf(under(0)), chainOf(under(0))];
    const first = intermediateOf(one);
    expect(intermediateOf(one.map((bytes) => bytes.slice()))).toBe(first);
    expect(intermediateOf(two)).not.toBe(first);
    expect(Buffer.compare(first?.der ?? Buffer.of(), one[1] ?? Buffer.of())).toBe(0);
  });

  it('a bit changed anywhere is another certificate, and is refused as before', () => {
    const [leaf = root.der, middle = root.der] = chainOf(under(0));
    verify([leaf, middle]);
    for (let at = 0; at < middle.length; at += 7) {
      const changed = middle.slice();
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(codeOf(() => verify([leaf, changed]))).not.toBe('accepted');
    }
    expect(codeOf(() => verify([leaf, middle.subarray(0, -1)]))).toBe('bad_der');
  });

  it('the bytes of the caller may change afterwards', () => {
    const chain = chainOf(under(0));
    const copy = chain.map((bytes) => bytes.slice());
    const first = intermediateOf(chain);
    for (const bytes of chain) bytes.fill(0);
    expect(intermediateOf(copy)).toBe(first);
  });

  it('nothing of the verdict is kept: time and bundle are looked at each time', () => {
    const middle = x509.makeAuthority('brief', { issuer: root, notAfter: new Date(x509.NOW + 1000) });
    const chain = chainOf(middle);
    expect(codeOf(() => verify(chain))).toBe('accepted');
    expect(codeOf(() => verify(chain, trusted, { clock: () => x509.NOW + 2000 }))).toBe('expired');
    const twin = x509.makeAuthority('root', { keys: keyPair('P-256', 'twin') });
    expect(codeOf(() => verify(chain, x509.sourceOf(x509.bundleOf('example.org', twin))))).toBe('bad_signature');
    expect(codeOf(() => verify(chain, x509.sourceOf(x509.bundleOf('example.org'))))).toBe('untrusted');
    expect(codeOf(() => verify(chain))).toBe('accepted');
  });

  it('only what an authority vouches for is kept', () => {
    const stranger = x509.makeAuthority('stranger');
    const foreign = x509.makeAuthority('foreign', { issuer: stranger, keys });
    const chain = chainOf(foreign);
    const accepting = x509.sourceOf(x509.bundleOf('example.org', stranger));
    const strangers = Array.from({ length: 70 }, (_, index) =>
      chainOf(x509.makeAuthority(`foreign ${index}`, { issuer: stranger, keys })),
    );
    const good = chainOf(under(0));
    const kept = intermediateOf(good);
    for (const refused of [chain, ...strangers]) expect(codeOf(() => verify(refused))).toBe('untrusted');
    expect(intermediateOf([...good, ...strangers.slice(0, 14).map(([, middle = root.der]) => middle)])).toBe(kept);
    const first = verify(chain, accepting).path[1];
    expect(verify(chain, accepting).path[1]).toBe(first);
  });

  it('of more than 64 the least recently used one gives way', () => {
    const chains = Array.from({ length: 65 }, (_, index) => chainOf(under(index)));
    const [first = [], second = []] = chains;
    const [one, two] = [intermediateOf(first), intermediateOf(second)];
    for (const chain of chains.slice(2, 64)) verify(chain);
    expect(intermediateOf(first)).toBe(one);
    verify(chains[64] ?? []);
    expect(intermediateOf(first)).toBe(one);
    expect(intermediateOf(second)).not.toBe(two);
  });

  it('a certificate of more than 4096 bytes is read each time', () => {
    const large = x509.makeAuthority('large', {
      issuer: root,
      more: [x509.extension('1.2.3', false, new Uint8Array(4096))],
    });
    const chain = chainOf(large);
    expect(intermediateOf(chain)).not.toBe(intermediateOf(chain));
  });
});
