import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import type { JsonObject, JsonValue } from './json.js';
import { type JwkCurve, type JwkKeyType, type JwkMaterial, memberOf, readBytes, readMaterial } from './jwk-material.js';
import { ReadError } from './read-error.js';

export type { JwkCurve, JwkKeyType } from './jwk-material.js';

/**
 * - `not_a_jwk`: not an object, or without a `kty` that is a text.
 * - `unsupported_key`: another key type than RSA, EC and OKP, or another curve than P-256, P-384, P-521 and Ed25519.
 * - `private_key_member`: a private or symmetric member where only a public key belongs.
 * - `malformed_key`: a member missing, of the wrong type or length, not canonical base64url, or a point off its curve.
 * - `weak_key`: RSA outside 2048 to 8192 bits or with an unsafe exponent; Ed25519 of small order or not canonical.
 * - `key_mismatch`: a private key that does not belong to its public members.
 */
export type JwkRule =
  | 'not_a_jwk'
  | 'unsupported_key'
  | 'private_key_member'
  | 'malformed_key'
  | 'weak_key'
  | 'key_mismatch';

/** A public key that was checked. */
export interface PublicKeyJwk {
  readonly kty: JwkKeyType;
  /** Only where `kty` is `EC` or `OKP`. */
  readonly crv?: JwkCurve;
  readonly key: KeyObject;
  /** The members `alg`, `kid`, `use` and `key_ops`, where the JWK had them. */
  readonly alg?: string;
  readonly kid?: string;
  readonly use?: string;
  readonly keyOps?: readonly string[];
  /** The public members and the four above; every other member is left out. */
  readonly jwk: JsonObject;
  /** RFC 7638 with SHA-256, in base64url. */
  readonly thumbprint: string;
}

/** A private key with its public half, which it was checked against. */
export interface PrivateKeyJwk {
  readonly key: KeyObject;
  readonly public: PublicKeyJwk;
}

/** Reads a public JWK (RFC 7517 section 4, RFC 7518 section 6, RFC 8037 section 2) and refuses keys that prove nothing. */
export function readPublicJwk(value: unknown): PublicKeyJwk {
  const source = readObject(value);
  refusePrivateMembers(source);
  const material = readMaterial(source);
  return describe(source, material, importPublic(material));
}

/** Reads a private JWK whose public members are present and belong to it. */
export function readPrivateJwk(value: unknown): PrivateKeyJwk {
  const source = readObject(value);
  const material = readMaterial(source);
  const publicKey = importPublic(material);
  const key = importPrivate(source, material);
  checkPair(key, publicKey);
  return { key, public: describe(source, material, publicKey) };
}

/** Describes a key of node:crypto (the public half of a private one) under the rules of {@link readPublicJwk}. */
export function readPublicKey(key: KeyObject): PublicKeyJwk {
  if (!KEY_TYPES.has(key.asymmetricKeyType ?? '')) {
    throw new ReadError<JwkRule>('unsupported_key', 'a key must be RSA, EC on P-256, P-384 or P-521, or Ed25519');
  }
  const publicKey = key.type === 'private' ? createPublicKey(key) : key;
  const source = exportJwk(publicKey);
  return describe(source, readMaterial(source), publicKey);
}

/** The public members of a key, private or public. */
export function publicJwkOf(key: KeyObject): JsonObject {
  return readPublicKey(key).jwk;
}

/** RFC 7638 with SHA-256, in base64url, of a key, private or public. */
export function thumbprintOf(key: KeyObject): string {
  return readPublicKey(key).thumbprint;
}

const KNOWN_TYPES: ReadonlySet<unknown> = new Set(['RSA', 'EC', 'OKP']);
const KEY_TYPES: ReadonlySet<string> = new Set(['rsa', 'ec', 'ed25519']);
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv'] as const;

function readObject(value: unknown): object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ReadError<JwkRule>('not_a_jwk', 'a JWK must be a JSON object');
  }
  return value;
}

/**
 * Before anything else about the key is judged, so that a private key is never called malformed. A member of a key type
 * that is not known means nothing here.
 */
