import fc from 'fast-check';
import { X509SvidError } from 'svidkit/errors';
import {
  type CertificateRevocationList,
  parseCertificateList,
  type VerifyX509SvidOptions,
  verifyX509Svid,
} from 'svidkit/x509-svid';
import { describe, expect, it } from 'vitest';
import * as der from '../support/der-writer.js';
import { keyPair } from '../support/key-pairs.js';
import { codeOf } from '../support/refusals.js';
import { listNumber, makeList, peculiarList, reasonCode, revokedEntry } from '../support/revocation-lists.js';
import * as x509 from '../support/x509.js';

const ID = 'spiffe://example.org/agents/planner';
const HOUR = 3_600_000;
const LEAF_SERIAL = der.integer(0xaabbcc);
const MIDDLE_SERIAL = der.integer(0x8001);
const keyId = (name: string) => x509.subjectKeyId(Buffer.from(name));
const namesKey = (name: string) => x509.extension('2.5.29.35', false, der.sequence(der.implicit(0, Buffer.from(name))));

const root = x509.makeAuthority('root', { more: [keyId('root')] });
const middle = x509.makeAuthority('middle', { issuer: root, serial: MIDDLE_SERIAL, more: [keyId('middle')] });
const leaf = x509.makeLeaf(middle, ID, { serial: LEAF_SERIAL });
const trusted = x509.sourceOf(x509.bundleOf('example.org', root));

const read = (...lists: readonly Uint8Array[]): CertificateRevocationList[] => lists.map(parseCertificateList);
const codeWith = (lists: readonly Uint8Array[], options: VerifyX509SvidOptions = {}, chain = [leaf, middle]) => {
  const crls = read(...lists);
  const bytes = chain.map((made) => made.der);
  return codeOf(() => verifyX509Svid(bytes, trusted, { clock: x509.clock, crls, ...options }));
};
const required = { revocation: 'required' } as const;
const revokes = (...serials: readonly der.Der[]) => ({ entries: serials.map((serial) => revokedEntry(serial)) });

