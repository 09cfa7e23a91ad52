import { HttpSignatureError } from 'svidkit/errors';
import { verifyRequest } from 'svidkit/http-signature';
import { createMemoryReplayStore } from 'svidkit/replay';
import { describe, expect, it } from 'vitest';
import { craft, options, sent, unproven, WIT, withFields } from '../support/http-signatures.js';
import { visibleForms } from '../support/visible-forms.js';
import { clock, workload } from '../support/wit-domain.js';

const ACCESS_TOKEN = 'access-token-text';
const TXN_TOKEN = 'txn-token-text';
const rawHeaders = ['Authorization', `Bearer ${ACCESS_TOKEN}`, 'Txn-Token', TXN_TOKEN];

describe('threat 46: what shows', () => {
  it('of a signed and of a proven request is no token, no key and no signature', async () => {
    const { request, signed } = await sent({ rawHeaders });
    const caller = await verifyRequest(request, await unproven(), options());
    const signature = signed.fields.at(-1)?.[1] ?? '';
    const { d = '' } = workload.export({ format: 'jwk' });
    const secrets = [...WIT.split('.'), signature.slice(8, 60), d, ACCESS_TOKEN, TXN_TOKEN];
    for (const shown of [signed, caller, caller.body]) {
      const forms = visibleForms(shown).join('\n');
      for (const secret of secrets) expect(forms).not.toContain(secret);
    }
    const carried = signed.fields.flat().join();
    expect(secrets.filter((secret) => carried.includes(secret)).length).toBeGreaterThanOrEqual(4);
  });

  it('of a refusal is the rule, and nothing of the message', async () => {
    const { request } = await sent({ rawHeaders });
    const replay = createMemoryReplayStore({ clock });
    await verifyRequest(request, await unproven(), options({ replay }));
    const secret = 'a-secret-of-the-sender';
    const refused = [
      verifyRequest(request, await unproven(), options({ replay })),
      verifyRequest({ ...request, method: 'PUT' }, await unproven(), options()),
      verifyRequest({ ...request, body: Buffer.from(secret) }, await unproven(), options()),
      verifyRequest(withFields(request, { 'Txn-Token': `${secret}, b` }), await unproven(), options()),
      verifyRequest(withFields(request, { Authorization: `${secret}\u00e9` }), await unproven(), options()),
      verifyRequest(withFields(request, { 'Signature-Input': `wimse=("${secret}` }), await unproven(), options()),
      verifyRequest(craft({ parameters: { nonce: `:${secret}:` } }), await unproven(), options()),
      verifyRequest(craft({ parameters: { 'wimse-aud': `"${secret}"` } }), await unproven(), options()),
    ];
    for (const run of refused) {
      const error = await run.then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      expect(error).toBeInstanceOf(HttpSignatureError);
      const forms = visibleForms(error).join('\n');
      for (const text of [...WIT.split('.'), ACCESS_TOKEN, TXN_TOKEN, secret]) expect(forms).not.toContain(text);
    }
  });
});
