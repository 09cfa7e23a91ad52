import type { KeyObject } from 'node:crypto';
import type { JsonObject } from './json.js';
import { ReadError } from './read-error.js';

export type JwkRule =
  | 'not_a_jwk'
  | 'unsupported_key'
  | 'private_key_member'
  | 'malformed_key'
  | 'weak_key'
  | 'key_mismatch';
export type JwkCurve = 'P-256' | 'P-384' | 'P-521' | 'Ed25519';
export interface PublicKeyJwk {
  readonly kty: 'RSA' | 'EC' | 'OKP';
  readonly crv?: JwkCurve;
  readonly key: KeyObject;
  readonly alg?: string;
  readonly kid?: string;
  readonly use?: string;
  readonly keyOps?: readonly string[];
  readonly jwk: JsonObject;
  readonly thumbprint: string;
}
export interface PrivateKeyJwk {
  readonly key: KeyObject;
  readonly public: PublicKeyJwk;
}
export function readPublicJwk(value: unknown): PublicKeyJwk {
  throw new ReadError<JwkRule>('not_a_jwk', `${value}`);
}
export function readPrivateJwk(value: unknown): PrivateKeyJwk {
  throw new ReadError<JwkRule>('not_a_jwk', `${value}`);
}
export function readPublicKey(key: KeyObject): PublicKeyJwk {
  throw new ReadError<JwkRule>('not_a_jwk', `${key}`);
}
export function publicJwkOf(key: KeyObject): JsonObject {
  throw new ReadError<JwkRule>('not_a_jwk', `${key}`);
}
export function thumbprintOf(key: KeyObject): string {
  throw new ReadError<JwkRule>('not_a_jwk', `${key}`);
}
