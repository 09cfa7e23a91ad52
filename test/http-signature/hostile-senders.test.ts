import { createContentDigest, signResponse, verifyRequest, verifyResponse } from 'svidkit/http-signature';
import { anyId } from 'svidkit/id';
import { createMemoryReplayStore, type ReplayStore } from 'svidkit/replay';
import { describe, expect, it } from 'vitest';
import { BODY, COVERED, craft, options, outcome, sent, svid, unproven, WIT } from '../support/http-signatures.js';
import { rejectionOf } from '../support/rejections.js';
import { clock, NOW } from '../support/wit-domain.js';

describe('a sender who makes others work', () => {
  it('threat 25: has 64 components read at most, because each may have a whole field or query read again', async () => {
    const covering = (count: number): Promise<string> => {
      const names = Array.from({ length: count - COVERED.length }, (_, index) => `x-${index}`);
      const rawHeaders = ['Workload-Identity-Token', WIT, ...names.flatMap((name) => [name, 'value'])];
      return outcome(craft({ rawHeaders, covered: [...COVERED, ...names.map((name) => `"${name}"`)] }));
    };
    expect(await covering(64)).toBe('accepted');
    expect(await covering(65)).toBe('too_large');
  });

  it('threat 25: has a target read once, however long its host is', async () => {
    const { request } = await sent();
    const host = 'a'.repeat(200_000);
    expect(await outcome({ ...request, target: `https://${host}#` })).toBe('missing_component');
    expect(await outcome({ ...request, target: `https://tools.example.org@${host}/` })).toBe('missing_component');
    expect(await outcome({ ...request, target: `https://${host}` })).toBe('bad_signature');
  });

  it('threat 42: threat 24: is refused when the body outlasts the signature, however it was begun', async () => {
    const { request } = await sent();
    let now = NOW * 1000;
    const inserted: unknown[] = [];
    const replay: ReplayStore = {
      insert: async (entry) => {
        inserted.push(entry);
        return 'fresh';
      },
    };
    const takingSeconds = (seconds: number): Promise<string> => {
      now = NOW * 1000;
      const body = (async function* () {
        yield BODY.subarray(0, 3);
        now += seconds * 1000;
        yield BODY.subarray(3);
      })();
      return outcome({ ...request, body }, { clock: () => now, replay });
    };
    expect(await takingSeconds(70)).toBe('expired');
    expect(inserted).toEqual([]);
    expect(await takingSeconds(69)).toBe('accepted');
    expect(inserted).toHaveLength(1);
  });

  it('threat 45: cannot hide a proof token behind a tab', async () => {
    const rawHeaders = ['Workload-Identity-Token', WIT, 'Authorization', 'WPT\ta.b.c'];
    expect(await outcome(craft({ rawHeaders, covered: [...COVERED, '"authorization"'] }))).toBe('two_proofs');
  });
});

describe('an answer whose body is not sent', () => {
  it('threat 40: threat 43: has the digest of nothing, whatever the body would have been', async () => {
    const { request, signed } = await sent({ method: 'HEAD', body: null });
    const proven = await verifyRequest(request, await unproven(), options());
    const rawHeaders = ['Content-Length', `${BODY.length}`];
    const fields = await signResponse(svid, { status: 200, rawHeaders, body: BODY }, { request: proven, clock });
    const response = { status: 200, rawHeaders: [...rawHeaders, ...fields.flat()], body: null };
    const verifying = { request: signed, authorize: anyId(), clock, replay: createMemoryReplayStore({ clock }) };
    expect(await rejectionOf(verifyResponse(response, await unproven(), verifying))).toBe('accepted');
    const wrong = { status: 200, rawHeaders: [...rawHeaders, 'Content-Digest', createContentDigest(BODY)], body: BODY };
    expect(await rejectionOf(signResponse(svid, wrong, { request: proven, clock }))).toBe('digest_mismatch');
  });
});
