import type { Clock } from './clock.js';
import type { JsonObject } from './json.js';
import { readNumericDate } from './numeric-date.js';
import { ReadError } from './read-error.js';

type ValidityRule = 'bad_exp' | 'bad_nbf' | 'expired' | 'not_yet_valid';

/** `exp` and `nbf` of a JWT, in seconds since the epoch. */
export interface Validity {
  readonly exp: number;
  readonly nbf: number | undefined;
}

/** RFC 7519 sections 4.1.4 and 4.1.5; every token that svidkit reads must have an `exp`. */
export function readValidity(claims: JsonObject): Validity {
  const exp = readNumericDate(claims['exp']);
  if (exp === undefined) {
    throw new ReadError<ValidityRule>('bad_exp', 'exp must be there, in whole seconds since the epoch');
  }
  const nbf = readNumericDate(claims['nbf']);
  if (nbf === undefined && claims['nbf'] !== undefined) {
    throw new ReadError<ValidityRule>('bad_nbf', 'nbf must be in whole seconds since the epoch');
  }
  return { exp, nbf };
}

/** For minting: a token has a time in which it is valid without any leeway. */
export function checkHasTime({ exp, nbf }: Validity): void {
  if (nbf !== undefined && !(nbf < exp)) {
    throw new ReadError<ValidityRule>('bad_nbf', 'nbf must be before exp, or the token is never valid');
  }
}

/** Valid while `nbf - leeway <= now < exp + leeway`. Written so that a broken clock (`NaN`) refuses. */
export function checkValidity({ exp, nbf }: Validity, now: number, leewaySeconds: number): void {
  if (!(now < (exp + leewaySeconds) * 1000)) {
    throw new ReadError<ValidityRule>('expired', `the token expired at ${new Date(exp * 1000).toISOString()}`);
  }
  if (nbf !== undefined && !(now >= (nbf - leewaySeconds) * 1000)) {
    throw new ReadError<ValidityRule>(
      'not_yet_valid',
      `the token is not valid before ${new Date(nbf * 1000).toISOString()}`,
    );
  }
}

/** The current second, for minting. */
export function secondsNow(clock: Clock): number {
  const now = clock();
  if (!Number.isFinite(now)) throw new TypeError('the clock must give milliseconds since the epoch');
  return Math.floor(now / 1000);
}

/** An option in seconds: a number from `least` to `most`. Anything else is misuse. */
export function secondsOption(name: string, value: number, least: number, most: number): number {
  if (typeof value !== 'number' || !(value >= least && value <= most)) {
    throw new TypeError(`${name} must be from ${least} to ${most} seconds`);
  }
  return value;
}

/** The life of a token to be minted, in whole seconds. */
export function lifetimeOption(name: string, value: number, most: number = Number.MAX_SAFE_INTEGER): number {
  if (!Number.isSafeInteger(value)) throw new TypeError(`${name} must be a whole number of seconds`);
  return secondsOption(name, value, 1, most);
}
