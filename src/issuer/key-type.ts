import { generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';

/** The keys that an issuer can make for a certificate. */
export type KeyType = 'ec-p256' | 'ec-p384' | 'rsa-2048' | 'ed25519';

/** The keys that an issuer can sign with: those whose algorithms JWT-SVID section 3.1 allows. */
export type AuthorityKeyType = Exclude<KeyType, 'ed25519'>;

/** A private key and the public key that belongs to it. */
export interface KeyPair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

/** Makes a key pair. */
export async function generateKeys(keyType: KeyType | 'ec-p521'): Promise<KeyPair> {
  switch (keyType) {
    case 'ec-p256':
      return await generate('ec', { namedCurve: 'P-256' });
    case 'ec-p384':
      return await generate('ec', { namedCurve: 'P-384' });
    case 'ec-p521':
      return await generate('ec', { namedCurve: 'P-521' });
    case 'rsa-2048':
      return await generate('rsa', { modulusLength: 2048 });
    case 'ed25519':
      return await generate('ed25519');
    default:
      throw new TypeError('keyType must be ec-p256, ec-p384, rsa-2048 or ed25519');
  }
}

const generate = promisify(generateKeyPair);
