import { WptError, type WptErrorCode } from '../errors/index.js';
import type { Authorizer, WorkloadId } from '../id/index.js';
import { type Clock, systemClock } from '../internal/clock.js';
import { type CompactJws, readCompactJws } from '../internal/compact-jws.js';
import type { JsonObject } from '../internal/json.js';
import { verifyJws } from '../internal/jws-algorithm.js';
import { quote } from '../internal/quote.js';
import { asRoomError } from '../internal/room-error.js';
import { tokenHash } from '../internal/token-hash.js';
import { checkValidity, readValidity, secondsOption, type Validity } from '../internal/validity.js';
import {
  checkSubjectVerifier,
  type DelegationContext,
  dateOf,
  delegationOf,
  type SubjectTokenVerifier,
} from '../replay/delegation.js';
import type { ReplayStore } from '../replay/index.js';
import {
  checkAudience,
  checkAuthorized,
  checkFirstUse,
  expectedAudiences,
  type ProofRoom,
  revealIdentity,
} from '../replay/proof-steps.js';
import type { UnprovenWit, WitContents } from '../wit/index.js';
import { rulesOf, type WptDraft } from './drafts.js';
import { boundTokens, type CoveredTokens, checkTokenHashes, checkWitHash } from './token-hashes.js';
import type { WptPresentation } from './wpt-request.js';

