import 'reflect-metadata';
import { sign, webcrypto } from 'node:crypto';
import * as peculiar from '@peculiar/x509';
import * as der from './der-writer.js';
import { extension, type Made, NOW } from './x509.js';

const HOUR = 3_600_000;

export interface ListSpec {
  /** Serial numbers, each an INTEGER in DER, or whole entries made by {@link revokedEntry}. */
  readonly entries?: readonly der.Der[];
  /** In place of the issuer's own name. */
  readonly issuerName?: der.Der;
  readonly thisUpdate?: Date;
  readonly nextUpdate?: Date;
  readonly extensions?: readonly der.Der[];
  /** Parts of the structure to be written differently from what RFC 5280 says; empty bytes leave a part out. */
  readonly version?: der.Der;
  readonly times?: der.Der;
  readonly revoked?: der.Der;
  readonly innerAlgorithm?: der.Der;
  readonly outerAlgorithm?: der.Der;
  readonly signature?: (tbs: Uint8Array) => Uint8Array;
}

const ECDSA_SHA256 = der.sequence(der.oid('1.2.840.10045.4.3.2'));
const NOTHING = der.bytes();

/** A CRL of a CA with an EC key, in DER. */
export function makeList(issuer: Made, spec: ListSpec = {}): der.Der {
  const algorithm = spec.innerAlgorithm ?? ECDSA_SHA256;
  const times =
    spec.times ??
    Buffer.concat([
      der.time(spec.thisUpdate ?? new Date(NOW - HOUR)),
      der.time(spec.nextUpdate ?? new Date(NOW + HOUR)),
    ]);
  const entries = spec.entries ?? [];
  const revoked = spec.revoked ?? (entries.length === 0 ? NOTHING : der.sequence(...entries));
  const extensions = spec.extensions ?? [];
  const tbs = der.sequence(
    spec.version ?? der.integer(1),
    algorithm,
    spec.issuerName ?? issuer.subject,
    times,
    revoked,
    extensions.length === 0 ? NOTHING : der.explicit(0, der.sequence(...extensions)),
  );
  const signature = spec.signature?.(tbs) ?? sign('sha256', tbs, issuer.keys.privateKey);
  return der.sequence(tbs, spec.outerAlgorithm ?? algorithm, der.bitString(signature));
}

/** One entry of a CRL; the serial number is written as it is. */
export function revokedEntry(serial: der.Der, ...extensions: readonly der.Der[]): der.Der {
  return der.sequence(
    serial,
    der.time(new Date(NOW - HOUR)),
    extensions.length === 0 ? NOTHING : der.sequence(...extensions),
  );
}

export const reasonCode = (reason: number): der.Der =>
  extension('2.5.29.21', false, der.element(0x0a, der.bytes(reason)));

export const listNumber = (number: number): der.Der => extension('2.5.29.20', false, der.integer(number));

/** A CRL as `@peculiar/x509` makes it, with the reason key compromise. */
export async function peculiarList(
  issuer: Made,
  commonName: string,
  serialNumbers: readonly string[],
): Promise<Uint8Array> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const pkcs8 = issuer.keys.privateKey.export({ format: 'der', type: 'pkcs8' });
  const list = await peculiar.X509CrlGenerator.create(
    {
      issuer: `CN=${commonName}`,
      thisUpdate: new Date(NOW - HOUR),
      nextUpdate: new Date(NOW + HOUR),
      entries: serialNumbers.map((serialNumber) => ({
        serialNumber,
        revocationDate: new Date(NOW - HOUR),
        reason: peculiar.X509CrlReason.keyCompromise,
      })),
      signingAlgorithm: algorithm,
      signingKey: await webcrypto.subtle.importKey('pkcs8', pkcs8, algorithm, false, ['sign']),
    },
    webcrypto as Crypto,
  );
  return new Uint8Array(list.rawData);
}
