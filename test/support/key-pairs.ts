import { generateKeyPairSync, type KeyObject } from 'node:crypto';

export type KeyKind = 'P-256' | 'P-384' | 'P-521' | 'Ed25519' | 'RSA';

export interface KeyPair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

const made = new Map<string, KeyPair>();

/** A key pair of a kind, made once per test file; another `name` is another pair. RSA has 2048 bits. */
export function keyPair(kind: KeyKind, name = ''): KeyPair {
  const key = `${kind} ${name}`;
  const pair = made.get(key) ?? generate(kind);
  made.set(key, pair);
  return pair;
}

function generate(kind: KeyKind): KeyPair {
  if (kind === 'RSA') return generateKeyPairSync('rsa', { modulusLength: 2048 });
  if (kind === 'Ed25519') return generateKeyPairSync('ed25519');
  return generateKeyPairSync('ec', { namedCurve: kind });
}
