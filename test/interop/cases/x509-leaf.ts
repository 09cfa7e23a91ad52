import * as der from '../../support/der-writer.js';
import {
  basicConstraints,
  bothPurposes,
  type CertificateSpec,
  CLIENT_AUTH,
  dns,
  email,
  extension,
  ip,
  keyUsage,
  NOW,
  name,
  purposes,
  SERVER_AUTH,
  subjectAltName,
  uri,
} from '../../support/x509.js';
import type { X509Case } from '../support/case.js';
import { identifierOf } from '../support/certificate-signing.js';
import { HOUR, ID, leaf, type Presented, type Row, root, x509Cases } from './x509-cases.js';

const CODE_SIGNING = '1.3.6.1.5.5.7.3.3';
const UNKNOWN = '1.3.6.1.4.1.99999.1';
const sign = keyUsage('digitalSignature');

/** Cases that are about the leaf alone: one authority, and its leaf with one thing about it. */
export function leafCases(): readonly X509Case[] {
  return [
    ...x509Cases('x509 leaf', shape),
    ...x509Cases('x509 leaf', identifiers),
    ...x509Cases('x509 leaf', extensions),
    ...x509Cases('x509 leaf', times),
  ];
}

const one = (spec: CertificateSpec = {}): Presented => ({ chain: [leaf(root, ID, spec)] });
const usage = (...list: readonly der.Der[]): Presented => one({ extensions: [...list, subjectAltName([uri(ID)])] });
const named = (...texts: readonly string[]): Presented => one({ extensions: [sign, subjectAltName(texts.map(uri))] });

const shape: readonly Row[] = [
  ['well made', 'accept', one()],
  ['version 1', 'refuse', one({ version: new Uint8Array(), extensions: [] })],
  ['a serial number of 20 octets', 'accept', one({ serial: der.integer(Buffer.alloc(20, 0x7f)) })],
  ['a serial number of 21 octets', 'refuse', one({ serial: der.integer(Buffer.alloc(21, 0x7f)) })],
  ['a negative serial number', 'refuse', one({ serial: der.integer(Buffer.from([0xff])) })],
  ['trailing bytes', 'refuse', changed((bytes) => Buffer.concat([bytes, Buffer.from([0])]))],
  ['cut short', 'refuse', changed((bytes) => bytes.subarray(0, -1))],
  ['another first octet', 'refuse', changed((bytes) => Buffer.concat([Buffer.from([0x27]), bytes.subarray(1)]))],
  ['another octet in the signature', 'refuse', changed(flipLast)],
  ['another algorithm inside than outside', 'refuse', one({ outerAlgorithm: identifierOf('SHA-384 with ECDSA') })],
  ['no chain', 'refuse', { chain: [] }],
  ['no bytes', 'refuse', { chain: [Buffer.alloc(0)] }],
];

const identifiers: readonly Row[] = [
  [
    'DNS, mail and IP names besides',
    'accept',
    one({
      extensions: [sign, subjectAltName([dns('a.example'), uri(ID), email('a@b.example'), ip(10, 0, 0, 1)])],
    }),
  ],
  [
    'no subject, names critical',
    'accept',
    one({ subject: name(), extensions: [sign, subjectAltName([uri(ID)], true)] }),
  ],
  ['no subject, names not critical', 'refuse', one({ subject: name(), extensions: [sign, subjectAltName([uri(ID)])] })],
  ['no alternative names at all', 'refuse', one({ extensions: [sign] })],
  ['no URI name', 'refuse', one({ extensions: [sign, subjectAltName([dns('workload.example.org')])] })],
  ['the same URI name twice', 'refuse', named(ID, ID)],
  ['two SPIFFE IDs', 'refuse', named(ID, 'spiffe://example.org/other')],
  ['a second URI name that is not a SPIFFE ID', 'refuse', named(ID, 'https://example.org/')],
  ['a first URI name that is not a SPIFFE ID', 'refuse', named('https://example.org/', ID)],
  [
    'two extensions with names',
    'refuse',
    one({ extensions: [sign, subjectAltName([uri(ID)]), subjectAltName([uri(ID)])] }),
  ],
  ['an https URI', 'refuse', named('https://example.org/workload')],
  ['another scheme', 'refuse', named('sparfe://example.org/workload')],
  ['a wimse URI', 'refuse', named('wimse://example.org/workload')],
  ['no path in the identifier', 'refuse', named('spiffe://example.org')],
  ['a path that is a slash', 'refuse', named('spiffe://example.org/')],
  ['upper-case scheme', 'refuse', named('SPIFFE://example.org/workload')],
  ['upper-case trust domain', 'refuse', named('spiffe://Example.org/workload')],
  ['dot segments', 'refuse', named('spiffe://example.org/other/../workload')],
  ['encoded letters in the path', 'refuse', named('spiffe://example.org/work%6Coad')],
  ['an empty query', 'refuse', named(`${ID}?`)],
  ['an empty fragment', 'refuse', named(`${ID}#`)],
  ['a fragment', 'refuse', named(`${ID}#x`)],
  ['user information', 'refuse', named('spiffe://user@example.org/workload')],
  ['a port', 'refuse', named('spiffe://example.org:443/workload')],
  ['an empty port', 'refuse', named('spiffe://example.org:/workload')],
  ['white space after the identifier', 'refuse', named(`${ID} `)],
  ['a NUL in the identifier', 'refuse', named(`${ID}\0`)],
  ['a letter beyond ASCII in the identifier', 'refuse', named('spiffe://example.org/w\u{e4}')],
  ['an empty URI', 'refuse', named('')],
];

