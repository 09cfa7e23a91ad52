import 'reflect-metadata';
import { type KeyObject, randomBytes } from 'node:crypto';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';
import {
  type CertificateSigner,
  type NameAttribute,
  provider,
  signatureAlgorithm,
  toJsonName,
  toPublicKey,
  toSigningKey,
} from './certificate-signer.js';

/** What a certificate says. */
export interface CertificateContents {
  readonly subject: readonly NameAttribute[];
  readonly publicKey: KeyObject;
  /** The one URI of the subject alternative name. */
  readonly uri: string;
  /** DNS names next to the URI. */
  readonly dnsNames: readonly string[];
  /** Milliseconds since the epoch; written in whole seconds, as certificates count. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** `undefined` for a workload. For a signing certificate, how many signing certificates may follow below it. */
  readonly authority: { readonly pathLength: number | undefined } | undefined;
}

/**
 * Makes a certificate with the extensions of X509-SVID appendix A, and gives its DER. The serial number is random and 16
 * bytes long. A certificate of the signer's own public key, the same object, is self-signed.
 */
export async function createCertificate(contents: CertificateContents, signer: CertificateSigner): Promise<Buffer> {
  const certificate = await X509CertificateGenerator.create(
    {
      serialNumber: randomSerialNumber(),
      subject: toJsonName(contents.subject),
      issuer: toJsonName(signer.name),
      notBefore: new Date(contents.notBefore),
      notAfter: new Date(contents.notAfter),
      publicKey: toPublicKey(contents.publicKey),
      signingKey: await toSigningKey(signer),
      signingAlgorithm: signatureAlgorithm(signer.keyType),
      extensions: await extensions(contents, signer),
    },
    provider,
  );
  return Buffer.from(certificate.rawData);
}

/** The key identifier that a certificate of this key carries, in hexadecimal (RFC 5280 section 4.2.1.2 method 1). */
export async function keyIdentifier(publicKey: KeyObject): Promise<string> {
  const extension = await SubjectKeyIdentifierExtension.create(toPublicKey(publicKey), false, provider);
  return extension.keyId;
}

async function extensions(contents: CertificateContents, signer: CertificateSigner): Promise<Extension[]> {
  const { authority } = contents;
  const names = [
    { type: 'url' as const, value: contents.uri },
    ...contents.dnsNames.map((value) => ({ type: 'dns' as const, value })),
  ];
  const usage = authority ? KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign : KeyUsageFlags.digitalSignature;
  const common: Extension[] = [
    new BasicConstraintsExtension(authority !== undefined, authority?.pathLength, true),
    new KeyUsagesExtension(usage, true),
    new SubjectAlternativeNameExtension(names, contents.subject.length === 0),
    await SubjectKeyIdentifierExtension.create(toPublicKey(contents.publicKey), false, provider),
  ];
  if (contents.publicKey !== signer.publicKey) {
    common.push(await AuthorityKeyIdentifierExtension.create(toPublicKey(signer.publicKey), false, provider));
  }
  if (authority) return common;
  return [...common, new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth])];
}

/** Positive and never zero (RFC 5280 section 4.1.2.2): of 16 bytes, the top two bits are 01. */
function randomSerialNumber(): string {
  const bytes = randomBytes(16);
  bytes.writeUInt8((bytes.readUInt8(0) & 0x7f) | 0x40, 0);
  return bytes.toString('hex');
}
