import { HttpSignatureError } from '../errors/index.js';
import type { Clock } from '../internal/clock.js';
import type { JsonValue } from '../internal/json.js';
import { readPublicJwk, thumbprintOf } from '../internal/jwk.js';
import type { JwsAlgorithm } from '../internal/jws-algorithm.js';
import { readNumericDate } from '../internal/numeric-date.js';
import { type Signer, type SigningKey, toSigner } from '../internal/signing-key.js';
import { lifetimeOption, secondsNow } from '../internal/validity.js';
import { decodeWitUnverified, WitSvid } from '../wit/index.js';

/** A WIT whose key is held elsewhere, in a KMS or a TPM. */
export interface HttpSignatureCredential {
  /** The Workload Identity Token. */
  readonly token: string;
  /** Signs with the key in the token's `cnf`. */
  readonly key: SigningKey;
  /** The `cnf.jwk.alg` of the token. */
  readonly alg: JwsAlgorithm;
  /** When the token expires. */
  readonly expiresAt: Date;
}

export interface Credential {
  readonly token: string;
  readonly signer: Signer;
  readonly expiresAt: Date;
  readonly external: boolean;
}

/** What a WIT asks of its signatures is read from the token itself. */
export function credentialOf(svid: WitSvid | HttpSignatureCredential): Credential {
  if (svid instanceof WitSvid) {
    return { token: svid.token, signer: svid.signer, expiresAt: svid.expiresAt, external: false };
  }
  const signer = toSigner(svid.key, svid.alg);
  const { alg, thumbprint, exp } = confirmationOf(svid.token);
  if (signer.alg !== alg) {
    throw new HttpSignatureError(
      'alg_mismatch',
      `the token asks for signatures with ${alg}, the key signs ${signer.alg}`,
    );
  }
  if (thumbprintOf(signer.publicKey) !== thumbprint) throw new TypeError('the key is not the one in the token');
  const expiresAt = new Date(Math.min(exp * 1000, svid.expiresAt.getTime()));
  return { token: svid.token, signer, expiresAt, external: true };
}

/** `created` and `expires` of a new signature, never beyond the end of the WIT. */
export function lifeOf(
  { expiresAt }: Credential,
  lifetimeSeconds: number,
  clock: Clock,
): { readonly created: number; readonly expires: number } {
  const created = secondsNow(clock);
  const end = Math.floor(expiresAt.getTime() / 1000);
  if (!(created < end)) throw new HttpSignatureError('wit_expired', 'the Workload Identity Token has expired');
  return { created, expires: Math.min(created + lifetimeOption('lifetimeSeconds', lifetimeSeconds, 300), end) };
}

function confirmationOf(token: string): { readonly alg: string; readonly thumbprint: string; readonly exp: number } {
  try {
    const { claims } = decodeWitUnverified(token);
    const jwk = member(claims['cnf'], 'jwk');
    const alg = member(jwk, 'alg');
    const exp = readNumericDate(claims['exp']);
    if (typeof alg === 'string' && exp !== undefined) return { alg, thumbprint: readPublicJwk(jwk).thumbprint, exp };
  } catch (cause) {
    throw notAWit(cause);
  }
  throw notAWit();
}

function member(value: JsonValue | undefined, name: string): JsonValue | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return Object.entries(value).find(([key]) => key === name)?.[1];
}

function notAWit(cause?: unknown): TypeError {
  return new TypeError('the token of the credential is not a Workload Identity Token', { cause });
}
