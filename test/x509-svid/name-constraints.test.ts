import { verifyX509Svid } from 'svidkit/x509-svid';
import { describe, expect, it } from 'vitest';
import * as der from '../support/der-writer.js';
import { keyPair } from '../support/key-pairs.js';
import { codeOf } from '../support/refusals.js';
import * as x509 from '../support/x509.js';

const ID = 'spiffe://example.org/agents/planner';
const [root, keys] = [x509.makeAuthority('root'), keyPair('P-256', 'constrained')];
const trusted = x509.sourceOf(x509.bundleOf('example.org', root));

/** A leaf with these names beside its identifier, under an intermediate with these constraints. */
function code(
  permitted: readonly der.Der[],
  excluded: readonly der.Der[],
  names: readonly der.Der[],
  spec: x509.LeafSpec = {},
) {
  const more = permitted.length + excluded.length === 0 ? [] : [x509.nameConstraints(permitted, excluded)];
  const issuer = x509.makeAuthority('constrained', { issuer: root, keys, more });
  const leaf = x509.makeLeaf(issuer, ID, { names: [x509.uri(ID), ...names], ...spec });
  return codeOf(() => verifyX509Svid([leaf.der, issuer.der], trusted, { clock: x509.clock }));
}
const REFUSED = 'name_not_permitted';

/** The verdict on a name, with the base permitted and with the base excluded. */
const verdicts = (base: der.Der, name: der.Der) => [code([base], [], [name]), code([], [base], [name])];
const INSIDE = ['accepted', REFUSED];
const OUTSIDE = [REFUSED, 'accepted'];
const UNCLEAR = [REFUSED, REFUSED];

describe('X509-SVID section 4.2: URI constraints', () => {
  const uri = (base: string) => [code([x509.uri(base)], [], []), code([], [x509.uri(base)], [])];

  it.each([
    ['example.org', INSIDE],
    ['EXAMPLE.org', INSIDE],
    ['.org', INSIDE],
    ['', INSIDE],
    ['.example.org', OUTSIDE],
    ['org', OUTSIDE],
    ['ample.org', OUTSIDE],
    ['other.org', OUTSIDE],
    ['spiffe://example.org', UNCLEAR],
    ['example.org/agents', UNCLEAR],
    ['example..org', UNCLEAR],
    ['*.org', UNCLEAR],
  ])('the base %j', (base, expected) => {
    expect(uri(base)).toEqual(expected);
  });

  it('any of several permitted bases will do, and one excluded base suffices to refuse', () => {
    expect(code([x509.uri('a.test'), x509.uri('example.org')], [], [])).toBe('accepted');
    expect(code([x509.uri('example.org')], [x509.uri('.org')], [])).toBe(REFUSED);
  });

  it('a URI without an authority, or with an address in it, satisfies none; CAs are held to them as well', () => {
    for (const name of ['urn:uuid:1', 'https://192.0.2.1/', 'https:///x', 'https://[::1]/', 'x']) {
      const upper = x509.makeAuthority('upper', {
        issuer: root,
        more: [x509.nameConstraints([], [x509.uri('other.org')])],
      });
      const under = x509.makeAuthority('under', { issuer: upper, uri: name });
      const leaf = x509.makeLeaf(under, ID);
      const run = () => verifyX509Svid([leaf.der, under.der, upper.der], trusted, { clock: x509.clock });
      expect(codeOf(run)).toBe(REFUSED);
    }
  });

  it('userinfo and port are not part of the host', () => {
    const upper = x509.makeAuthority('upper', {
      issuer: root,
      more: [x509.nameConstraints([x509.uri('ca.test'), x509.uri('example.org')])],
    });
    const codeFor = (name: string) => {
      const under = x509.makeAuthority('under', { issuer: upper, uri: name });
      const leaf = x509.makeLeaf(under, ID);
      return codeOf(() => verifyX509Svid([leaf.der, under.der, upper.der], trusted, { clock: x509.clock }));
    };
    expect(codeFor('https://user@ca.test:8443/x?y#z')).toBe('accepted');
    expect(codeFor('https://ca.test@evil.test/')).toBe(REFUSED);
    expect(codeFor('https://evil.test/@ca.test')).toBe(REFUSED);
    expect(codeFor('https://evil.test#@ca.test')).toBe(REFUSED);
  });
});

