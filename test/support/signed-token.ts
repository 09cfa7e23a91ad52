import type { KeyObject } from 'node:crypto';
import { type JwsAlgorithm, signJws } from '../../src/internal/jws-algorithm.js';
import { segment } from './raw-token.js';

/** A compact JWS with whatever header and payload, signed with a key: by default under the `alg` of the header. */
export function signedToken(
  header: { readonly alg: string },
  payload: unknown,
  privateKey: KeyObject,
  alg: JwsAlgorithm = header.alg as JwsAlgorithm,
): string {
  const input = `${segment(header)}.${segment(payload)}`;
  return `${input}.${segment(signJws(alg, privateKey, Buffer.from(input)))}`;
}
