import type { CertificateRule } from '../internal/certificate.js';
import type { JwkRule } from '../internal/jwk.js';
import { ReadError } from '../internal/read-error.js';

/**
 * What is wrong with one key alone: `unsupported_key`, `malformed_key`, `weak_key` and `not_a_jwk` (no `kty`) as in
 * `BundleErrorCode`; `bad_der` and `too_large` for the key inside a certificate. In a SPIFFE bundle document also
 * `missing_kid` and, of the certificate that an X.509 entry brings, `bad_certificate`, `unsupported_algorithm`,
 * `bad_x5c` (not base64, or with another key than its JWK) and `not_a_ca`.
 */
export type IgnoredKeyRule =
  | Exclude<JwkRule, 'private_key_member' | 'key_mismatch'>
  | CertificateRule
  | 'missing_kid'
  | 'bad_x5c'
  | 'not_a_ca';

/**
 * A published key that counts for nothing. Plain data, for logs and alarms: its publisher should hear of it. All but
 * `rule` is for people to read.
 */
export interface IgnoredKey {
  readonly rule: IgnoredKeyRule;
  readonly message: string;
  /** The `kid` that the JWK had, as published; it may be the `kid` of a sound key too. */
  readonly kid?: string;
  /** The subject of the certificate, where the key came in one. */
  readonly subject?: string;
}

/**
 * The key that `read` gives, or nothing and one more entry in `ignored` when the fault is in that key alone: RFC 7517
 * section 5 says to ignore such a key, and one that refused the set would take down a whole trust domain. Nothing is
 * verified with it either way. A private key is another matter: whoever read the document can sign in the name of the
 * trust domain, other verifiers take the signature, and what else its publisher gave away nobody knows. That refuses
 * the document, so that it is noticed and the key is replaced.
 */
export function readOrIgnore<T>(
  ignored: IgnoredKey[],
  origin: { readonly kid?: unknown; readonly subject?: string },
  read: () => T,
): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ReadError) || !isIgnoredKeyRule(error.rule)) throw error;
    const { kid, subject } = origin;
    ignored.push({
      rule: error.rule,
      message: error.message,
      ...(typeof kid === 'string' && { kid }),
      ...(subject !== undefined && { subject }),
    });
    return undefined;
  }
}

/** Copies that nobody else holds. */
export function frozenKeys(ignored: Iterable<IgnoredKey>): readonly IgnoredKey[] {
  return Object.freeze(Array.from(ignored, (key) => Object.freeze({ ...key })));
}

const RULES: Readonly<Record<IgnoredKeyRule, true>> = {
  not_a_jwk: true,
  unsupported_key: true,
  malformed_key: true,
  weak_key: true,
  bad_der: true,
  too_large: true,
  bad_certificate: true,
  unsupported_algorithm: true,
  missing_kid: true,
  bad_x5c: true,
  not_a_ca: true,
};

function isIgnoredKeyRule(rule: string): rule is IgnoredKeyRule {
  return Object.hasOwn(RULES, rule);
}
