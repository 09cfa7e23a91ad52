import { KeyObject } from 'node:crypto';
import { BundleError } from '../errors/index.js';
import { parseTrustDomain, type TrustDomain, type TrustDomainLike } from '../id/index.js';
import { type PublicKeyJwk, readPublicJwk, readPublicKey } from '../internal/jwk.js';
import { quote } from '../internal/quote.js';
import { ReadError } from '../internal/read-error.js';
import { asRoomError } from '../internal/room-error.js';
import { frozenKeys, type IgnoredKey, type IgnoredKeyRule, readOrIgnore } from './ignored-key.js';
import type { JwkEntry, SvidUse } from './jwk-set.js';

/** A public key of a trust domain, with the identifier that tokens name it by. */
export interface BundleKey {
  /** `undefined` when it was published without one: only tokens without `kid` are then tried with it. */
  readonly kid: string | undefined;
  readonly publicKey: PublicKeyJwk;
}

/** A key to make a bundle of. */
export interface BundleKeyInit {
  /** Not empty, and unique in the bundle. Default: the `kid` of the JWK, or none. */
  readonly kid?: string | undefined;
  /** A public key, a private one whose public half is taken, or a public JWK as an object. */
  readonly key: KeyObject | object;
}

/** A JWK Set (RFC 7517 section 5), ready for `JSON.stringify`. */
export interface JwkSet {
  readonly keys: readonly object[];
}

export interface ParseKeyBundleOptions {
  /**
   * Whether only keys with the right `use` and a `kid` count, as in a SPIFFE bundle document. Default `false`,
   * as on the Workload API, where SPIRE sends keys without `use`: those count, and a key with another `use` is ignored.
   */
  readonly requireUse?: boolean | undefined;
}

/**
 * What JWT and WIT bundles have in common: the keys that speak for one trust domain in one kind of token. Immutable.
 * A bundle without keys is valid and means that no token of the trust domain is.
 */
export abstract class KeyBundle<Use extends SvidUse> {
  /** The kind of token that the keys are for. */
  readonly use: Use;
  readonly trustDomain: TrustDomain;
  /** In the order they were given. */
  readonly keys: readonly BundleKey[];
  /** The keys that were published for this use and count for nothing, each with the rule that it breaks. */
  readonly ignored: readonly IgnoredKey[];
  readonly #byKid = new Map<string, BundleKey>();

  /**
   * @throws `BundleError` `duplicate_kid`, or the rule of the reader that refused a key. A key that is marked for
   * another `use` is a `TypeError`.
   */
  protected constructor(
    use: Use,
    trustDomain: TrustDomainLike,
    keys: Iterable<BundleKey | BundleKeyInit>,
    ignored: Iterable<IgnoredKey>,
  ) {
    this.use = use;
    this.trustDomain = parseTrustDomain(trustDomain);
    this.ignored = frozenKeys(ignored);
    this.keys = Object.freeze(Array.from(keys, (key) => toBundleKey(key, use)));
    for (const key of this.keys) {
      if (key.kid === undefined) continue;
      if (this.#byKid.has(key.kid)) {
        throw new BundleError('duplicate_kid', `two ${use} keys of ${this.trustDomain} have the kid ${quote(key.kid)}`);
      }
      this.#byKid.set(key.kid, key);
    }
    Object.freeze(this);
  }

  /**
   * The keys that a token may have been signed with: the one that its `kid` names, byte for byte, or none; every key
   * when the token has no `kid` (JWT-SVID section 2.2).
   */
  candidates(kid: string | undefined): readonly BundleKey[] {
    if (kid === undefined) return this.keys;
    const key = this.#byKid.get(kid);
    return key === undefined ? [] : [key];
  }

  /** Whether the other bundle has the same keys, ignored ones apart, for the same trust domain, in whatever order. */
  equals(other: KeyBundle<Use>): boolean {
    if (this.use !== other.use || !this.trustDomain.equals(other.trustDomain)) return false;
    const [mine, theirs] = [this.keys.map(fingerprint).sort(), other.keys.map(fingerprint).sort()];
    return mine.length === theirs.length && mine.every((key, index) => key === theirs[index]);
  }

  /** The keys as the Workload API carries them, which is without `use`. {@link SpiffeBundle} writes the other form. */
  toJwks(): JwkSet {
    return { keys: this.keys.map(jwkOf) };
  }
}

/** The keys of one `use` in a JWK Set. */
export interface ReadKeys {
  readonly keys: readonly BundleKey[];
  readonly ignored: readonly IgnoredKey[];
}

/**
 * Picks the keys of one `use` out of a JWK Set. The `kid` of an ignored key is not a duplicate: no token can mean that
 * key, and RFC 7517 section 4.5 lets equivalent keys of different types share one.
 */
export function readKeys(entries: readonly JwkEntry[], use: SvidUse, options: ParseKeyBundleOptions): ReadKeys {
  const requireUse = options.requireUse ?? false;
  const ignored: IgnoredKey[] = [];
  const keys = entries.flatMap((entry) => {
    const given = entry['use'];
    if (given !== use && (requireUse || given !== undefined)) return [];
    const key = asRoomError(BundleError, () =>
      readOrIgnore(ignored, { kid: entry['kid'] }, () => readBundleKey(entry, use, requireUse)),
    );
    return key ?? [];
  });
  return { keys, ignored };
}

/** The public members of a key with its `kid`, without its `use`. */
export function jwkOf({ kid, publicKey }: BundleKey): object {
  const { use: _use, ...members } = publicKey.jwk;
  return kid === undefined ? members : { ...members, kid };
}

/** JWT-SVID section 6.1 and WIT-SVID section 6.1 require a `kid` in a SPIFFE bundle document. */
function readBundleKey(entry: JwkEntry, use: SvidUse, requireKid: boolean): BundleKey {
  const publicKey = readPublicJwk(entry);
  if (requireKid && publicKey.kid === undefined) {
    throw new ReadError<IgnoredKeyRule>('missing_kid', `a key for ${use} in a SPIFFE bundle must have a kid`);
  }
  return { kid: publicKey.kid, publicKey };
}

function toBundleKey(init: BundleKey | BundleKeyInit, use: SvidUse): BundleKey {
  const publicKey = 'publicKey' in init ? init.publicKey : asRoomError(BundleError, () => readKey(init.key));
  if (publicKey.use !== undefined && publicKey.use !== use) {
    throw new TypeError(`a key marked for ${quote(publicKey.use)} cannot go into a ${use} bundle`);
  }
  const kid = init.kid ?? publicKey.kid;
  if (kid === '') throw new TypeError('the kid of a bundle key must not be empty');
  return Object.freeze({ kid, publicKey });
}

function readKey(key: KeyObject | object): PublicKeyJwk {
  return key instanceof KeyObject ? readPublicKey(key) : readPublicJwk(key);
}

function fingerprint({ kid, publicKey }: BundleKey): string {
  const { thumbprint, alg, keyOps } = publicKey;
  return JSON.stringify([kid ?? null, thumbprint, alg ?? null, keyOps === undefined ? null : [...keyOps].sort()]);
}
