import { KeyObject } from 'node:crypto';
import { WitError } from '../errors/index.js';
import { parseWorkloadId, type WorkloadId, type WorkloadIdLike } from '../id/index.js';
import { readJsonObject } from '../internal/json.js';
import { type PrivateKeyJwk, readPrivateJwk, readPublicKey } from '../internal/jwk.js';
import type { JwsAlgorithm } from '../internal/jws-algorithm.js';
import { type Signer, toSigner } from '../internal/signing-key.js';
import { type ConfirmationKey, readConfirmationKey } from './confirmation-key.js';
import { listedProfiles, profileFor, type WitProfile, widestOf } from './profile.js';
import { inRoom, readSubject, readWitHeader, readWitJws, readWitPayload } from './read-wit.js';

/** Where minting a proof finds the WIT-SVID of this workload. Any object literal can be one. */
export interface WitSvidSource {
  /** The WIT-SVID to present now; throws when there is none to present. */
  getWitSvid(): WitSvid;
}

/** What the Workload API delivers for one WIT-SVID. */
export interface WitSvidMaterial {
  readonly token: string;
  /** The private key of the key in `cnf`: the text of a JWK, or a key object. */
  readonly privateKey: string | KeyObject;
  /** The identifier that was delivered next to the token; it must be the one in `sub`. Default not compared. */
  readonly id?: WorkloadIdLike | undefined;
  /** What the Workload API calls this SVID, for choosing among several. Default none. */
  readonly hint?: string | undefined;
}

export interface ParseWitSvidOptions {
  /** Whose rules the token must follow. Default `spiffe` for a `spiffe://` subject, else `wimse`. */
  readonly profile?: WitProfile | undefined;
}

interface WitSvidParts {
  readonly token: string;
  readonly id: WorkloadId;
  readonly exp: number;
  readonly hint: string | undefined;
  readonly privateKey: KeyObject;
  readonly signer: Signer;
}

/**
 * A Workload Identity Token of this workload with the key to prove it. Immutable; made by {@link parseWitSvid}. Neither
 * token nor key shows in logs, JSON or clones.
 */
export class WitSvid {
  readonly id: WorkloadId;
  /** The algorithm that proofs are made with: `cnf.jwk.alg`. */
  readonly alg: JwsAlgorithm;
  /** The Workload API's name for this SVID, if it gave one. */
  readonly hint: string | undefined;
  readonly #token: string;
  readonly #privateKey: KeyObject;
  readonly #signer: Signer;
  readonly #exp: number;

  /** @internal */
  constructor({ token, id, exp, hint, privateKey, signer }: WitSvidParts) {
    this.id = id;
    this.alg = signer.alg;
    this.hint = hint;
    this.#token = token;
    this.#privateKey = privateKey;
    this.#signer = signer;
    this.#exp = exp;
    Object.freeze(this);
  }

  /** The token as it was delivered. */
  get token(): string {
    return this.#token;
  }

  get privateKey(): KeyObject {
    return this.#privateKey;
  }

  /** Signs with the private key, under {@link WitSvid.alg}, without showing it. */
  get signer(): Signer {
    return this.#signer;
  }

  get expiresAt(): Date {
    return new Date(this.#exp * 1000);
  }

  /** Whether it is the same token under the same hint; the key is then the same too. */
  equals(other: WitSvid): boolean {
    return this.#token === other.token && this.hint === other.hint;
  }

  /** Everything but token and key. */
  toJSON(): object {
    const { id, alg, hint, expiresAt } = this;
    return { id, alg, hint, expiresAt };
  }
}

/**
 * Reads a WIT-SVID that was issued to this workload, and checks that it holds together: the key is the one in `cnf`,
 * `sub` is the delivered identifier, every claim has its shape. Signature and time are not checked: it is ours to
 * present, not to trust.
 *
 * @throws `WitError` with the rule that refused; `id_mismatch` or `key_mismatch` when parts do not belong together.
 */
export function parseWitSvid(material: WitSvidMaterial, options: ParseWitSvidOptions = {}): WitSvid {
  const listed = listedProfiles(options.profile === undefined ? ['spiffe', 'wimse'] : [options.profile]);
  const { header, payload } = readWitJws(material.token, undefined);
  readWitHeader(header, widestOf(listed));
  const id = readSubject(payload);
  const profile = profileFor(id, listed);
  readWitHeader(header, profile);
  const { exp } = readWitPayload(payload, profile);
  const confirmation = readConfirmationKey(payload, profile);
  checkSameId(id, material.id);
  const privateKey = readPrivateKey(material.privateKey);
  checkSameKey(confirmation, privateKey);
  const signer = toSigner(privateKey.key, confirmation.alg);
  return new WitSvid({ token: material.token, id, exp, hint: material.hint, privateKey: privateKey.key, signer });
}

function checkSameId(id: WorkloadId, delivered: WorkloadIdLike | undefined): void {
  if (delivered === undefined || parseWorkloadId(delivered).equals(id)) return;
  throw new WitError('id_mismatch', `the token was issued to ${id}, not to the identifier delivered with it`);
}

function readPrivateKey(key: string | KeyObject): PrivateKeyJwk {
  if (typeof key === 'string') return inRoom(() => readPrivateJwk(readJsonObject(key)));
  if (!(key instanceof KeyObject) || key.type !== 'private') {
    throw new TypeError('the private key must be the text of a JWK or a private KeyObject');
  }
  return { key, public: inRoom(() => readPublicKey(key)) };
}

function checkSameKey({ alg, publicKey }: ConfirmationKey, { public: own }: PrivateKeyJwk): void {
  if (own.thumbprint !== publicKey.thumbprint) {
    throw new WitError('key_mismatch', 'the private key is not the one in the token');
  }
  if (own.alg !== undefined && own.alg !== alg) {
    throw new WitError('cnf_alg_mismatch', `the private key is for ${own.alg}, the token says ${alg}`);
  }
}
