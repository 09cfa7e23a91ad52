import fc from 'fast-check';
import { JwtBundle, parseSpiffeBundle, SpiffeBundle, WitBundle, X509Bundle } from 'svidkit/bundle';
import { BundleError } from 'svidkit/errors';
import { describe, expect, it } from 'vitest';
import { parseCertificate } from '../../src/internal/certificate.js';
import { jwkEntry, jwkSet, x509Entry } from '../support/bundle-documents.js';
import * as der from '../support/der-writer.js';
import { keyPair } from '../support/key-pairs.js';
import { codeOf } from '../support/refusals.js';
import { makeAuthority, makeCertificate } from '../support/x509.js';

const TD = 'example.org';
const root = makeAuthority('root one');
const second = makeAuthority('root two', { kind: 'RSA' });
const JWT = jwkEntry(keyPair('P-256').publicKey, { use: 'jwt-svid', kid: 'jwt-1' });
const WIT = jwkEntry(keyPair('P-384').publicKey, { use: 'wit-svid', kid: 'wit-1' });
const HEAD = { spiffe_sequence: 7, spiffe_refresh_hint: 300 };

const JWT_X = keyPair('P-256').publicKey.export({ format: 'jwk' }).x;
const ED25519_OF_ZEROS = der.sequence(der.sequence(der.oid('1.3.101.112')), der.bitString(new Uint8Array(32)));
const weakAuthority = makeAuthority('weak authority', { spki: ED25519_OF_ZEROS });

const parse = (keys: readonly unknown[], members: object = {}): SpiffeBundle =>
  parseSpiffeBundle(TD, jwkSet(keys, members));
const code = (keys: readonly unknown[], members: object = {}): string => codeOf(() => parse(keys, members));

