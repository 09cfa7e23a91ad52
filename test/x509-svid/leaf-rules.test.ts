import { decodeX509SvidIdUnverified, type VerifyX509SvidOptions, verifyX509Svid } from 'svidkit/x509-svid';
import { describe, expect, it } from 'vitest';
import * as der from '../support/der-writer.js';
import { keyPair } from '../support/key-pairs.js';
import { codeOf } from '../support/refusals.js';
import * as x509 from '../support/x509.js';

const root = x509.makeAuthority('root', { uri: 'spiffe://example.org' });
const bundles = x509.sourceOf(x509.bundleOf('example.org', root), x509.bundleOf('wimse://example.org', root));
const ID = 'spiffe://example.org/agents/planner';
const WIC: VerifyX509SvidOptions = { profile: 'wimse' };

function verify(leaf: x509.Made, options: VerifyX509SvidOptions = {}): ReturnType<typeof verifyX509Svid> {
  return verifyX509Svid([leaf.der], bundles, { clock: x509.clock, ...options });
}
const code = (spec: x509.LeafSpec, options: VerifyX509SvidOptions = {}, id = ID) =>
  codeOf(() => verify(x509.makeLeaf(root, id, spec), options));
const withNames = (...names: der.Der[]) => code({ names });
const withExtensions = (...extensions: der.Der[]) => code({ extensions });
const san = x509.subjectAltName([x509.uri(ID)], true);

describe('X509-SVID section 2: exactly one URI name', () => {
  it('is the identifier, beside any number of other names', () => {
    const names = [
      x509.dns('planner.example.org'),
      x509.uri(ID),
      x509.dns('b'),
      x509.ip(127, 0, 0, 1),
      x509.email('a@b'),
    ];
    expect(verify(x509.makeLeaf(root, ID, { names })).id.toString()).toBe(ID);
    expect(verify(x509.makeLeaf(root, ID, { names }), WIC).id.toString()).toBe(ID);
  });

  it('two SPIFFE IDs are refused, also the same one twice', () => {
    expect(withNames(x509.uri(ID), x509.uri('spiffe://example.org/other'))).toBe('several_uri_sans');
    expect(withNames(x509.uri(ID), x509.uri(ID))).toBe('several_uri_sans');
  });

  it('a second URI of another scheme is refused, before and after the SPIFFE ID, in both profiles', () => {
    for (const other of ['https://example.org/', 'wimse://example.org/other', 'urn:uuid:1', '']) {
      for (const names of [
        [x509.uri(ID), x509.uri(other)],
        [x509.uri(other), x509.uri(ID)],
      ]) {
        expect(code({ names })).toBe('several_uri_sans');
        expect(code({ names }, WIC)).toBe('several_uri_sans');
      }
    }
  });

  it('no subject alternative name, and none that is a URI', () => {
    expect(withExtensions(x509.keyUsage('digitalSignature'), x509.bothPurposes())).toBe('no_uri_san');
    expect(withNames(x509.dns('example.org'))).toBe('no_uri_san');
    expect(withNames(x509.dns(ID))).toBe('no_uri_san');
    expect(code({ subject: ID, names: [x509.dns('example.org')] })).toBe('no_uri_san');
  });
});

