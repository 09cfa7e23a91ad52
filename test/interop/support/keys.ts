import { generateKeyPairSync } from 'node:crypto';
import { keyPair as everydayPair, type KeyKind, type KeyPair } from '../../support/key-pairs.js';

export type { KeyPair } from '../../support/key-pairs.js';

/** Key types of every day, and some that no verifier should take. RSA without a number has 2048 bits. */
export type KeyName = KeyKind | 'RSA-1024' | 'RSA-3072' | 'P-224' | 'secp256k1';

const odd = new Map<string, KeyPair>();

/** The key pair of that type and label, made on first use: another label is another key. */
export function keyPair(name: KeyName, label = ''): KeyPair {
  switch (name) {
    case 'RSA-1024':
    case 'RSA-3072':
      return once(name, () => generateKeyPairSync('rsa', { modulusLength: Number(name.slice(4)) }));
    case 'P-224':
      return once(name, () => generateKeyPairSync('ec', { namedCurve: 'secp224r1' }));
    case 'secp256k1':
      return once(name, () => generateKeyPairSync('ec', { namedCurve: 'secp256k1' }));
    default:
      return everydayPair(name, label);
  }
}

/** These are slow or rare: one of each is enough. */
function once(name: KeyName, generate: () => KeyPair): KeyPair {
  const pair = odd.get(name) ?? generate();
  odd.set(name, pair);
  return pair;
}
