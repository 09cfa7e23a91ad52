import * as der from '../../support/der-writer.js';
import { type CertificateSpec, type Made, makeAuthority } from '../../support/x509.js';
import type { X509Case } from '../support/case.js';
import { signedWith } from '../support/certificate-signing.js';
import { type KeyName, keyPair } from '../support/keys.js';
import { ID, inBundle, leaf, type Presented, root, x509Cases } from './x509-cases.js';

const GOOD: readonly KeyName[] = ['P-256', 'P-384', 'P-521', 'RSA', 'RSA-3072', 'Ed25519'];
const rsaRoot = makeAuthority('RSA root', { kind: 'RSA' });

const below = (issuer: Made, spec: CertificateSpec = {}): Presented => ({
  chain: [leaf(issuer, ID, spec)],
  authorities: inBundle(issuer),
});
const withLeafKey = (name: KeyName): Presented => below(root, { keys: keyPair(name, 'leaf') });
const withRootKey = (name: KeyName): Presented => below(makeAuthority(`${name} root`, { keys: keyPair(name, 'root') }));

/** Keys and signature algorithms of certificates. */
export function keyCases(): readonly X509Case[] {
  const ecdsa = root.keys.privateKey;
  const rsa = rsaRoot.keys.privateKey;
  const point = keyPair('P-256', 'leaf').publicKey.export({ format: 'der', type: 'spki' }).subarray(-65);
  const compressed = Buffer.concat([Buffer.from([0x02 | ((point.at(-1) ?? 0) & 1)]), point.subarray(1, 33)]);
  const offCurve = Buffer.concat([Buffer.from([0x04]), Buffer.alloc(63), Buffer.from([1])]);
  const old = makeAuthority('old root', { keys: rsaRoot.keys, ...signedWith('SHA-1 with RSA', rsa) });

  return x509Cases('x509 keys', [
    ...GOOD.map((name) => [`leaf with ${name}`, 'accept', withLeafKey(name)] as const),
    ...GOOD.map((name) => [`authority with ${name}`, 'accept', withRootKey(name)] as const),
    ['leaf with RSA of 1024 bits', 'refuse', withLeafKey('RSA-1024')],
    ['authority with RSA of 1024 bits', 'refuse', withRootKey('RSA-1024')],
    ['leaf with P-224', 'refuse', withLeafKey('P-224')],
    ['leaf with secp256k1', 'refuse', withLeafKey('secp256k1')],
    ['leaf with a point in compressed form', 'refuse', below(root, { spki: spkiOf(compressed) })],
    ['leaf with a point off its curve', 'refuse', below(root, { spki: spkiOf(offCurve) })],
    ['signed with SHA-384 and RSA', 'accept', below(rsaRoot, signedWith('SHA-384 with RSA', rsa))],
    ['signed with SHA-512 and RSA', 'accept', below(rsaRoot, signedWith('SHA-512 with RSA', rsa))],
    ['signed with RSA-PSS', 'accept', below(rsaRoot, signedWith('RSA-PSS', rsa))],
    ['signed with SHA-1 and RSA', 'refuse', below(rsaRoot, signedWith('SHA-1 with RSA', rsa))],
    ['signed with SHA-1 and ECDSA', 'refuse', below(root, signedWith('SHA-1 with ECDSA', ecdsa))],
    ['signed with SHA-384 by P-256', 'accept', below(root, signedWith('SHA-384 with ECDSA', ecdsa))],
    ['signed with SHA-512 by P-256', 'accept', below(root, signedWith('SHA-512 with ECDSA', ecdsa))],
    ['signed by nobody', 'refuse', below(root, signedWith('forged', ecdsa))],
    ['an authority whose own signature is SHA-1', 'accept', below(old)],
  ]);
}

function spkiOf(point: Uint8Array): der.Der {
  return der.sequence(der.sequence(der.oid('1.2.840.10045.2.1'), der.oid('1.2.840.10045.3.1.7')), der.bitString(point));
}
