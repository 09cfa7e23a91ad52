import type { KeyObject } from 'node:crypto';
import { BundleSet, WitBundle } from 'svidkit/bundle';
import { publicJwkOf } from '../../src/internal/jwk.js';
import { keyPair } from './key-pairs.js';
import { signedToken } from './signed-token.js';

/** Seconds since the epoch; every token below is made for this moment. */
export const NOW = 1_750_000_000;
export const clock = (): number => NOW * 1000;

export const authority: KeyObject = keyPair('P-256', 'wit authority').privateKey;
export const workload: KeyObject = keyPair('P-256', 'workload').privateKey;
export const WIT_HEADER = { alg: 'ES256', kid: 'k1', typ: 'wit+jwt' };
export const SUBJECT = 'spiffe://example.org/agents/planner';

/** `spiffe://example.org` and `wimse://example.org`, with the same key and kid in both. */
export const bundles: BundleSet = new BundleSet([
  new WitBundle('spiffe://example.org', [{ kid: 'k1', key: authority }]),
  new WitBundle('wimse://example.org', [{ kid: 'k1', key: authority }]),
]);

/** A `cnf` claim for a key. */
export function confirmation(key: KeyObject, alg: string): object {
  return { jwk: { ...publicJwkOf(key), alg } };
}

export interface WitChanges {
  readonly header?: object;
  readonly claims?: object;
  readonly key?: KeyObject;
}

/** A good WIT, with changes. */
export function wit({ header = {}, claims = {}, key = authority }: WitChanges = {}): string {
  const good = { sub: SUBJECT, exp: NOW + 3600, iat: NOW, cnf: confirmation(workload, 'ES256') };
  return signedToken({ ...WIT_HEADER, ...header }, { ...good, ...claims }, key);
}
