import { constants, sign } from 'node:crypto';
import { type VerifyX509SvidOptions, verifyX509Svid } from 'svidkit/x509-svid';
import { describe, expect, it } from 'vitest';
import * as der from '../support/der-writer.js';
import { keyPair } from '../support/key-pairs.js';
import { codeOf } from '../support/refusals.js';
import * as x509 from '../support/x509.js';

const ID = 'spiffe://example.org/agents/planner';
const DAY = 86_400_000;
const root = x509.makeAuthority('root', { uri: 'spiffe://example.org' });
const middle = x509.makeAuthority('middle', { issuer: root });
const lower = x509.makeAuthority('lower', { issuer: middle });
const trusted = x509.sourceOf(x509.bundleOf('example.org', root));

function verify(chain: readonly x509.Made[], bundles = trusted, options: VerifyX509SvidOptions = {}) {
  const bytes = chain.map((made) => made.der);
  return verifyX509Svid(bytes, bundles, { clock: x509.clock, ...options });
}
const code = (chain: readonly x509.Made[], bundles = trusted, options: VerifyX509SvidOptions = {}) =>
  codeOf(() => verify(chain, bundles, options));
const subjects = (chain: readonly x509.Made[], bundles = trusted) =>
  verify(chain, bundles).path.map((certificate) => certificate.subject);

describe('threat 7: only the bundle of the own trust domain counts', () => {
  const other = x509.makeAuthority('other', { uri: 'spiffe://other.org' });

  it('a leaf signed by the authority of another domain is refused, whatever it says', () => {
    const both = x509.sourceOf(x509.bundleOf('example.org', root), x509.bundleOf('other.org', other));
    expect(code([x509.makeLeaf(other, ID)], both)).toBe('untrusted');
    expect(code([x509.makeLeaf(other, ID), other], both)).toBe('untrusted');
    expect(code([x509.makeLeaf(other, 'spiffe://other.org/x')], both)).toBe('accepted');
  });

  it('an authority of another domain with the same name is told by its signature', () => {
    const twin = x509.makeAuthority('root', { keys: keyPair('P-256', 'twin') });
    expect(code([x509.makeLeaf(twin, ID)])).toBe('bad_signature');
    expect(code([x509.makeLeaf(twin, ID), twin])).toBe('bad_signature');
  });

  it('no bundle for the domain, or for the domain under the other scheme', () => {
    const leaf = x509.makeLeaf(root, 'spiffe://elsewhere.org/x');
    expect(code([leaf])).toBe('unknown_trust_domain');
    const wimse = x509.makeLeaf(root, 'wimse://example.org/x');
    expect(code([wimse], trusted, { profile: 'wimse' })).toBe('unknown_trust_domain');
    const wimseBundle = x509.sourceOf(x509.bundleOf('wimse://example.org', root));
    expect(code([x509.makeLeaf(root, ID)], wimseBundle)).toBe('unknown_trust_domain');
    expect(code([wimse], wimseBundle, { profile: 'wimse' })).toBe('accepted');
  });

  it('a source that gives the bundle of another domain is not believed', () => {
    const wrong = { getX509Bundle: () => x509.bundleOf('other.org', root) };
    expect(code([x509.makeLeaf(root, ID)], wrong)).toBe('unknown_trust_domain');
  });

  it('an empty bundle trusts nobody, and a self-signed leaf does not help itself', () => {
    expect(code([x509.makeLeaf(root, ID)], x509.sourceOf(x509.bundleOf('example.org')))).toBe('untrusted');
    const selfSigned = x509.makeCertificate({ subject: 'root', extensions: x509.leafExtensions(ID) });
    expect(code([selfSigned])).toBe('bad_signature');
    expect(code([selfSigned, selfSigned])).toBe('bad_signature');
    expect(code([x509.makeCertificate({ subject: 'me', extensions: x509.leafExtensions(ID) })])).toBe('untrusted');
  });
});

