import { createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { BundleSet, WitBundle } from 'svidkit/bundle';
import { exactly } from 'svidkit/id';
import { createMemoryReplayStore } from 'svidkit/replay';
import { parseWitSvid, verifyWit } from 'svidkit/wit';
import { mintWpt, proveRequest, readWptRequest, verifyWpt, WPT_DRAFTS } from 'svidkit/wpt';
import { describe, expect, it } from 'vitest';
import { readCompactJws } from '../../src/internal/compact-jws.js';
import { signCompact, toSigner } from '../../src/internal/signing-key.js';
import { rejectionOf } from '../support/rejections.js';

interface Example {
  readonly now: number;
  readonly issuerJwk: { kid: string; d?: string };
  readonly workloadJwk: { kty: string };
  readonly wit: string;
  readonly wpt: string;
  readonly accessToken: string;
  readonly audience: string;
  readonly httpRequest: string;
}

const example = JSON.parse(
  readFileSync(new URL('../vectors/wimse-wit-wpt-draft.json', import.meta.url), 'utf8'),
) as Example;
const { d: _, ...issuerKey } = example.issuerJwk;
const bundles = new BundleSet([new WitBundle('wimse://example.com', [{ key: issuerKey }])]);
const clock = () => example.now * 1000;
const ID = 'wimse://example.com/specific-workload';
const DRAFT = 'draft-ietf-wimse-wpt-01';

/** Names and values of the published request, as Node would give them. */
const rawHeaders = (example.httpRequest.split('\n\n')[0] ?? '')
  .split('\n')
  .slice(1)
  .flatMap((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]);

function options() {
  const replay = createMemoryReplayStore({ clock });
  return { audiences: example.audience, authorize: exactly(ID), replay, clock, maxLifetimeSeconds: 1800 };
}

describe('draft-ietf-wimse-wpt-01', () => {
  it('the published request verifies', async () => {
    const request = readWptRequest(rawHeaders, { drafts: [DRAFT] });
    const wit = await verifyWit(request.wit, bundles, { clock });
    const caller = await verifyWpt(request, wit, options());
    expect(caller.id.toString()).toBe(ID);
    expect(caller.claims['jti']).toBe('x-_1CTL2cca3CSE4cwb_l');
    expect(caller.proof).toEqual({
      kind: 'wpt',
      draft: DRAFT,
      jti: '__bwc4ESC3acc2LTC1-_x',
      audience: example.audience,
      expiresAt: new Date(1745510016 * 1000),
    });
    expect(caller.covered).toEqual({ accessToken: true, txnToken: false, otherTokens: [] });
    expect(caller.thumbprint).toBe(wit.thumbprint);
  });

  it('threat 23: the published proof lives for 17 minutes, which is refused unless it is allowed', async () => {
    const request = readWptRequest(rawHeaders, { drafts: [DRAFT] });
    const wit = await verifyWit(request.wit, bundles, { clock });
    const { maxLifetimeSeconds: __, ...defaults } = options();
    expect(await rejectionOf(verifyWpt(request, wit, defaults))).toBe('lifetime_too_long');
  });

  it('threat 15: the published proof is refused without its access token, or with another', async () => {
    const without = rawHeaders.filter((_text, index) => rawHeaders[index - (index % 2)] !== 'Authorization');
    const wit = await verifyWit(example.wit, bundles, { clock });
    const bare = readWptRequest(without, { drafts: [DRAFT] });
    expect(await rejectionOf(verifyWpt(bare, wit, options()))).toBe('ath_without_token');
    const swapped = readWptRequest([...without, 'Authorization', 'Bearer other'], { drafts: [DRAFT] });
    expect(await rejectionOf(verifyWpt(swapped, wit, options()))).toBe('ath_mismatch');
  });

  it('the published proof is signed again byte for byte', async () => {
    const { header, payload } = readCompactJws(example.wpt);
    const key = createPrivateKey({ key: example.workloadJwk, format: 'jwk' });
    expect(await signCompact(header, payload, toSigner(key, 'EdDSA'))).toBe(example.wpt);
  });

  it('a proof minted here has the members of the published one, in its order', async () => {
    const svid = parseWitSvid({ token: example.wit, privateKey: JSON.stringify(example.workloadJwk) });
    const minted = readCompactJws(
      await mintWpt(svid, {
        audience: `${example.audience}?q=1#f`,
        draft: DRAFT,
        accessToken: example.accessToken,
        lifetimeSeconds: 300,
        clock,
      }),
    );
    const published = readCompactJws(example.wpt);
    expect(minted.header).toEqual(published.header);
    const expected = { ...published.payload, exp: example.now + 300, jti: minted.payload['jti'] };
    expect(JSON.stringify(minted.payload)).toBe(JSON.stringify(expected));
  });

  it('a request is proven with Workload-Proof-Token, next to an access token', async () => {
    const svid = parseWitSvid({ token: example.wit, privateKey: JSON.stringify(example.workloadJwk) });
    const fields = await proveRequest(svid, {
      audience: example.audience,
      draft: DRAFT,
      accessToken: example.accessToken,
      clock,
    });
    expect(fields.map(([name]) => name)).toEqual(['Workload-Identity-Token', 'Workload-Proof-Token']);
    const sent = [...fields.flat(), 'authorization', `DPoP ${example.accessToken}`];
    const request = readWptRequest(sent, { drafts: ['draft-ietf-wimse-wpt-02', DRAFT] });
    expect(request.draft).toBe(DRAFT);
    const wit = await verifyWit(request.wit, bundles, { clock });
    expect((await verifyWpt(request, wit, options())).covered.accessToken).toBe(true);
  });

  it('a refusal is a 400 without a challenge', () => {
    expect(WPT_DRAFTS[DRAFT]).toMatchObject({ refusalStatus: 400, challenge: undefined, accessToken: true });
  });
});
