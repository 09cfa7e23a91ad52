import { KeyObject, webcrypto } from 'node:crypto';
import { types } from 'node:util';
import { encodeBase64url } from './base64url.js';
import { readCompactJws } from './compact-jws.js';
import { type PublicKeyJwk, readPublicKey } from './jwk.js';
import { algorithmFits, isJwsAlgorithm, type JwsAlgorithm, signJws, verifyJws } from './jws-algorithm.js';

/** Signs with a private key that it does not show: one held in memory, in a KMS or in a TPM. */
export interface Signer {
  /** The one algorithm that it signs with. */
  readonly alg: JwsAlgorithm;
  /** The public half; what the signer gives is verified with it before a token is handed out. */
  readonly publicKey: KeyObject;
  /** Signs the bytes; an ECDSA signature is r and s side by side, as JWS has it (RFC 7518 section 3.4), not DER. */
  sign(input: Uint8Array): Uint8Array | Promise<Uint8Array>;
}

/**
 * A private key of node:crypto or WebCrypto, or something that signs with one. A `CryptoKey` that cannot be exported
 * comes as the pair that it was generated in, because its public half cannot be had from it.
 */
export type SigningKey = KeyObject | webcrypto.CryptoKey | webcrypto.CryptoKeyPair | Signer;

/**
 * Makes a signer of a key. Without `alg` it is ES256, ES384 or ES512 by the curve, EdDSA for Ed25519, and for RSA
 * RS256 or what the `CryptoKey` was made for. A key that does not fit is a `TypeError`.
 */
export function toSigner(key: SigningKey, alg?: JwsAlgorithm): Signer {
  if (alg !== undefined && !isJwsAlgorithm(alg)) throw new TypeError('alg must be one of the supported algorithms');
  if (key instanceof KeyObject) return signerOf(key, alg);
  if (types.isCryptoKey(key)) return signerOfCryptoKey(key, alg);
  return isKeyPair(key) ? signerOfKeyPair(key, alg) : checkSigner(key, alg);
}

/** ES256, ES384 or ES512 by the curve, EdDSA for Ed25519, RS256 for RSA. */
export function defaultAlgorithm(publicKey: PublicKeyJwk): JwsAlgorithm {
  if (publicKey.crv === undefined) return 'RS256';
  return ({ 'P-256': 'ES256', 'P-384': 'ES384', 'P-521': 'ES512', Ed25519: 'EdDSA' } as const)[publicKey.crv];
}

/**
 * Signs header and payload as a compact JWS; `alg` is put into the header. The token is read back, so that none leaves
 * that a verifier would refuse for its form, and what a signer from outside gave is verified.
 */
export async function signCompact(header: object, payload: object, signer: Signer): Promise<string> {
  const text = `${encodePart({ ...header, alg: signer.alg })}.${encodePart(payload)}`;
  const input = Buffer.from(text, 'latin1');
  const signature = await signer.sign(input);
  if (!(signer instanceof LocalSigner) && !verifyJws(signer.alg, signer.publicKey, input, signature)) {
    throw new TypeError('the signer gave a signature that its public key does not verify');
  }
  const token = `${text}.${encodeBase64url(signature)}`;
  readBack(token);
  return token;
}

class LocalSigner implements Signer {
  readonly alg: JwsAlgorithm;
  readonly publicKey: KeyObject;
  readonly #privateKey: KeyObject;

  constructor(alg: JwsAlgorithm, publicKey: KeyObject, privateKey: KeyObject) {
    this.alg = alg;
    this.publicKey = publicKey;
    this.#privateKey = privateKey;
  }

  sign(input: Uint8Array): Uint8Array {
    return signJws(this.alg, this.#privateKey, input);
  }
}

/** Signs with a key that stays in WebCrypto. */
class WebCryptoSigner implements Signer {
  readonly alg: JwsAlgorithm;
  readonly publicKey: KeyObject;
  readonly #privateKey: webcrypto.CryptoKey;

  constructor(alg: JwsAlgorithm, publicKey: KeyObject, privateKey: webcrypto.CryptoKey) {
    this.alg = alg;
    this.publicKey = publicKey;
    this.#privateKey = privateKey;
  }

