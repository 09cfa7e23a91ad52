import { IdError } from '../errors/index.js';
import { quote } from '../internal/quote.js';
import { type IdScheme, readAuthority, splitScheme } from './read-id.js';

/**
 * A trust domain: the scheme and name that every identifier in it begins with, called the origin of an identifier.
 * `spiffe://example.org` and `wimse://example.org` are two trust domains, and the keys of one never verify the other
 * (draft-ietf-wimse-identifier-03; SPIFFE-ID section 2.1).
 */
export class TrustDomain {
  /** `spiffe` or `wimse`. */
  readonly scheme: IdScheme;
  /** The name alone, such as `example.org`. */
  readonly name: string;

  /** @throws `IdError` when the name is not one of the scheme's trust domain names. */
  constructor(scheme: IdScheme, name: string) {
    this.scheme = scheme;
    this.name = readAuthority(scheme, name);
    Object.freeze(this);
  }

  /** Whether both scheme and name are the same, byte for byte. */
  equals(other: TrustDomain): boolean {
    return this.scheme === other.scheme && this.name === other.name;
  }

  /** Scheme and name, such as `spiffe://example.org`. */
  toString(): string {
    return `${this.scheme}://${this.name}`;
  }

  toJSON(): string {
    return this.toString();
  }
}

/** A trust domain, or the text of one as {@link parseTrustDomain} reads it. */
export type TrustDomainLike = TrustDomain | string;

/**
 * Reads a trust domain from its name (`example.org`, which means the SPIFFE trust domain of that name) or from its
 * identifier (`spiffe://example.org`, `wimse://example.org`). A text with a path is refused; a {@link TrustDomain} is
 * returned as it is.
 *
 * @throws `IdError` `wrong_scheme`, `empty_trust_domain`, `bad_trust_domain`, `bad_path` or `too_long`.
 */
export function parseTrustDomain(value: TrustDomainLike): TrustDomain {
  if (value instanceof TrustDomain) return value;
  if (typeof value !== 'string') throw new TypeError('a trust domain must be a string or a TrustDomain');
  const { scheme, rest } = value.includes('://') ? splitScheme(value) : { scheme: 'spiffe' as const, rest: value };
  if (rest.includes('/')) {
    throw new IdError('bad_path', `${quote(value)} has a path; a trust domain has none, as in spiffe://example.org`);
  }
  return new TrustDomain(scheme, rest);
}
