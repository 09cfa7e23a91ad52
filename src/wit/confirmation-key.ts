import { WitError, type WitErrorCode } from '../errors/index.js';
import type { JsonObject, JsonValue } from '../internal/json.js';
import { type PublicKeyJwk, readPublicJwk } from '../internal/jwk.js';
import { algorithmFits, isJwsAlgorithm, type JwsAlgorithm } from '../internal/jws-algorithm.js';
import { quote } from '../internal/quote.js';
import { asRoomError } from '../internal/room-error.js';
import type { WitProfileRules } from './profile.js';

/** The workload's public key and the one algorithm its proofs must be made with. */
export interface ConfirmationKey {
  readonly alg: JwsAlgorithm;
  readonly publicKey: PublicKeyJwk;
}

/** RFC 7800 section 3.1: one key only, so none of the other ways to name a key may stand next to `jwk`. */
const OTHER_CONFIRMATIONS = ['jwe', 'jku', 'x5u'] as const;

/**
 * Reads `cnf` (draft-ietf-wimse-workload-creds-02, "The Workload Identity Token"; WIT-SVID section 3.2). No URL in it
 * is ever followed, and only the public members of the key are looked at.
 */
export function readConfirmationKey(claims: JsonObject, profile: WitProfileRules): ConfirmationKey {
  const { cnf } = claims;
  if (cnf === undefined) throw new WitError('missing_cnf', 'a Workload Identity Token must have a cnf claim');
  if (!isObject(cnf)) throw new WitError('bad_cnf', 'cnf must be an object');
  const { jwk } = cnf;
  if (jwk === undefined || !isObject(jwk)) throw new WitError('bad_cnf', 'cnf must hold the key itself, as jwk');
  for (const name of OTHER_CONFIRMATIONS) {
    if (cnf[name] !== undefined) throw new WitError('bad_cnf', `cnf must hold one key, and has ${name} next to jwk`);
  }
  const alg = readConfirmationAlgorithm(jwk, profile);
  const publicKey = asRoomError<WitErrorCode, PublicKeyJwk>(WitError, () => importKey(jwk));
  if (publicKey.use !== undefined && publicKey.use !== 'sig') {
    throw new WitError('bad_cnf', 'the key in cnf is not meant for signatures');
  }
  if (!algorithmFits(alg, publicKey)) {
    throw new WitError('cnf_alg_mismatch', `the key in cnf cannot be used with its alg ${alg}`);
  }
  return { alg, publicKey };
}

/**
 * Keys that were imported lately, by their whole text. Importing one costs a third of verifying a request, and a workload
 * comes with the same one again and again. A key is immutable, and only what a trust domain has signed comes here.
 */
const imported = new Map<string, PublicKeyJwk>();
const MAX_IMPORTED = 1000;
const MAX_TEXT = 2048;

function importKey(jwk: JsonObject): PublicKeyJwk {
  const text = JSON.stringify(jwk);
  const known = imported.get(text);
  if (known !== undefined) return known;
  const publicKey = readPublicJwk(jwk);
  if (text.length > MAX_TEXT) return publicKey;
  const [oldest] = imported.size < MAX_IMPORTED ? [] : imported.keys();
  if (oldest !== undefined) imported.delete(oldest);
  imported.set(text, publicKey);
  return publicKey;
}

function readConfirmationAlgorithm({ alg }: JsonObject, profile: WitProfileRules): JwsAlgorithm {
  if (typeof alg !== 'string') throw new WitError('missing_cnf_alg', 'the key in cnf must have an alg, as a string');
  if (!isJwsAlgorithm(alg) || !profile.algorithms.has(alg)) {
    throw new WitError('unsupported_cnf_alg', `the key in cnf has alg ${quote(alg)}, which its profile does not allow`);
  }
  return alg;
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