describe('RFC 5280 section 6.3: revocation by complete CRLs', () => {
  it('refuses a revoked leaf and a revoked intermediate, and nothing else', () => {
    expect(codeWith([makeList(middle, revokes(LEAF_SERIAL))])).toBe('revoked');
    expect(codeWith([makeList(root, revokes(MIDDLE_SERIAL))])).toBe('revoked');
    expect(codeWith([makeList(middle, revokes(der.integer(1), LEAF_SERIAL, der.integer(2)))])).toBe('revoked');
    expect(codeWith([makeList(middle, revokes(MIDDLE_SERIAL)), makeList(root, revokes(LEAF_SERIAL))])).toBe('accepted');
    expect(codeWith([makeList(middle), makeList(root)], required)).toBe('accepted');
  });

  it('does not look at the authority, which is trusted while the bundle names it', () => {
    const ownSerial = x509.makeAuthority('root', { serial: der.integer(7), keys: root.keys });
    const source = x509.sourceOf(x509.bundleOf('example.org', ownSerial));
    const [crls, short] = [read(makeList(root, revokes(der.integer(7)))), x509.makeLeaf(ownSerial, ID)];
    expect(verifyX509Svid([short.der], source, { clock: x509.clock, crls, ...required }).path).toHaveLength(2);
  });

  it('the policy decides where no list covers a CA', () => {
    expect(codeWith([])).toBe('accepted');
    expect(codeWith([], required)).toBe('revocation_unknown');
    expect(codeWith([makeList(middle)], required)).toBe('revocation_unknown');
    expect(codeWith([makeList(root)], required)).toBe('revocation_unknown');
    expect(codeWith([makeList(middle), makeList(root)], required)).toBe('accepted');
    expect(codeWith([makeList(x509.makeAuthority('stranger'), revokes(LEAF_SERIAL))])).toBe('accepted');
  });

  it('a list with the name of a CA counts only with its signature', () => {
    const twin = x509.makeAuthority('middle', { keys: keyPair('P-256', 'twin') });
    const theirs = makeList(twin, revokes(LEAF_SERIAL));
    expect(codeWith([theirs])).toBe('accepted');
    expect(codeWith([theirs, makeList(root)], required)).toBe('revocation_unknown');
    expect(codeWith([theirs, makeList(middle, revokes(LEAF_SERIAL))])).toBe('revoked');
    const otherKey = makeList(twin, { ...revokes(LEAF_SERIAL), extensions: [namesKey('twin')] });
    expect(codeWith([otherKey])).toBe('accepted');
  });

  it('a list that a CA has signed counts, however it names the key', () => {
    const named = { ...revokes(LEAF_SERIAL), extensions: [namesKey('another way to name the key')] };
    expect(codeWith([makeList(middle, named)])).toBe('revoked');
    const twin = x509.makeAuthority('middle', { keys: keyPair('P-256', 'twin') });
    const crls = read(makeList(twin, named), makeList(middle, { extensions: named.extensions }));
    for (const _ of [1, 2]) {
      const verify = () => verifyX509Svid([leaf.der, middle.der], trusted, { clock: x509.clock, crls });
      expect(codeOf(verify)).toBe('accepted');
    }
    expect(codeWith([makeList(twin, named), makeList(middle, named)])).toBe('revoked');
  });

  it('a list that names the key of a CA must be signed by it', () => {
    const twin = x509.makeAuthority('middle', { keys: keyPair('P-256', 'twin') });
    expect(codeWith([makeList(middle, { extensions: [namesKey('middle')] })])).toBe('accepted');
    expect(codeWith([makeList(twin, { extensions: [namesKey('middle')] })])).toBe('bad_crl_signature');
    const torn = makeList(middle, { extensions: [namesKey('middle')], signature: () => new Uint8Array(64) });
    expect(codeWith([torn])).toBe('bad_crl_signature');
    // A list that was once found good for a key is not thereby good for another.
    const crls = read(makeList(middle, { extensions: [namesKey('middle')] }));
    const other = x509.makeAuthority('middle', { issuer: root, keys: twin.keys, more: [keyId('middle')] });
    const verify = (chain: readonly x509.Made[]) =>
      codeOf(() =>
        verifyX509Svid(
          chain.map((made) => made.der),
          trusted,
          { clock: x509.clock, crls },
        ),
      );
    for (const _ of [1, 2]) {
      expect(verify([leaf, middle])).toBe('accepted');
      expect(verify([x509.makeLeaf(other, ID), other])).toBe('bad_crl_signature');
    }
  });

  it('section 6.3.3 (f): a CA with a key usage must be allowed to sign CRLs', () => {
    const silent = x509.makeAuthority('silent', {
      issuer: root,
      extensions: [x509.basicConstraints(true), x509.keyUsage('keyCertSign')],
    });
    const chain = [x509.makeLeaf(silent, ID), silent];
    expect(codeWith([], {}, chain)).toBe('accepted');
    expect(codeWith([makeList(silent)], {}, chain)).toBe('crl_not_permitted');
    const free = x509.makeAuthority('free', { extensions: [x509.basicConstraints(true)] });
    const source = x509.sourceOf(x509.bundleOf('example.org', free));
    const crls = read(makeList(free));
    const short = x509.makeLeaf(free, ID).der;
    expect(codeOf(() => verifyX509Svid([short], source, { clock: x509.clock, crls, ...required }))).toBe('accepted');
  });

  it('a list is good from thisUpdate to nextUpdate, both included, with the leeway', () => {
    const long = { notBefore: new Date(x509.NOW - 9 * HOUR), notAfter: new Date(x509.NOW + 9 * HOUR) };
    const chain = [x509.makeLeaf(middle, ID, { ...long, serial: LEAF_SERIAL }), middle];
    const narrow = makeList(middle, { thisUpdate: new Date(x509.NOW - 1000), nextUpdate: new Date(x509.NOW + 1000) });
    const times = (ms: number, leewaySeconds = 0) =>
      codeWith([narrow], { clock: () => x509.NOW + ms, leewaySeconds }, chain);
    expect([-1000, 0, 1000].map((ms) => times(ms))).toEqual(['accepted', 'accepted', 'accepted']);
    expect([-1001, 1001].map((ms) => times(ms))).toEqual(['crl_not_current', 'crl_not_current']);
    expect([-61_000, 61_000].map((ms) => times(ms, 60))).toEqual(['accepted', 'accepted']);
    expect([-61_001, 61_001].map((ms) => times(ms, 60))).toEqual(['crl_not_current', 'crl_not_current']);
  });

  it('a list past its time still revokes what it names', () => {
    const past = { thisUpdate: new Date(x509.NOW - HOUR), nextUpdate: new Date(x509.NOW - 1) };
    expect(codeWith([makeList(middle, { ...past, ...revokes(LEAF_SERIAL) })])).toBe('revoked');
    expect(codeWith([makeList(middle, past)])).toBe('crl_not_current');
    expect(codeWith([makeList(middle, past), makeList(root)], required)).toBe('crl_not_current');
  });

  it('of several lists the newest that has begun counts, in whatever order', () => {
    const at = (minutes: number, spec: object = {}) =>
      makeList(middle, { thisUpdate: new Date(x509.NOW - minutes * 60_000), ...spec });
    const both = (one: Uint8Array, other: Uint8Array) => [codeWith([one, other]), codeWith([other, one])];
    expect(both(at(20), at(10, revokes(LEAF_SERIAL)))).toEqual(['revoked', 'revoked']);
    expect(both(at(20, revokes(LEAF_SERIAL)), at(10))).toEqual(['accepted', 'accepted']);
    expect(both(at(20), at(-10, revokes(LEAF_SERIAL)))).toEqual(['accepted', 'accepted']);
    const numbered = (number: number, spec: object = {}) => at(10, { extensions: [listNumber(number)], ...spec });
    expect(both(numbered(0x7f), numbered(0x101, revokes(LEAF_SERIAL)))).toEqual(['revoked', 'revoked']);
    expect(both(numbered(2), numbered(1, revokes(LEAF_SERIAL)))).toEqual(['accepted', 'accepted']);
  });

  it('looks for another path where an intermediate is revoked', () => {
    const otherRoot = x509.makeAuthority('other root');
    const cross = x509.makeAuthority('middle', { issuer: otherRoot, keys: middle.keys });
    const source = x509.sourceOf(x509.bundleOf('example.org', root, otherRoot));
    const verify = (chain: readonly x509.Made[], ...lists: readonly Uint8Array[]) =>
      codeOf(() =>
        verifyX509Svid(
          chain.map((made) => made.der),
          source,
          { clock: x509.clock, crls: read(...lists) },
        ),
      );
    const revoked = makeList(root, revokes(MIDDLE_SERIAL));
    expect(verify([leaf, middle], revoked)).toBe('revoked');
    expect(verify([leaf, middle, cross], revoked)).toBe('accepted');
    expect(verify([leaf, middle, cross], makeList(middle, revokes(LEAF_SERIAL)))).toBe('revoked');
  });

  it('reasons and the date do not matter, unknown extensions that are not critical neither', () => {
    const entry = (...extensions: der.Der[]) => ({ entries: [revokedEntry(LEAF_SERIAL, ...extensions)] });
    for (const reason of [0, 1, 2, 3, 4, 5, 6, 9, 10]) {
      expect(codeWith([makeList(middle, entry(reasonCode(reason)))])).toBe('revoked');
    }
    const invalidity = x509.extension('2.5.29.24', true, der.element(0x18, Buffer.from('20200101000000Z')));
    expect(codeWith([makeList(middle, entry(invalidity, x509.extension('1.2.3', false, der.nothing())))])).toBe(
      'revoked',
    );
    const extensions = [x509.extension('1.2.3', false, der.bytes(1)), x509.extension('2.5.29.46', false, der.bytes())];
    expect(codeWith([makeList(middle, { ...revokes(LEAF_SERIAL), extensions })])).toBe('revoked');
  });

  it('serial numbers are compared as numbers of 20 octets', () => {
    for (const serial of [der.integer(0x80), der.integer(0), der.integer(2n ** 159n - 1n)]) {
      const chain = [x509.makeLeaf(middle, ID, { serial }), middle];
      expect(codeWith([makeList(middle, revokes(serial))], {}, chain)).toBe('revoked');
      expect(codeWith([makeList(middle, revokes(der.integer(0x8000)))], {}, chain)).toBe('accepted');
    }
  });

  it.each(['P-384', 'Ed25519', 'RSA'] as const)('lists of an authority on %s', (kind) => {
    const authority = x509.makeAuthority(`lists ${kind}`, { kind });
    const list = makeList(authority, {
      ...revokes(LEAF_SERIAL),
      innerAlgorithm: x509.signatureAlgorithm(authority.keys),
      signature: (tbs) => x509.signWith(authority.keys, tbs),
    });
    const source = x509.sourceOf(x509.bundleOf('example.org', authority));
    const verify = (serial: der.Der) =>
      codeOf(() =>
        verifyX509Svid([x509.makeLeaf(authority, ID, { serial }).der], source, {
          clock: x509.clock,
          crls: read(list),
          ...required,
        }),
      );
    expect(verify(LEAF_SERIAL)).toBe('revoked');
    expect(verify(der.integer(5))).toBe('accepted');
  });

  it('takes lists that @peculiar/x509 made', async () => {
    const theirs = await peculiarList(middle, 'middle', ['aabbcc', '00ff']);
    expect(codeWith([theirs])).toBe('revoked');
    const [list] = read(theirs);
    expect([list?.issuer, list?.size]).toEqual(['CN=middle', 2]);
    expect(codeWith([await peculiarList(middle, 'middle', ['aabb'])])).toBe('accepted');
    expect(codeWith([await peculiarList(middle, 'middle', []), makeList(root)], required)).toBe('accepted');
  });
});

