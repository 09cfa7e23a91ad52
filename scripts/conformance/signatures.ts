import { constants, createHash, createHmac, createPublicKey, sign, verify } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type KeyName, privateKey, publicPem } from './keys.js';

const FILE = fileURLToPath(new URL('signatures.json', import.meta.url));

const PSS = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
const P1363 = { dsaEncoding: 'ieee-p1363' } as const;

/** How an algorithm signs, and whether it gives the same bytes each time. */
const ALGORITHMS = {
  RS256: { hash: 'sha256', options: {}, deterministic: true },
  PS256: { hash: 'sha256', options: PSS, deterministic: false },
  ES256: { hash: 'sha256', options: P1363, deterministic: false },
  ES384: { hash: 'sha384', options: P1363, deterministic: false },
  EdDSA: { hash: null, options: {}, deterministic: true },
  Ed25519: { hash: null, options: {}, deterministic: true },
} as const;

export type Algorithm = keyof typeof ALGORITHMS;

export function isDeterministic(alg: Algorithm): boolean {
  return ALGORITHMS[alg].deterministic;
}

/**
 * Signatures of randomised algorithms, kept from one run to the next, so that the vectors do not change when nothing in
 * them does. One that its key does not verify is made anew.
 */
class Signatures {
  readonly #kept: Readonly<Record<string, string>>;
  readonly #used = new Map<string, string>();

  constructor(kept: Readonly<Record<string, string>>) {
    this.#kept = kept;
  }

  sign(alg: Algorithm, name: KeyName, input: string): Buffer {
    const { hash, options, deterministic } = ALGORITHMS[alg];
    const [key, bytes] = [privateKey(name), Buffer.from(input)];
    if (deterministic) return sign(hash, bytes, { key, ...options });
    const id = createHash('sha256').update(`${alg} ${name}\n${input}`).digest('base64url');
    const kept = Buffer.from(this.#used.get(id) ?? this.#kept[id] ?? '', 'base64url');
    const good = kept.length > 0 && verify(hash, bytes, { key: createPublicKey(key), ...options }, kept);
    const signature = good ? kept : sign(hash, bytes, { key, ...options });
    this.#used.set(id, signature.toString('base64url'));
    return signature;
  }

  /** Those that were used in this run. */
  save(): void {
    const entries = [...this.#used].sort(([left], [right]) => (left < right ? -1 : 1));
    writeFileSync(FILE, `${JSON.stringify(Object.fromEntries(entries), undefined, 2)}\n`);
  }
}

export const signatures: Signatures = new Signatures(
  process.argv.includes('--fresh') || !existsSync(FILE)
    ? {}
    : (JSON.parse(readFileSync(FILE, 'utf8')) as Record<string, string>),
);

/** The attack of RFC 8725 section 2.1: an HMAC whose secret is the public key. */
export function hmacOfPublicKey(name: KeyName, input: string): Buffer {
  return createHmac('sha256', publicPem(name)).update(input).digest();
}

/** The order of P-256. */
const P256_ORDER = BigInt('0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551');

/** The one of the two valid ECDSA signatures (r, s) and (r, n - s) whose s is high, or the one whose s is low. */
export function withS(which: 'high' | 'low', signature: Buffer): Buffer {
  const s = BigInt(`0x${signature.subarray(32).toString('hex')}`);
  const chosen = s > P256_ORDER / 2n === (which === 'high') ? s : P256_ORDER - s;
  return Buffer.concat([signature.subarray(0, 32), Buffer.from(chosen.toString(16).padStart(64, '0'), 'hex')]);
}

/** The DER form of an ECDSA signature. */
export function asDer(signature: Buffer): Buffer {
  const half = signature.length / 2;
  const integers = [signature.subarray(0, half), signature.subarray(half)].map((bytes) => {
    const start = bytes.findIndex((byte) => byte !== 0);
    const short = bytes.subarray(start);
    const value = (short[0] ?? 0) > 0x7f ? Buffer.concat([Buffer.of(0), short]) : short;
    return Buffer.concat([Buffer.of(2, value.length), value]);
  });
  const content = Buffer.concat(integers);
  return Buffer.concat([Buffer.of(0x30, content.length), content]);
}

/** The order of the Ed25519 base point. */
const L = 2n ** 252n + 27742317777372353535851937790883648493n;

/** An Ed25519 signature with S + L for S: the same point, and out of range (RFC 8032 section 5.1.7). */
export function withLargeS(signature: Buffer): Buffer {
  const s = BigInt(`0x${Buffer.from(signature.subarray(32)).reverse().toString('hex')}`) + L;
  return Buffer.concat([signature.subarray(0, 32), Buffer.from(s.toString(16).padStart(64, '0'), 'hex').reverse()]);
}
