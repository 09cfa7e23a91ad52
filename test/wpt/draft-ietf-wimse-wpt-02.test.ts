import { memberOf } from 'svidkit/id';
import { parseWitSvid, verifyWit } from 'svidkit/wit';
import { mintWpt, proveRequest, readWptRequest, verifyWpt, WPT_DRAFTS } from 'svidkit/wpt';
import { describe, expect, it } from 'vitest';
import { AUDIENCE, options, outcome, presentation, unproven, WIT, wpt } from '../support/proofs.js';
import { codeOf } from '../support/refusals.js';
import { bundles, clock, SUBJECT, workload } from '../support/wit-domain.js';

const DRAFT = 'draft-ietf-wimse-wpt-02';
const svid = parseWitSvid({ token: WIT, privateKey: workload });

describe('draft-ietf-wimse-wpt-02', () => {
  it('is the default, travels in Authorization, and verifies', async () => {
    const fields = await proveRequest(svid, { audience: AUDIENCE, clock });
    expect(fields.map(([name]) => name)).toEqual(['Workload-Identity-Token', 'Authorization']);
    expect(fields[1]?.[1]).toMatch(/^WPT [\w-]+\.[\w-]+\.[\w-]+$/);
    const request = readWptRequest(fields.flat(), { drafts: [DRAFT] });
    const wit = await verifyWit(request.wit, bundles, { clock });
    const caller = await verifyWpt(request, wit, options({ authorize: memberOf('example.org') }));
    expect(caller.id.toString()).toBe(SUBJECT);
    expect(caller.proof.draft).toBe(DRAFT);
  });

  it.each(['WPT', 'wpt', 'Wpt', 'wPT'])('the scheme is %s in whatever case', (scheme) => {
    const request = readWptRequest(['workload-identity-token', WIT, 'authorization', `${scheme}   ${wpt()} `], {
      drafts: [DRAFT],
    });
    expect(request.wpt.split('.')).toHaveLength(3);
  });

  it.each(['WPT', 'WPT ', 'WPT a', 'WPT a.b', 'WPT a.b.c.d', 'WPT a.b.c, WPT a.b.c', 'WPT a.b.c d.e.f', 'WPT =.b.c'])(
    'threat 30: %j does not hold one proof',
    (value) => {
      const read = () => readWptRequest(['workload-identity-token', WIT, 'authorization', value], { drafts: [DRAFT] });
      expect(codeOf(read)).toBe('bad_header');
    },
  );

  it.each(['Bearer a.b.c', 'DPoP a.b.c', 'WPTX a.b.c', 'Basic YTpi', 'WP T a.b.c', ''])('%j is no proof', (value) => {
    const read = () => readWptRequest(['workload-identity-token', WIT, 'authorization', value], { drafts: [DRAFT] });
    expect(codeOf(read)).toBe('missing_wpt');
  });

  it('threat 15: there is no ath, neither to mint nor to accept', async () => {
    await expect(mintWpt(svid, { audience: AUDIENCE, accessToken: 'x', clock })).rejects.toThrow(TypeError);
    expect(await outcome(wpt({ claims: { ath: 'x' } }), {}, { draft: DRAFT })).toBe('ath_without_token');
    const request = presentation(wpt(), { draft: DRAFT, accessToken: 'x' });
    await expect(verifyWpt(request, await unproven(), options())).rejects.toThrow(TypeError);
  });

  it('a refusal is a 401 with a challenge', () => {
    expect(WPT_DRAFTS[DRAFT]).toMatchObject({ refusalStatus: 401, challenge: 'WPT', accessToken: false });
  });
});
