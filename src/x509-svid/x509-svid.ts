import type { KeyObject } from 'node:crypto';
import type { SpiffeId } from '../id/index.js';
import { type Certificate, fieldsOf } from '../internal/certificate.js';

/** Where the X.509-SVID to present comes from. Any object with this method will do; it throws when there is none. */
export interface X509SvidSource {
  /** The SVID to present now; asked anew for every connection, so that a rotated one is used at once. */
  getX509Svid(): X509Svid;
}

/** The parts of an X.509-SVID, which must belong together. */
export interface X509SvidParts {
  readonly id: SpiffeId;
  readonly leaf: Certificate;
  readonly intermediates: readonly Certificate[];
  readonly privateKey: KeyObject;
  readonly hint: string | undefined;
}

let create: (parts: X509SvidParts) => X509Svid;

/**
 * One's own X.509-SVID: a certificate chain with the private key of its leaf. Immutable. The key shows in no own
 * property, so that printing or serialising the object gives none of it away. Made by `parseX509Svid`.
 */
export class X509Svid {
  readonly id: SpiffeId;
  /** The leaf and the intermediates that came with it, without an authority of the bundle. */
  readonly certificates: readonly Certificate[];
  /** What the Workload API says this SVID is for, when it says so. */
  readonly hint: string | undefined;
  readonly #leaf: Certificate;
  readonly #privateKey: KeyObject;
  #privateKeyPem: string | undefined;

  static {
    create = (parts) => new X509Svid(parts);
  }

  private constructor({ id, leaf, intermediates, privateKey, hint }: X509SvidParts) {
    this.id = id;
    this.certificates = Object.freeze([leaf, ...intermediates]);
    this.hint = hint;
    this.#leaf = leaf;
    this.#privateKey = privateKey;
    Object.freeze(this);
  }

  /** The private key of the leaf. */
  get privateKey(): KeyObject {
    return this.#privateKey;
  }

  /** The first instant at which the leaf is valid. */
  get notBefore(): Date {
    return this.#leaf.notBefore;
  }

  /** The earliest end of validity in the chain. */
  get expiresAt(): Date {
    return new Date(Math.min(...this.certificates.map((certificate) => fieldsOf(certificate).notAfter)));
  }

  /** The chain in PEM, the leaf first, as TLS options take it. */
  certificatesPem(): string {
    return this.certificates.map((certificate) => certificate.toPem()).join('');
  }

  /** The private key as PKCS#8 in PEM: a secret, for TLS options and files that only the workload can read. */
  privateKeyPkcs8Pem(): string {
    this.#privateKeyPem ??= this.#privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
    return this.#privateKeyPem;
  }

  /** Whether the other SVID has the same certificates, and so the same key, and the same hint. */
  equals(other: X509Svid): boolean {
    return (
      this.hint === other.hint &&
      this.certificates.length === other.certificates.length &&
      this.certificates.every((certificate, index) => other.certificates[index]?.equals(certificate) === true)
    );
  }
}

/** For `parseX509Svid`, which has checked that the parts belong together. */
export function createX509Svid(parts: X509SvidParts): X509Svid {
  return create(parts);
}