const extensions: readonly Row[] = [
  ['CA flag', 'refuse', usage(basicConstraints(true), sign)],
  ['CA flag and keyCertSign', 'refuse', usage(basicConstraints(true), keyUsage('digitalSignature', 'keyCertSign'))],
  ['keyCertSign, no CA flag', 'refuse', usage(basicConstraints(false), keyUsage('digitalSignature', 'keyCertSign'))],
  ['cRLSign', 'refuse', usage(basicConstraints(false), keyUsage('digitalSignature', 'cRLSign'))],
  ['no basic constraints', 'accept', usage(sign)],
  ['path length and no CA flag', 'refuse', usage(basicConstraints(false, 0), sign)],
  ['no key usage', 'refuse', usage(basicConstraints(false))],
  ['key usage that is not critical', 'refuse', usage(extension('2.5.29.15', false, der.namedBits(0)))],
  ['key usage without digitalSignature', 'refuse', usage(keyUsage('keyEncipherment'))],
  ['keyEncipherment besides', 'accept', usage(keyUsage('digitalSignature', 'keyEncipherment', 'keyAgreement'))],
  ['no extended key usage', 'accept', usage(sign)],
  ['extended key usage for servers alone', 'refuse', usage(sign, purposes(SERVER_AUTH))],
  ['extended key usage for clients alone', 'refuse', usage(sign, purposes(CLIENT_AUTH))],
  ['extended key usage for neither', 'refuse', usage(sign, purposes(CODE_SIGNING))],
  ['extended key usage for more', 'accept', usage(sign, purposes(CODE_SIGNING, SERVER_AUTH, CLIENT_AUTH))],
  ['an unknown extension', 'accept', usage(sign, extension(UNKNOWN, false, der.utf8('x')))],
  ['an unknown critical extension', 'refuse', usage(sign, extension(UNKNOWN, true, der.utf8('x')))],
  ['the same extension twice', 'refuse', usage(sign, bothPurposes(), bothPurposes())],
];

const times: readonly Row[] = [
  ['expired a second ago', 'refuse', one({ notAfter: new Date(NOW - 1000) })],
  ['valid to this second', 'accept', one({ notAfter: new Date(NOW) })],
  ['valid from this second', 'accept', one({ notBefore: new Date(NOW) })],
  ['valid from the next second', 'refuse', one({ notBefore: new Date(NOW + 1000) })],
  ['valid beyond 2049', 'accept', one({ notAfter: new Date(Date.UTC(2051, 0, 1)) })],
  [
    'a time that ends before it begins',
    'refuse',
    one({ notBefore: new Date(NOW + HOUR), notAfter: new Date(NOW - HOUR) }),
  ],
  ['looked at after its time', 'refuse', { ...one(), timeMs: NOW + HOUR + 1000 }],
];

function changed(change: (bytes: Uint8Array) => Uint8Array): Presented {
  return { chain: [change(leaf())] };
}

function flipLast(bytes: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[copy.length - 1] = (copy[copy.length - 1] ?? 0) ^ 1;
  return copy;
}