export interface VerifyWptOptions {
  /**
   * The audiences that this service answers to, from configuration and never from the request: URLs as
   * {@link normalizeAudience} compares them, or agreed values. Mandatory.
   */
  readonly audiences: string | readonly string[];
  /** Decides about the verified identifier. Mandatory; a throw is a refusal. */
  readonly authorize: Authorizer;
  /** Where used proofs are remembered. Mandatory; when it fails or is full the proof is refused. */
  readonly replay: ReplayStore;
  /**
   * Verifies each token that the proof binds to the workload, once it is bound, and gives its claims for
   * {@link DelegationContext}. What it throws refuses the proof. Default: no claims of such a token are told.
   */
  readonly verifySubjectToken?: SubjectTokenVerifier | undefined;
  /** The longest life of a proof that is accepted, in seconds from 1 to 3600. Default 300. */
  readonly maxLifetimeSeconds?: number | undefined;
  /** How far the sender's clock may be off, in seconds from 0 to 60. Default 10. */
  readonly leewaySeconds?: number | undefined;
  /** Whether a proof for several audiences is accepted if one of them is ours. Default `false`. */
  readonly allowMultipleAudiences?: boolean | undefined;
  /** The longest token that is looked at, in bytes. Default 8192. */
  readonly maxBytes?: number | undefined;
  /** Milliseconds since the epoch. Default `Date.now`. */
  readonly clock?: Clock | undefined;
  /** Stops waiting for `verifySubjectToken` and the replay store; the proof is then refused with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** What the proof was. */
export interface WptProof {
  readonly kind: 'wpt';
  readonly draft: WptDraft;
  readonly jti: string;
  /** The configured audience that it was made for. */
  readonly audience: string;
  readonly expiresAt: Date;
}

/** A workload that has proven who it is. Holds no token. */
export interface ProvenWorkload {
  readonly id: WorkloadId;
  /** All claims of the WIT, as they were signed. */
  readonly claims: JsonObject;
  readonly proof: WptProof;
  /** The RFC 7638 thumbprint of the key that made the proof. */
  readonly thumbprint: string;
  /** The tokens of the request that the proof binds to this workload; a decision must not rest on any other. */
  readonly covered: CoveredTokens;
  /** The same for an audit log, with those on whose behalf the workload acts. */
  readonly delegation: DelegationContext;
}

const PROOF: ProofRoom = { Refusal: WptError, noun: 'proof' };

/**
 * Verifies the proof that came with a WIT, asks the authorizer, and remembers the proof, in this order
 * (draft-ietf-wimse-wpt-01 section 2, "To validate the WPT in the request").
 *
 * @throws `WptError` with the rule that refused; the signal's reason when it was aborted.
 */
export async function verifyWpt(
  request: WptPresentation,
  wit: UnprovenWit,
  options: VerifyWptOptions,
): Promise<ProvenWorkload> {
  const { expected, leeway, maxLifetime, clock } = checkOptions(options);
  checkPresentation(request);

  const jws = inRoom(() => readCompactJws(request.wpt, { maxBytes: options.maxBytes }));
  checkType(jws.header);
  checkAlgorithm(jws, wit);
  checkSignature(jws, wit);
  const claims = jws.payload;
  const validity = inRoom(() => readValidity(claims));
  const now = clock();
  inRoom(() => checkValidity(validity, now, leeway));
  checkLifetime(validity, now, leeway, maxLifetime);
  const jti = readJti(claims);
  const audience = checkAudience(PROOF, readAudiences(claims, options.allowMultipleAudiences === true), expected);
  checkWitHash(claims, wit);
  const covered = checkTokenHashes(claims, request);
  const { id, claims: witClaims } = revealIdentity<WitContents>(PROOF, wit, now);
  checkAuthorized(PROOF, options.authorize, id);
  const { draft } = request;
  const tokens = boundTokens(request, covered);
  const expiresAt = (): Date => new Date(validity.exp * 1000);
  const made = { kind: 'wpt' as const, draft, issuedAt: dateOf(claims['iat']), expiresAt: expiresAt() };
  const facts = { id, claims: witClaims, wit, tokens, proof: made, now };
  const delegation = await delegationOf(PROOF, facts, options);
  // Others were waited for meanwhile, and an entry that has ended already is no memory.
  inRoom(() => checkValidity(validity, clock(), leeway));
  const entry = {
    key: tokenHash(JSON.stringify([wit.trustDomain.toString(), wit.thumbprint, jti])),
    sender: id.toString(),
    expiresAt: (validity.exp + leeway) * 1000,
  };
  await checkFirstUse(PROOF, options.replay, entry, options.signal);

  const proof: WptProof = Object.freeze({ kind: 'wpt', draft, jti, audience, expiresAt: expiresAt() });
  return Object.freeze({ id, claims: witClaims, proof, thumbprint: wit.thumbprint, covered, delegation });
}

interface CheckedOptions {
  /** Normalised audience to the configured spelling of it. */
  readonly expected: ReadonlyMap<string, string>;
  readonly leeway: number;
  readonly maxLifetime: number;
  readonly clock: Clock;
}

function checkOptions(options: VerifyWptOptions): CheckedOptions {
  if (typeof options?.authorize !== 'function') {
    throw new TypeError('verifyWpt() needs an authorizer; to admit every verified workload, spell out anyId()');
  }
  if (typeof options.replay?.insert !== 'function') {
    throw new TypeError('verifyWpt() needs a replay store, such as createMemoryReplayStore()');
  }
  checkSubjectVerifier(options);
  return {
    expected: expectedAudiences(options.audiences, 'verifyWpt'),
    leeway: secondsOption('leewaySeconds', options.leewaySeconds ?? 10, 0, 60),
    maxLifetime: secondsOption('maxLifetimeSeconds', options.maxLifetimeSeconds ?? 300, 1, 3600),
    clock: options.clock ?? systemClock,
  };
}

function checkPresentation(request: WptPresentation): void {
  if (!rulesOf(request.draft).accessToken && request.accessToken !== undefined) {
    throw new TypeError(`${request.draft} has no room for an access token`);
  }
}

/** draft-ietf-wimse-wpt section 2: typed as a proof; `application/` may stand in front (RFC 7515 section 4.1.9). */
function checkType({ typ }: JsonObject): void {
  if (typeof typ !== 'string' || !/^(?:application\/)?wpt\+jwt$/i.test(typ)) {
    throw new WptError('wrong_typ', 'typ is not wpt+jwt, so this is another kind of token');
  }
}

/** draft-ietf-wimse-wpt section 2: the text of `alg` is that of `cnf.jwk.alg`, so `EdDSA` is not `Ed25519`. */
function checkAlgorithm({ alg }: CompactJws, wit: UnprovenWit): void {
  if (alg !== wit.alg) {
    throw new WptError('alg_mismatch', `the proof has alg ${quote(alg)}, its WIT asks for ${wit.alg}`);
  }
}

/** draft-ietf-wimse-wpt section 2: possession of the key that the WIT confirms. */
function checkSignature(jws: CompactJws, wit: UnprovenWit): void {
  if (!verifyJws(wit.alg, wit.confirmationKey, jws.signingInput, jws.signature)) {
    throw new WptError('bad_signature', 'the proof was not made with the key in the WIT');
  }
}

/** draft-ietf-wimse-wpt section 2: a proof that stays good for long is as good as none. */
function checkLifetime({ exp }: Validity, now: number, leeway: number, maxLifetime: number): void {
  if (!(exp * 1000 <= now + (maxLifetime + leeway) * 1000)) {
    throw new WptError('lifetime_too_long', `the proof is valid for longer than ${maxLifetime} seconds`);
  }
}

/** RFC 7519 section 4.1.7; the length is bounded because it is chosen by the sender. */
function readJti({ jti }: JsonObject): string {
  if (typeof jti !== 'string' || jti === '' || Buffer.byteLength(jti) > 256) {
    throw new WptError('bad_jti', 'jti must be there, with 1 to 256 bytes');
  }
  return jti;
}

/** The audiences of a proof: one, unless several are allowed. */
function readAudiences({ aud }: JsonObject, several: boolean): readonly string[] {
  const list: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  const audiences = list.filter((item): item is string => typeof item === 'string' && item !== '');
  if (audiences.length === 0 || audiences.length !== list.length) {
    throw new WptError('bad_aud', 'aud must be there: a string, or a list of them, none empty');
  }
  if (audiences.length > 1 && !several) {
    throw new WptError('bad_aud', 'a proof for several audiences is not accepted here');
  }
  return audiences;
}

function inRoom<T>(read: () => T): T {
  return asRoomError<WptErrorCode, T>(WptError, read);
}
