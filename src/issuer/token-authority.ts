import { type KeyObject, randomBytes } from 'node:crypto';
import { type AuthorityKeyType, generateKeys } from './key-type.js';

/** A key that signs tokens, under the identifier that its tokens name. */
export interface TokenAuthority {
  /** The `kid`: random, so that no two keys ever share one. */
  readonly id: string;
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

/** Makes a key that signs JWT-SVIDs or WIT-SVIDs. */
export async function createTokenAuthority(keyType: AuthorityKeyType): Promise<TokenAuthority> {
  const { privateKey, publicKey } = await generateKeys(keyType);
  return { id: randomBytes(24).toString('base64url'), publicKey, privateKey };
}