describe('a CRL as it is read', () => {
  const code = (spec: Parameters<typeof makeList>[1]) => codeOf(() => parseCertificateList(makeList(root, spec)));

  it('shows what it says, and cannot be changed', () => {
    const bytes = makeList(root, { ...revokes(der.integer(1), der.integer(2)), extensions: [listNumber(0xab)] });
    const list = parseCertificateList(bytes);
    const { issuer, thisUpdate, nextUpdate, crlNumber, size } = list;
    expect({ issuer, thisUpdate, nextUpdate, crlNumber, size }).toEqual({
      issuer: 'CN=root',
      thisUpdate: new Date(x509.NOW - HOUR),
      nextUpdate: new Date(x509.NOW + HOUR),
      crlNumber: 'AB',
      size: 2,
    });
    const copy = bytes.slice();
    bytes.fill(0);
    list.der.fill(0);
    list.thisUpdate.setTime(0);
    expect(list.thisUpdate.getTime()).toBe(x509.NOW - HOUR);
    expect(Buffer.compare(list.der, copy)).toBe(0);
    expect(Object.isFrozen(list)).toBe(true);
  });

  it('section 5.2: delta, indirect and partial CRLs and unknown critical extensions are unsupported', () => {
    const critical = (id: string, value: der.Der) => code({ extensions: [x509.extension(id, true, value)] });
    expect(critical('2.5.29.27', der.integer(1))).toBe('unsupported_crl');
    expect(critical('2.5.29.28', der.sequence(der.implicit(4, der.bytes(0xff))))).toBe('unsupported_crl');
    expect(critical('2.5.29.28', der.sequence(der.implicit(1, der.bytes(0xff))))).toBe('unsupported_crl');
    expect(critical('1.2.3.4', der.nothing())).toBe('unsupported_crl');
    expect(code({ extensions: [x509.extension('2.5.29.27', false, der.integer(1))] })).toBe('unsupported_crl');
    const entry = (...extensions: der.Der[]) => code({ entries: [revokedEntry(LEAF_SERIAL, ...extensions)] });
    expect(entry(x509.extension('2.5.29.29', true, der.sequence()))).toBe('unsupported_crl');
    expect(entry(x509.extension('1.2.3.4', true, der.nothing()))).toBe('unsupported_crl');
  });

  it.each<[string, Parameters<typeof makeList>[1]]>([
    ['no version', { version: der.bytes() }],
    ['version 1', { version: der.integer(0) }],
    ['version 3', { version: der.integer(2) }],
    ['no issuer', { issuerName: der.sequence() }],
    ['no nextUpdate', { times: der.time(new Date(x509.NOW)) }],
    ['nextUpdate before thisUpdate', { nextUpdate: new Date(x509.NOW - 2 * HOUR) }],
    ['an empty list of entries', { revoked: der.sequence() }],
    ['an extension twice', { extensions: [listNumber(1), listNumber(2)] }],
    ['a number of 21 octets', { extensions: [x509.extension('2.5.29.20', false, der.integer(2n ** 160n))] }],
    ['a serial number of 21 octets', { entries: [revokedEntry(der.integer(2n ** 160n))] }],
    ['an unknown reason', { entries: [revokedEntry(LEAF_SERIAL, reasonCode(7))] }],
    ['a reason out of range', { entries: [revokedEntry(LEAF_SERIAL, reasonCode(11))] }],
    ['a removed entry', { entries: [revokedEntry(LEAF_SERIAL, reasonCode(8))] }],
    ['another algorithm outside', { outerAlgorithm: der.sequence(der.oid('1.2.840.10045.4.3.3')) }],
  ])('refuses %s as bad_crl', (_name, spec) => {
    expect(code(spec)).toBe('bad_crl');
  });

  it('refuses what is not DER, or has another structure', () => {
    const good = makeList(root, revokes(LEAF_SERIAL));
    const all = [
      Buffer.concat([good, der.bytes(0)]),
      good.slice(0, -1),
      root.der,
      der.sequence(),
      Buffer.from('-----BEGIN X509 CRL-----'),
      makeList(root, { entries: [der.sequence(LEAF_SERIAL)] }),
      makeList(root, { entries: [der.sequence(der.integer(der.bytes(0x80)), der.time(new Date(x509.NOW)))] }),
      makeList(root, { entries: [der.sequence(LEAF_SERIAL, der.time(new Date(x509.NOW)), der.nothing())] }),
      makeList(root, { extensions: [x509.extension('2.5.29.20', false, der.bytes())] }),
    ];
    for (const bytes of all) expect(codeOf(() => parseCertificateList(bytes))).toMatch(/^bad_(der|crl)$/);
  });

  it('refuses signatures by SHA-1, because a list that cannot be verified is worth nothing', () => {
    expect(code({ innerAlgorithm: der.sequence(der.oid('1.2.840.10045.4.1')) })).toBe('unsupported_algorithm');
  });

  it('threat 25: refuses a list of megabytes before it is read, and reads ten thousand entries', () => {
    expect(codeOf(() => parseCertificateList(new Uint8Array(20_000_000)))).toBe('too_large');
    const entries = Array.from({ length: 10_000 }, (_, index) => revokedEntry(der.integer(index)));
    expect(parseCertificateList(makeList(root, { entries })).size).toBe(10_000);
  });

  it('with anything changed, removed or added it never verifies, and fails as X509SvidError', () => {
    const good = makeList(middle, { ...revokes(LEAF_SERIAL), extensions: [namesKey('middle'), listNumber(3)] });
    fc.assert(
      fc.property(
        fc.nat(good.length - 1),
        fc.integer({ min: 1, max: 255 }),
        fc.constantFrom('flip', 'cut', 'insert'),
        (at, bits, kind) => {
          const [before, after] = [good.slice(0, at), good.slice(at)];
          const middlePart = kind === 'flip' ? der.bytes((good[at] ?? 0) ^ bits) : der.bytes(bits);
          const changed = Buffer.concat([
            before,
            ...(kind === 'cut' ? [] : [middlePart]),
            kind === 'insert' ? after : after.slice(1),
          ]);
          fc.pre(Buffer.compare(changed, good) !== 0);
          try {
            const crls = read(changed, makeList(root));
            verifyX509Svid([leaf.der, middle.der], trusted, { clock: x509.clock, crls, ...required });
            expect.unreachable();
          } catch (error) {
            expect(error).toBeInstanceOf(X509SvidError);
          }
        },
      ),
      { numRuns: 800 },
    );
  });

  it('misuse is a TypeError', () => {
    const loose = verifyX509Svid as (...values: unknown[]) => unknown;
    expect(() => parseCertificateList('text' as never)).toThrow(TypeError);
    for (const options of [{ crls: [makeList(root)] }, { crls: read(makeList(root))[0] }, { revocation: 'yes' }]) {
      expect(() => loose([leaf.der], trusted, options)).toThrow(TypeError);
    }
  });
});
