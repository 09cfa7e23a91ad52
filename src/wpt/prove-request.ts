import type { WitCredential, WitSvid } from '../wit/index.js';
import { rulesOf } from './drafts.js';
import { WIT_FIELD } from './header-fields.js';
import { type MintWptOptions, mintWpt } from './mint-wpt.js';

/**
 * The header fields that prove this workload in one request: the WIT, and a fresh proof in the form of the draft. Make
 * new ones for every attempt; a proof is accepted once.
 *
 * @throws what {@link mintWpt} throws.
 */
export async function proveRequest(
  svid: WitSvid | WitCredential,
  options: MintWptOptions,
): Promise<ReadonlyArray<readonly [name: string, value: string]>> {
  const { field, scheme } = rulesOf(options.draft ?? 'draft-ietf-wimse-wpt-02');
  const proof = await mintWpt(svid, options);
  return [
    [WIT_FIELD, svid.token],
    [field, scheme === undefined ? proof : `${scheme} ${proof}`],
  ];
}
