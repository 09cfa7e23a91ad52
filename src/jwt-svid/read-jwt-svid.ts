import { IdError, JwtSvidError, type JwtSvidErrorCode } from '../errors/index.js';
import { parseSpiffeId, type SpiffeId } from '../id/index.js';
import { type CompactJws, readCompactJws } from '../internal/compact-jws.js';
import type { JsonObject } from '../internal/json.js';
import { isJwsAlgorithm, type JwsAlgorithm, SPIFFE_ALGORITHMS } from '../internal/jws-algorithm.js';
import { readNumericDate } from '../internal/numeric-date.js';
import { quote } from '../internal/quote.js';
import { asRoomError } from '../internal/room-error.js';
import { readValidity, type Validity } from '../internal/validity.js';

/** The JOSE header of JWT-SVID section 2. */
export interface JwtSvidHeader {
  readonly alg: JwsAlgorithm;
  readonly kid: string | undefined;
}

/** The claims of JWT-SVID section 3, in the shapes they must have. */
export interface JwtSvidPayload extends Validity {
  readonly sub: SpiffeId;
  readonly aud: readonly string[];
  readonly iat: number | undefined;
}

const HEADER_PARAMETERS: ReadonlySet<string> = new Set(['alg', 'kid', 'typ']);

export function readJwtSvidJws(token: string, maxBytes: number | undefined): CompactJws {
  if (typeof token !== 'string') throw new TypeError('a JWT-SVID must be a string');
  return inRoom(() => readCompactJws(token, { maxBytes }));
}

/** JWT-SVID section 2. */
export function readJwtSvidHeader(header: JsonObject): JwtSvidHeader {
  const { alg, kid, typ } = header;
  if (typeof alg !== 'string' || !isJwsAlgorithm(alg) || !SPIFFE_ALGORITHMS.has(alg)) {
    throw new JwtSvidError('unsupported_alg', `alg ${show(alg)} is not one that a JWT-SVID may have`);
  }
  if (kid !== undefined && typeof kid !== 'string') throw new JwtSvidError('bad_kid', 'kid must be a string');
  if (typ !== undefined && typ !== 'JWT' && typ !== 'JOSE') {
    throw new JwtSvidError('wrong_typ', `typ ${show(typ)} is not JWT or JOSE, so this is another kind of token`);
  }
  for (const name of Object.keys(header)) {
    if (!HEADER_PARAMETERS.has(name)) {
      throw new JwtSvidError('unexpected_header', `a JWT-SVID must not have the header parameter ${quote(name)}`);
    }
  }
  return { alg, kid };
}

/** JWT-SVID section 3.1. An identifier without a path names the trust domain, not a workload in it. */
export function readSubject(claims: JsonObject): SpiffeId {
  const { sub } = claims;
  if (typeof sub !== 'string') throw new JwtSvidError('bad_sub', 'sub must be there, as a string');
  try {
    const id = parseSpiffeId(sub);
    if (id.path !== '') return id;
  } catch (error) {
    if (error instanceof IdError) throw new JwtSvidError('bad_sub', `sub: ${error.message}`, { cause: error });
    throw error;
  }
  throw new JwtSvidError('bad_sub', 'sub names a trust domain, not a workload');
}

/** JWT-SVID section 3. `iat` limits nothing, so an unusual one is passed over. */
export function readJwtSvidPayload(claims: JsonObject): JwtSvidPayload {
  return {
    sub: readSubject(claims),
    aud: readAudience(claims),
    ...inRoom(() => readValidity(claims)),
    iat: readNumericDate(claims['iat']),
  };
}

/** Runs one of the shared readers with its refusals as {@link JwtSvidError}. */
export function inRoom<T>(read: () => T): T {
  return asRoomError<JwtSvidErrorCode, T>(JwtSvidError, read);
}

/** JWT-SVID section 3.2; RFC 7519 section 4.1.3 allows one string in place of a list. */
function readAudience(claims: JsonObject): readonly string[] {
  const { aud } = claims;
  const list: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  const audience = list.filter((item): item is string => typeof item === 'string' && item !== '');
  if (audience.length === 0 || audience.length !== list.length) {
    throw new JwtSvidError('bad_aud', 'aud must be there: a string, or a list with at least one, none of them empty');
  }
  return audience;
}

function show(value: unknown): string {
  return typeof value === 'string' ? quote(value) : `(${typeof value})`;
}
