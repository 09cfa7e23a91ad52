import { verify as verifyRaw } from 'node:crypto';
import { HTTP_SIGNATURE_DRAFTS, type SignedRequest, verifyRequest } from 'svidkit/http-signature';
import { describe, expect, it } from 'vitest';
import { AUDIENCE, BODY, options, outcome, sent, svid, unproven, WIT } from '../support/http-signatures.js';
import { NOW } from '../support/wit-domain.js';

const DRAFT = 'draft-ietf-wimse-http-signature-07';

function fieldOf({ fields }: SignedRequest, name: string): string {
  return fields.find(([key]) => key === name)?.[1] ?? '';
}

describe(DRAFT, () => {
  it('has path and query as two components, and refuses with 400', () => {
    expect(HTTP_SIGNATURE_DRAFTS[DRAFT]).toEqual({ targetComponents: ['@path', '@query'], refusalStatus: 400 });
    expect(Object.isFrozen(HTTP_SIGNATURE_DRAFTS) && Object.isFrozen(HTTP_SIGNATURE_DRAFTS[DRAFT])).toBe(true);
  });

  it('is the default, and covers what the draft asks for, in a text that anybody can verify', async () => {
    const headers = ['Txn-Token', 'txn', 'Host', 'tools.example.org', 'Content-Type', 'application/json'];
    const rawHeaders = [...headers, 'Authorization', 'Bearer token', 'X-Unsigned', 'x'];
    const { signed } = await sent({ rawHeaders }, { signResponse: true });
    expect(signed.draft).toBe(DRAFT);
    const names = ['Content-Digest', 'Workload-Identity-Token', 'Signature-Input', 'Signature'];
    expect(signed.fields.map(([name]) => name)).toEqual(names);
    const input = fieldOf(signed, 'Signature-Input');
    const [, nonce = ''] = /;nonce="([\w-]{22})"/.exec(input) ?? [];
    const params =
      '("@method" "@path" "@query" "content-type" "content-digest" "authorization" "txn-token" "workload-identity-token")' +
      `;created=${NOW};expires=${NOW + 60};nonce="${nonce}";tag="wimse-workload-to-workload"` +
      `;wimse-aud="${AUDIENCE}";wimse-sign-response`;
    expect(input).toBe(`wimse=${params}`);
    const base = [
      '"@method": POST',
      '"@path": /orders',
      '"@query": ?item=book',
      '"content-type": application/json',
      `"content-digest": ${fieldOf(signed, 'Content-Digest')}`,
      '"authorization": Bearer token',
      '"txn-token": txn',
      `"workload-identity-token": ${WIT}`,
      `"@signature-params": ${params}`,
    ].join('\n');
    const signature = Buffer.from(fieldOf(signed, 'Signature').slice('wimse=:'.length, -1), 'base64');
    const key = { key: svid.signer.publicKey, dsaEncoding: 'ieee-p1363' as const };
    expect(verifyRaw('sha256', Buffer.from(base), key, signature)).toBe(true);
  });

  it('a target without a query has the query ?', async () => {
    const { request, signed } = await sent({ method: 'GET', target: '/', rawHeaders: [], body: null });
    expect(fieldOf(signed, 'Signature-Input')).toMatch(
      /^wimse=\("@method" "@path" "@query" "workload-identity-token"\);/,
    );
    expect(await outcome(request)).toBe('accepted');
  });

  it('every signature has a nonce of its own', async () => {
    const nonces = new Set<string>();
    for (let index = 0; index < 20; index += 1) {
      const { request } = await sent();
      nonces.add((await verifyRequest(request, await unproven(), options())).proof.nonce);
    }
    expect(nonces.size).toBe(20);
    expect(BODY.length).toBeGreaterThan(0);
  });
});
