import { createPublicKey } from 'node:crypto';
import type { Der } from '../../support/der-writer.js';
import { basicConstraints, keyUsage, type Made, makeAuthority, NOW, subjectAltName, uri } from '../../support/x509.js';
import {
  type Bytes,
  base64,
  type DocumentCase,
  type DocumentRow,
  documentCases,
  type Expected,
  type X509ParseCase,
} from '../support/case.js';
import { type KeyName, type KeyPair, keyPair } from '../support/keys.js';
import { HOUR, ID, leaf, root } from './x509-cases.js';

const TYPES: readonly KeyName[] = ['P-256', 'P-384', 'P-521', 'RSA', 'Ed25519'];
const { privateKey } = keyPair('P-256', 'leaf');
const key = privateKey.export({ format: 'der', type: 'pkcs8' });
const otherKey = pkcs8(keyPair('P-256', 'another'));
const middle = makeAuthority('middle', { issuer: root });
const single = leaf();

/** One's own chain and key, as the Workload API or a helper delivers them. */
export function ownCases(): readonly X509ParseCase[] {
  return [
    ...parseCases('x509-parse-der', [...delivered(), ...leaves(), ...chains()]),
    ...parseCases('x509-parse-pem', pemRows()),
  ];
}

type ParseRow = readonly [name: string, expected: Expected, certificates: Bytes, key: Bytes];

function delivered(): readonly ParseRow[] {
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  return [
    ...TYPES.map((name): ParseRow => {
      const keys = keyPair(name, 'own');
      return [name, 'accept', leaf(root, ID, { keys }), pkcs8(keys)];
    }),
    [
      'an expired leaf',
      'accept',
      leaf(root, ID, { notBefore: new Date(NOW - 2 * HOUR), notAfter: new Date(NOW - HOUR) }),
      key,
    ],
    ['no bytes', 'refuse', Buffer.alloc(0), key],
    ['a text that is not DER', 'refuse', 'not-DER-encoded', key],
    ['trailing bytes', 'refuse', Buffer.concat([single, Buffer.alloc(2)]), key],
    ['a key that is not DER', 'refuse', single, 'not-DER-encoded'],
    ['no key', 'refuse', single, Buffer.alloc(0)],
    ['the key of another leaf', 'refuse', single, otherKey],
    ['a key of another type', 'refuse', single, pkcs8(keyPair('RSA', 'own'))],
    ['the public key in place of the private one', 'refuse', single, spki],
    ['a key in SEC 1 form', 'refuse', single, privateKey.export({ format: 'der', type: 'sec1' })],
    ['a key with trailing bytes', 'refuse', single, Buffer.concat([key, Buffer.alloc(1)])],
  ];
}

function leaves(): readonly ParseRow[] {
  const sign = keyUsage('digitalSignature');
  const names = subjectAltName([uri(ID)]);
  const having = (...extensions: readonly Der[]): Uint8Array =>
    leaf(root, ID, { extensions: [basicConstraints(false), ...extensions] });
  const named = (...texts: readonly string[]): Uint8Array => having(sign, subjectAltName(texts.map(uri)));
  return [
    ['no names', 'refuse', having(sign), key],
    ['two URI names', 'refuse', named(ID, 'https://example.org/'), key],
    ['no path in the identifier', 'refuse', named('spiffe://example.org'), key],
    ['another scheme', 'refuse', named('https://example.org/workload'), key],
    ['an identifier that is not one', 'refuse', named('spiffe://example.org/a/../b'), key],
    ['CA flag', 'refuse', leaf(root, ID, { extensions: [basicConstraints(true), sign, names] }), key],
    ['no basic constraints', 'accept', leaf(root, ID, { extensions: [sign, names] }), key],
    ['no digitalSignature', 'refuse', having(keyUsage('keyEncipherment'), names), key],
    ['no key usage', 'refuse', having(names), key],
    ['keyCertSign', 'refuse', having(keyUsage('digitalSignature', 'keyCertSign'), names), key],
    ['cRLSign', 'refuse', having(keyUsage('digitalSignature', 'cRLSign'), names), key],
  ];
}

