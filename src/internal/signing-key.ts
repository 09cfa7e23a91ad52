import type { KeyObject, webcrypto } from 'node:crypto';
import type { JwsAlgorithm } from './jws-algorithm.js';

export interface Signer {
  readonly alg: JwsAlgorithm;
  readonly publicKey: KeyObject;
  sign(input: Uint8Array): Uint8Array | Promise<Uint8Array>;
}
export type SigningKey = KeyObject | webcrypto.CryptoKey | Signer;
export function toSigner(key: SigningKey, alg?: JwsAlgorithm): Signer {
  throw new TypeError(`${key}${alg}`);
}
export async function signCompact(header: object, payload: object, signer: Signer): Promise<string> {
  throw new TypeError(`${header}${payload}${signer}`);
}
