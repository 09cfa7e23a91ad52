import { BundleSet, parseSpiffeBundleMap, SpiffeBundle, serializeSpiffeBundleMap } from 'svidkit/bundle';
import { describe, expect, it } from 'vitest';
import { jwkEntry, x509Entry } from '../support/bundle-documents.js';
import { keyPair } from '../support/key-pairs.js';
import { codeOf } from '../support/refusals.js';
import { bundleOf, makeAuthority } from '../support/x509.js';

const one = x509Entry(makeAuthority('root of one'));
const two = makeAuthority('root of two');
const JWT = jwkEntry(keyPair('P-256').publicKey, { use: 'jwt-svid', kid: 'jwt-1' });

const map = (domains: object): string => JSON.stringify({ trust_domains: domains });
const code = (text: string): string => codeOf(() => parseSpiffeBundleMap(text));

describe('SPIFFE Trust Domain and Bundle section 5, the bundle map', () => {
  it('keeps the bundles of several trust domains apart', () => {
    const bundles = parseSpiffeBundleMap(
      map({ 'one.test': { spiffe_sequence: 7, keys: [one, JWT] }, 'two.test': { keys: [x509Entry(two)] } }),
    );
    expect(bundles.map(({ trustDomain }) => `${trustDomain}`)).toEqual(['spiffe://one.test', 'spiffe://two.test']);
    expect(bundles.map(({ x509, jwt }) => [x509.authorities.length, jwt.keys.length])).toEqual([
      [1, 1],
      [1, 0],
    ]);
    expect(bundles.map(({ sequence }) => sequence)).toEqual([7n, undefined]);
    expect(new BundleSet(bundles).trustDomains().length).toBe(2);
  });

  it('section 5.1.1: may be empty, and must have trust_domains', () => {
    expect(parseSpiffeBundleMap(map({}))).toEqual([]);
    for (const text of ['{}', '{"trust_domains":null}', '{"trust_domains":[]}', '{"trust_domains":"x"}']) {
      expect(code(text), text).toBe('not_a_bundle_map');
    }
    expect(code('[]')).toBe('not_an_object');
  });

  it('sections 5.1.1, 6.3: refuses a trust domain that is there twice, however it is written', () => {
    expect(code('{"trust_domains":{"one.test":{"keys":[]},"one.test":{"keys":[]}}}')).toBe('duplicate_member');
    expect(code('{"trust_domains":{"one.test":{"keys":[]},"\\u006fne.test":{"keys":[]}}}')).toBe('duplicate_member');
    expect(code('{"trust_domains":{},"trust_domains":{}}')).toBe('duplicate_member');
  });

  it.each(['', 'One.test', 'one.test/x', 'spiffe://one.test', 'wimse://one.test', 'one test', 'one.test:1'])(
    'section 5.1.1: refuses the name %j',
    (name) => {
      expect(code(map({ [name]: { keys: [] } }))).toBe('bad_trust_domain');
    },
  );

  it('section 5.1.1: does not hand on the refresh hint of a bundle in the map', () => {
    const [bundle] = parseSpiffeBundleMap(map({ 'one.test': { spiffe_refresh_hint: 1, keys: [] } }));
    expect(bundle?.refreshHintSeconds).toBeUndefined();
  });

  it('appendix B.1: refuses the whole map for one bundle that must not be trusted', () => {
    const good = { keys: [one] };
    expect(code(map({ 'one.test': good, 'two.test': {} }))).toBe('not_a_jwk_set');
    expect(code(map({ 'one.test': good, 'two.test': [] }))).toBe('not_a_jwk_set');
    expect(code(map({ 'one.test': good, 'two.test': { keys: [JWT, JWT] } }))).toBe('duplicate_kid');
    expect(code(map({ 'one.test': good, 'two.test': { spiffe_sequence: -1, keys: [] } }))).toBe('bad_sequence');
    expect(code(map({ 'one.test': good, 'two.test': { keys: [1] } }))).toBe('not_a_jwk');
  });

  it('is written without refresh hints and reads back as it was, with a sequence of 64 bits', () => {
    const bundles = [
      new SpiffeBundle('one.test', {
        x509: bundleOf('one.test', two),
        sequence: 2n ** 64n - 1n,
        refreshHintSeconds: 9,
      }),
      new SpiffeBundle('two.test'),
    ];
    const text = serializeSpiffeBundleMap(bundles);
    expect(text).not.toContain('refresh_hint');
    const read = parseSpiffeBundleMap(Buffer.from(text));
    expect(read.map(({ sequence }) => sequence)).toEqual([2n ** 64n - 1n, undefined]);
    expect(new BundleSet(read).equals(new BundleSet(bundles))).toBe(true);
    expect(serializeSpiffeBundleMap(read)).toBe(text);
    expect(serializeSpiffeBundleMap([])).toBe('{"trust_domains":{}}');
  });

  it('is not written with two bundles of one trust domain, or with one that a name alone cannot mean', () => {
    const bundle = new SpiffeBundle('one.test');
    expect(codeOf(() => serializeSpiffeBundleMap([bundle, bundle]))).toBe('duplicate_bundle');
    expect(() => serializeSpiffeBundleMap([new SpiffeBundle('wimse://one.test')])).toThrow(TypeError);
    expect(() => serializeSpiffeBundleMap([bundle.x509 as never])).toThrow(TypeError);
  });
});