describe('RFC 5280 section 6: a path', () => {
  it('goes from the leaf to the authority, with intermediates in any order and others beside them', () => {
    const leaf = x509.makeLeaf(lower, ID);
    const expected = ['CN=workload', 'CN=lower', 'CN=middle', 'CN=root'];
    expect(subjects([leaf, lower, middle])).toEqual(expected);
    expect(subjects([leaf, middle, lower])).toEqual(expected);
    expect(subjects([leaf, x509.makeAuthority('stranger'), middle, root, lower])).toEqual(expected);
    expect(subjects([x509.makeLeaf(root, ID)])).toEqual(['CN=workload', 'CN=root']);
  });

  it('ends at an intermediate that the bundle names as an authority', () => {
    const bundles = x509.sourceOf(x509.bundleOf('example.org', middle));
    expect(subjects([x509.makeLeaf(lower, ID), lower], bundles)).toEqual(['CN=workload', 'CN=lower', 'CN=middle']);
  });

  it('is refused where a step is missing', () => {
    expect(code([x509.makeLeaf(lower, ID), middle])).toBe('untrusted');
    expect(code([x509.makeLeaf(lower, ID), lower])).toBe('untrusted');
    expect(code([])).toBe('empty_chain');
  });

  it('the leaf is the first certificate, not the best one', () => {
    expect(code([lower, x509.makeLeaf(lower, ID), middle])).toBe('no_uri_san');
  });

  it('section 7.1: names are compared without regard to string type, case and spaces', () => {
    const written = der.sequence(x509.attribute('2.5.4.3', der.printable('  The   ROOT ')));
    const other = x509.makeAuthority('the root', { keys: keyPair('P-256', 'spaced') });
    const leaf = x509.makeLeaf(other, ID, { issuerName: written });
    expect(code([leaf], x509.sourceOf(x509.bundleOf('example.org', other)))).toBe('accepted');
    const wrong = x509.makeLeaf(other, ID, {
      issuerName: der.sequence(x509.attribute('2.5.4.10', der.utf8('the root'))),
    });
    expect(code([wrong], x509.sourceOf(x509.bundleOf('example.org', other)))).toBe('untrusted');
  });

  it('an intermediate is a CA with keyCertSign and without the identifier of a workload', () => {
    const through = (extensions: der.Der[], options: VerifyX509SvidOptions = {}) => {
      const between = x509.makeAuthority('between', { issuer: root, extensions });
      return code([x509.makeLeaf(between, ID), between], trusted, options);
    };
    const usage = x509.keyUsage('keyCertSign');
    expect(through([x509.basicConstraints(true), usage])).toBe('accepted');
    expect(through([usage])).toBe('not_a_ca');
    expect(through([x509.basicConstraints(false), usage])).toBe('not_a_ca');
    expect(through([x509.basicConstraints(true)])).toBe('not_a_ca');
    expect(through([x509.basicConstraints(true)], { profile: 'wimse' })).toBe('accepted');
    expect(through([x509.basicConstraints(true), x509.keyUsage('digitalSignature', 'cRLSign')])).toBe('not_a_ca');
    expect(through([x509.basicConstraints(true), x509.keyUsage('cRLSign')], { profile: 'wimse' })).toBe('not_a_ca');
    for (const name of ['spiffe://example.org/ca', 'spiffe://example.org/', 'SPIFFE://example.org/ca', 'spiffe:x']) {
      const san = x509.subjectAltName([x509.uri(name)]);
      expect(through([x509.basicConstraints(true), usage, san])).toBe('ca_with_path');
    }
    for (const name of ['spiffe://other.org', 'https://ca.example.org/x']) {
      const san = x509.subjectAltName([x509.uri(name)]);
      expect(through([x509.basicConstraints(true), usage, san])).toBe('accepted');
    }
    const unknown = x509.extension('1.2.3.4', true, der.bytes());
    expect(through([x509.basicConstraints(true), usage, unknown])).toBe('unknown_critical_extension');
  });

  it('another SVID is no intermediate: a workload cannot issue', () => {
    const workload = x509.makeLeaf(root, 'spiffe://example.org/agents/evil', { subject: 'evil' });
    expect(code([x509.makeLeaf(workload, ID), workload])).toBe('not_a_ca');
  });

  it('path lengths count the CAs below, self-issued ones aside, and those of authorities too', () => {
    const short = x509.makeAuthority('short', { pathLength: 0 });
    const bundles = x509.sourceOf(x509.bundleOf('example.org', short));
    const below = x509.makeAuthority('below', { issuer: short });
    expect(code([x509.makeLeaf(short, ID)], bundles)).toBe('accepted');
    expect(code([x509.makeLeaf(below, ID), below], bundles)).toBe('path_too_long');
    const rekeyed = x509.makeAuthority('short', { issuer: short, keys: keyPair('P-256', 'new key of short') });
    expect(code([x509.makeLeaf(rekeyed, ID), rekeyed], bundles)).toBe('accepted');

    const one = x509.makeAuthority('one', { issuer: root, pathLength: 1 });
    const two = x509.makeAuthority('two', { issuer: one });
    const three = x509.makeAuthority('three', { issuer: two });
    expect(code([x509.makeLeaf(two, ID), two, one])).toBe('accepted');
    expect(code([x509.makeLeaf(three, ID), three, two, one])).toBe('path_too_long');
  });

  it('purposes of a CA bound what is below it', () => {
    const bounded = (...oids: string[]) =>
      x509.makeAuthority('bounded', { issuer: root, more: [x509.purposes(...oids)] });
    const through = (made: x509.Made, options: VerifyX509SvidOptions) =>
      code([x509.makeLeaf(made, ID), made], trusted, options);
    const server = bounded(x509.SERVER_AUTH);
    expect(through(server, { purpose: 'server' })).toBe('accepted');
    expect(through(server, {})).toBe('accepted');
    expect(through(server, { purpose: 'client' })).toBe('wrong_extended_key_usage');
    expect(through(bounded('2.5.29.37.0'), { purpose: 'client' })).toBe('accepted');
    expect(through(bounded('1.3.6.1.5.5.7.3.3'), {})).toBe('wrong_extended_key_usage');
  });
});

