import { constants, type KeyObject, sign, verify } from 'node:crypto';
import type { JwkCurve, JwkKeyType, PublicKeyJwk } from './jwk.js';

/** The JOSE signature algorithms that svidkit knows (RFC 7518 section 3.1, RFC 8037, RFC 9864). */
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

/** What JWT-SVID section 2.1 and WIT-SVID section 2 allow: no EdDSA. */
export const SPIFFE_ALGORITHMS: ReadonlySet<JwsAlgorithm> = new Set([
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
]);

/** Every algorithm above. */
export const ASYMMETRIC_ALGORITHMS: ReadonlySet<JwsAlgorithm> = new Set([...SPIFFE_ALGORITHMS, 'EdDSA', 'Ed25519']);

/** Whether the text is one of them, byte for byte. */
export function isJwsAlgorithm(text: string): text is JwsAlgorithm {
  return (ASYMMETRIC_ALGORITHMS as ReadonlySet<string>).has(text);
}

/**
 * Whether a public key may verify signatures of an algorithm: key type and curve are the algorithm's, the `alg` of the
 * JWK says the same or nothing, and its `key_ops` include `verify` or are absent.
 */
export function algorithmFits(alg: JwsAlgorithm, publicKey: PublicKeyJwk): boolean {
  const row = ROWS[alg];
  return (
    row.kty === publicKey.kty &&
    row.crv === publicKey.crv &&
    (publicKey.alg === undefined || publicKey.alg === alg) &&
    (publicKey.keyOps === undefined || publicKey.keyOps.includes('verify'))
  );
}

/** Signs with a private key of the algorithm's type; ECDSA signatures are r and s side by side. */
export function signJws(alg: JwsAlgorithm, privateKey: KeyObject, input: Uint8Array): Uint8Array {
  const row = ROWS[alg];
  if (privateKey.type !== 'private' || !isKeyOf(row, privateKey)) {
    throw new TypeError(`the private key does not fit algorithm ${alg}`);
  }
  return sign(row.hash, input, { key: privateKey, ...row.options });
}

/**
 * Whether the signature is one of this key over this input. ECDSA and Ed25519 signatures have one length only; high
 * values of s are accepted, since published tokens have them.
 */
export function verifyJws(alg: JwsAlgorithm, publicKey: KeyObject, input: Uint8Array, signature: Uint8Array): boolean {
  const row = ROWS[alg];
  if (publicKey.type !== 'public' || !isKeyOf(row, publicKey)) return false;
  if (signature.length !== signatureBytes(row, publicKey)) return false;
  return verify(row.hash, input, { key: publicKey, ...row.options }, signature);
}

interface Row {
  readonly kty: JwkKeyType;
  readonly crv: JwkCurve | undefined;
  /** As node:crypto names the key type and the curve. */
  readonly keyType: 'rsa' | 'ec' | 'ed25519';
  readonly namedCurve: string | undefined;
  readonly hash: 'sha256' | 'sha384' | 'sha512' | null;
  /** Undefined for RSA, whose signatures are as long as the modulus. */
  readonly bytes: number | undefined;
  readonly options: {
    readonly padding?: number;
    readonly saltLength?: number;
    readonly dsaEncoding?: 'ieee-p1363';
  };
}

const PKCS1 = { padding: constants.RSA_PKCS1_PADDING };
const PSS = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
const RSA = { kty: 'RSA', crv: undefined, keyType: 'rsa', namedCurve: undefined, bytes: undefined } as const;
const EC = { kty: 'EC', keyType: 'ec', options: { dsaEncoding: 'ieee-p1363' } } as const;
const ED25519 = {
  kty: 'OKP',
  crv: 'Ed25519',
  keyType: 'ed25519',
  namedCurve: undefined,
  hash: null,
  bytes: 64,
  options: {},
} as const;

const ROWS: Readonly<Record<JwsAlgorithm, Row>> = {
  RS256: { ...RSA, hash: 'sha256', options: PKCS1 },
  RS384: { ...RSA, hash: 'sha384', options: PKCS1 },
  RS512: { ...RSA, hash: 'sha512', options: PKCS1 },
  PS256: { ...RSA, hash: 'sha256', options: PSS },
  PS384: { ...RSA, hash: 'sha384', options: PSS },
  PS512: { ...RSA, hash: 'sha512', options: PSS },
  ES256: { ...EC, crv: 'P-256', namedCurve: 'prime256v1', hash: 'sha256', bytes: 64 },
  ES384: { ...EC, crv: 'P-384', namedCurve: 'secp384r1', hash: 'sha384', bytes: 96 },
  ES512: { ...EC, crv: 'P-521', namedCurve: 'secp521r1', hash: 'sha512', bytes: 132 },
  EdDSA: ED25519,
  Ed25519: ED25519,
};

function isKeyOf(row: Row, key: KeyObject): boolean {
  return key.asymmetricKeyType === row.keyType && key.asymmetricKeyDetails?.namedCurve === row.namedCurve;
}

function signatureBytes(row: Row, key: KeyObject): number {
  return row.bytes ?? Math.ceil((key.asymmetricKeyDetails?.modulusLength ?? 0) / 8);
}
