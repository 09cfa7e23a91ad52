import type { KeyObject } from 'node:crypto';
import fc from 'fast-check';
import { parseJwtSvid } from 'svidkit/jwt-svid';
import { createMemoryReplayStore } from 'svidkit/replay';
import { parseWitSvid } from 'svidkit/wit';
import { proveRequest, readWptRequest, verifyWpt } from 'svidkit/wpt';
import { describe, expect, it } from 'vitest';
import { tokenHash } from '../../src/internal/token-hash.js';
import { AUDIENCE, options, unproven } from '../support/proofs.js';
import { rawToken } from '../support/raw-token.js';
import { visibleForms } from '../support/visible-forms.js';
import { clock, NOW, SUBJECT, wit, workload } from '../support/wit-domain.js';

/** Every spelling of a private key that could end up in a log. */
function spellings(key: KeyObject): string[] {
  const { d = '' } = key.export({ format: 'jwk' });
  const bytes = Buffer.from(d, 'base64url');
  const der = key.export({ format: 'der', type: 'pkcs8' }).toString('base64');
  return [d, bytes.toString('hex'), bytes.toString('base64'), der, [...bytes.subarray(0, 8)].join(', ')];
}

const text = fc.string({ minLength: 1, maxLength: 40, unit: fc.constantFrom(...'abcXYZ019-_.') });
const secret = fc.stringMatching(/^[A-Za-z0-9]{24,60}$/);

describe('what shows of the objects that hold secrets', () => {
  it('is neither a token nor a key, in any form', async () => {
    await fc.assert(
      fc.asyncProperty(text, secret, secret, secret, async (hint, accessToken, txnToken, user) => {
        const token = wit({ claims: { jti: hint, nonce: accessToken } });
        const bearer = rawToken({ alg: 'ES256' }, { sub: SUBJECT, aud: 'a', exp: NOW, nonce: user });
        const svid = parseWitSvid({ token, privateKey: workload, hint });
        const draft = 'draft-ietf-wimse-wpt-01';
        const tokens = { accessToken, txnToken, otherTokens: { 'X-User': user } };
        const fields = await proveRequest(svid, { audience: AUDIENCE, draft, clock, ...tokens });
        const request = readWptRequest(
          [...fields.flat(), 'Authorization', `Bearer ${accessToken}`, 'Txn-Token', txnToken, 'X-User', user],
          { drafts: [draft], otherTokens: ['x-user'] },
        );
        const checked = await unproven(token);
        const replay = createMemoryReplayStore({ clock });
        const caller = await verifyWpt(request, checked, options({ replay }));
        const refusal = await verifyWpt(request, checked, options({ replay })).catch((error: unknown) => error);

        const secrets = [token, request.wpt, bearer].flatMap((jwt) => jwt.split('.')).concat(spellings(workload));
        secrets.push(accessToken, txnToken, user);
        const shown = {
          svid,
          signer: svid.signer,
          request,
          checked,
          replay,
          refusal,
          bearer: parseJwtSvid(bearer, { hint }),
        };
        for (const [name, value] of Object.entries(shown)) {
          const forms = visibleForms(value).join('\n');
          for (const each of secrets) expect(forms, name).not.toContain(each);
        }
        // The claims of a proven WIT are for the service to read; the tokens are not.
        const forms = visibleForms(caller).join('\n');
        for (const each of secrets.filter((other) => other !== accessToken)) expect(forms).not.toContain(each);
        expect(tokenHash(token)).toBe(checked.hash);
      }),
      { numRuns: 25 },
    );
  });

  it('would be noticed: the same forms show a token in a plain object', () => {
    const forms = visibleForms({ token: 'abc.def' });
    expect(forms.filter((form) => form.includes('abc.def')).length).toBeGreaterThanOrEqual(3);
  });
});