  async sign(input: Uint8Array): Promise<Uint8Array> {
    const bits = this.alg.slice(2);
    // WebCrypto takes from these what the algorithm has; ECDSA signatures come as r and s side by side.
    const parameters = { name: this.#privateKey.algorithm.name, hash: `SHA-${bits}`, saltLength: Number(bits) / 8 };
    return new Uint8Array(await webcrypto.subtle.sign(parameters, this.#privateKey, input));
  }
}

function signerOf(key: KeyObject, alg: JwsAlgorithm | undefined): Signer {
  if (key.type !== 'private') throw new TypeError(`a signing key must be private, this one is ${key.type}`);
  const publicKey = describe(key);
  const chosen = alg ?? defaultAlgorithm(publicKey);
  checkFit(chosen, publicKey);
  return new LocalSigner(chosen, publicKey.key, key);
}

function signerOfCryptoKey(key: webcrypto.CryptoKey, alg: JwsAlgorithm | undefined): Signer {
  const made = cryptoKeyAlgorithm(key, alg);
  // node:crypto still converts such a key, but says that it will not for long (DEP0204).
  if (!key.extractable) throw new TypeError('a CryptoKey that cannot be exported must be given as its key pair');
  return signerOf(KeyObject.from(key), made);
}

function signerOfKeyPair(pair: webcrypto.CryptoKeyPair, alg: JwsAlgorithm | undefined): Signer {
  if (!types.isCryptoKey(pair.publicKey) || pair.publicKey.type !== 'public') {
    throw new TypeError('the publicKey of a key pair must be a public CryptoKey');
  }
  const made = cryptoKeyAlgorithm(pair.privateKey, alg);
  const publicKey = describe(KeyObject.from(pair.publicKey));
  const chosen = made ?? defaultAlgorithm(publicKey);
  checkFit(chosen, publicKey);
  return new WebCryptoSigner(chosen, publicKey.key, pair.privateKey);
}

function isKeyPair(key: Exclude<SigningKey, KeyObject | webcrypto.CryptoKey>): key is webcrypto.CryptoKeyPair {
  return typeof key === 'object' && key !== null && 'privateKey' in key && types.isCryptoKey(key.privateKey);
}

/** RSA keys of WebCrypto are bound to one padding and one hash; for other keys, what was asked for. */
function cryptoKeyAlgorithm(key: webcrypto.CryptoKey, asked: JwsAlgorithm | undefined): JwsAlgorithm | undefined {
  if (!key.usages.includes('sign')) throw new TypeError('the CryptoKey must be private and made for signing');
  const prefix = { 'RSA-PSS': 'PS', 'RSASSA-PKCS1-v1_5': 'RS' }[key.algorithm.name];
  if (prefix === undefined) return asked;
  const { hash } = key.algorithm as webcrypto.RsaHashedKeyAlgorithm;
  const made = `${prefix}${(typeof hash === 'string' ? hash : hash.name).slice('SHA-'.length)}`;
  if (!isJwsAlgorithm(made)) throw new TypeError('the CryptoKey was made for a hash that is not supported');
  if (asked !== undefined && asked !== made)
    throw new TypeError(`the CryptoKey was made for ${made}, not for ${asked}`);
  return made;
}

function checkSigner(signer: Signer, alg: JwsAlgorithm | undefined): Signer {
  const shaped =
    typeof signer === 'object' &&
    signer !== null &&
    typeof signer.sign === 'function' &&
    typeof signer.alg === 'string' &&
    isJwsAlgorithm(signer.alg) &&
    signer.publicKey instanceof KeyObject;
  if (!shaped) throw new TypeError('a signing key must be a private KeyObject, a private CryptoKey or a Signer');
  if (alg !== undefined && alg !== signer.alg) throw new TypeError(`the signer signs ${signer.alg}, not ${alg}`);
  if (signer.publicKey.type !== 'public') throw new TypeError('the publicKey of a signer must be a public key');
  if (!(signer instanceof LocalSigner)) checkFit(signer.alg, describe(signer.publicKey));
  return signer;
}

function describe(key: KeyObject): PublicKeyJwk {
  try {
    return readPublicKey(key);
  } catch (cause) {
    throw new TypeError(`the signing key cannot be used: ${cause instanceof Error ? cause.message : ''}`, { cause });
  }
}

function checkFit(alg: JwsAlgorithm, publicKey: PublicKeyJwk): void {
  if (algorithmFits(alg, publicKey)) return;
  throw new TypeError(`a key of type ${publicKey.kty}${publicKey.crv ? ` ${publicKey.crv}` : ''} does not fit ${alg}`);
}

function encodePart(part: object): string {
  return encodeBase64url(Buffer.from(JSON.stringify(part)));
}

function readBack(token: string): void {
  try {
    readCompactJws(token);
  } catch (cause) {
    throw new TypeError(
      `a verifier would refuse this token: ${cause instanceof Error ? cause.message : 'it is malformed'}`,
      { cause },
    );
  }
}