describe('threat 32: identifiers in a subject alternative name', () => {
  it.each([
    'spiffe://example.org/agents/../planner',
    'spiffe://example.org/agents/./planner',
    'spiffe://example.org/..',
    'spiffe://example.org//agents',
    'spiffe://example.org/agents/',
    'spiffe://example.org/agents/%2e%2e/planner',
    'spiffe://example.org/%41gents',
    'spiffe://example.org/agents?x',
    'spiffe://example.org/agents?',
    'spiffe://example.org/agents#x',
    'spiffe://example.org/agents, URI:spiffe://example.org/admin',
    'spiffe://example.org/agents planner',
    ' spiffe://example.org/agents',
    'spiffe://example.org/agents ',
    'SPIFFE://example.org/agents',
    'spiffe://EXAMPLE.org/agents',
    'spiffe://user@example.org/agents',
    'spiffe://example.org:443/agents',
    'spiffe:///agents',
    'spiffe:example.org/agents',
    'sparfe://example.org/agents',
    'https://example.org/agents',
    'agents',
    '',
    `spiffe://example.org/${'a'.repeat(2048)}`,
  ])('%s is refused', (id) => {
    expect(code({}, {}, id)).toBe('bad_id');
    expect(code({}, WIC, id)).toBe('bad_id');
  });

  it('the trust domain itself is no workload', () => {
    expect(code({}, {}, 'spiffe://example.org')).toBe('no_path');
    expect(code({}, WIC, 'wimse://example.org')).toBe('no_path');
    expect(code({}, {}, 'spiffe://example.org/')).toBe('bad_id');
  });

  it('the wimse scheme is for the wimse profile', () => {
    expect(code({}, {}, 'wimse://example.org/agents')).toBe('bad_id');
    expect(verify(x509.makeLeaf(root, 'wimse://example.org/agents'), WIC).id.toString()).toBe(
      'wimse://example.org/agents',
    );
    expect(verify(x509.makeLeaf(root, ID), WIC).id.toString()).toBe(ID);
  });
});

describe('X509-SVID section 4: a leaf', () => {
  const all = (...usages: Parameters<typeof x509.keyUsage>) =>
    withExtensions(x509.keyUsage(...usages), x509.bothPurposes(), san);

  it('may have what SPIRE gives it', () => {
    const spire = [
      x509.keyUsage('digitalSignature', 'keyEncipherment', 'keyAgreement'),
      x509.bothPurposes(),
      x509.basicConstraints(false),
      x509.subjectAltName([x509.uri(ID)]),
    ];
    expect(withExtensions(...spire)).toBe('accepted');
    expect(withExtensions(x509.keyUsage('digitalSignature'), san)).toBe('accepted');
  });

  it('is not a CA, in either profile', () => {
    const leaf = { extensions: [...x509.leafExtensions(ID), x509.basicConstraints(true)] };
    expect(code(leaf)).toBe('leaf_is_ca');
    expect(code(leaf, WIC)).toBe('leaf_is_ca');
    const authority = x509.makeAuthority('sub', { issuer: root, uri: ID });
    expect(codeOf(() => verify(authority))).toBe('leaf_is_ca');
  });

  it('has key usage, critical, with digitalSignature and without keyCertSign and cRLSign', () => {
    expect(withExtensions(x509.bothPurposes(), san)).toBe('missing_key_usage');
    const soft = x509.extension('2.5.29.15', false, der.namedBits(0));
    expect(withExtensions(soft, x509.bothPurposes(), san)).toBe('key_usage_not_critical');
    expect(all('digitalSignature', 'keyEncipherment', 'keyAgreement')).toBe('accepted');
    expect(all('keyEncipherment')).toBe('wrong_key_usage');
    expect(all('digitalSignature', 'keyCertSign')).toBe('wrong_key_usage');
    expect(all('digitalSignature', 'cRLSign')).toBe('wrong_key_usage');
  });

  it('key usage is not mistaken for extended key usage: a leaf with good purposes and keyCertSign is refused', () => {
    expect(all('digitalSignature', 'keyCertSign', 'cRLSign')).toBe('wrong_key_usage');
    expect(withExtensions(x509.purposes(x509.SERVER_AUTH, x509.CLIENT_AUTH), san)).toBe('missing_key_usage');
  });

  it('has both TLS purposes if it names purposes at all', () => {
    const purposes = (...oids: string[]) =>
      withExtensions(x509.keyUsage('digitalSignature'), x509.purposes(...oids), san);
    expect(purposes(x509.SERVER_AUTH, x509.CLIENT_AUTH, '1.3.6.1.5.5.7.3.4')).toBe('accepted');
    expect(purposes(x509.SERVER_AUTH)).toBe('wrong_extended_key_usage');
    expect(purposes(x509.CLIENT_AUTH)).toBe('wrong_extended_key_usage');
    expect(purposes('2.5.29.37.0')).toBe('wrong_extended_key_usage');
  });

  it('without a subject has critical alternative names', () => {
    const empty = (critical: boolean) =>
      code({
        subject: x509.name(),
        extensions: [x509.keyUsage('digitalSignature'), x509.subjectAltName([x509.uri(ID)], critical)],
      });
    expect(empty(true)).toBe('accepted');
    expect(empty(false)).toBe('san_not_critical');
    expect(withExtensions(x509.keyUsage('digitalSignature'), x509.subjectAltName([x509.uri(ID)]))).toBe('accepted');
  });

  it('RFC 5280 section 4.2: has no critical extension that is unknown here', () => {
    expect(code({ more: [x509.extension('1.2.3.4', true, der.bytes())] })).toBe('unknown_critical_extension');
    expect(code({ more: [x509.extension('2.5.29.36', true, der.sequence())] })).toBe('unknown_critical_extension');
    expect(code({ more: [x509.extension('1.2.3.4', false, der.bytes())] })).toBe('accepted');
  });

  it('threat 5: has a key that proves something', () => {
    const weak = der.sequence(der.sequence(der.oid('1.3.101.112')), der.bitString(new Uint8Array(32)));
    expect(code({ spki: weak })).toBe('weak_key');
    const unknown = der.sequence(der.sequence(der.oid('1.3.101.110')), der.bitString(new Uint8Array(32).fill(9)));
    expect(code({ spki: unknown })).toBe('unsupported_key');
    const offCurve = new Uint8Array(keyPair('P-256').publicKey.export({ format: 'der', type: 'spki' }));
    offCurve[offCurve.length - 1] = (offCurve.at(-1) ?? 0) ^ 1;
    expect(code({ spki: offCurve })).toBe('malformed_key');
  });
});

