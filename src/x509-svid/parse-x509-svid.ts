import type { KeyObject } from 'node:crypto';
import type { SpiffeId } from '../id/index.js';
import type { X509Svid } from './x509-svid.js';

export interface X509SvidMaterial {
  /** The certificate chain in DER, one after the other, the leaf first. */
  readonly certificates: Uint8Array;
  /** The private key of the leaf: PKCS#8 DER or a KeyObject. */
  readonly privateKey: Uint8Array | KeyObject;
  readonly hint?: string | undefined;
  /** When given, the identifier that the leaf must carry. */
  readonly id?: SpiffeId | undefined;
}

export interface X509SvidPemOptions {
  readonly hint?: string | undefined;
  readonly id?: SpiffeId | undefined;
}

export declare function parseX509Svid(material: X509SvidMaterial): X509Svid;
export declare function parseX509SvidPem(
  certificates: string,
  privateKey: string,
  options?: X509SvidPemOptions,
): X509Svid;