describe('validity', () => {
  const at = (ms: number, chain: readonly x509.Made[], options: VerifyX509SvidOptions = {}, bundles = trusted) =>
    code(chain, bundles, { clock: () => ms, ...options });
  const notBefore = new Date(x509.NOW - 60_000);
  const notAfter = new Date(x509.NOW + 60_000);
  const leaf = x509.makeLeaf(root, ID, { notBefore, notAfter });

  it('both ends belong to it, to the millisecond, and the leeway widens both', () => {
    expect(at(notBefore.getTime(), [leaf])).toBe('accepted');
    expect(at(notBefore.getTime() - 1, [leaf])).toBe('not_yet_valid');
    expect(at(notAfter.getTime(), [leaf])).toBe('accepted');
    expect(at(notAfter.getTime() + 1, [leaf])).toBe('expired');
    expect(at(notAfter.getTime() + 5_000, [leaf], { leewaySeconds: 5 })).toBe('accepted');
    expect(at(notAfter.getTime() + 5_001, [leaf], { leewaySeconds: 5 })).toBe('expired');
    expect(at(notBefore.getTime() - 5_000, [leaf], { leewaySeconds: 5 })).toBe('accepted');
  });

  it('an expired leaf is refused on every Node: the dates come from the DER', () => {
    const old = x509.makeLeaf(root, ID, { notBefore: new Date(0), notAfter: new Date(1_000) });
    expect(codeOf(() => verifyX509Svid([old.der], trusted))).toBe('expired');
    const future = x509.makeLeaf(root, ID, {
      notBefore: new Date(Date.UTC(2200, 0)),
      notAfter: new Date(Date.UTC(2300, 0)),
    });
    expect(codeOf(() => verifyX509Svid([future.der], trusted))).toBe('not_yet_valid');
  });

  it('a clock that gives no number refuses', () => {
    expect(at(Number.NaN, [leaf])).not.toBe('accepted');
    expect(at(Number.NEGATIVE_INFINITY, [leaf])).not.toBe('accepted');
    expect(at(Number.POSITIVE_INFINITY, [leaf])).not.toBe('accepted');
  });

  it('intermediates and authorities must be in their time too, and the earliest end counts', () => {
    const old = { notBefore: new Date(x509.NOW - 2 * DAY), notAfter: new Date(x509.NOW - DAY) };
    const expired = x509.makeAuthority('expired', { issuer: root, ...old });
    expect(code([x509.makeLeaf(expired, ID), expired])).toBe('expired');
    const young = { notBefore: new Date(x509.NOW + DAY), notAfter: new Date(x509.NOW + 2 * DAY) };
    const early = x509.makeAuthority('early', { issuer: root, ...young });
    expect(code([x509.makeLeaf(early, ID), early])).toBe('not_yet_valid');
    const oldRoot = x509.makeAuthority('old root', old);
    expect(code([x509.makeLeaf(oldRoot, ID)], x509.sourceOf(x509.bundleOf('example.org', oldRoot)))).toBe('expired');

    const soon = new Date(x509.NOW + 1_000);
    const ending = x509.makeAuthority('ending', { issuer: root, notAfter: soon });
    expect(verify([x509.makeLeaf(ending, ID), ending]).expiresAt).toEqual(soon);
  });
});

