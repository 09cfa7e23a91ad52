import type { JsonValue } from '../internal/json.js';
import { readPublicJwk } from '../internal/jwk.js';
import { readNumericDate } from '../internal/numeric-date.js';
import { decodeWitUnverified } from '../wit/index.js';

/** What a WIT asks of its proofs. */
export interface CredentialKey {
  readonly alg: string;
  readonly thumbprint: string;
  /** Seconds since the epoch. */
  readonly exp: number;
}

/** Reads the key and the end of a WIT of our own that nobody has parsed yet. */
export function credentialKey(token: string): CredentialKey {
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
