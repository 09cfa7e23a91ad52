import type { DerRule } from './der.js';

export type CertificateRule = DerRule | 'bad_certificate' | 'unsupported_algorithm' | 'unsupported_key' | 'weak_key';

export type KeyUsage =
  | 'digitalSignature'
  | 'nonRepudiation'
  | 'keyEncipherment'
  | 'dataEncipherment'
  | 'keyAgreement'
  | 'keyCertSign'
  | 'cRLSign'
  | 'encipherOnly'
  | 'decipherOnly';