describe('RFC 5280 section 4.2.1.10', () => {
  it.each([
    ['example.org', 'example.org', INSIDE],
    ['example.org', 'web.example.org', INSIDE],
    ['example.org', 'WEB.Example.ORG', INSIDE],
    ['.example.org', 'web.example.org', INSIDE],
    ['', 'web.example.org', INSIDE],
    ['example.org', '*.example.org', INSIDE],
    ['.example.org', 'example.org', OUTSIDE],
    ['example.org', 'badexample.org', OUTSIDE],
    ['example.org', 'example.org.evil.test', OUTSIDE],
    ['a.b.example.org', '*.example.org', OUTSIDE],
    ['web.example.org', '*.example.org', UNCLEAR],
    ['example.org', 'web.example.org.', UNCLEAR],
    ['example.org', 'web..example.org', UNCLEAR],
    ['example.org', '*.*.example.org', UNCLEAR],
    ['example.org', '', UNCLEAR],
    ['example.org.', 'example.org', UNCLEAR],
  ])('DNS base %j and name %j', (base, name, expected) => {
    expect(verdicts(x509.dns(base), x509.dns(name))).toEqual(expected);
  });

  it.each([
    ['ops@example.org', 'ops@EXAMPLE.org', INSIDE],
    ['ops@example.org', 'Ops@example.org', OUTSIDE],
    ['example.org', 'anybody@example.org', INSIDE],
    ['example.org', 'ops@mail.example.org', OUTSIDE],
    ['.example.org', 'ops@mail.example.org', INSIDE],
    ['.example.org', 'ops@example.org', OUTSIDE],
    ['@example.org', 'ops@example.org', UNCLEAR],
    ['ops@', 'ops@example.org', UNCLEAR],
    ['@', 'ops@example.org', UNCLEAR],
    ['ops@.example.org', 'ops@mail.example.org', UNCLEAR],
    ['ops@evil.test@example.org', 'ops@example.org', UNCLEAR],
    ['example.org', 'ops@evil.test@example.org', UNCLEAR],
    ['example.org', '@example.org', UNCLEAR],
    ['example.org', 'example.org', UNCLEAR],
  ])('mail base %j and name %j', (base, name, expected) => {
    expect(verdicts(x509.email(base), x509.email(name))).toEqual(expected);
  });

  it('IP networks of both families', () => {
    const ten = x509.ip(10, 0, 0, 0, 255, 0, 0, 0);
    expect(verdicts(ten, x509.ip(10, 1, 2, 3))).toEqual(INSIDE);
    expect(verdicts(ten, x509.ip(11, 1, 2, 3))).toEqual(OUTSIDE);
    expect(verdicts(x509.ip(0, 0, 0, 0, 0, 0, 0, 0), x509.ip(11, 1, 2, 3))).toEqual(INSIDE);
    const six = (...head: number[]) => [...head, ...Array(16 - head.length).fill(0)];
    const documentation = x509.ip(...six(0x20, 1, 0xd, 0xb8), ...six(255, 255, 255, 255));
    expect(verdicts(documentation, x509.ip(...six(0x20, 1, 0xd, 0xb8, 9)))).toEqual(INSIDE);
    expect(verdicts(documentation, x509.ip(...six(0x20, 1, 0xd, 0xb9)))).toEqual(OUTSIDE);
    expect(verdicts(ten, x509.ip(...six(10)))).toEqual(OUTSIDE);
  });

  it('directory names, in the subject and among the alternative names, whatever the case', () => {
    const org = (...parts: string[]) =>
      der.sequence(...parts.map((part) => x509.attribute('2.5.4.10', der.utf8(part))));
    const base = [x509.directory(org('Example'))];
    const bySubject = (...parts: string[]) => [
      code(base, [], [], { subject: org(...parts) }),
      code([], base, [], { subject: org(...parts) }),
    ];
    expect(bySubject('Example')).toEqual(INSIDE);
    expect(bySubject('example', 'agents')).toEqual(INSIDE);
    expect(bySubject('agents', 'Example')).toEqual(OUTSIDE);
    const printable = der.sequence(x509.attribute('2.5.4.10', der.printable(' EXAMPLE')));
    expect(code([], base, [], { subject: printable })).toBe(REFUSED);
    expect(code(base, [], [x509.directory(org('other'))], { subject: org('Example') })).toBe(REFUSED);
    expect(code(base, [], [], { subject: der.sequence() })).toBe('accepted');
  });

  const organization = (value: der.Der) => der.sequence(x509.attribute('2.5.4.10', value));
  const ucs4 = (...points: number[]) => der.element(0x1c, ...points.map((point) => der.bytes(0, 0, point >> 8, point)));
  const ucs2 = (text: string) => der.element(0x1e, Buffer.from(text, 'utf16le').swap16());
  const letters = (text: string) => ucs4(...Array.from(text, (letter) => letter.charCodeAt(0)));
  const teletex = (text: string) => der.element(0x14, Buffer.from(text, 'latin1'));

  it.each<[string, der.Der, der.Der, string[]]>([
    ['PrintableString', der.utf8('Evil'), der.printable('EVIL'), INSIDE],
    ['BMPString', der.utf8('Evil'), ucs2('evil'), INSIDE],
    ['UniversalString', der.utf8('Evil'), letters('Evil'), INSIDE],
    ['UniversalString as the base', letters('evil'), der.printable('Evil'), INSIDE],
    ['another UniversalString', der.utf8('Evil'), letters('Good'), OUTSIDE],
    ['a UniversalString of broken length', der.utf8('Evil'), der.element(0x1c, der.bytes(0, 0, 0)), UNCLEAR],
    ['a UniversalString beyond Unicode', der.utf8('Evil'), der.element(0x1c, der.bytes(1, 0, 0, 0)), UNCLEAR],
    ['a UniversalString with a surrogate', der.utf8('Evil'), ucs4(0xd800), UNCLEAR],
    ['a BMPString of broken length', der.utf8('Evil'), der.element(0x1e, der.bytes(0)), UNCLEAR],
    ['a BMPString with half a pair', der.utf8('Evil'), ucs2('\ud800'), UNCLEAR],
    ['a UTF8String that is not UTF-8', der.utf8('Evil'), der.element(0x0c, der.bytes(0xff)), UNCLEAR],
    ['a PrintableString beyond ASCII', der.utf8('Evil'), der.element(0x13, der.bytes(0xc9)), UNCLEAR],
    ['TeletexString', der.utf8('Evil'), teletex('Evil'), UNCLEAR],
    ['another TeletexString', der.utf8('Evil'), teletex('Good'), UNCLEAR],
    ['TeletexString as the base', teletex('Evil'), der.utf8('Good'), UNCLEAR],
    ['the same TeletexString', teletex('Evil'), teletex('Evil'), INSIDE],
    ['GeneralString', der.utf8('Evil'), der.element(0x1b, Buffer.from('Evil')), UNCLEAR],
    ['no text at all', der.utf8('Evil'), der.integer(5), OUTSIDE],
  ])('a directory name in %s', (_, base, value, expected) => {
    const subject = organization(value);
    const bases = [x509.directory(organization(base))];
    expect([code(bases, [], [], { subject }), code([], bases, [], { subject })]).toEqual(expected);
  });

  it('a text that cannot be decoded matters only in the place of a constraint', () => {
    const unit = x509.attribute('2.5.4.11', teletex('Evil'));
    const excluded = [x509.directory(organization(der.utf8('Evil')))];
    expect(code([], excluded, [], { subject: der.sequence(unit) })).toBe('accepted');
    const good = x509.attribute('2.5.4.10', der.utf8('Good'));
    expect(code([], excluded, [], { subject: der.sequence(good, unit) })).toBe('accepted');
    const longer = [x509.directory(der.sequence(good, x509.attribute('2.5.4.11', der.utf8('Evil'))))];
    expect(code([], longer, [], { subject: der.sequence(good) })).toBe('accepted');
    expect(code([], longer, [], { subject: der.sequence(good, unit) })).toBe(REFUSED);
    expect(code([], [x509.dns('evil.test')], [], { subject: organization(teletex('Evil')) })).toBe('accepted');
  });

  it('mail constraints reach addresses in the subject', () => {
    const evil = (value: der.Der) => der.sequence(x509.attribute('1.2.840.113549.1.9.1', value));
    for (const value of [letters('ops@evil.test'), teletex('ops@evil.test')]) {
      expect(code([], [x509.email('evil.test')], [], { subject: evil(value) })).toBe(REFUSED);
    }
    expect(code([], [x509.email('evil.test')], [], { subject: evil(letters('ops@example.org')) })).toBe('accepted');
    const subject = der.sequence(x509.attribute('1.2.840.113549.1.9.1', der.ia5('ops@evil.test')));
    expect(code([x509.email('example.org')], [], [], { subject })).toBe(REFUSED);
    expect(code([], [x509.email('evil.test')], [], { subject })).toBe(REFUSED);
  });

  it('kinds of names that are not known here: refused where they are constrained, and only there', () => {
    const registered = der.implicit(8, der.bytes(0x2a, 3));
    const other = der.explicit(0, der.oid('1.2.3'), der.explicit(0, der.utf8('x')));
    expect(verdicts(registered, registered)).toEqual(UNCLEAR);
    expect(verdicts(other, other)).toEqual(UNCLEAR);
    expect(verdicts(registered, other)).toEqual(['accepted', 'accepted']);
  });

  it('a constraint on one kind says nothing about the others', () => {
    expect(code([x509.dns('example.org')], [], [])).toBe('accepted');
    expect(code([x509.uri('example.org')], [], [x509.dns('anything.test')])).toBe('accepted');
  });

  it('constraints of an authority count, those of a leaf do not, and all along the path must be satisfied', () => {
    const constraint = x509.nameConstraints([x509.uri('other.org')]);
    const anchor = x509.makeAuthority('anchor', { more: [constraint] });
    const bundles = x509.sourceOf(x509.bundleOf('example.org', anchor));
    const run = (made: x509.Made, source: typeof trusted) =>
      codeOf(() => verifyX509Svid([made.der], source, { clock: x509.clock }));
    expect(run(x509.makeLeaf(anchor, ID), bundles)).toBe(REFUSED);
    expect(run(x509.makeLeaf(root, ID, { more: [constraint] }), trusted)).toBe('accepted');

    const upper = x509.makeAuthority('upper', { issuer: root, more: [x509.nameConstraints([x509.dns('a.test')])] });
    const lower = x509.makeAuthority('lower', { issuer: upper, more: [x509.nameConstraints([x509.dns('b.test')])] });
    for (const host of ['a.test', 'b.test']) {
      const leaf = x509.makeLeaf(lower, ID, { names: [x509.uri(ID), x509.dns(host)] });
      expect(codeOf(() => verifyX509Svid([leaf.der, lower.der, upper.der], trusted, { clock: x509.clock }))).toBe(
        REFUSED,
      );
    }
  });

  it('self-issued intermediates are not bound, a self-issued leaf is', () => {
    const name = der.sequence(x509.attribute('2.5.4.10', der.utf8('bound')));
    const constraints = x509.nameConstraints([], [x509.directory(name)]);
    const upper = x509.makeAuthority('', { subject: name, issuer: root, keys, more: [constraints] });
    const again = x509.makeAuthority('', { subject: name, issuer: upper, keys: keyPair('P-256', 'again') });
    const chain = (leaf: x509.Made) => [leaf.der, again.der, upper.der];
    const run = (leaf: x509.Made) => codeOf(() => verifyX509Svid(chain(leaf), trusted, { clock: x509.clock }));
    expect(run(x509.makeLeaf(again, ID))).toBe('accepted');
    expect(run(x509.makeLeaf(again, ID, { subject: name }))).toBe(REFUSED);
  });
});
