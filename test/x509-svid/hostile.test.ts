import fc from 'fast-check';
import { parseX509Bundle } from 'svidkit/bundle';
import { BundleError, X509SvidError } from 'svidkit/errors';
import { verifyX509Svid } from 'svidkit/x509-svid';
import { describe, expect, it } from 'vitest';
import * as der from '../support/der-writer.js';
import { keyPair } from '../support/key-pairs.js';
import { codeOf } from '../support/refusals.js';
import * as x509 from '../support/x509.js';

const ID = 'spiffe://example.org/agents/planner';
const root = x509.makeAuthority('root');
const middle = x509.makeAuthority('middle', { issuer: root });
const trusted = x509.sourceOf(x509.bundleOf('example.org', root));
const options = { clock: x509.clock };
const code = (chain: readonly Uint8Array[], source = trusted) => codeOf(() => verifyX509Svid(chain, source, options));

describe('threat 25: chains that ask for too much', () => {
  it('thousands of certificates are refused before one of them is read', () => {
    expect(code(Array(5000).fill(new Uint8Array()))).toBe('chain_too_long');
    expect(code([x509.makeLeaf(root, ID).der, ...Array(16).fill(root.der)])).toBe('chain_too_long');
    expect(code([x509.makeLeaf(root, ID).der, ...Array(15).fill(root.der)])).toBe('accepted');
  });

  it('a certificate of megabytes is refused by its size', () => {
    expect(code([new Uint8Array(5_000_000)])).toBe('too_large');
    expect(code([x509.makeLeaf(root, ID).der, new Uint8Array(65_537)])).toBe('too_large');
  });

  it('CAs that all have one name and signed one another ask for more signatures than are checked', () => {
    const chain: x509.Made[] = [x509.makeAuthority('same', { keys: keyPair('P-256', 'same 0') })];
    for (let index = 1; index < 15; index += 1) {
      const [issuer] = chain;
      if (issuer === undefined) throw new Error('there is one');
      chain.unshift(x509.makeAuthority('same', { issuer, keys: keyPair('P-256', `same ${index}`) }));
    }
    const [last] = chain;
    if (last === undefined) throw new Error('there are fifteen');
    const leaf = x509.makeLeaf(last, ID);
    expect(code([leaf.der, ...chain.map((made) => made.der).reverse()])).toBe('too_much_work');
  });

  it('a bundle of a hundred authorities of one name is searched no further, unless the key identifier leads on', () => {
    const many = Array.from({ length: 100 }, (_, index) =>
      x509.makeAuthority('same', {
        keys: keyPair('Ed25519', `same ${index}`),
        more: [x509.subjectKeyId(keyIdOf(keyPair('Ed25519', `same ${index}`)))],
      }),
    );
    const source = x509.sourceOf(x509.bundleOf('example.org', ...many));
    const [first, last] = [many[0], many[99]];
    if (first === undefined || last === undefined) throw new Error('there are a hundred');
    expect(code([x509.makeLeaf(first, ID).der], source)).toBe('accepted');
    expect(code([x509.makeLeaf(last, ID).der], source)).toBe('too_much_work');
    expect(code([x509.makeLeaf(last, ID, { more: [x509.authorityKeyId(last)] }).der], source)).toBe('accepted');
  });

  it('doubled steps multiply paths only up to a bound, also where no signature is checked', () => {
    const chain: x509.Made[] = [];
    let issuer = x509.makeAuthority('level 0');
    for (let level = 1; level <= 5; level += 1) {
      const keys = keyPair('Ed25519', `level ${level}`);
      const variants = [0, 1].map(() => x509.makeAuthority(`level ${level}`, { issuer, keys }));
      chain.push(...variants);
      issuer = variants[0] ?? issuer;
    }
    const anchors = Array.from({ length: 40 }, () => x509.makeAuthority('level 0', { pathLength: 0 }));
    const source = x509.sourceOf(x509.bundleOf('example.org', ...anchors));
    expect(code([x509.makeLeaf(issuer, ID).der, ...chain.map((made) => made.der)], source)).toBe('too_much_work');
  });

  it('a path of more than ten certificates is refused', () => {
    const chain: x509.Made[] = [];
    const under = (issuer: x509.Made, level: number): x509.Made => {
      const made = x509.makeAuthority(`deep ${level}`, { issuer });
      chain.unshift(made);
      return made;
    };
    let issuer = root;
    for (let level = 1; level <= 8; level += 1) issuer = under(issuer, level);
    expect(code([x509.makeLeaf(issuer, ID).der, ...chain.map((made) => made.der)])).toBe('accepted');
    issuer = under(issuer, 9);
    expect(code([x509.makeLeaf(issuer, ID).der, ...chain.map((made) => made.der)])).toBe('path_too_long');
  });
});

