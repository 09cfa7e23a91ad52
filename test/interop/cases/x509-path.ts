import * as der from '../../support/der-writer.js';
import {
  type AuthoritySpec,
  authorityKeyId,
  basicConstraints,
  CLIENT_AUTH,
  extension,
  keyUsage,
  leafExtensions,
  type Made,
  makeAuthority,
  makeCertificate,
  NOW,
  purposes,
  subjectAltName,
  subjectKeyId,
  uri,
} from '../../support/x509.js';
import type { X509Case } from '../support/case.js';
import { keyPair } from '../support/keys.js';
import { DOMAIN, HOUR, ID, inBundle, leaf, type Presented, type Row, root, through, x509Cases } from './x509-cases.js';

const CODE_SIGNING = '1.3.6.1.5.5.7.3.3';
const EXPIRED = { notBefore: new Date(NOW - 2 * HOUR), notAfter: new Date(NOW - HOUR) };

const newKeys = keyPair('P-256', 'second key of the root');
const other = makeAuthority('other root');
const middle = makeAuthority('middle', { issuer: root });
const lower = makeAuthority('lower', { issuer: middle });

/** Paths of more than one step, and which authorities count. */
export function pathCases(): readonly X509Case[] {
  return [
    ...x509Cases('x509 path', chains()),
    ...x509Cases('x509 path', intermediates()),
    ...x509Cases('x509 path', lengths()),
    ...x509Cases('x509 path', trust()),
  ];
}

function chains(): readonly Row[] {
  const newRoot = makeAuthority('root', { keys: newKeys });
  const crossed = makeAuthority('root', { keys: newKeys, issuer: root });
  const dead = makeAuthority('middle', { issuer: root, ...EXPIRED });
  return [
    ['one intermediate', 'accept', through(middle)],
    ['two intermediates', 'accept', { chain: [leaf(lower), lower.der, middle.der] }],
    ['two intermediates in the wrong order', 'accept', { chain: [leaf(lower), middle.der, lower.der] }],
    ['the root in the chain as well', 'accept', { chain: [leaf(middle), middle.der, root.der] }],
    ['a stranger in the chain', 'accept', { chain: [leaf(middle), other.der, middle.der] }],
    ['an intermediate twice', 'accept', { chain: [leaf(middle), middle.der, middle.der] }],
    ['no intermediate where one is needed', 'refuse', { chain: [leaf(middle)] }],
    ['an intermediate as authority', 'accept', { chain: [leaf(middle)], authorities: inBundle(middle) }],
    ['two roots of one name', 'accept', { chain: [leaf(newRoot)], authorities: inBundle(root, newRoot) }],
    ['a root of the right name with another key', 'refuse', { chain: [leaf(newRoot)] }],
    ['a new root cross-signed by the old one', 'accept', { chain: [leaf(newRoot), crossed.der] }],
    [
      'a cross-signed root, where the new root is the authority',
      'accept',
      { chain: [leaf(newRoot), crossed.der], authorities: inBundle(newRoot) },
    ],
    ['an expired intermediate next to a good one', 'accept', { chain: [leaf(middle), dead.der, middle.der] }],
    ['a CA in place of a leaf', 'refuse', { chain: [under({ more: [subjectAltName([uri(ID)])] }).der] }],
    ['a self-signed leaf', 'refuse', { chain: [selfSigned()] }],
    ['key identifiers that agree', 'accept', identified('a', 'a')],
    ['key identifiers that do not agree', 'accept', identified('a', 'b')],
  ];
}

