import { anyId } from 'svidkit/id';
import { createMemoryReplayStore } from 'svidkit/replay';
import { type UnprovenWit, verifyWit } from 'svidkit/wit';
import { type VerifyWptOptions, verifyWpt, type WptPresentation } from 'svidkit/wpt';
import { tokenHash } from '../../src/internal/token-hash.js';
import { rejectionOf } from './rejections.js';
import { signedToken } from './signed-token.js';
import { bundles, clock, NOW, wit, workload } from './wit-domain.js';

export const AUDIENCE = 'https://tools.example.org/orders';
export const WIT: string = wit();
const WPT_HEADER = { alg: 'ES256', typ: 'wpt+jwt' };

export function unproven(token: string = WIT): Promise<UnprovenWit> {
  return verifyWit(token, bundles, { clock });
}

export interface WptChanges {
  readonly header?: object;
  readonly claims?: object;
  readonly key?: typeof workload;
}

let proofs = 0;

/** A good proof for {@link WIT}, with changes and a `jti` of its own. */
export function wpt({ header = {}, claims = {}, key = workload }: WptChanges = {}): string {
  proofs += 1;
  const good = { aud: AUDIENCE, exp: NOW + 60, jti: `proof-${proofs}`, wth: tokenHash(WIT) };
  return signedToken({ ...WPT_HEADER, ...header }, { ...good, ...claims }, key);
}

/** Options that admit everybody and remember nothing beyond the call. */
export function options(changes: Partial<VerifyWptOptions> = {}): VerifyWptOptions {
  return { audiences: AUDIENCE, authorize: anyId(), replay: createMemoryReplayStore({ clock }), clock, ...changes };
}

export function presentation(token: string, changes: Partial<WptPresentation> = {}): WptPresentation {
  return { draft: 'draft-ietf-wimse-wpt-01', wpt: token, ...changes };
}

/** The code that verifying a proof for {@link WIT} was refused with, or `accepted`. */
export async function outcome(
  token: string,
  changes: Partial<VerifyWptOptions> = {},
  tokens: Partial<WptPresentation> = {},
): Promise<string> {
  return rejectionOf(verifyWpt(presentation(token, tokens), await unproven(), options(changes)));
}
