import { createPublicKey } from 'node:crypto';
import { inspect } from 'node:util';
import { parseSpiffeId } from 'svidkit/id';
import { parseX509Svid, parseX509SvidPem, type X509SvidMaterial } from 'svidkit/x509-svid';
import { describe, expect, it } from 'vitest';
import { encodePem } from '../../src/internal/pem.js';
import * as der from '../support/der-writer.js';
import { keyPair } from '../support/key-pairs.js';
import { codeOf } from '../support/refusals.js';
import * as x509 from '../support/x509.js';

const ID = 'spiffe://example.org/agents/planner';
const root = x509.makeAuthority('root');
const middle = x509.makeAuthority('middle', { issuer: root });
const leaf = x509.makeLeaf(middle, ID);
const chain = join(leaf, middle);
const pkcs8 = (made: x509.Made) => new Uint8Array(made.keys.privateKey.export({ format: 'der', type: 'pkcs8' }));

function join(...certificates: x509.Made[]): Uint8Array {
  return Buffer.concat(certificates.map((made) => made.der));
}
const material = (change: Partial<X509SvidMaterial> = {}): X509SvidMaterial => ({
  certificates: chain,
  privateKey: pkcs8(leaf),
  ...change,
});
const code = (change: Partial<X509SvidMaterial>) => codeOf(() => parseX509Svid(material(change)));

describe('an X.509-SVID of one’s own', () => {
  const svid = parseX509Svid(material({ hint: 'internal', id: parseSpiffeId(ID) }));

  it('has the identifier, the chain, the key and the hint', () => {
    expect(svid.id.toString()).toBe(ID);
    expect(svid.certificates.map((certificate) => certificate.subject)).toEqual(['CN=workload', 'CN=middle']);
    expect(svid.hint).toBe('internal');
    expect(svid.notBefore).toEqual(new Date(x509.NOW - 3_600_000));
    expect(svid.expiresAt).toEqual(new Date(x509.NOW + 3_600_000));
    expect(createPublicKey(svid.privateKey).equals(leaf.keys.publicKey)).toBe(true);
  });

  it('the end is that of the certificate that ends first', () => {
    const soon = new Date(x509.NOW + 1_000);
    const ending = x509.makeAuthority('ending', { issuer: root, notAfter: soon });
    expect(parseX509Svid(material({ certificates: join(x509.makeLeaf(ending, ID), ending) })).expiresAt).toEqual(soon);
  });

  it('is written to PEM and read back', () => {
    const again = parseX509SvidPem(svid.certificatesPem(), svid.privateKeyPkcs8Pem(), { hint: 'internal' });
    expect(again.equals(svid)).toBe(true);
    expect(again.privateKey.equals(svid.privateKey)).toBe(true);
    const oneText = svid.privateKeyPkcs8Pem() + svid.certificatesPem();
    expect(parseX509SvidPem(oneText, oneText, { hint: 'internal' }).equals(svid)).toBe(true);
  });

  it('takes a KeyObject as it is, and an empty hint for none', () => {
    expect(parseX509Svid(material({ privateKey: leaf.keys.privateKey })).privateKey).toBe(leaf.keys.privateKey);
    expect(parseX509Svid(material({ hint: '' })).hint).toBeUndefined();
    expect(parseX509Svid(material()).hint).toBeUndefined();
  });

  it('equals another by certificates and hint', () => {
    expect(parseX509Svid(material({ hint: 'internal' })).equals(svid)).toBe(true);
    expect(parseX509Svid(material()).equals(svid)).toBe(false);
    expect(parseX509Svid(material({ certificates: leaf.der, hint: 'internal' })).equals(svid)).toBe(false);
    const renewed = join(x509.makeLeaf(middle, ID), middle);
    expect(parseX509Svid(material({ certificates: renewed, hint: 'internal' })).equals(svid)).toBe(false);
  });

  it.each(['P-256', 'P-384', 'P-521', 'Ed25519', 'RSA'] as const)('may have a key on %s', (kind) => {
    const made = x509.makeLeaf(middle, ID, { keys: keyPair(kind, 'own') });
    expect(code({ certificates: join(made, middle), privateKey: pkcs8(made) })).toBe('accepted');
  });

  it('gives its private key away by no accident', () => {
    const secret = leaf.keys.privateKey.export({ format: 'jwk' }).d ?? 'none';
    const raw = Buffer.from(secret, 'base64url');
    const shown = [
      inspect(svid, { depth: Number.POSITIVE_INFINITY, showHidden: true, getters: false }),
      JSON.stringify(svid),
      `${svid}`,
      inspect(structuredClone({ ...svid }), { depth: Number.POSITIVE_INFINITY }),
    ].join('\n');
    for (const text of [secret, raw.toString('hex'), raw.toString('base64'), 'PRIVATE', raw.join(', ')]) {
      expect(shown).not.toContain(text);
    }
    expect(Object.keys(svid)).toEqual(['id', 'certificates', 'hint']);
    expect(Object.isFrozen(svid)).toBe(true);
  });

  it('keeps nothing of the bytes it was read from', () => {
    const [certificates, privateKey] = [new Uint8Array(chain), pkcs8(leaf)];
    const read = parseX509Svid({ certificates, privateKey, hint: 'internal' });
    certificates.fill(0);
    privateKey.fill(0);
    expect(read.equals(svid)).toBe(true);
    expect(read.privateKey.equals(svid.privateKey)).toBe(true);
  });
});