describe('mutations', () => {
  const leaves = (['P-256', 'Ed25519', 'RSA'] as const).map((kind) => {
    const issuer = x509.makeAuthority(`issuer ${kind}`, { kind, issuer: root });
    return { leaf: x509.makeLeaf(issuer, ID).der, issuer: issuer.der };
  });
  const pair = fc.constantFrom(...leaves);
  const mutation = fc.oneof(
    fc.record({
      kind: fc.constant('flip' as const),
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      bits: fc.integer({ min: 1, max: 255 }),
    }),
    fc.record({
      kind: fc.constant('cut' as const),
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      bits: fc.integer({ min: 1, max: 9 }),
    }),
    fc.record({
      kind: fc.constant('insert' as const),
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      bits: fc.integer({ min: 0, max: 255 }),
    }),
  );

  it('a leaf with anything changed, removed or added never verifies, and fails as X509SvidError', () => {
    fc.assert(
      fc.property(pair, fc.array(mutation, { minLength: 1, maxLength: 3 }), ({ leaf, issuer }, mutations) => {
        const changed = mutations.reduce(mutate, leaf);
        fc.pre(Buffer.compare(changed, leaf) !== 0);
        expect(() => verifyX509Svid([changed, issuer], trusted, options)).toThrow(X509SvidError);
      }),
      { numRuns: 1500 },
    );
  });

  it('a bit in every byte of a leaf counts, signature and outer algorithm included', () => {
    const [{ leaf, issuer } = { leaf: root.der, issuer: root.der }] = leaves;
    expect(code([leaf, issuer])).toBe('accepted');
    for (let at = 0; at < leaf.length; at += 1) {
      const changed = mutate(leaf, { kind: 'flip', at: at / leaf.length, bits: 1 << (at % 8) });
      expect(code([changed, issuer])).not.toBe('accepted');
    }
  });

  it('a changed intermediate makes no path', () => {
    const leaf = x509.makeLeaf(middle, ID).der;
    fc.assert(
      fc.property(mutation, (change) => {
        const changed = mutate(middle.der, change);
        fc.pre(Buffer.compare(changed, middle.der) !== 0);
        expect(() => verifyX509Svid([leaf, changed], trusted, options)).toThrow(X509SvidError);
      }),
      { numRuns: 500 },
    );
  });

  it('whatever stands in a bundle, reading it ends with a bundle or a BundleError', () => {
    fc.assert(
      fc.property(fc.array(mutation, { maxLength: 3 }), fc.uint8Array({ maxLength: 20 }), (mutations, tail) => {
        const bytes = Buffer.concat([mutations.reduce(mutate, root.der), tail]);
        try {
          parseX509Bundle('example.org', bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(BundleError);
        }
      }),
      { numRuns: 500 },
    );
  });
});

interface Mutation {
  readonly kind: 'flip' | 'cut' | 'insert';
  /** From 0 to 1, along the bytes. */
  readonly at: number;
  readonly bits: number;
}

function mutate(bytes: der.Der, { kind, at, bits }: Mutation): der.Der {
  const index = Math.min(bytes.length - 1, Math.round(at * bytes.length));
  const [before, after] = [bytes.slice(0, index), bytes.slice(index)];
  if (kind === 'cut') return new Uint8Array(Buffer.concat([before, after.slice(bits)]));
  if (kind === 'insert') return new Uint8Array(Buffer.concat([before, der.bytes(bits), after]));
  const copy = bytes.slice();
  copy[index] = (copy[index] ?? 0) ^ bits;
  return copy;
}

function keyIdOf({ publicKey }: ReturnType<typeof keyPair>): Uint8Array {
  return new Uint8Array(publicKey.export({ format: 'der', type: 'spki' })).slice(-20);
}
