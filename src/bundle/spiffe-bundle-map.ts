import { BundleError, IdError } from '../errors/index.js';
import { parseTrustDomain, type TrustDomain } from '../id/index.js';
import { BUNDLE_LIMITS, readJsonObjectWithBigints } from '../internal/json.js';
import { quote } from '../internal/quote.js';
import { asRoomError } from '../internal/room-error.js';
import { type JwkEntry, jwkSetOf } from './jwk-set.js';
import { readSpiffeBundle } from './parse-spiffe-bundle.js';
import { SpiffeBundle } from './spiffe-bundle.js';

/**
 * Reads a SPIFFE bundle map (SPIFFE Trust Domain and Bundle section 5): the bundles of several trust domains, each kept
 * apart from the others. One bad bundle refuses the whole map, which is the state of the world or nothing (appendix
 * B.1). The result is what `new BundleSet(...)` takes.
 *
 * The bundles have no refresh hint: one in the map must not decide when the map is read again.
 *
 * @throws `BundleError` `not_a_bundle_map`, `bad_trust_domain`, `duplicate_member` for a name that is there twice,
 * `too_large` beyond a megabyte, and as `parseSpiffeBundle`.
 */
export function parseSpiffeBundleMap(json: string | Uint8Array): readonly SpiffeBundle[] {
  const map = asRoomError(BundleError, () => readJsonObjectWithBigints(json, BUNDLE_LIMITS));
  const entries = map['trust_domains'];
  if (typeof entries !== 'object' || entries === null || Array.isArray(entries)) {
    throw new BundleError('not_a_bundle_map', 'a SPIFFE bundle map must have an object trust_domains');
  }
  return Object.freeze(Object.entries(entries as JwkEntry).map(([name, value]) => readBundle(name, value)));
}

/**
 * Writes a SPIFFE bundle map, without refresh hints. `parseSpiffeBundleMap` reads it back.
 *
 * @throws `BundleError` `duplicate_bundle` for two bundles of one trust domain, `missing_kid` as
 * {@link SpiffeBundle.serialize}. A bundle of a `wimse` trust domain is a `TypeError`: its name alone would mean another.
 */
export function serializeSpiffeBundleMap(bundles: Iterable<SpiffeBundle>): string {
  const documents = new Map<string, string>();
  for (const bundle of bundles) {
    if (!(bundle instanceof SpiffeBundle)) throw new TypeError('a bundle map is made of SpiffeBundle objects');
    const { trustDomain, x509, jwt, wit, sequence } = bundle;
    if (trustDomain.scheme !== 'spiffe') throw new TypeError(`${trustDomain} is not a SPIFFE trust domain`);
    if (documents.has(trustDomain.name)) {
      throw new BundleError('duplicate_bundle', `two SPIFFE bundles were given for ${trustDomain}`);
    }
    documents.set(trustDomain.name, new SpiffeBundle(trustDomain, { x509, jwt, wit, sequence }).serialize());
  }
  const members = Array.from(documents, ([name, document]) => `${JSON.stringify(name)}:${document}`);
  return `{"trust_domains":{${members.join(',')}}}`;
}

function readBundle(name: string, document: unknown): SpiffeBundle {
  const { trustDomain, x509, jwt, wit, sequence } = readSpiffeBundle(readName(name), jwkSetOf(document));
  return new SpiffeBundle(trustDomain, { x509, jwt, wit, sequence });
}

/** Section 5.1.1: keys are names of trust domains, not identifiers. */
function readName(name: string): TrustDomain {
  try {
    const trustDomain = parseTrustDomain(name);
    if (trustDomain.name === name) return trustDomain;
  } catch (cause) {
    if (!(cause instanceof IdError)) throw cause;
    throw new BundleError('bad_trust_domain', `${quote(name)} is not the name of a trust domain`, { cause });
  }
  throw new BundleError('bad_trust_domain', `${quote(name)} is not the name of a trust domain alone`);
}
