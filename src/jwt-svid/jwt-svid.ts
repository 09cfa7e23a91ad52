import { JwtSvidError } from '../errors/index.js';
import { parseSpiffeId, type SpiffeId, type WorkloadIdLike } from '../id/index.js';
import { readJwtSvidHeader, readJwtSvidJws, readJwtSvidPayload } from './read-jwt-svid.js';

export interface ParseJwtSvidOptions {
  /** What the Workload API calls this SVID, for choosing among several. Default none. */
  readonly hint?: string | undefined;
  /** The identifier that was delivered next to the token; it must be the one in `sub`. Default not compared. */
  readonly id?: WorkloadIdLike | undefined;
}

interface JwtSvidParts {
  readonly token: string;
  readonly id: SpiffeId;
  readonly audience: readonly string[];
  readonly exp: number;
  readonly iat: number | undefined;
  readonly hint: string | undefined;
}

/**
 * A JWT-SVID of this workload, to be presented as a bearer token. Immutable; made by {@link parseJwtSvid}. The token
 * itself does not show in logs, JSON or clones.
 */
export class JwtSvid {
  readonly id: SpiffeId;
  readonly audience: readonly string[];
  /** The Workload API's name for this SVID, if it gave one. */
  readonly hint: string | undefined;
  readonly #token: string;
  readonly #exp: number;
  readonly #iat: number | undefined;

  /** @internal */
  constructor(parts: JwtSvidParts) {
    this.id = parts.id;
    this.audience = Object.freeze([...parts.audience]);
    this.hint = parts.hint;
    this.#token = parts.token;
    this.#exp = parts.exp;
    this.#iat = parts.iat;
    Object.freeze(this);
  }

  /** The token as it was delivered: a secret while it is valid. */
  get token(): string {
    return this.#token;
  }

  get expiresAt(): Date {
    return new Date(this.#exp * 1000);
  }

  /** When the token was issued, where it says so. */
  get issuedAt(): Date | undefined {
    return this.#iat === undefined ? undefined : new Date(this.#iat * 1000);
  }

  /** Everything but the token. */
  toJSON(): object {
    const { id, audience, hint, expiresAt, issuedAt } = this;
    return { id, audience, hint, expiresAt, issuedAt };
  }
}

/**
 * Reads a JWT-SVID that was issued to this workload. Its shape is checked, its signature and time are not: it is ours
 * to present, not to trust. For tokens of others there is `verifyJwtSvid`.
 *
 * @throws `JwtSvidError` with the rule that refused; `id_mismatch` when `sub` is not the delivered identifier.
 */
export function parseJwtSvid(token: string, options: ParseJwtSvidOptions = {}): JwtSvid {
  const jws = readJwtSvidJws(token, undefined);
  readJwtSvidHeader(jws.header);
  const { sub, aud, exp, iat } = readJwtSvidPayload(jws.payload);
  if (options.id !== undefined && !parseSpiffeId(options.id).equals(sub)) {
    throw new JwtSvidError('id_mismatch', `the token was issued to ${sub}, not to the identifier delivered with it`);
  }
  return new JwtSvid({ token, id: sub, audience: aud, exp, iat, hint: options.hint });
}
