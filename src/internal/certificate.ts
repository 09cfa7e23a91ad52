import type { KeyObject } from 'node:crypto';
import type { KeyUsage } from './certificate-extensions.js';

export type { CertificateRule, KeyUsage } from './certificate-extensions.js';

/** An X.509 v3 certificate, read but not verified. Immutable. */
export declare class Certificate {
  private constructor();
  get der(): Uint8Array<ArrayBuffer>;
  get subject(): string;
  get issuer(): string;
  get serialNumber(): string;
  get notBefore(): Date;
  get notAfter(): Date;
  get publicKey(): KeyObject;
  get uriSans(): readonly string[];
  get dnsSans(): readonly string[];
  get ipSans(): readonly string[];
  get emailSans(): readonly string[];
  get isCa(): boolean;
  get pathLength(): number | undefined;
  get keyUsage(): ReadonlySet<KeyUsage> | undefined;
  get extendedKeyUsage(): readonly string[] | undefined;
  get fingerprint256(): string;
  toPem(): string;
  equals(other: Certificate): boolean;
}

/** @throws ReadError<CertificateRule> */
export declare function parseCertificate(der: Uint8Array): Certificate;
/** @throws ReadError<CertificateRule> */
export declare function parseCertificates(concatenated: Uint8Array): Certificate[];
