import { inspect } from 'node:util';
import {
  type HttpSignatureDraft,
  type IncomingRequest,
  readResponseWit,
  readSignedRequest,
  type SignedRequest,
  signResponse,
  verifyRequest,
  verifyResponse,
} from 'svidkit/http-signature';
import { exactly } from 'svidkit/id';
import { verifyWit } from 'svidkit/wit';
import { describe, expect, it } from 'vitest';
import { options, sent, unproven, withFields } from '../support/http-signatures.js';
import { codeOf } from '../support/refusals.js';
import { rejectionOf } from '../support/rejections.js';
import { SERVER, witSvidOf } from '../support/signed-http.js';
import { bundles, clock } from '../support/wit-domain.js';

const svid = witSvidOf(SERVER);
const [DRAFT07, DRAFT06] = ['draft-ietf-wimse-http-signature-07', 'draft-ietf-wimse-http-signature-06'] as const;

/** What a client makes of the server's answer to a request, with what it has of the request. */
async function outcome(request: IncomingRequest, kept: SignedRequest, drafts: HttpSignatureDraft[]): Promise<string> {
  const proven = await verifyRequest(request, await unproven(), options({ drafts }));
  const fields = await signResponse(svid, { status: 204, rawHeaders: [], body: null }, { request: proven, clock });
  const response = { status: 204, rawHeaders: fields.flat(), body: null };
  const token = readResponseWit(response.rawHeaders, { request: kept, required: true }) ?? '';
  const given = { request: kept, authorize: exactly(SERVER), clock };
  return rejectionOf(verifyResponse(response, await verifyWit(token, bundles, { clock }), given));
}

describe('a signed request that is read again', () => {
  it.each([DRAFT07, DRAFT06])('stands for what signRequest gave, %s', async (draft) => {
    for (const signResponse of [true, false]) {
      const { request, signed } = await sent({}, { draft, signResponse });
      const kept = readSignedRequest(request);
      expect(kept).toMatchObject({ draft: signed.draft, signResponse: signed.signResponse, fields: [] });
      expect(await outcome(request, kept, [draft])).toBe('accepted');
    }
  });

  it('refuses an unsigned response exactly where a signed one was asked for', async () => {
    const [asked, silent] = [await sent({}, { signResponse: true }), await sent()];
    expect(codeOf(() => readResponseWit([], { request: readSignedRequest(asked.request) }))).toBe(
      'response_not_signed',
    );
    expect(readResponseWit([], { request: readSignedRequest(silent.request) })).toBeUndefined();
  });

  it('threat 43: binds a response to itself and to no other request', async () => {
    const [one, two] = [await sent(), await sent()];
    expect(await outcome(one.request, readSignedRequest(two.request), [DRAFT07])).toBe('req_nonce_mismatch');
    const elsewhere = readSignedRequest({ ...one.request, target: '/orders?item=bomb' });
    expect(await outcome(one.request, elsewhere, [DRAFT07])).toBe('bad_signature');
  });

  it('follows the first of the drafts whose coverage it has', async () => {
    const { request } = await sent({}, { components: ['@request-target'] });
    expect(readSignedRequest(request).draft).toBe(DRAFT07);
    const older = readSignedRequest(request, { drafts: [DRAFT06, DRAFT07] });
    expect(older.draft).toBe(DRAFT06);
    expect(await outcome(request, older, [DRAFT06])).toBe('accepted');
  });

  it.each([
    ['missing_signature', { Signature: undefined, 'Signature-Input': undefined }],
    ['unpaired_label', { Signature: undefined }],
    ['not_covered', { Authorization: 'Bearer token' }],
  ])('%s: is one that a receiver could accept', async (code, fields) => {
    const { request } = await sent();
    expect(codeOf(() => readSignedRequest(withFields(request, fields)))).toBe(code);
  });

  it('not_covered: is one of the drafts that it may follow; to list none is a TypeError', async () => {
    const { request } = await sent({}, { draft: DRAFT06 });
    expect(codeOf(() => readSignedRequest(request, { drafts: [DRAFT07] }))).toBe('not_covered');
    expect(() => readSignedRequest(request, { drafts: [] })).toThrow(TypeError);
  });

  it('shows no token', async () => {
    const { request } = await sent();
    const kept = readSignedRequest(request);
    expect(`${inspect(kept, { showHidden: true, depth: 9 })} ${JSON.stringify(kept)}`).not.toContain('eyJ');
  });
});
