import type { KeyObject } from 'node:crypto';
import type { PublicKeyJwk } from './jwk.js';

export type JwsAlgorithm =
  | 'RS256'
  | 'RS384'
  | 'RS512'
  | 'PS256'
  | 'PS384'
  | 'PS512'
  | 'ES256'
  | 'ES384'
  | 'ES512'
  | 'EdDSA'
  | 'Ed25519';
export const SPIFFE_ALGORITHMS: ReadonlySet<JwsAlgorithm> = new Set();
export const ASYMMETRIC_ALGORITHMS: ReadonlySet<JwsAlgorithm> = new Set();
export function isJwsAlgorithm(text: string): text is JwsAlgorithm {
  return text === 'RS256';
}
export function algorithmFits(alg: JwsAlgorithm, publicKey: PublicKeyJwk): boolean {
  return alg === publicKey.alg;
}
export function signJws(alg: JwsAlgorithm, privateKey: KeyObject, input: Uint8Array): Uint8Array {
  throw new TypeError(`${alg}${privateKey}${input}`);
}
export function verifyJws(alg: JwsAlgorithm, publicKey: KeyObject, input: Uint8Array, signature: Uint8Array): boolean {
  throw new TypeError(`${alg}${publicKey}${input}${signature}`);
}
