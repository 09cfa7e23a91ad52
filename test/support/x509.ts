import { sign } from 'node:crypto';
import { X509Bundle } from 'svidkit/bundle';
import { parseCertificate } from '../../src/internal/certificate.js';
import * as der from './der-writer.js';
import { type KeyKind, type KeyPair, keyPair } from './key-pairs.js';

/** The instant at which all certificates made here are valid, unless a test says otherwise. */
export const NOW: number = Date.UTC(2026, 5, 1, 12);
export const clock = (): number => NOW;
const HOUR = 3_600_000;

/** A certificate with the key it certifies: enough to sign others with. */
export interface Made {
  readonly der: der.Der;
  readonly keys: KeyPair;
  readonly subject: der.Der;
  readonly keyId: Uint8Array;
}

export interface CertificateSpec {
  /** A common name, a whole Name in DER, or nothing for an empty one. */
  readonly subject?: string | der.Der;
  readonly keys?: KeyPair;
  /** Absent: self-signed. */
  readonly issuer?: Made;
  /** In place of the issuer's own name. */
  readonly issuerName?: der.Der;
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  readonly extensions?: readonly der.Der[];
  readonly serial?: der.Der;
  /** Parts of the structure to be written differently from what RFC 5280 says. */
  readonly version?: der.Der;
  readonly spki?: der.Der;
  readonly innerAlgorithm?: der.Der;
  readonly outerAlgorithm?: der.Der;
  readonly validity?: der.Der;
  /** In place of the sequence of extensions inside [3]. */
  readonly extensionList?: der.Der;
  readonly signature?: (tbs: Uint8Array) => Uint8Array;
}

export function makeCertificate(spec: CertificateSpec): Made {
  const keys = spec.keys ?? keyPair('P-256', `${serials + 1}`);
  const subject = typeof spec.subject === 'object' ? spec.subject : name(spec.subject);
  const issuerKeys = spec.issuer?.keys ?? keys;
  const algorithm = spec.innerAlgorithm ?? signatureAlgorithm(issuerKeys);
  const spki = spec.spki ?? new Uint8Array(keys.publicKey.export({ format: 'der', type: 'spki' }));
  const extensions = spec.extensionList ?? (spec.extensions?.length ? der.sequence(...spec.extensions) : undefined);
  serials += 1;
  const tbs = der.sequence(
    spec.version ?? der.explicit(0, der.integer(2)),
    spec.serial ?? der.integer(serials),
    algorithm,
    spec.issuerName ?? spec.issuer?.subject ?? subject,
    spec.validity ??
      der.sequence(der.time(spec.notBefore ?? new Date(NOW - HOUR)), der.time(spec.notAfter ?? new Date(NOW + HOUR))),
    subject,
    spki,
    ...(extensions === undefined ? [] : [der.explicit(3, extensions)]),
  );
  const signature = spec.signature?.(tbs) ?? signWith(issuerKeys, tbs);
  const bytes = der.sequence(tbs, spec.outerAlgorithm ?? algorithm, der.bitString(signature));
  return { der: bytes, keys, subject, keyId: spki.slice(-20) };
}

export interface AuthoritySpec extends CertificateSpec {
  readonly kind?: KeyKind;
  readonly pathLength?: number;
  /** The URI name; by default none, as many roots have none. */
  readonly uri?: string;
  /** Extensions beside or in place of those that a CA has. */
  readonly more?: readonly der.Der[];
}

/** A CA; self-signed unless an issuer is given. */
export function makeAuthority(subject: string, spec: AuthoritySpec = {}): Made {
  const keys = spec.keys ?? keyPair(spec.kind ?? 'P-256', subject);
  const extensions = [
    basicConstraints(true, spec.pathLength),
    keyUsage('keyCertSign', 'cRLSign'),
    ...(spec.uri === undefined ? [] : [subjectAltName([uri(spec.uri)])]),
    ...(spec.more ?? []),
  ];
  return makeCertificate({ subject, extensions, ...spec, keys });
}

export interface LeafSpec extends CertificateSpec {
  /** General names in place of the one URI. */
  readonly names?: readonly der.Der[];
  /** Extensions beside those that an SVID has. */
  readonly more?: readonly der.Der[];
}

/** What SPIRE issues: no subject of note, one URI, digitalSignature, both TLS purposes. */
export function makeLeaf(issuer: Made, id: string, spec: LeafSpec = {}): Made {
  const extensions = [...leafExtensions(id, spec.names), ...(spec.more ?? [])];
  return makeCertificate({ subject: 'workload', issuer, extensions, keys: keyPair('P-256', 'leaf'), ...spec });
}