describe('draft-ietf-wimse-mutual-tls section 3.2: a Workload Identity Certificate', () => {
  it('needs no key usage and no purposes, but those it has must allow the use', () => {
    const wic = (options: VerifyX509SvidOptions, ...extensions: der.Der[]) =>
      code({ extensions: [...extensions, san] }, { ...WIC, ...options });
    expect(wic({})).toBe('accepted');
    expect(wic({ purpose: 'server' }, x509.purposes(x509.SERVER_AUTH))).toBe('accepted');
    expect(wic({ purpose: 'client' }, x509.purposes(x509.SERVER_AUTH))).toBe('wrong_extended_key_usage');
    expect(wic({ purpose: 'client' }, x509.purposes(x509.CLIENT_AUTH))).toBe('accepted');
    expect(wic({ purpose: 'client' }, x509.purposes('2.5.29.37.0'))).toBe('accepted');
    expect(wic({}, x509.purposes('1.3.6.1.5.5.7.3.4'))).toBe('wrong_extended_key_usage');
    expect(wic({}, x509.extension('2.5.29.15', false, der.namedBits(0)))).toBe('accepted');
    expect(wic({}, x509.keyUsage('keyEncipherment'))).toBe('wrong_key_usage');
    expect(wic({}, x509.keyUsage('digitalSignature', 'keyCertSign'))).toBe('wrong_key_usage');
  });
});

describe('decodeX509SvidIdUnverified', () => {
  it('reads the identifier of anything, an authority included, and says when there is not exactly one', () => {
    expect(decodeX509SvidIdUnverified(x509.makeLeaf(root, ID).der).toString()).toBe(ID);
    expect(decodeX509SvidIdUnverified(root.der).toString()).toBe('spiffe://example.org');
    const two = x509.makeLeaf(root, ID, { names: [x509.uri(ID), x509.uri('https://a')] });
    expect(codeOf(() => decodeX509SvidIdUnverified(two.der))).toBe('several_uri_sans');
    expect(codeOf(() => decodeX509SvidIdUnverified(x509.makeAuthority('none').der))).toBe('no_uri_san');
    expect(codeOf(() => decodeX509SvidIdUnverified(der.bytes(0)))).toBe('bad_der');
    expect(() => decodeX509SvidIdUnverified('text' as never)).toThrow(TypeError);
  });
});