function intermediates(): readonly Row[] {
  const unknown = extension('1.3.6.1.4.1.99999.1', true, der.utf8('x'));
  const anyPolicy = der.sequence(der.sequence(der.oid('2.5.29.32.0')));
  const having = (...more: readonly der.Der[]): Presented => through(under({ more }));
  const only = (...extensions: readonly der.Der[]): Presented => through(under({ extensions }));
  const signing = under({ extensions: [...leafExtensions(ID)], keys: keyPair('P-256', 'leaf') });
  return [
    ['an expired intermediate', 'refuse', through(under(EXPIRED))],
    [
      'an intermediate of tomorrow',
      'refuse',
      through(under({ notBefore: new Date(NOW + HOUR), notAfter: new Date(NOW + 2 * HOUR) })),
    ],
    ['an intermediate without CA flag', 'refuse', only(basicConstraints(false), keyUsage('keyCertSign'))],
    ['an intermediate without basic constraints', 'refuse', only(keyUsage('keyCertSign'))],
    ['an intermediate without keyCertSign', 'refuse', only(basicConstraints(true), keyUsage('digitalSignature'))],
    ['an intermediate without key usage', 'refuse', only(basicConstraints(true))],
    ['an intermediate with an unknown critical extension', 'refuse', having(unknown)],
    ['an intermediate with critical policies', 'accept', having(extension('2.5.29.32', true, anyPolicy))],
    ['a workload that signed another', 'refuse', { chain: [leaf(signing), signing.der] }],
    [
      'an intermediate with the ID of its trust domain',
      'accept',
      having(subjectAltName([uri('spiffe://example.org')])),
    ],
    [
      'an intermediate with the ID of another trust domain',
      'accept',
      having(subjectAltName([uri('spiffe://other.example')])),
    ],
    ['an intermediate with the ID of a workload', 'refuse', having(subjectAltName([uri('spiffe://example.org/ca')]))],
    ['an intermediate for TLS clients alone', 'accept', having(purposes(CLIENT_AUTH))],
    ['an intermediate for code signing alone', 'refuse', having(purposes(CODE_SIGNING))],
  ];
}

function lengths(): readonly Row[] {
  const narrow = makeAuthority('narrow', { pathLength: 0 });
  const below = makeAuthority('below', { issuer: narrow });
  const selfIssued = makeAuthority('narrow', { keys: newKeys, issuer: narrow });
  const first = makeAuthority('first', { issuer: root, pathLength: 0 });
  const second = makeAuthority('second', { issuer: first });
  const authorities = inBundle(narrow);
  return [
    ['path length 0 and a leaf below', 'accept', { chain: [leaf(narrow)], authorities }],
    ['path length 0 and a CA below', 'refuse', { chain: [leaf(below), below.der], authorities }],
    ['path length 0 and a self-issued CA below', 'accept', { chain: [leaf(selfIssued), selfIssued.der], authorities }],
    ['path length 0 on an intermediate above another', 'refuse', { chain: [leaf(second), second.der, first.der] }],
  ];
}

function trust(): readonly Row[] {
  const gone = makeAuthority('gone', EXPIRED);
  const federated = { [DOMAIN]: [root.der], 'other.example': [other.der] };
  const lone = selfSigned();
  return [
    ['a bundle without authorities', 'refuse', { chain: [leaf()], authorities: inBundle() }],
    ['no bundle for the trust domain', 'refuse', { chain: [leaf()], authorities: { 'other.example': [root.der] } }],
    ['no bundles', 'refuse', { chain: [leaf()], authorities: {} }],
    ['an authority that did not sign', 'refuse', { chain: [leaf()], authorities: inBundle(other) }],
    ['an expired authority', 'refuse', { chain: [leaf(gone)], authorities: inBundle(gone) }],
    ['a leaf that is its own authority', 'refuse', { chain: [lone], authorities: { [DOMAIN]: [lone] } }],
    ['the authority of a federated trust domain', 'refuse', { chain: [leaf(other)], authorities: federated }],
    [
      'the same, with that authority in the chain',
      'refuse',
      { chain: [leaf(other), other.der], authorities: federated },
    ],
    [
      'a federated trust domain',
      'accept',
      { chain: [leaf(other, 'spiffe://other.example/w')], authorities: federated },
    ],
    [
      'a trust domain with an empty label',
      'accept',
      { chain: [leaf(root, 'spiffe://a..b/w')], authorities: { 'a..b': [root.der] } },
    ],
    [
      'a trust domain that is an IPv4 address',
      'accept',
      { chain: [leaf(root, 'spiffe://10.0.0.1/w')], authorities: { '10.0.0.1': [root.der] } },
    ],
  ];
}

/** An intermediate below the root with something about it. */
function under(spec: AuthoritySpec): Made {
  return makeAuthority('odd', { issuer: root, ...spec });
}

function selfSigned(): Uint8Array {
  return makeCertificate({ subject: 'lone', keys: keyPair('P-256', 'lone'), extensions: leafExtensions(ID) }).der;
}

function identified(own: string, named: string): Presented {
  const issuer = under({ more: [subjectKeyId(Buffer.from(own))] });
  const extensions = [...leafExtensions(ID), authorityKeyId({ ...issuer, keyId: Buffer.from(named) })];
  return { chain: [leaf(issuer, ID, { extensions }), issuer.der] };
}