describe('alternatives', () => {
  const old = { notBefore: new Date(x509.NOW - 2 * DAY), notAfter: new Date(x509.NOW - DAY) };

  it('an expired authority of the same name and key does not hide a good one', () => {
    const expiredTwin = x509.makeAuthority('root', { ...old, keys: root.keys });
    for (const order of [
      [expiredTwin, root],
      [root, expiredTwin],
    ]) {
      expect(code([x509.makeLeaf(root, ID)], x509.sourceOf(x509.bundleOf('example.org', ...order)))).toBe('accepted');
    }
  });

  it('authorities of one name are told apart by their keys, key identifiers or not', () => {
    const generations = Array.from({ length: 20 }, (_, index) =>
      x509.makeAuthority('same name', { keys: keyPair('P-256', `generation ${index}`) }),
    );
    const bundles = x509.sourceOf(x509.bundleOf('example.org', ...generations));
    for (const made of [generations[0], generations[19]]) {
      if (made === undefined) throw new Error('twenty were made');
      expect(code([x509.makeLeaf(made, ID)], bundles)).toBe('accepted');
      expect(code([x509.makeLeaf(made, ID, { more: [x509.authorityKeyId(made)] })], bundles)).toBe('accepted');
      expect(code([x509.makeLeaf(made, ID, { more: [x509.authorityKeyId(root)] })], bundles)).toBe('accepted');
    }
  });

  it('a cross-signed intermediate leads to either root, whichever way comes first fails', () => {
    const keys = keyPair('P-256', 'crossed');
    const strange = x509.makeAuthority('strange root');
    const byRoot = x509.makeAuthority('crossed', { issuer: root, keys });
    const byStranger = x509.makeAuthority('crossed', { issuer: strange, keys });
    const expired = x509.makeAuthority('crossed', { issuer: root, keys, ...old });
    const leaf = x509.makeLeaf(byRoot, ID);
    for (const others of [
      [byRoot, byStranger],
      [byStranger, byRoot],
      [expired, byStranger, byRoot],
    ]) {
      expect(subjects([leaf, ...others])).toEqual(['CN=workload', 'CN=crossed', 'CN=root']);
    }
    expect(code([leaf, byStranger])).toBe('untrusted');
    expect(code([leaf, expired])).toBe('expired');
  });

  it('two CAs that signed each other end nowhere', () => {
    const [a, b] = [keyPair('P-256', 'a'), keyPair('P-256', 'b')];
    const self = x509.makeAuthority('cycle a', { keys: a });
    const bByA = x509.makeAuthority('cycle b', { keys: b, issuer: self });
    const aByB = x509.makeAuthority('cycle a', { keys: a, issuer: bByA });
    const leaf = x509.makeLeaf(aByB, ID);
    expect(code([leaf, aByB, bByA, self])).not.toBe('accepted');
    expect(subjects([leaf, aByB, bByA, self], x509.sourceOf(x509.bundleOf('example.org', bByA)))).toEqual([
      'CN=workload',
      'CN=cycle a',
      'CN=cycle b',
    ]);
  });
});

