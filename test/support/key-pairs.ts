import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { JwsAlgorithm } from '../../src/internal/jws-algorithm.js';

export type KeyKind = 'P-256' | 'P-384' | 'P-521' | 'Ed25519' | 'RSA';

/** The kind of key that an algorithm signs with. */
export const KIND_OF: Readonly<Record<JwsAlgorithm, KeyKind>> = {
  ...{ RS256: 'RSA', RS384: 'RSA', RS512: 'RSA', PS256: 'RSA', PS384: 'RSA', PS512: 'RSA' },
  ...{ ES256: 'P-256', ES384: 'P-384', ES512: 'P-521', EdDSA: 'Ed25519', Ed25519: 'Ed25519' },
};

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
