import { decodeBase64url } from './base64url.js';
import { checkEd25519Key } from './ed25519-key.js';
import type { JwkRule } from './jwk.js';
import { quote } from './quote.js';
import { ReadError } from './read-error.js';

export type JwkKeyType = 'RSA' | 'EC' | 'OKP';
export type JwkCurve = 'P-256' | 'P-384' | 'P-521' | 'Ed25519';

/** The members that make a key: in the alphabetical order of RFC 7638 section 3.2, each checked. */
export interface JwkMaterial {
  readonly kty: JwkKeyType;
  readonly crv?: JwkCurve;
  readonly members: Readonly<Record<string, string>>;
  /** Byte length of `n` or of a coordinate, which bounds the private members too. */
  readonly size: number;
}

/** Checks size, spelling and strength of a public key; whether an EC point is on its curve is left to the import. */
export function readMaterial(source: object): JwkMaterial {
  const kty = memberOf(source, 'kty');
  if (typeof kty !== 'string') throw new ReadError<JwkRule>('not_a_jwk', 'a JWK must have a kty that is a text');
  if (kty === 'RSA') return readRsa(source);
  const crv = memberOf(source, 'crv');
  const size = CURVES.get(`${kty} ${typeof crv === 'string' ? crv : ''}`);
  if (size === undefined) {
    if ((kty === 'EC' || kty === 'OKP') && typeof crv !== 'string') {
      throw new ReadError<JwkRule>('malformed_key', `a JWK of type ${kty} must have a crv that is a text`);
    }
    const curve = typeof crv === 'string' ? ` with curve ${quote(crv)}` : '';
    throw new ReadError<JwkRule>('unsupported_key', `a JWK of type ${quote(kty)}${curve} is not supported`);
  }
  return kty === 'EC' ? readEc(source, crv as JwkCurve, size) : readEd25519(source, size);
}

/** A member of the object itself, never of its prototype. */
export function memberOf(source: object, name: string): unknown {
  return Object.hasOwn(source, name) ? (source as Readonly<Record<string, unknown>>)[name] : undefined;
}

/** A member that must be canonical base64url of `exactBytes`, or of at most `maxBytes`. */
export function readBytes(source: object, name: string, maxBytes: number, exactBytes?: number): Uint8Array {
  const text = memberOf(source, name);
  if (typeof text !== 'string' || text === '') {
    throw new ReadError<JwkRule>('malformed_key', `a JWK lacks its member ${name}`);
  }
  if (text.length > Math.ceil((maxBytes * 4) / 3)) {
    throw new ReadError<JwkRule>('malformed_key', `member ${name} of a JWK is longer than ${maxBytes} bytes`);
  }
  const bytes = decodeMember(text, name);
  if (exactBytes !== undefined && bytes.length !== exactBytes) {
    throw new ReadError<JwkRule>('malformed_key', `member ${name} of a JWK must have ${exactBytes} bytes`);
  }
  return bytes;
}

const MIN_RSA_BITS = 2048;
const MAX_RSA_BITS = 8192;
const MAX_EXPONENT_BYTES = 4;
/** Coordinate length in bytes by key type and curve (RFC 7518 section 6.2.1.2, RFC 8037 section 2). */
const CURVES: ReadonlyMap<string, number> = new Map([
  ['EC P-256', 32],
  ['EC P-384', 48],
  ['EC P-521', 66],
  ['OKP Ed25519', 32],
]);

function readRsa(source: object): JwkMaterial {
  const n = readInteger(source, 'n', MAX_RSA_BITS / 8 + 1);
  const e = readInteger(source, 'e', MAX_EXPONENT_BYTES);
  const bits = n.length * 8 - (Math.clz32(n[0] ?? 0) - 24);
  if (bits < MIN_RSA_BITS || bits > MAX_RSA_BITS) {
    throw new ReadError<JwkRule>(
      'weak_key',
      `an RSA key must have ${MIN_RSA_BITS} to ${MAX_RSA_BITS} bits, this one has ${bits}`,
    );
  }
  if (!isOdd(n) || !isOdd(e) || (e.length === 1 && e[0] === 1)) {
    throw new ReadError<JwkRule>('weak_key', 'an RSA key must have an odd modulus and an odd exponent of at least 3');
  }
  return { kty: 'RSA', members: { e: textOf(source, 'e'), kty: 'RSA', n: textOf(source, 'n') }, size: n.length };
}

function readEc(source: object, crv: JwkCurve, size: number): JwkMaterial {
  readBytes(source, 'x', size, size);
  readBytes(source, 'y', size, size);
  const members = { crv, kty: 'EC', x: textOf(source, 'x'), y: textOf(source, 'y') };
  return { kty: 'EC', crv, members, size };
}

function readEd25519(source: object, size: number): JwkMaterial {
  checkEd25519Key(readBytes(source, 'x', size, size));
  return { kty: 'OKP', crv: 'Ed25519', members: { crv: 'Ed25519', kty: 'OKP', x: textOf(source, 'x') }, size };
}

/** Base64urlUInt of RFC 7518 section 2: no leading zero byte. */
function readInteger(source: object, name: string, maxBytes: number): Uint8Array {
  const bytes = readBytes(source, name, maxBytes);
  if (bytes[0] === 0) {
    throw new ReadError<JwkRule>('malformed_key', `member ${name} of a JWK must not begin with a zero byte`);
  }
  return bytes;
}

function decodeMember(text: string, name: string): Uint8Array {
  try {
    return decodeBase64url(text);
  } catch {
    throw new ReadError<JwkRule>('malformed_key', `member ${name} of a JWK is not canonical base64url`);
  }
}

function textOf(source: object, name: string): string {
  return String(memberOf(source, name));
}

function isOdd(bytes: Uint8Array): boolean {
  return ((bytes.at(-1) ?? 0) & 1) === 1;
}