describe('signatures', () => {
  const leafOf = (made: x509.Made, spec: x509.LeafSpec = {}) =>
    code([x509.makeLeaf(made, ID, spec)], x509.sourceOf(x509.bundleOf('example.org', made)));
  const signedBy = (made: x509.Made, algorithm: der.Der, make: (tbs: Uint8Array) => Uint8Array) =>
    leafOf(made, { innerAlgorithm: algorithm, signature: make });
  const rsaRoot = x509.makeAuthority('rsa', { kind: 'RSA' });
  const algorithm = (id: string, ...parameters: der.Der[]) => der.sequence(der.oid(id), ...parameters);

  it.each(['P-256', 'P-384', 'P-521', 'Ed25519', 'RSA'] as const)('of an authority on %s', (kind) => {
    expect(leafOf(x509.makeAuthority(`signer ${kind}`, { kind }))).toBe('accepted');
  });

  it.each([
    ['1.2.840.10045.4.3.2', 'sha256'],
    ['1.2.840.10045.4.3.3', 'sha384'],
    ['1.2.840.10045.4.3.4', 'sha512'],
  ])('ECDSA %s takes its own hash and no other', (id, hash) => {
    for (const used of ['sha256', 'sha384', 'sha512']) {
      const result = signedBy(root, algorithm(id), (tbs) => sign(used, tbs, root.keys.privateKey));
      expect(result).toBe(used === hash ? 'accepted' : 'bad_signature');
    }
  });

  it('SHA-1, MD5 and DSA are not accepted, whoever signed', () => {
    const sha1 = (id: string, made: x509.Made, ...parameters: der.Der[]) =>
      signedBy(made, algorithm(id, ...parameters), (tbs) => sign('sha1', tbs, made.keys.privateKey));
    expect(sha1('1.2.840.113549.1.1.5', rsaRoot, der.nothing())).toBe('unsupported_algorithm');
    expect(sha1('1.2.840.113549.1.1.4', rsaRoot, der.nothing())).toBe('unsupported_algorithm');
    expect(sha1('1.2.840.10045.4.1', root)).toBe('unsupported_algorithm');
    expect(sha1('1.2.840.10040.4.3', root)).toBe('unsupported_algorithm');
  });

  it('the self-signature of an authority is not looked at', () => {
    const odd = x509.makeAuthority('odd root', {
      innerAlgorithm: algorithm('1.2.840.113549.1.1.5', der.nothing()),
      keys: root.keys,
    });
    expect(leafOf(odd)).toBe('accepted');
  });

  it('parameters are those of the algorithm', () => {
    expect(
      signedBy(root, algorithm('1.2.840.10045.4.3.2', der.nothing()), (tbs) =>
        sign('sha256', tbs, root.keys.privateKey),
      ),
    ).toBe('unsupported_algorithm');
    const rsa = (tbs: Uint8Array) => sign('sha256', tbs, rsaRoot.keys.privateKey);
    expect(signedBy(rsaRoot, algorithm('1.2.840.113549.1.1.11'), rsa)).toBe('accepted');
    expect(signedBy(rsaRoot, algorithm('1.2.840.113549.1.1.11', der.integer(1)), rsa)).toBe('unsupported_algorithm');
  });

  it('RSASSA-PSS with one SHA-2 hash throughout and a salt of its length', () => {
    const SHA256 = '2.16.840.1.101.3.4.2.1';
    const SHA512 = '2.16.840.1.101.3.4.2.3';
    const pss = (hash: string, mask: string, salt: number, ...more: der.Der[]) =>
      algorithm(
        '1.2.840.113549.1.1.10',
        der.sequence(
          der.explicit(0, der.sequence(der.oid(hash))),
          der.explicit(1, der.sequence(der.oid('1.2.840.113549.1.1.8'), der.sequence(der.oid(mask), der.nothing()))),
          der.explicit(2, der.integer(salt)),
          ...more,
        ),
      );
    const made = (hash: string, saltLength: number) => (tbs: Uint8Array) =>
      sign(hash, tbs, { key: rsaRoot.keys.privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength });
    expect(signedBy(rsaRoot, pss(SHA256, SHA256, 32), made('sha256', 32))).toBe('accepted');
    expect(signedBy(rsaRoot, pss(SHA512, SHA512, 64), made('sha512', 64))).toBe('accepted');
    expect(signedBy(rsaRoot, pss(SHA256, SHA256, 32), made('sha256', 20))).toBe('bad_signature');
    expect(signedBy(rsaRoot, pss(SHA256, SHA512, 32), made('sha256', 32))).toBe('unsupported_algorithm');
    expect(signedBy(rsaRoot, pss(SHA256, SHA256, 20), made('sha256', 20))).toBe('unsupported_algorithm');
    expect(signedBy(rsaRoot, pss('1.3.14.3.2.26', '1.3.14.3.2.26', 20), made('sha1', 20))).toBe(
      'unsupported_algorithm',
    );
    expect(signedBy(rsaRoot, pss(SHA256, SHA256, 32, der.explicit(3, der.integer(1))), made('sha256', 32))).toBe(
      'unsupported_algorithm',
    );
    expect(signedBy(rsaRoot, algorithm('1.2.840.113549.1.1.10'), made('sha1', 20))).toBe('unsupported_algorithm');
    expect(signedBy(rsaRoot, algorithm('1.2.840.113549.1.1.10', der.sequence()), made('sha1', 20))).toBe(
      'unsupported_algorithm',
    );
  });

  it('threat 2: an algorithm of another type than the key', () => {
    const ecdsa = (tbs: Uint8Array) => sign('sha256', tbs, root.keys.privateKey);
    expect(signedBy(root, algorithm('1.2.840.113549.1.1.11', der.nothing()), ecdsa)).toBe('bad_signature');
    expect(signedBy(root, algorithm('1.3.101.112'), ecdsa)).toBe('bad_signature');
    expect(signedBy(rsaRoot, x509.ECDSA_SHA256, ecdsa)).toBe('bad_signature');
  });

  it('threat 21: malformed ECDSA signatures', () => {
    const pair = (r: der.Der, s: der.Der) => () => der.sequence(r, s);
    const zero = der.integer(0);
    const raw = (tbs: Uint8Array) => sign('sha256', tbs, { key: root.keys.privateKey, dsaEncoding: 'ieee-p1363' });
    for (const make of [
      pair(zero, zero),
      pair(der.integer(1), zero),
      () => der.bytes(),
      () => new Uint8Array(64),
      raw,
    ]) {
      expect(signedBy(root, x509.ECDSA_SHA256, make)).toBe('bad_signature');
    }
    const trailing = (tbs: Uint8Array) => Buffer.concat([sign('sha256', tbs, root.keys.privateKey), der.bytes(0)]);
    expect(signedBy(root, x509.ECDSA_SHA256, trailing)).toBe('bad_signature');
  });

  it('threat 5: an intermediate with a weak key signs nothing', () => {
    const tiny = der.sequence(der.sequence(der.oid('1.3.101.112')), der.bitString(new Uint8Array(32)));
    const weak = x509.makeAuthority('weak', { issuer: root, spki: tiny });
    expect(code([x509.makeLeaf(weak, ID), weak])).toBe('weak_key');
  });
});

describe('misuse', () => {
  const leaf = x509.makeLeaf(root, ID);
  it.each<[string, readonly unknown[]]>([
    ['no array', [leaf.der, trusted]],
    ['text', [['text'], trusted]],
    ['no source', [[leaf.der]]],
    ['a bundle in place of a source', [[leaf.der], {}]],
    ['an unknown profile', [[leaf.der], trusted, { profile: 'any' }]],
    ['an unknown purpose', [[leaf.der], trusted, { purpose: 'both' }]],
    ['a negative leeway', [[leaf.der], trusted, { leewaySeconds: -1 }]],
    ['an endless leeway', [[leaf.der], trusted, { leewaySeconds: Number.POSITIVE_INFINITY }]],
    ['a leeway that is no number', [[leaf.der], trusted, { leewaySeconds: Number.NaN }]],
  ])('%s is a TypeError', (_, values) => {
    expect(() => (verifyX509Svid as (...values: unknown[]) => unknown)(...values)).toThrow(TypeError);
  });
});
