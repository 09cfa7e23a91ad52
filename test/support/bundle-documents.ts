import type { KeyObject } from 'node:crypto';
import type { Made } from './x509.js';

/** A public key as an element of a JWK Set, with whatever other members. */
export function jwkEntry(publicKey: KeyObject, members: object = {}): object {
  return { ...publicKey.export({ format: 'jwk' }), ...members };
}

/** A CA as a SPIFFE bundle document carries it (X509-SVID section 6.1). */
export function x509Entry(authority: Made, members: object = {}): object {
  const x5c = [Buffer.from(authority.der).toString('base64')];
  return jwkEntry(authority.keys.publicKey, { use: 'x509-svid', x5c, ...members });
}

/** The text of a JWK Set. */
export function jwkSet(keys: readonly unknown[], members: object = {}): string {
  return JSON.stringify({ ...members, keys });
}
