import { jwkEntry, jwkSet } from '../../support/bundle-documents.js';
import type { KeyPair } from './keys.js';

/** The public members of a key with further ones. */
export function jwk({ publicKey }: KeyPair, more: object = {}): object {
  return jwkEntry(publicKey, more);
}

/** The private members too. */
export function privateJwk({ privateKey }: KeyPair, more: object = {}): object {
  return jwkEntry(privateKey, more);
}

export function jwks(...keys: readonly object[]): string {
  return jwkSet(keys);
}
