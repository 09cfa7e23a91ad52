import type { KeyObject } from 'node:crypto';
import type { SpiffeId } from '../id/index.js';
import type { Certificate } from '../internal/certificate.js';

/** Where the X.509-SVID to present comes from. Any object with this method will do; it throws when there is none. */
export interface X509SvidSource {
  getX509Svid(): X509Svid;
}

export declare class X509Svid {
  readonly id: SpiffeId;
  readonly certificates: readonly Certificate[];
  readonly hint: string | undefined;
  private constructor();
  get privateKey(): KeyObject;
  get notBefore(): Date;
  get expiresAt(): Date;
  certificatesPem(): string;
  privateKeyPkcs8Pem(): string;
  equals(other: X509Svid): boolean;
}
