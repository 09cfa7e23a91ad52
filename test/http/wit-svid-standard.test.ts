import { createProvingFetch } from 'svidkit/http';
import { parseWitSvid } from 'svidkit/wit';
import { WPT_DRAFTS, type WptDraft } from 'svidkit/wpt';
import { describe, expect, it } from 'vitest';
import { clock, wit, workload } from '../support/wit-domain.js';

const svid = parseWitSvid({ token: wit(), privateKey: workload });

/** The fields of the one request that a proving fetch sends. */
async function fieldsOf(draft: WptDraft, init: RequestInit = {}): Promise<Headers> {
  const sent: Headers[] = [];
  const inner = async (_: unknown, given?: RequestInit): Promise<Response> => {
    sent.push(new Headers(given?.headers));
    return new Response();
  };
  const fetch = createProvingFetch({
    wit: { getWitSvid: () => svid },
    draft,
    clock,
    fetch: inner as typeof globalThis.fetch,
  });
  await fetch('https://tools.example.org/orders', init);
  const [fields] = sent;
  if (fields === undefined || sent.length > 1) throw new Error(`${sent.length} requests were sent`);
  return fields;
}

describe('WIT-SVID section 5: presentation', () => {
  it.each(Object.keys(WPT_DRAFTS) as WptDraft[])(
    'section 5: the WIT travels in its own field and never in Authorization (%s)',
    async (draft) => {
      const bearer = draft === 'draft-ietf-wimse-wpt-01' ? { Authorization: 'Bearer at' } : undefined;
      for (const init of [{}, ...(bearer === undefined ? [] : [{ headers: bearer }])]) {
        const fields = await fieldsOf(draft, init);
        expect(fields.get('Workload-Identity-Token')).toBe(svid.token);
        const others = [...fields].filter(([name]) => name !== 'workload-identity-token');
        expect(others.map(([, value]) => value).join(' ')).not.toContain(svid.token);
        const proof = fields.get('Workload-Proof-Token') ?? fields.get('Authorization')?.replace(/^WPT /, '') ?? '';
        expect(proof.split('.')).toHaveLength(3);
      }
    },
  );
});
