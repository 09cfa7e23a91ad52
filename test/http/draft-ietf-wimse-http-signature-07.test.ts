import { once } from 'node:events';
import { connect, createServer, type Http2ServerRequest } from 'node:http2';
import { createProvingFetch, createRequestAuthenticator } from 'svidkit/http';
import { signRequest } from 'svidkit/http-signature';
import { exactly } from 'svidkit/id';
import { createMemoryReplayStore } from 'svidkit/replay';
import { describe, expect, it, onTestFinished } from 'vitest';
import { outgoing, svid } from '../support/http-signatures.js';
import { rejectionOf } from '../support/rejections.js';
import { changed, fieldIn, ORIGIN, type RawRequest, send, serveSigned, signedLines } from '../support/signed-http.js';
import { bundles, clock, SUBJECT } from '../support/wit-domain.js';

describe('draft-ietf-wimse-http-signature-07 over HTTP', () => {
  it('section 3.1: the audience is the target URI without query and fragment, or the one that is set', async () => {
    const audiences: string[] = [];
    const sending = async (_: unknown, init?: RequestInit): Promise<Response> => {
      const input = new Headers(init?.headers).get('Signature-Input') ?? '';
      audiences.push(/;wimse-aud="([^"]*)"/.exec(input)?.[1] ?? '');
      return new Response();
    };
    const options = { mechanism: 'http-signature', wit: { getWitSvid: () => svid }, fetch: sending, clock } as const;
    const url = 'https://tools.example.org/orders?item=book#top';
    await createProvingFetch(options)(url);
    await createProvingFetch({ ...options, audience: () => 'orders-service' })(url);
    expect(audiences).toEqual(['https://tools.example.org/orders', 'orders-service']);
  });

  it('section 3.5: a refusal of the signature is 400 with problem details, and asks for no other credential', async () => {
    const good = await signedLines({ body: 'x' });
    const audience = 'https://billing.example.org/orders';
    const expired = await serveSigned({ clock: () => clock() + 120_000 });
    const input = fieldIn(good, 'Signature-Input');
    const wrong: [string, RawRequest][] = [
      ['bad_signature', { ...good, method: 'PUT' }],
      ['bad_structured_field', changed(good, { Signature: 'wimse' })],
      ['duplicate_header', { ...good, fields: [...good.fields, 'Content-Digest: sha-256=:AAAA:'] }],
      ['not_covered', { ...good, fields: [...good.fields, 'Content-Type: text/plain'] }],
      ['digest_mismatch', { ...good, body: 'y' }],
      ['forbidden_parameter', changed(good, { 'Signature-Input': `${input};keyid="k"` })],
      ['wrong_audience', await signedLines({ audience })],
    ];
    const served = await serveSigned();
    for (const [code, request] of wrong) {
      const { status, head, body } = await send(served.port, request);
      expect([served.refusal(), status, JSON.parse(body)]).toMatchObject([code, 400, { status: 400 }]);
      expect(head).toMatch(/^content-type: application\/problem\+json\r?$/im);
      expect(head).not.toMatch(/^www-authenticate:/im);
    }
    expect((await send(served.port, good)).status).toBe(200);
    expect([(await send(expired.port, good)).status, expired.refusal()]).toEqual([400, 'expired']);
  });

  it('RFC 9421 section 4: a signature in the trailers is none', async () => {
    const good = await signedLines({ body: 'x' });
    const [input, signature] = [fieldIn(good, 'Signature-Input'), fieldIn(good, 'Signature')];
    const bare = changed(good, {
      ...{ 'Signature-Input': undefined, Signature: undefined, 'Content-Length': undefined },
      ...{ 'Transfer-Encoding': 'chunked' },
    });
    const body = `1\r\nx\r\n0\r\nSignature-Input: ${input}\r\nSignature: ${signature}\r\n\r\n`;
    const served = await serveSigned();
    expect((await send(served.port, { ...bare, body })).status).toBe(400);
    expect([served.refusal(), served.callers]).toEqual(['no_credentials', []]);
  });
});

describe('a signed request over HTTP/2', () => {
  /** What becomes of a request whose pseudo-header fields are those given. */
  async function outcome(pseudo: Readonly<Record<string, string>>, audience = `${ORIGIN}/orders`): Promise<string> {
    const authenticate = createRequestAuthenticator({
      ...{ bundles, audiences: ORIGIN, authorize: exactly(SUBJECT), clock, mechanisms: ['http-signature'] as const },
      replay: createMemoryReplayStore({ clock }),
    });
    const outcomes: Promise<string>[] = [];
    const server = createServer((request: Http2ServerRequest, response) => {
      outcomes.push(rejectionOf(authenticate(request)).finally(() => response.end()));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const session = connect(`http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`);
    onTestFinished(() => {
      session.destroy();
      server.close();
    });
    const request = outgoing({ rawHeaders: ['Content-Type', 'application/json'] });
    const signed = await signRequest(svid, request, { audience, clock });
    const fields = Object.fromEntries([['content-type', 'application/json'], ...signed.fields]);
    const stream = session.request({ ':method': 'POST', ':path': request.target, ...pseudo, ...fields });
    stream.end(request.body);
    stream.resume();
    await once(stream, 'close');
    return (await outcomes[0]) ?? 'unheard';
  }

  it('threat 41: is bound to :method and :path', async () => {
    expect(await outcome({})).toBe('accepted');
    expect(await outcome({ ':path': '/orders?item=bomb' })).toBe('bad_signature');
    expect(await outcome({ ':path': '/orders' })).toBe('bad_signature');
    expect(await outcome({ ':method': 'PUT' })).toBe('bad_signature');
  });

  it('threat 41: is for the audience that was signed, whatever :authority says', async () => {
    expect(await outcome({ ':authority': 'other.example' })).toBe('accepted');
    expect(await outcome({}, 'https://billing.example.org/orders')).toBe('wrong_audience');
    expect(await outcome({ ':authority': 'billing.example.org' }, 'https://billing.example.org/orders')).toBe(
      'wrong_audience',
    );
  });
});
