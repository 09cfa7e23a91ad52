import { verify as verifyRaw } from 'node:crypto';
import {
  HTTP_SIGNATURE_DRAFTS,
  readSignatures,
  type SignedRequest,
  signMessage,
  signResponse,
  verifyMessage,
  verifyRequest,
} from 'svidkit/http-signature';
import { describe, expect, it } from 'vitest';
import { AUDIENCE, BODY, options, outcome, outgoing, sent, svid, unproven, WIT } from '../support/http-signatures.js';
import { keyPair } from '../support/key-pairs.js';
import { clock, NOW } from '../support/wit-domain.js';

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

  it('section 3: next to another signature it has the label wimse, and is found by its tag', async () => {
    const { privateKey, publicKey } = keyPair('Ed25519', 'a proxy');
    const plain = outgoing();
    const other = await signMessage(plain, privateKey, { label: 'proxy', components: ['@method'] });
    const { request, signed } = await sent({ rawHeaders: [...plain.rawHeaders, ...other.flat()] });
    expect(readSignatures(request).map(({ label }) => label)).toEqual(['proxy', 'wimse']);
    expect(fieldOf(signed, 'Signature-Input')).toMatch(/^wimse=/);
    expect(await outcome(request)).toBe('accepted');
    verifyMessage(request, { key: publicKey, alg: 'EdDSA' }, { label: 'proxy', components: ['@method'] });
  });

  it('section 3: a response covers status, WIT, type and digest, and method and target of its request', async () => {
    const { request } = await sent();
    const proven = await verifyRequest(request, await unproven(), options());
    const response = { status: 200, rawHeaders: ['Content-Type', 'text/plain', 'X-Unsigned', 'x'], body: BODY };
    const fields = await signResponse(svid, response, { request: proven, clock });
    const input = fields.find(([name]) => name === 'Signature-Input')?.[1] ?? '';
    const covered = '"@status" "workload-identity-token" "content-type" "content-digest"';
    const bound = '"@method";req "@path";req "@query";req';
    expect(input).toBe(
      `wimse=(${covered} ${bound});created=${NOW};expires=${NOW + 60};nonce="${/nonce="([\w-]{22})"/.exec(input)?.[1]}"` +
        `;tag="wimse-workload-to-workload";wimse-req-nonce="${proven.proof.nonce}"`,
    );
    const bare = await signResponse(svid, { status: 204, rawHeaders: [], body: null }, { request: proven, clock });
    expect(bare.find(([name]) => name === 'Signature-Input')?.[1]).toContain(
      `("@status" "workload-identity-token" ${bound});`,
    );
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
