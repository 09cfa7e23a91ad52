import type { KeyObject } from 'node:crypto';
import { HttpSignatureError, type HttpSignatureErrorCode } from '../errors/index.js';
import { readPublicKey } from '../internal/jwk.js';
import { algorithmFits, isJwsAlgorithm, type JwsAlgorithm } from '../internal/jws-algorithm.js';
import { asRoomError } from '../internal/room-error.js';

/**
 * A name of the HTTP Signature Algorithms registry (RFC 9421 section 3.3). `hmac-sha256` is left out: with a shared
 * secret, whoever can verify can sign.
 */
export type HttpSignatureAlgorithm =
  | 'rsa-pss-sha512'
  | 'rsa-v1_5-sha256'
  | 'ecdsa-p256-sha256'
  | 'ecdsa-p384-sha384'
  | 'ed25519';

/** The JOSE algorithm that does the same. Used raw: the signature base is the signing input (section 3.3.7). */
const REGISTERED: Readonly<Record<HttpSignatureAlgorithm, JwsAlgorithm>> = {
  'rsa-pss-sha512': 'PS512',
  'rsa-v1_5-sha256': 'RS256',
  'ecdsa-p256-sha256': 'ES256',
  'ecdsa-p384-sha384': 'ES384',
  ed25519: 'EdDSA',
};

/** A JOSE algorithm by either of its names. Another name is misuse. */
export function jwsAlgorithmOf(name: JwsAlgorithm | HttpSignatureAlgorithm): JwsAlgorithm {
  if (isJwsAlgorithm(name)) return name;
  if (!Object.hasOwn(REGISTERED, name)) throw new TypeError('alg must be one of the supported algorithms');
  return REGISTERED[name];
}

/** Whether `alg` of a signature, a registered name, speaks of this algorithm. */
export function isRegisteredNameOf(name: string, alg: JwsAlgorithm): boolean {
  return Object.entries(REGISTERED).some(([registered, jws]) => registered === name && sameAlgorithm(jws, alg));
}

/** A key to verify with, held to the same rules as a JWK. */
export function verificationKey(key: KeyObject, alg: JwsAlgorithm): KeyObject {
  if (key?.type !== 'public') throw new TypeError('signatures are verified with a public KeyObject');
  const publicKey = asRoomError<HttpSignatureErrorCode, ReturnType<typeof readPublicKey>>(HttpSignatureError, () =>
    readPublicKey(key),
  );
  if (!algorithmFits(alg, publicKey)) throw new TypeError(`the key does not fit ${alg}`);
  return publicKey.key;
}

function sameAlgorithm(left: JwsAlgorithm, right: JwsAlgorithm): boolean {
  return left === right || (left === 'EdDSA' && right === 'Ed25519');
}