function refusePrivateMembers(source: object): void {
  if (!KNOWN_TYPES.has(memberOf(source, 'kty'))) return;
  const name = PRIVATE_MEMBERS.find((member) => Object.hasOwn(source, member));
  if (name !== undefined) {
    throw new ReadError<JwkRule>('private_key_member', `a public JWK must not have the member ${name}`);
  }
}

function importPublic(material: JwkMaterial): KeyObject {
  try {
    return createPublicKey({ key: { ...material.members }, format: 'jwk' });
  } catch (cause) {
    throw new ReadError<JwkRule>('malformed_key', `a JWK of type ${material.kty} is not a valid key`, { cause });
  }
}

/** Multi-prime RSA (`oth`) is left out: OpenSSL would take the key and drop the primes. */
function importPrivate(source: object, material: JwkMaterial): KeyObject {
  if (Object.hasOwn(source, 'oth')) {
    throw new ReadError<JwkRule>('unsupported_key', 'an RSA key with more than two primes is not supported');
  }
  const members: Record<string, string> = { ...material.members };
  for (const name of material.kty === 'RSA' ? ['d', 'p', 'q', 'dp', 'dq', 'qi'] : ['d']) {
    readBytes(source, name, material.size, material.kty === 'RSA' ? undefined : material.size);
    members[name] = String(memberOf(source, name));
  }
  try {
    return createPrivateKey({ key: members, format: 'jwk' });
  } catch {
    throw new ReadError<JwkRule>('malformed_key', `a private JWK of type ${material.kty} is not a valid key`);
  }
}

/** A signature that verifies is the only thing that shows for every key type that the two halves belong together. */
function checkPair(privateKey: KeyObject, publicKey: KeyObject): void {
  const digest = privateKey.asymmetricKeyType === 'ed25519' ? null : 'sha256';
  let fits = false;
  try {
    fits = verify(digest, PAIR_CHECK, publicKey, sign(digest, PAIR_CHECK, privateKey));
  } catch {
    fits = false;
  }
  if (!fits) throw new ReadError<JwkRule>('key_mismatch', 'a private JWK does not belong to its public members');
}

const PAIR_CHECK = Buffer.from('svidkit key pair check');

function exportJwk(key: KeyObject): object {
  try {
    return key.export({ format: 'jwk' });
  } catch {
    throw new ReadError<JwkRule>('unsupported_key', 'a key is on a curve that is not supported');
  }
}

function describe(source: object, material: JwkMaterial, key: KeyObject): PublicKeyJwk {
  const { kty, crv, members } = material;
  const alg = optionalText(source, 'alg');
  const kid = optionalText(source, 'kid');
  const use = optionalText(source, 'use');
  const keyOps = optionalList(source, 'key_ops');
  const jwk: Record<string, JsonValue> = { ...members };
  if (alg !== undefined) jwk['alg'] = alg;
  if (kid !== undefined) jwk['kid'] = kid;
  if (use !== undefined) jwk['use'] = use;
  if (keyOps !== undefined) jwk['key_ops'] = keyOps;
  return Object.freeze({
    kty,
    ...(crv !== undefined && { crv }),
    key,
    ...(alg !== undefined && { alg }),
    ...(kid !== undefined && { kid }),
    ...(use !== undefined && { use }),
    ...(keyOps !== undefined && { keyOps }),
    jwk: Object.freeze(jwk),
    thumbprint: createHash('sha256').update(JSON.stringify(members)).digest('base64url'),
  });
}

function optionalText(source: object, name: string): string | undefined {
  const value = memberOf(source, name);
  if (value === undefined || (typeof value === 'string' && value !== '')) return value;
  throw new ReadError<JwkRule>('malformed_key', `member ${name} of a JWK must be a text that is not empty`);
}

function optionalList(source: object, name: string): readonly string[] | undefined {
  const value = memberOf(source, name);
  if (value === undefined) return undefined;
  if (Array.isArray(value) && value.every((entry) => typeof entry === 'string')) return Object.freeze([...value]);
  throw new ReadError<JwkRule>('malformed_key', `member ${name} of a JWK must be a list of texts`);
}