describe('SPIFFE bundle document', () => {
  it('section 4: holds X.509 authorities, JWT keys and WIT keys apart, with sequence and refresh hint', () => {
    const bundle = parse([x509Entry(root), JWT, x509Entry(second), WIT], HEAD);
    expect(bundle.trustDomain.toString()).toBe('spiffe://example.org');
    expect(bundle.x509.authorities.map(({ der }) => Buffer.from(der))).toEqual(
      [root.der, second.der].map((der) => Buffer.from(der)),
    );
    expect(bundle.jwt.keys.map(({ kid }) => kid)).toEqual(['jwt-1']);
    expect(bundle.wit.keys.map(({ kid }) => kid)).toEqual(['wit-1']);
    expect([bundle.sequence, bundle.refreshHintSeconds]).toEqual([7n, 300]);
    expect(
      [bundle.x509, bundle.jwt, bundle.wit].every(({ trustDomain }) => trustDomain.equals(bundle.trustDomain)),
    ).toBe(true);
  });

  it('writes what it reads back, use and kid included', () => {
    const bundle = parse([x509Entry(root), x509Entry(second), JWT, WIT], HEAD);
    const written = JSON.parse(bundle.serialize());
    expect(written).toEqual({ ...HEAD, keys: [x509Entry(root), x509Entry(second), JWT, WIT] });
    expect(parseSpiffeBundle(TD, bundle.serialize()).equals(bundle)).toBe(true);
    expect(parseSpiffeBundle(TD, Buffer.from(bundle.serialize())).equals(bundle)).toBe(true);
    expect(JSON.parse(JSON.stringify(bundle))).toEqual(written);
  });

  it('section 4.1.1: keeps a sequence of 64 bits exactly', () => {
    const text = `{"spiffe_sequence":18446744073709551615,"keys":[]}`;
    const bundle = parseSpiffeBundle(TD, text);
    expect(bundle.sequence).toBe(2n ** 64n - 1n);
    expect(bundle.serialize()).toBe(text);
    expect(JSON.parse(JSON.stringify(bundle)).spiffe_sequence).toBe('18446744073709551615');
  });

  it.each(['18446744073709551616', '-1', '1.5', '"1"', 'null', 'true', '[1]'])(
    'section 4.1.1: refuses the sequence %s',
    (sequence) => {
      expect(codeOf(() => parseSpiffeBundle(TD, `{"spiffe_sequence":${sequence},"keys":[]}`))).toBe('bad_sequence');
    },
  );

  it.each(['-1', '1.5', '"60"', 'null', '9007199254740993'])('section 4.1.2: refuses the refresh hint %s', (hint) => {
    expect(codeOf(() => parseSpiffeBundle(TD, `{"spiffe_refresh_hint":${hint},"keys":[]}`))).toBe('bad_refresh_hint');
  });

  it('section 4.1: neither sequence nor hint nor anything else is required, and unknown parameters are allowed', () => {
    const bundle = parse([], { vendor: { anything: [1] } });
    expect([bundle.sequence, bundle.refreshHintSeconds]).toEqual([undefined, undefined]);
    expect(bundle.serialize()).toBe('{"keys":[]}');
  });

  it('section 4.1.3: keys must be there and may be empty', () => {
    expect(parse([]).x509.authorities).toEqual([]);
    for (const text of ['{}', '{"keys":null}', '{"keys":{}}']) {
      expect(codeOf(() => parseSpiffeBundle(TD, text))).toBe('not_a_jwk_set');
    }
  });

  it('section 4.2: ignores entries without use, of unknown use, type or curve', () => {
    const { use: _use, ...bare } = { ...JWT, use: '' };
    const bundle = parse([
      bare,
      { ...JWT, use: 'sig' },
      { ...JWT, use: 'JWT-SVID' },
      { ...x509Entry(root), use: 'X509-SVID' },
      { ...x509Entry(root), kty: 'unknown' },
      { ...WIT, crv: 'unknown' },
      { kty: 'oct', use: 'jwt-svid', k: 'AAAA' },
    ]);
    expect(bundle.equals(parse([]))).toBe(true);
  });

  it('X509-SVID section 6.2: ignores an entry without certificates, and all but the first of several', () => {
    expect(parse([x509Entry(root, { x5c: undefined }), x509Entry(root, { x5c: [] })]).x509.authorities).toEqual([]);
    const x5c = [root, second].map(({ der }) => Buffer.from(der).toString('base64'));
    expect(parse([x509Entry(root, { x5c })]).x509.authorities.map(({ subject }) => subject)).toEqual(
      parse([x509Entry(root)]).x509.authorities.map(({ subject }) => subject),
    );
    expect(parse([x509Entry(root, { x5c: [x5c[0], 'not base64', 5] })]).x509.authorities).toHaveLength(1);
  });

  it('section 4.1.3: a certificate that cannot be what its entry says is left out and listed, and the rest stays', () => {
    const base64 = Buffer.from(root.der).toString('base64');
    const torn = Buffer.from(root.der).subarray(0, -1).toString('base64');
    const empty = Buffer.from(Uint8Array.of(0x30, 0)).toString('base64');
    const leaf = makeCertificate({ subject: 'leaf', issuer: root });
    const lists = ['text', {}, null, 5];
    const firsts = [
      5,
      '',
      `${base64}\n`,
      base64.replaceAll('+', '-').replaceAll('/', '_').replace(/=*$/, '-_'),
      base64.slice(0, -3),
      Buffer.from(second.der).toString('base64'),
    ];
    const bad: ReadonlyArray<readonly [object, string]> = [
      ...[...lists, ...firsts.map((first) => [first])].map((x5c) => [x509Entry(root, { x5c }), 'bad_x5c'] as const),
      [x509Entry(root, { x5c: [torn] }), 'bad_der'],
      [x509Entry(root, { x5c: [empty] }), 'bad_der'],
      [x509Entry(leaf), 'not_a_ca'],
    ];
    const good = [x509Entry(second), JWT, WIT];
    for (const [entry, rule] of bad) {
      const bundle = parse([entry, ...good]);
      expect(bundle.equals(parse(good))).toBe(true);
      expect(bundle.x509.ignored.map((ignored) => ignored.rule)).toEqual([rule]);
    }
    expect(parse([x509Entry(leaf)]).x509.ignored[0]?.subject).toBe('CN=leaf');
    expect(parse([x509Entry(root, { kid: 'k', x5c: 5 })]).x509.ignored[0]?.kid).toBe('k');
    expect(code([x509Entry(root, { d: 'AAAA' })])).toBe('private_key_member');
  });

  it('JWT-SVID and WIT-SVID section 6.1: a key without the required kid is left out and listed', () => {
    const bundle = parse([JWT, { ...JWT, kid: undefined }, { ...WIT, kid: undefined }]);
    expect(bundle.jwt.keys.map(({ kid }) => kid)).toEqual(['jwt-1']);
    expect(bundle.wit.keys).toEqual([]);
    expect([bundle.jwt.ignored, bundle.wit.ignored].map((list) => list.map(({ rule }) => rule))).toEqual([
      ['missing_kid'],
      ['missing_kid'],
    ]);
  });

  it('threat 5: RFC 7517 section 5: one bad key of any kind leaves the rest of the trust domain as it was', () => {
    const small = { kty: 'OKP', crv: 'Ed25519', x: 'A'.repeat(43) };
    const good = [x509Entry(second), JWT, WIT];
    const bad = [
      x509Entry(root, { x: 'AA' }),
      x509Entry(weakAuthority, small),
      { ...small, use: 'jwt-svid', kid: 'weak' },
      { ...WIT, kid: 'off', y: JWT_X },
    ];
    const bundle = parse([...bad, ...good], HEAD);
    expect(bundle.equals(parse(good, HEAD))).toBe(true);
    expect(bundle.x509.ignored.map(({ rule }) => rule)).toEqual(['malformed_key', 'weak_key']);
    expect(bundle.jwt.ignored.map(({ rule, kid }) => [rule, kid])).toEqual([['weak_key', 'weak']]);
    expect(bundle.wit.ignored.map(({ rule, kid }) => [rule, kid])).toEqual([['malformed_key', 'off']]);
    expect(bundle.serialize()).toBe(parse(good, HEAD).serialize());
    expect(JSON.parse(JSON.stringify(bundle))).toEqual(JSON.parse(JSON.stringify(parse(good, HEAD))));
  });

  it('threat 5: an authority whose key is bad in the certificate alone is left out too', () => {
    const jwk = { ...x509Entry(root), x5c: [Buffer.from(weakAuthority.der).toString('base64')] };
    const bundle = parse([jwk]);
    expect(bundle.x509.authorities).toEqual([]);
    expect(bundle.x509.ignored).toEqual([
      { rule: 'weak_key', message: expect.any(String), subject: 'CN=weak authority' },
    ]);
  });

  it('threat 4: a private key of any kind refuses the whole document', () => {
    for (const entry of [x509Entry(root), JWT, WIT]) {
      expect(code([x509Entry(second), { ...entry, d: 'AAAA' }])).toBe('private_key_member');
    }
  });

  it('threat 8: refuses one kid for two keys of the document, across JWT and WIT', () => {
    expect(code([JWT, { ...JWT, ...jwkEntry(keyPair('P-256', 'b').publicKey) }])).toBe('duplicate_kid');
    expect(code([JWT, { ...WIT, kid: 'jwt-1' }])).toBe('duplicate_kid');
    expect(code([JWT, { ...WIT, kid: 'jwt-1', x: 'AA' }])).toBe('accepted');
    expect(code([JWT, x509Entry(root, { kid: 'jwt-1' })])).toBe('accepted');
  });

  it('threat 9: never mixes the keys of the kinds of SVID', () => {
    const bundle = parse([JWT, WIT, x509Entry(root, { kid: 'ca' })]);
    expect(bundle.wit.candidates('jwt-1')).toEqual([]);
    expect(bundle.jwt.candidates('wit-1')).toEqual([]);
    expect(bundle.jwt.candidates('ca')).toEqual([]);
  });

  it('equals a document with the same keys in another order, and no other', () => {
    const keys = [x509Entry(root), x509Entry(second), JWT, WIT];
    const bundle = parse(keys, HEAD);
    expect(bundle.equals(parse(keys.toReversed(), HEAD))).toBe(true);
    for (const left of [0, 1, 2, 3]) expect(bundle.equals(parse(keys.toSpliced(left, 1), HEAD))).toBe(false);
    expect(bundle.equals(parse(keys, { ...HEAD, spiffe_sequence: 8 }))).toBe(false);
    expect(bundle.equals(parse(keys, { ...HEAD, spiffe_refresh_hint: 60 }))).toBe(false);
    expect(bundle.equals(parseSpiffeBundle(`wimse://${TD}`, jwkSet(keys, HEAD)))).toBe(false);
  });

  it('can be built from its parts', () => {
    const x509 = new X509Bundle(TD, [parseCertificate(root.der)]);
    const jwt = new JwtBundle(TD, [{ kid: 'jwt-1', key: keyPair('P-256').privateKey }]);
    const bundle = new SpiffeBundle(TD, { x509, jwt, sequence: 7, refreshHintSeconds: 300 });
    expect(bundle.equals(parse([x509Entry(root), JWT], HEAD))).toBe(true);
    expect(new SpiffeBundle(TD).equals(parse([]))).toBe(true);
    expect(Object.isFrozen(bundle)).toBe(true);
  });

  it('cannot be built of parts that do not belong together, or published without a kid', () => {
    expect(() => new SpiffeBundle(TD, { wit: new WitBundle('other.org', []) })).toThrow(TypeError);
    expect(() => new SpiffeBundle(TD, { jwt: new JwtBundle(`wimse://${TD}`, []) })).toThrow(TypeError);
    const shared = [{ kid: 'a', key: keyPair('P-256').publicKey }];
    expect(codeOf(() => new SpiffeBundle(TD, { jwt: new JwtBundle(TD, shared), wit: new WitBundle(TD, shared) }))).toBe(
      'duplicate_kid',
    );
    for (const sequence of [-1, 1.5, 2 ** 60, -1n, 2n ** 64n]) {
      expect(codeOf(() => new SpiffeBundle(TD, { sequence }))).toBe('bad_sequence');
    }
    expect(codeOf(() => new SpiffeBundle(TD, { refreshHintSeconds: -1 }))).toBe('bad_refresh_hint');
    const nameless = new SpiffeBundle(TD, { jwt: new JwtBundle(TD, [{ key: keyPair('P-256').publicKey }]) });
    expect(codeOf(() => nameless.serialize())).toBe('missing_kid');
  });

  it('throws nothing but BundleError, and accepts nothing that it cannot write and read again', () => {
    const base = fc.constantFrom<object>(x509Entry(root), JWT, WIT, {});
    const value = fc.oneof(fc.constantFrom<unknown>('x509-svid', 'jwt-svid', 'wit-svid', 'a', null), fc.jsonValue());
    const spoilt = fc.record({ use: value, kid: value, kty: value, x5c: value, x: value }, { requiredKeys: [] });
    const entry = fc.tuple(base, fc.oneof(fc.constant({}), spoilt)).map(([jwk, members]) => ({ ...jwk, ...members }));
    const head = fc.record({ spiffe_sequence: value, spiffe_refresh_hint: value }, { requiredKeys: [] });
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 3 }), fc.oneof(fc.constant({}), head), (keys, members) => {
        try {
          const bundle = parse(keys, members);
          expect(parseSpiffeBundle(TD, bundle.serialize()).equals(bundle)).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(BundleError);
        }
      }),
      { numRuns: 200 },
    );
  });
});