describe('what does not hold together', () => {
  it('no certificate, too many, and bytes that are none', () => {
    expect(code({ certificates: new Uint8Array() })).toBe('empty_chain');
    expect(code({ certificates: join(leaf, ...Array(16).fill(middle)) })).toBe('chain_too_long');
    expect(code({ certificates: Buffer.concat([chain, der.bytes(0)]) })).toBe('bad_der');
    expect(code({ certificates: Buffer.from('not DER') })).toBe('bad_der');
  });

  it('a leaf that verifiers would refuse', () => {
    const bad = (spec: x509.LeafSpec, id = ID) => code({ certificates: join(x509.makeLeaf(middle, id, spec), middle) });
    expect(bad({ names: [x509.dns('a')] })).toBe('no_uri_san');
    expect(bad({ names: [x509.uri(ID), x509.uri('https://a')] })).toBe('several_uri_sans');
    expect(bad({}, 'wimse://example.org/x')).toBe('bad_id');
    expect(bad({}, 'spiffe://example.org')).toBe('no_path');
    expect(bad({}, 'spiffe://example.org/a/../b')).toBe('bad_id');
    expect(bad({ extensions: [...x509.leafExtensions(ID), x509.basicConstraints(true)] })).toBe('leaf_is_ca');
    const usage = (...usages: Parameters<typeof x509.keyUsage>) =>
      bad({ extensions: [x509.keyUsage(...usages), x509.subjectAltName([x509.uri(ID)])] });
    expect(usage('keyEncipherment')).toBe('wrong_key_usage');
    expect(usage('digitalSignature', 'keyCertSign')).toBe('wrong_key_usage');
    expect(usage('digitalSignature', 'cRLSign')).toBe('wrong_key_usage');
  });

  it('an intermediate that is no CA, or may not sign certificates', () => {
    const between = (...extensions: der.Der[]) => {
      const made = x509.makeAuthority('between', { issuer: root, extensions });
      return code({ certificates: join(x509.makeLeaf(made, ID), made) });
    };
    expect(between(x509.basicConstraints(true), x509.keyUsage('keyCertSign'))).toBe('accepted');
    expect(between(x509.keyUsage('keyCertSign'))).toBe('not_a_ca');
    expect(between(x509.basicConstraints(true))).toBe('not_a_ca');
    expect(between(x509.basicConstraints(true), x509.keyUsage('digitalSignature'))).toBe('not_a_ca');
  });

  it('a chain with a certificate that signed none before it; cross-signed ones did', () => {
    expect(code({ certificates: join(leaf, root) })).toBe('chain_broken');
    expect(code({ certificates: join(leaf, middle, x509.makeAuthority('stranger')) })).toBe('chain_broken');
    expect(code({ certificates: join(leaf, root, middle) })).toBe('chain_broken');
    const namesake = x509.makeAuthority('middle', { issuer: root, keys: keyPair('P-256', 'namesake') });
    expect(code({ certificates: join(leaf, namesake) })).toBe('chain_broken');
    const crossed = x509.makeAuthority('middle', { issuer: x509.makeAuthority('other'), keys: middle.keys });
    expect(code({ certificates: join(leaf, middle, crossed, root) })).toBe('accepted');
  });

  it('another key, another identifier', () => {
    expect(code({ privateKey: pkcs8(middle) })).toBe('key_mismatch');
    expect(code({ privateKey: keyPair('RSA').privateKey })).toBe('key_mismatch');
    expect(code({ privateKey: leaf.keys.publicKey })).toBe('key_mismatch');
    expect(code({ id: parseSpiffeId('spiffe://example.org/agents/other') })).toBe('id_mismatch');
    expect(code({ id: parseSpiffeId('spiffe://other.org/agents/planner') })).toBe('id_mismatch');
  });

  it('a private key in another form, with more behind it, or none', () => {
    const sec1 = new Uint8Array(leaf.keys.privateKey.export({ format: 'der', type: 'sec1' }));
    for (const privateKey of [
      sec1,
      Buffer.concat([pkcs8(leaf), der.bytes(0)]),
      pkcs8(leaf).slice(0, -1),
      new Uint8Array(),
      chain,
    ]) {
      expect(code({ privateKey })).toBe('bad_private_key');
    }
  });

  it('an error about a private key says nothing of it, and has no cause that could', () => {
    const broken = pkcs8(leaf);
    broken[4] = 0x7f;
    expect(code({ privateKey: broken })).toBe('bad_private_key');
    try {
      parseX509Svid(material({ privateKey: broken }));
    } catch (error) {
      expect(error).not.toHaveProperty('cause');
      expect(inspect(error)).not.toContain(Buffer.from(broken).toString('hex').slice(-32));
    }
  });

  it('PEM with other blocks, without a key, or with two', () => {
    const svid = parseX509Svid(material());
    const [certificates, key] = [svid.certificatesPem(), svid.privateKeyPkcs8Pem()];
    const codeOfPem = (first: string, second: string) => codeOf(() => parseX509SvidPem(first, second));
    expect(codeOfPem(certificates, key)).toBe('accepted');
    expect(codeOfPem(key, key)).toBe('empty_chain');
    expect(codeOfPem('', key)).toBe('empty_chain');
    expect(codeOfPem('not PEM', key)).toBe('bad_pem');
    expect(codeOfPem(certificates, 'not PEM')).toBe('bad_pem');
    expect(codeOfPem(certificates, certificates)).toBe('bad_private_key');
    expect(codeOfPem(certificates, key + key)).toBe('bad_private_key');
    expect(codeOfPem(certificates, key.replaceAll('PRIVATE KEY', 'EC PRIVATE KEY'))).toBe('bad_private_key');
    expect(codeOfPem(certificates, encodePem('PRIVATE KEY', der.bytes(1)))).toBe('bad_private_key');
    expect(codeOfPem(encodePem('CERTIFICATE', chain), key)).toBe('bad_der');
  });

  it('misuse is a TypeError', () => {
    for (const change of [{ certificates: 'text' }, { privateKey: 'text' }, { privateKey: undefined }]) {
      expect(() => parseX509Svid({ ...material(), ...change } as never)).toThrow(TypeError);
    }
    expect(() => parseX509SvidPem(chain as never, '')).toThrow(TypeError);
  });
});
