import type { Clock } from '../internal/clock.js';
import type { JsonValue } from '../internal/json.js';
import { readPublicJwk, thumbprintOf } from '../internal/jwk.js';
import type { JwsAlgorithm } from '../internal/jws-algorithm.js';
import { readNumericDate } from '../internal/numeric-date.js';
import type { RoomErrorClass } from '../internal/room-error.js';
import { type Signer, type SigningKey, toSigner } from '../internal/signing-key.js';
import { lifetimeOption, secondsNow } from '../internal/validity.js';
import { decodeWitUnverified } from './decode-wit.js';
import { WitSvid } from './wit-svid.js';

/** A WIT whose key is held elsewhere, in a KMS or a TPM. */
export interface WitCredential {
  /** The Workload Identity Token. */
  readonly token: string;
  /** Signs with the key in the token's `cnf`. */
  readonly key: SigningKey;
  /** The `cnf.jwk.alg` of the token. */
  readonly alg: JwsAlgorithm;
  /** When the token expires. */
  readonly expiresAt: Date;
}

/** A credential that is ready to make proofs. */
export interface OpenCredential {
  readonly token: string;
  readonly signer: Signer;
  readonly expiresAt: Date;
  /** Whether the signer may be somebody else's code, so that what it gives has to be verified. */
  readonly external: boolean;
}

/**
 * What proofs of a WIT are made with; of a key that is held elsewhere it is read from the token itself what the WIT asks
 * of its proofs.
 *
 * @throws the room's error with `alg_mismatch`; `WitError` when the token cannot be read; `TypeError` when it is no
 * WIT, or not the one of the key.
 */
export function openCredential(
  svid: WitSvid | WitCredential,
  RoomError: RoomErrorClass<'alg_mismatch'>,
): OpenCredential {
  if (svid instanceof WitSvid) {
    return { token: svid.token, signer: svid.signer, expiresAt: svid.expiresAt, external: false };
  }
  const signer = toSigner(svid.key, svid.alg);
  const { alg, thumbprint, exp } = confirmationOf(svid.token);
  if (signer.alg !== alg) {
    throw new RoomError('alg_mismatch', `the token asks for proofs with ${alg}, the key signs ${signer.alg}`);
  }
  if (thumbprintOf(signer.publicKey) !== thumbprint) throw new TypeError('the key is not the one in the token');
  const expiresAt = new Date(Math.min(exp * 1000, svid.expiresAt.getTime()));
  return { token: svid.token, signer, expiresAt, external: true };
}

/** When a new proof is made and when it ends, in seconds since the epoch: never after its WIT. */
export function proofLife(
  { expiresAt }: OpenCredential,
  lifetimeSeconds: number,
  clock: Clock,
  RoomError: RoomErrorClass<'wit_expired'>,
): { readonly created: number; readonly expires: number } {
  const created = secondsNow(clock);
  const end = Math.floor(expiresAt.getTime() / 1000);
  if (!(created < end)) throw new RoomError('wit_expired', 'the Workload Identity Token has expired');
  return { created, expires: Math.min(created + lifetimeOption('lifetimeSeconds', lifetimeSeconds, 300), end) };
}

interface Confirmation {
  readonly alg: string;
  readonly thumbprint: string;
  /** Seconds since the epoch. */
  readonly exp: number;
}

/** The key and the end of a WIT of our own that nobody has parsed yet. */
function confirmationOf(token: string): Confirmation {
  const { claims } = decodeWitUnverified(token);
  const jwk = member(claims['cnf'], 'jwk');
  const alg = member(jwk, 'alg');
  const exp = readNumericDate(claims['exp']);
  if (typeof alg !== 'string' || exp === undefined) throw notAWit();
  try {
    return { alg, thumbprint: readPublicJwk(jwk).thumbprint, exp };
  } catch (cause) {
    throw notAWit(cause);
  }
}

function member(value: JsonValue | undefined, name: string): JsonValue | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return Object.entries(value).find(([key]) => key === name)?.[1];
}

function notAWit(cause?: unknown): TypeError {
  return new TypeError('the token of the credential is not a Workload Identity Token', { cause });
}