function chains(): readonly ParseRow[] {
  const odd = (...extensions: readonly Der[]): Made => makeAuthority('odd', { issuer: root, extensions });
  const notCa = odd(basicConstraints(false), keyUsage('keyCertSign'));
  const noCertSign = odd(basicConstraints(true), keyUsage('digitalSignature'));
  const above = (issuer: Made): Uint8Array => Buffer.concat([leaf(issuer), issuer.der]);
  return [
    ['leaf and intermediate', 'accept', above(middle), key],
    ['an intermediate without CA flag', 'refuse', above(notCa), key],
    ['an intermediate without keyCertSign', 'refuse', above(noCertSign), key],
    ['a CA that signed nothing in the chain', 'refuse', Buffer.concat([single, middle.der]), key],
    ['the intermediate first', 'refuse', Buffer.concat([middle.der, leaf(middle)]), key],
  ];
}

function pemRows(): readonly ParseRow[] {
  const certificate = pem('CERTIFICATE', single);
  const own = pem('PRIVATE KEY', key);
  const both = pem('CERTIFICATE', leaf(middle)) + pem('CERTIFICATE', middle.der);
  return [
    ['leaf', 'accept', certificate, own],
    ['leaf and intermediate', 'accept', both, own],
    ['certificate and key in one text', 'accept', certificate + own, certificate + own],
    ['key and certificate in one text', 'accept', own + certificate, own + certificate],
    ['no certificate', 'refuse', own, own],
    ['no key', 'refuse', certificate, certificate],
    ['a certificate that is not PEM', 'refuse', 'not PEM', own],
    ['a key that is not PEM', 'refuse', certificate, 'not PEM'],
    ['a corrupt certificate', 'refuse', pem('CERTIFICATE', single.subarray(0, 100)), own],
    ['a corrupt key', 'refuse', certificate, pem('PRIVATE KEY', key.subarray(0, 20))],
    ['the key of another leaf', 'refuse', certificate, pem('PRIVATE KEY', otherKey)],
  ];
}

/** The authorities of a trust domain. */
export function x509BundleCases(): readonly DocumentCase[] {
  const [first, second] = [root.der, makeAuthority('other root').der];
  const noCertSign = makeAuthority('odd', { extensions: [basicConstraints(true), keyUsage('digitalSignature')] }).der;
  const inDer: readonly DocumentRow[] = [
    ['one authority', 'accept', first],
    ['two authorities', 'accept', Buffer.concat([first, second])],
    ['the same authority twice', 'accept', Buffer.concat([first, first])],
    ['no bytes', 'accept', Buffer.alloc(0)],
    ['a text', 'refuse', 'not DER'],
    ['cut short', 'refuse', first.subarray(0, -1)],
    ['trailing bytes', 'refuse', Buffer.concat([first, Buffer.alloc(2)])],
    ['a leaf', 'refuse', single],
    ['a CA without keyCertSign', 'refuse', noCertSign],
  ];
  const [one, two] = [pem('CERTIFICATE', first), pem('CERTIFICATE', second)];
  const inPem: readonly DocumentRow[] = [
    ['one authority', 'accept', one],
    ['two authorities', 'accept', one + two],
    ['text around the blocks', 'accept', `Root\n${one}\nOther\n${two}`],
    ['nothing', 'accept', ''],
    ['a text that is not PEM', 'refuse', 'not PEM'],
    ['a corrupt block', 'refuse', pem('CERTIFICATE', first.subarray(0, 100))],
    ['a private key besides', 'refuse', one + pem('PRIVATE KEY', key)],
    ['a leaf', 'refuse', pem('CERTIFICATE', single)],
  ];
  return [...documentCases('x509-bundle-der', inDer), ...documentCases('x509-bundle-pem', inPem)];
}

function parseCases(kind: X509ParseCase['kind'], rows: readonly ParseRow[]): X509ParseCase[] {
  return rows.map(([name, expected, certificates, privateKey]) => ({
    kind,
    name: `${kind}: ${name}`,
    expected,
    certificates: base64(certificates),
    key: base64(privateKey),
  }));
}

function pkcs8(pair: KeyPair): Buffer {
  return pair.privateKey.export({ format: 'der', type: 'pkcs8' });
}

function pem(label: string, bytes: Uint8Array): string {
  const lines = base64(bytes).match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
