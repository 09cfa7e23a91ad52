import 'reflect-metadata';
import { AuthorityKeyIdentifierExtension, Extension, X509CrlGenerator, X509CrlReason } from '@peculiar/x509';
import {
  type CertificateSigner,
  provider,
  signatureAlgorithm,
  toJsonName,
  toPublicKey,
  toSigningKey,
} from './certificate-signer.js';

/** What a revocation list says. All instants are milliseconds since the epoch, written in whole seconds. */
export interface CertificateListContents {
  /** Grows from one list of a signer to the next. */
  readonly number: number;
  readonly thisUpdate: number;
  readonly nextUpdate: number;
  /** When each certificate was revoked, by serial number in hexadecimal. */
  readonly revoked: ReadonlyMap<string, number>;
}

/** Makes a complete revocation list with the two extensions of RFC 5280 section 5.2.1 and 5.2.3, and gives its DER. */
export async function createCertificateList(
  { number, thisUpdate, nextUpdate, revoked }: CertificateListContents,
  signer: CertificateSigner,
): Promise<Buffer> {
  const list = await X509CrlGenerator.create(
    {
      issuer: toJsonName(signer.name),
      thisUpdate: wholeSeconds(thisUpdate),
      nextUpdate: wholeSeconds(nextUpdate),
      // With a reason because an entry without any would get an empty list of extensions, which RFC 5280 does not allow.
      entries: [...revoked].map(([serialNumber, at]) => {
        return { serialNumber, revocationDate: wholeSeconds(at), reason: X509CrlReason.keyCompromise };
      }),
      signingKey: await toSigningKey(signer),
      signingAlgorithm: signatureAlgorithm(signer.keyType),
      extensions: [
        await AuthorityKeyIdentifierExtension.create(toPublicKey(signer.publicKey), false, provider),
        new Extension(CRL_NUMBER, false, derInteger(number)),
      ],
    },
    provider,
  );
  return Buffer.from(list.rawData);
}

const CRL_NUMBER = '2.5.29.20';

function wholeSeconds(instant: number): Date {
  return new Date(Math.floor(instant / 1000) * 1000);
}

/** Of a safe integer that is not negative. */
function derInteger(value: number): Buffer {
  const digits = value.toString(16);
  const octets = Buffer.from(digits.padStart(digits.length + (digits.length % 2), '0'), 'hex');
  const content = octets.readUInt8(0) < 0x80 ? octets : Buffer.concat([Buffer.of(0), octets]);
  return Buffer.concat([Buffer.of(0x02, content.length), content]);
}
