import { BundleError } from '../errors/index.js';
import { parseTrustDomain, type TrustDomain, type TrustDomainLike } from '../id/index.js';
import type { Certificate } from '../internal/certificate.js';
import { readPublicKey } from '../internal/jwk.js';
import { quote } from '../internal/quote.js';
import { asRoomError } from '../internal/room-error.js';
import { JwtBundle } from './jwt-bundle.js';
import { type BundleKey, jwkOf, type KeyBundle } from './key-bundle.js';
import { WitBundle } from './wit-bundle.js';
import { X509Bundle } from './x509-bundle.js';

/** What to make a {@link SpiffeBundle} of. Every part must be of the bundle's own trust domain. */
export interface SpiffeBundleContents {
  /** Default: no X.509 authorities, so that no X.509-SVID of the trust domain is valid. */
  readonly x509?: X509Bundle | undefined;
  /** Default: no JWT keys, so that no JWT-SVID of the trust domain is valid. */
  readonly jwt?: JwtBundle | undefined;
  /** Default: no WIT keys, so that no WIT of the trust domain is valid. */
  readonly wit?: WitBundle | undefined;
  /** Grows with every change: a whole number from 0 to 2^64 - 1. Default: left out. */
  readonly sequence?: bigint | number | undefined;
  /** How often consumers should look for a newer bundle, in whole seconds. Default: left out. */
  readonly refreshHintSeconds?: number | undefined;
}

/** All trust material of one trust domain (SPIFFE Trust Domain and Bundle section 3). Immutable. */
export class SpiffeBundle {
  readonly trustDomain: TrustDomain;
  readonly x509: X509Bundle;
  readonly jwt: JwtBundle;
  readonly wit: WitBundle;
  /** A `bigint`, because 64 bits do not fit a number (section 4.1.1). */
  readonly sequence: bigint | undefined;
  /** In seconds. Section 6.1 recommends about five minutes where it is absent. */
  readonly refreshHintSeconds: number | undefined;

  /**
   * @throws `BundleError` `duplicate_kid` when a JWT and a WIT key share one, `bad_sequence` or
   * `bad_refresh_hint`. A part of another trust domain is a `TypeError`.
   */
  constructor(trustDomain: TrustDomainLike, contents: SpiffeBundleContents = {}) {
    this.trustDomain = parseTrustDomain(trustDomain);
    this.x509 = contents.x509 ?? new X509Bundle(this.trustDomain, []);
    this.jwt = contents.jwt ?? new JwtBundle(this.trustDomain, []);
    this.wit = contents.wit ?? new WitBundle(this.trustDomain, []);
    this.sequence = checkSequence(contents.sequence);
    this.refreshHintSeconds = checkRefreshHint(contents.refreshHintSeconds);
    for (const part of [this.x509, this.jwt, this.wit]) {
      if (!part.trustDomain.equals(this.trustDomain)) {
        throw new TypeError(`a bundle of ${part.trustDomain} cannot be part of the bundle of ${this.trustDomain}`);
      }
    }
    checkKidsApart(this.jwt, this.wit);
    Object.freeze(this);
  }

  /** Whether the other bundle has the same authorities and keys, sequence and refresh hint for the same trust domain. */
  equals(other: SpiffeBundle): boolean {
    return (
      this.x509.equals(other.x509) &&
      this.jwt.equals(other.jwt) &&
      this.wit.equals(other.wit) &&
      this.sequence === other.sequence &&
      this.refreshHintSeconds === other.refreshHintSeconds
    );
  }

  /**
   * The SPIFFE bundle document (section 4), as a bundle endpoint serves it. {@link parseSpiffeBundle} reads it back.
   *
   * @throws `BundleError` `missing_kid` when a JWT or WIT key has none.
   */
  serialize(): string {
    for (const bundle of [this.jwt, this.wit]) {
      if (bundle.keys.some(({ kid }) => kid === undefined)) {
        throw new BundleError('missing_kid', `a key for ${bundle.use} in a SPIFFE bundle must have a kid`);
      }
    }
    // JSON.stringify has no way to write an integer of 64 bits.
    const sequence = this.sequence === undefined ? '' : `"spiffe_sequence":${this.sequence},`;
    const hint = this.refreshHintSeconds === undefined ? '' : `"spiffe_refresh_hint":${this.refreshHintSeconds},`;
    return `{${sequence}${hint}"keys":${JSON.stringify(this.toJSON().keys)}}`;
  }

  /**
   * The document as an object, for logs and tests; a sequence beyond 2^53 - 1 is a text in it. Publish what
   * {@link serialize} gives.
   */
  toJSON(): SpiffeBundleDocument {
    const { sequence, refreshHintSeconds } = this;
    return {
      ...(sequence !== undefined && {
        spiffe_sequence: sequence <= Number.MAX_SAFE_INTEGER ? Number(sequence) : `${sequence}`,
      }),
      ...(refreshHintSeconds !== undefined && { spiffe_refresh_hint: refreshHintSeconds }),
      keys: [
        ...this.x509.authorities.map(toX509Entry),
        ...this.jwt.keys.map((key) => toKeyEntry(this.jwt, key)),
        ...this.wit.keys.map((key) => toKeyEntry(this.wit, key)),
      ],
    };
  }
}

/** The members of a SPIFFE bundle document. */
export interface SpiffeBundleDocument {
  readonly spiffe_sequence?: number | string;
  readonly spiffe_refresh_hint?: number;
  readonly keys: readonly object[];
}

const MAX_SEQUENCE = 2n ** 64n - 1n;

function checkSequence(sequence: bigint | number | undefined): bigint | undefined {
  if (sequence === undefined) return undefined;
  if (typeof sequence === 'bigint' ? sequence >= 0n && sequence <= MAX_SEQUENCE : isCount(sequence)) {
    return BigInt(sequence);
  }
  throw new BundleError('bad_sequence', 'the sequence of a SPIFFE bundle must be a whole number of at most 64 bits');
}

function checkRefreshHint(seconds: number | undefined): number | undefined {
  if (seconds === undefined || isCount(seconds)) return seconds;
  throw new BundleError('bad_refresh_hint', 'the refresh hint of a SPIFFE bundle must be a whole number of seconds');
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

/** WIT-SVID section 6.1: no other JWK of the bundle, whether for JWT-SVID or WIT-SVID, may have the same `kid`. */
function checkKidsApart(jwt: JwtBundle, wit: WitBundle): void {
  for (const { kid } of wit.keys) {
    if (kid !== undefined && jwt.candidates(kid).length > 0) {
      throw new BundleError('duplicate_kid', `a JWT and a WIT key of ${wit.trustDomain} share the kid ${quote(kid)}`);
    }
  }
}

/** X509-SVID section 6.1: no `kid`, and exactly one certificate. */
function toX509Entry(authority: Certificate): object {
  const jwk = asRoomError(BundleError, () => readPublicKey(authority.publicKey).jwk);
  return { ...jwk, use: 'x509-svid', x5c: [Buffer.from(authority.der).toString('base64')] };
}

function toKeyEntry(bundle: KeyBundle<'jwt-svid' | 'wit-svid'>, key: BundleKey): object {
  return { ...jwkOf(key), use: bundle.use };
}