export function leafExtensions(id: string, names: readonly der.Der[] = [uri(id)]): der.Der[] {
  return [keyUsage('digitalSignature'), bothPurposes(), subjectAltName(names, true)];
}

/** The source of one bundle, or of several. */
export function bundleOf(trustDomain: string, ...authorities: readonly Made[]): X509Bundle {
  return new X509Bundle(
    trustDomain,
    authorities.map((made) => parseCertificate(made.der)),
  );
}

export function sourceOf(...bundles: readonly X509Bundle[]): {
  getX509Bundle: (trustDomain: X509Bundle['trustDomain']) => X509Bundle | undefined;
} {
  return { getX509Bundle: (trustDomain) => bundles.find((bundle) => bundle.trustDomain.equals(trustDomain)) };
}

export function extension(id: string, critical: boolean, value: Uint8Array): der.Der {
  return der.sequence(der.oid(id), ...(critical ? [der.boolean(true)] : []), der.octetString(value));
}

export function basicConstraints(isCa: boolean, pathLength?: number): der.Der {
  const length = pathLength === undefined ? [] : [der.integer(pathLength)];
  return extension('2.5.29.19', true, der.sequence(...(isCa ? [der.boolean(true)] : []), ...length));
}

const USAGES = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
] as const;

export function keyUsage(...usages: (typeof USAGES)[number][]): der.Der {
  return extension('2.5.29.15', true, der.namedBits(...usages.map((usage) => USAGES.indexOf(usage))));
}

export const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';
export const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';

export function purposes(...oids: readonly string[]): der.Der {
  return extension('2.5.29.37', false, der.sequence(...oids.map(der.oid)));
}

export function bothPurposes(): der.Der {
  return purposes(SERVER_AUTH, CLIENT_AUTH);
}

export function subjectAltName(names: readonly der.Der[], critical = false): der.Der {
  return extension('2.5.29.17', critical, der.sequence(...names));
}

export const email = (text: string): der.Der => der.implicit(1, Buffer.from(text, 'latin1'));
export const dns = (text: string): der.Der => der.implicit(2, Buffer.from(text, 'latin1'));
export const directory = (dn: der.Der): der.Der => der.explicit(4, dn);
export const uri = (text: string): der.Der => der.implicit(6, Buffer.from(text, 'latin1'));
export const ip = (...octets: readonly number[]): der.Der => der.implicit(7, der.bytes(...octets));

export function nameConstraints(permitted: readonly der.Der[], excluded: readonly der.Der[] = []): der.Der {
  const subtrees = (number: number, bases: readonly der.Der[]) =>
    bases.length === 0 ? [] : [der.explicit(number, ...bases.map((base) => der.sequence(base)))];
  return extension('2.5.29.30', true, der.sequence(...subtrees(0, permitted), ...subtrees(1, excluded)));
}

export function authorityKeyId(made: Made): der.Der {
  return extension('2.5.29.35', false, der.sequence(der.implicit(0, made.keyId)));
}

export function subjectKeyId(keyId: Uint8Array): der.Der {
  return extension('2.5.29.14', false, der.octetString(keyId));
}

/** A Name of one common name, or an empty one. */
export function name(commonName?: string): der.Der {
  return commonName === undefined ? der.sequence() : der.sequence(attribute('2.5.4.3', der.utf8(commonName)));
}

/** A relative name of one attribute. */
export function attribute(id: string, value: der.Der): der.Der {
  return der.set(der.sequence(der.oid(id), value));
}

export const ECDSA_SHA256: der.Der = der.sequence(der.oid('1.2.840.10045.4.3.2'));

let serials = 0;

export function signatureAlgorithm(keys: KeyPair): der.Der {
  switch (keys.privateKey.asymmetricKeyType) {
    case 'rsa':
      return der.sequence(der.oid('1.2.840.113549.1.1.11'), der.nothing());
    case 'ed25519':
      return der.sequence(der.oid('1.3.101.112'));
    default:
      return ECDSA_SHA256;
  }
}

export function signWith(keys: KeyPair, tbs: Uint8Array): Uint8Array {
  return sign(keys.privateKey.asymmetricKeyType === 'ed25519' ? null : 'sha256', tbs, keys.privateKey);
}
