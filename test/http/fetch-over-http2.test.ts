import type { Server } from 'node:http';
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import {
  createProvingFetch,
  createRequestAuthenticator,
  type ProofMechanism,
  type ProvingFetchOptions,
  requireCaller,
} from 'svidkit/http';
import { exactly } from 'svidkit/id';
import { createMemoryReplayStore } from 'svidkit/replay';
import { describe, expect, it } from 'vitest';
import { listen } from '../support/connections.js';
import { fetchOverHttp2 } from '../support/fetch-over-http2.js';
import { svid } from '../support/http-signatures.js';
import { rejectionOf } from '../support/rejections.js';
import { serverCertificate } from '../support/server-certificate.js';
import { SERVER, witSvidOf } from '../support/signed-http.js';
import { bundles, clock, SUBJECT } from '../support/wit-domain.js';

const AUDIENCE = 'urn:example:orders';

/** A server of HTTP/2 alone, whose answers say which version and mechanism a request came by. */
async function serve(mechanisms: readonly ProofMechanism[]): Promise<number> {
  const server = witSvidOf(SERVER);
  const authenticate = createRequestAuthenticator({
    ...{ bundles, audiences: AUDIENCE, authorize: exactly(SUBJECT), clock, mechanisms },
    replay: createMemoryReplayStore({ clock }),
  });
  const secure = createSecureServer(
    await serverCertificate(),
    requireCaller(
      authenticate,
      (request: Http2ServerRequest, response: Http2ServerResponse, { proof, body }) => {
        if (request.url === '/moved') response.writeHead(303, { Location: '/orders' }).end();
        else response.end(`${request.httpVersion} ${proof.kind} ${Buffer.from(body?.bytes ?? [])}`);
      },
      { sign: { getWitSvid: () => server }, clock },
    ),
  );
  return listen(secure as unknown as Server);
}

function fetchOver(options: Partial<ProvingFetchOptions>): typeof globalThis.fetch {
  const choices = { wit: { getWitSvid: () => svid }, audience: () => AUDIENCE, clock };
  return createProvingFetch({
    ...choices,
    ...options,
    fetch: fetchOverHttp2(),
  } as ProvingFetchOptions);
}

describe('the proving fetch over HTTP/2', () => {
  it('proves itself by a token', async () => {
    const origin = `https://127.0.0.1:${await serve(['wpt'])}`;
    const answer = await fetchOver({})(`${origin}/orders`, { method: 'POST', body: 'tea' });
    expect(await answer.text()).toBe('2.0 wpt ');
  });

  it('signs requests, and verifies signed answers, redirects included', async () => {
    const origin = `https://127.0.0.1:${await serve(['http-signature'])}`;
    const responses = { bundles, authorize: exactly(SERVER) };
    const fetch = fetchOver({ mechanism: 'http-signature', responses });
    for (const body of ['tea', new Uint8Array(300_000), undefined]) {
      const answer = await fetch(`${origin}/orders?x=1`, { method: 'POST', ...(body === undefined ? {} : { body }) });
      expect(await answer.text()).toBe(`2.0 http-signature ${Buffer.from(body ?? '')}`);
    }
    expect(await (await fetch(`${origin}/moved`, { method: 'POST', body: 'tea' })).text()).toBe('2.0 http-signature ');
  });

  it('threat 43: refuses an answer of another server than the expected', async () => {
    const origin = `https://127.0.0.1:${await serve(['http-signature'])}`;
    const responses = { bundles, authorize: exactly(SUBJECT) };
    const fetch = fetchOver({ mechanism: 'http-signature', responses });
    expect(await rejectionOf(fetch(`${origin}/orders`))).toBe('response_not_verified');
  });
});
