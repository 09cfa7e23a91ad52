import { BundleSet, JwtBundle, SpiffeBundle, WitBundle, X509Bundle } from 'svidkit/bundle';
import { parseTrustDomain } from 'svidkit/id';
import { describe, expect, it } from 'vitest';
import { parseCertificate } from '../../src/internal/certificate.js';
import { keyPair } from '../support/key-pairs.js';
import { codeOf } from '../support/refusals.js';
import { makeAuthority } from '../support/x509.js';

const [A, B, WIMSE_A] = ['a.example', 'b.example', 'wimse://a.example'].map((text) => parseTrustDomain(text)) as [
  ReturnType<typeof parseTrustDomain>,
  ReturnType<typeof parseTrustDomain>,
  ReturnType<typeof parseTrustDomain>,
];
const authority = parseCertificate(makeAuthority('root').der);
const key = { kid: 'same', key: keyPair('P-256').publicKey };

describe('bundle set', () => {
  it('finds each kind of bundle by its trust domain', () => {
    const bundles = [new X509Bundle(A, [authority]), new JwtBundle(A, [key]), new WitBundle(B, [key])] as const;
    const set = new BundleSet(bundles);
    expect(set.getX509Bundle(A)).toBe(bundles[0]);
    expect(set.getJwtBundle(parseTrustDomain('spiffe://a.example'))).toBe(bundles[1]);
    expect(set.getWitBundle(B)).toBe(bundles[2]);
    expect(set.getWitBundle(A)).toBeUndefined();
    expect(set.getX509Bundle(B)).toBeUndefined();
    expect(set.trustDomains().map(String)).toEqual(['spiffe://a.example', 'spiffe://b.example']);
  });

  it('threat 7: keeps spiffe and wimse trust domains of one name apart', () => {
    const set = new BundleSet([new WitBundle(A, [key]), new WitBundle(WIMSE_A, [])]);
    expect(set.getWitBundle(A)?.keys).toHaveLength(1);
    expect(set.getWitBundle(WIMSE_A)?.keys).toHaveLength(0);
    expect(new BundleSet([new WitBundle(A, [key])]).getWitBundle(WIMSE_A)).toBeUndefined();
  });

  it('threat 8: one kid in two trust domains and two kinds stays four keys', () => {
    const set = new BundleSet([
      new JwtBundle(A, [key]),
      new WitBundle(A, [{ ...key, key: keyPair('P-384').publicKey }]),
      new JwtBundle(B, [{ ...key, key: keyPair('P-521').publicKey }]),
    ]);
    const curves = [set.getJwtBundle(A), set.getWitBundle(A), set.getJwtBundle(B)].map(
      (bundle) => bundle?.candidates('same')[0]?.publicKey.crv,
    );
    expect(curves).toEqual(['P-256', 'P-384', 'P-521']);
    expect(set.getWitBundle(B)).toBeUndefined();
  });

  it('takes a SPIFFE bundle apart, empty parts included', () => {
    const bundle = new SpiffeBundle(A, { jwt: new JwtBundle(A, [key]) });
    const set = new BundleSet([bundle]);
    expect(set.getJwtBundle(A)).toBe(bundle.jwt);
    expect(set.getX509Bundle(A)).toBe(bundle.x509);
    expect(set.getWitBundle(A)?.keys).toEqual([]);
    expect(set.trustDomains().map(String)).toEqual(['spiffe://a.example']);
  });

  it('refuses a second bundle of one kind for one trust domain, and never merges', () => {
    const twice = [
      [new X509Bundle(A, [authority]), new X509Bundle(A, [])],
      [new JwtBundle(A, []), new JwtBundle(A, [])],
      [new WitBundle(A, []), new SpiffeBundle(A)],
    ];
    for (const bundles of twice) expect(codeOf(() => new BundleSet(bundles))).toBe('duplicate_bundle');
  });

  it('holds only bundles', () => {
    for (const other of [{ trustDomain: A, keys: [] }, undefined, 'a.example']) {
      expect(() => new BundleSet([other as unknown as JwtBundle])).toThrow(TypeError);
    }
  });

  it('equals a set of equal bundles in another order, and no other', () => {
    const set = new BundleSet([new JwtBundle(A, [key]), new WitBundle(B, [key]), new X509Bundle(A, [authority])]);
    const same = new BundleSet([new X509Bundle(A, [authority]), new WitBundle(B, [key]), new JwtBundle(A, [key])]);
    expect(set.equals(same)).toBe(true);
    for (const other of [
      new BundleSet([]),
      new BundleSet([new JwtBundle(A, [key]), new WitBundle(B, [key])]),
      new BundleSet([new JwtBundle(A, []), new WitBundle(B, [key]), new X509Bundle(A, [authority])]),
      new BundleSet([new JwtBundle(A, [key]), new WitBundle(A, [key]), new X509Bundle(A, [authority])]),
      new BundleSet([new JwtBundle(A, [key]), new WitBundle(B, [key]), new X509Bundle(A, [])]),
    ]) {
      expect(set.equals(other)).toBe(false);
      expect(other.equals(set)).toBe(false);
    }
  });

  it('does not change with the lists it was made of or gave', () => {
    const list = [new JwtBundle(A, [key])];
    const set = new BundleSet(list);
    list.pop();
    set.trustDomains().pop();
    expect(set.getJwtBundle(A)).toBeDefined();
    expect(set.trustDomains()).toHaveLength(1);
  });
});
