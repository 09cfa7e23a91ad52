import type { KeyObject } from 'node:crypto';
import type { TrustDomain, WorkloadId } from '../id/index.js';
import type { JsonObject } from '../internal/json.js';
import type { JwsAlgorithm } from '../internal/jws-algorithm.js';
import { concealUntilProven } from '../internal/unproven.js';

/** What a WIT says, for whoever has checked a proof of possession. */
export interface WitContents {
  readonly id: WorkloadId;
  /** All claims of the WIT, as they were signed. */
  readonly claims: JsonObject;
  /** Milliseconds since the epoch until which the WIT counts as valid, leeway included. */
  readonly usableUntil: number;
}

interface UnprovenWitParts {
  readonly alg: JwsAlgorithm;
  readonly confirmationKey: KeyObject;
  readonly thumbprint: string;
  readonly exp: number;
  readonly hash: string;
  readonly contents: WitContents;
}

/**
 * A Workload Identity Token whose signature and claims hold, and whose sender has proven nothing yet. It does not say
 * who it was issued to: that becomes known with the proof, from `verifyWpt`
 * (WIT-SVID section 7.1: a WIT is not accepted without proof of possession).
 */
export class UnprovenWit {
  /** `cnf.jwk.alg`: the one algorithm that the proof must be made with. */
  readonly alg: JwsAlgorithm;
  /** The public key that the proof must verify with. */
  readonly confirmationKey: KeyObject;
  /** The RFC 7638 thumbprint of that key. */
  readonly thumbprint: string;
  /** Whose keys signed the WIT. */
  readonly trustDomain: TrustDomain;
  /** The base64url SHA-256 of the exact token text, as the `wth` claim of a proof must carry it. */
  readonly hash: string;
  readonly #exp: number;

  /** @internal */
  constructor({ alg, confirmationKey, thumbprint, exp, hash, contents }: UnprovenWitParts) {
    this.alg = alg;
    this.confirmationKey = confirmationKey;
    this.thumbprint = thumbprint;
    this.trustDomain = contents.id.trustDomain;
    this.hash = hash;
    this.#exp = exp;
    concealUntilProven<WitContents>(this, contents);
    Object.freeze(this);
  }

  /** When the WIT expires. */
  get expiresAt(): Date {
    return new Date(this.#exp * 1000);
  }
}
