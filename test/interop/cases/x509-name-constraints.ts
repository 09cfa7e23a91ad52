import * as der from '../../support/der-writer.js';
import {
  directory,
  dns,
  email,
  ip,
  keyUsage,
  makeAuthority,
  name,
  nameConstraints,
  subjectAltName,
  uri,
} from '../../support/x509.js';
import type { X509Case } from '../support/case.js';
import { DOMAIN, ID, inBundle, leaf, type Presented, root, x509Cases } from './x509-cases.js';

const SUB = 'spiffe://sub.example.org/workload';

/** RFC 5280 section 4.2.1.10, on an intermediate unless the name of the case says otherwise. */
export function nameConstraintCases(): readonly X509Case[] {
  const network = der.implicit(7, Buffer.from([10, 0, 0, 0, 255, 0, 0, 0]));
  return x509Cases('x509 names', [
    ['URI permitted', 'accept', bound([uri('example.org')])],
    ['URI not permitted', 'refuse', bound([uri('other.example')])],
    ['URI excluded', 'refuse', bound([], [uri('example.org')])],
    ['another URI excluded', 'accept', bound([], [uri('other.example')])],
    ['one of two URIs permitted', 'accept', bound([uri('other.example'), uri('example.org')])],
    ['a domain permitted, its subdomain named', 'accept', bound([uri('.example.org')], [], SUB)],
    ['a domain permitted, itself named', 'refuse', bound([uri('.example.org')])],
    ['a host permitted, its subdomain named', 'refuse', bound([uri('example.org')], [], SUB)],
    ['a host permitted, a longer name', 'refuse', bound([uri('example.org')], [], 'spiffe://anexample.org/w')],
    ['a URI constraint and an IPv4 trust domain', 'refuse', bound([uri('example.org')], [], 'spiffe://10.0.0.1/w')],
    ['a DNS constraint and no DNS name', 'accept', bound([dns('example.org')])],
    ['DNS permitted', 'accept', bound([dns('example.org')], [], ID, dns('a.example.org'))],
    ['DNS not permitted', 'refuse', bound([dns('example.org')], [], ID, dns('a.example.net'))],
    ['DNS excluded', 'refuse', bound([], [dns('example.org')], ID, dns('a.example.org'))],
    ['IP permitted', 'accept', bound([network], [], ID, ip(10, 1, 2, 3))],
    ['IP not permitted', 'refuse', bound([network], [], ID, ip(11, 1, 2, 3))],
    ['mail not permitted', 'refuse', bound([email('example.org')], [], ID, email('a@example.net'))],
    ['subject permitted', 'accept', bound([directory(name('workload'))])],
    ['subject not permitted', 'refuse', bound([directory(name('elsewhere'))])],
    ['constraint on the authority itself, kept', 'accept', onAuthority(nameConstraints([uri('example.org')]))],
    ['constraint on the authority itself, broken', 'refuse', onAuthority(nameConstraints([uri('other.example')]))],
  ]);
}

function bound(
  permitted: readonly der.Der[],
  excluded: readonly der.Der[] = [],
  id: string = ID,
  ...names: readonly der.Der[]
): Presented {
  const issuer = makeAuthority('bound', { issuer: root, more: [nameConstraints(permitted, excluded)] });
  const extensions = [keyUsage('digitalSignature'), subjectAltName([uri(id), ...names])];
  const trustDomain = /^spiffe:\/\/([^/]+)/.exec(id)?.[1] ?? DOMAIN;
  return { chain: [leaf(issuer, id, { extensions }), issuer.der], authorities: { [trustDomain]: [root.der] } };
}

function onAuthority(constraint: der.Der): Presented {
  const authority = makeAuthority('bound root', { more: [constraint] });
  return { chain: [leaf(authority)], authorities: inBundle(authority) };
}
