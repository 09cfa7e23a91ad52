import { type KeyObject, X509Certificate } from 'node:crypto';
import { TlsError } from '../errors/index.js';
import type { MtlsSettings } from './read-options.js';

/** What can be presented in a handshake: an X.509-SVID, or a certificate of the web. */
export interface Identity {
  readonly expiresAt: Date;
  privateKeyPkcs8Pem(): string;
  certificatesPem(): string;
  equals(other: Identity): boolean;
}

/** A certificate of the web and its key, as certificate authorities hand them out. */
export interface WebCertificate {
  /** The private key, or its PEM. */
  readonly key: KeyObject | string;
  /** The certificate and then those above it, in PEM. */
  readonly certificates: string;
}

/** Where a server finds the certificate of the web to present. Any object literal can be one. */
export interface WebCertificateSource {
  /** The certificate to present in a handshake that begins now. The same object as long as it is the same. */
  getWebCertificate(): WebCertificate;
}

/**
 * What to present in a handshake that begins now; `undefined` where we present nothing at all.
 *
 * @throws `TlsError` `no_identity`, `identity_expired`.
 */
export function presentIdentity({ identity, clock }: MtlsSettings): Identity | undefined {
  if (identity === undefined) return undefined;
  let current: Identity;
  try {
    current = identity();
  } catch (cause) {
    throw new TlsError('no_identity', 'the source has no certificate of ours to present', { cause });
  }
  if (clock() >= current.expiresAt.getTime()) {
    throw new TlsError('identity_expired', 'the certificate of ours to present has expired');
  }
  return current;
}

/** Reads certificates of the web, each once. @throws `TypeError` when it is no source. */
export function webIdentityReader(source: WebCertificateSource): () => Identity {
  if (typeof source?.getWebCertificate !== 'function') {
    throw new TypeError('webCertificate must have a method getWebCertificate()');
  }
  let read: { readonly from: WebCertificate; readonly identity: WebIdentity } | undefined;
  return () => {
    const from = source.getWebCertificate();
    if (read?.from !== from) read = { from, identity: new WebIdentity(from) };
    return read.identity;
  };
}

class WebIdentity implements Identity {
  readonly expiresAt: Date;
  readonly #key: KeyObject | string;
  readonly #certificates: string;

  constructor({ key, certificates }: WebCertificate) {
    this.#key = key;
    this.#certificates = certificates;
    this.expiresAt = new Date(new X509Certificate(certificates).validTo);
  }

  privateKeyPkcs8Pem(): string {
    return typeof this.#key === 'string' ? this.#key : this.#key.export({ format: 'pem', type: 'pkcs8' }).toString();
  }

  certificatesPem(): string {
    return this.#certificates;
  }

  equals(other: Identity): boolean {
    return this.#certificates === other.certificatesPem();
  }
}
