import { randomBytes } from 'node:crypto';
import { WptError } from '../errors/index.js';
import { type Clock, systemClock } from '../internal/clock.js';
import { trimOws } from '../internal/fields.js';
import { signCompact } from '../internal/signing-key.js';
import { tokenHash } from '../internal/token-hash.js';
import type { WitCredential, WitSvid } from '../wit/index.js';
import { openCredential, proofLife } from '../wit/wit-credential.js';
import { withoutQuery } from './audience.js';
import { rulesOf, type WptDraft } from './drafts.js';
import { isBearerToken, isVisible, otherTokenNames } from './header-fields.js';

export interface MintWptOptions {
  /** Whom the proof is for: the target URI, whose query and fragment are left out, or a value agreed with the receiver. */
  readonly audience: string;
  /** The draft to follow. Default `draft-ietf-wimse-wpt-02`. */
  readonly draft?: WptDraft | undefined;
  /** How long the proof is valid, in whole seconds from 1 to 300. Default 60. Never beyond the end of the WIT. */
  readonly lifetimeSeconds?: number | undefined;
  /** The access token that goes into the same request, covered by `ath`. Only in `draft-ietf-wimse-wpt-01`. */
  readonly accessToken?: string | undefined;
  /** The Txn-Token that goes into the same request, covered by `tth`. */
  readonly txnToken?: string | undefined;
  /** Other tokens that go into the same request, header name to value, covered by `oth`. */
  readonly otherTokens?: Readonly<Record<string, string>> | undefined;
  /** Milliseconds since the epoch. Default `Date.now`. */
  readonly clock?: Clock | undefined;
}

/**
 * Makes a Workload Proof Token for one request (draft-ietf-wimse-wpt-01 section 2; the token is the same in -02). Each
 * call gives a proof that can be used once: `jti` is 128 random bits.
 *
 * @throws `WptError` `wit_expired` when the WIT has expired; `alg_mismatch` when the credential's algorithm is not
 * the one in its token.
 */
export async function mintWpt(svid: WitSvid | WitCredential, options: MintWptOptions): Promise<string> {
  const { lifetimeSeconds = 60, clock = systemClock } = options;
  const credential = openCredential(svid, WptError);
  const { token, signer } = credential;
  const claims = {
    ath: accessTokenHash(options),
    aud: audienceOf(options),
    exp: proofLife(credential, lifetimeSeconds, clock, WptError).expires,
    jti: randomBytes(16).toString('base64url'),
    oth: otherTokenHashes(options.otherTokens ?? {}),
    tth: txnTokenHash(options),
    wth: tokenHash(token),
  };
  return signCompact({ alg: signer.alg, typ: 'wpt+jwt' }, claims, signer);
}

function audienceOf({ audience }: MintWptOptions): string {
  if (typeof audience !== 'string' || audience === '') throw new TypeError('a proof needs an audience');
  return withoutQuery(audience);
}

function accessTokenHash({ accessToken, draft = 'draft-ietf-wimse-wpt-02' }: MintWptOptions): string | undefined {
  const rules = rulesOf(draft);
  if (accessToken === undefined) return undefined;
  if (!rules.accessToken) {
    throw new TypeError(`${draft} has no room for an access token; use draft-ietf-wimse-wpt-01 next to one`);
  }
  if (!isBearerToken(accessToken)) throw new TypeError('accessToken must be one access token, without its scheme');
  return tokenHash(accessToken);
}

function txnTokenHash({ txnToken }: MintWptOptions): string | undefined {
  if (txnToken === undefined) return undefined;
  if (!isBearerToken(txnToken)) throw new TypeError('txnToken must be one token');
  return tokenHash(txnToken);
}

function otherTokenHashes(tokens: Readonly<Record<string, string>>): Record<string, string> | undefined {
  const names = [...otherTokenNames(Object.keys(tokens))];
  if (names.length === 0) return undefined;
  const hashes = Object.values(tokens).map((token) => {
    const value = typeof token === 'string' ? trimOws(token) : '';
    if (!isVisible(value)) throw new TypeError('each of otherTokens must be a header value of visible ASCII');
    return tokenHash(value);
  });
  return Object.fromEntries(names.map((name, index) => [name, hashes[index] ?? '']));
}
