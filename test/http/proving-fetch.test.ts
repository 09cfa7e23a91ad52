import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { text } from 'node:stream/consumers';
import { RequestAuthenticationError } from 'svidkit/errors';
import { createProvingFetch, createRequestAuthenticator, type WptFetchOptions } from 'svidkit/http';
import { anyId } from 'svidkit/id';
import { createMemoryReplayStore } from 'svidkit/replay';
import { parseWitSvid } from 'svidkit/wit';
import type { WptDraft } from 'svidkit/wpt';
import { Request as UndiciRequest, fetch as undiciFetch } from 'undici';
import { beforeEach, describe, expect, it } from 'vitest';
import { listen } from '../support/connections.js';
import { rejectionOf } from '../support/rejections.js';
import { bundles, clock, SUBJECT, wit, workload } from '../support/wit-domain.js';

const WPT_01: WptDraft = 'draft-ietf-wimse-wpt-01';
type Body = NonNullable<RequestInit['body']>;

const svid = parseWitSvid({ token: wit(), privateKey: workload });
const source = { getWitSvid: () => svid };

interface Seen {
  readonly line: string;
  readonly caller: string;
  readonly body: string;
  readonly headers: IncomingMessage['headers'];
}

let seen: Seen[];
let origin: string;
/** What a path redirects to, and with which status. */
let redirects: Record<string, readonly [status: number, location: string]>;

beforeEach(async () => {
  [seen, redirects] = [[], {}];
  origin = await serve();
});

/** A server that verifies every request and redirects where it is told to. */
async function serve(): Promise<string> {
  const replay = createMemoryReplayStore({ clock });
  let audiences = 'unset';
  const listener: RequestListener = async (request, response) => {
    const authenticate = createRequestAuthenticator({
      bundles,
      audiences,
      authorize: anyId(),
      replay,
      clock,
      otherTokens: ['X-End-User'],
    });
    const body = await text(request);
    const caller = await authenticate(request).then(
      ({ id, covered }) =>
        [
          id,
          ...(covered.accessToken ? ['ath'] : []),
          ...(covered.txnToken ? ['tth'] : []),
          ...covered.otherTokens,
        ].join(' '),
      (error: unknown) => (error instanceof RequestAuthenticationError ? error.code : `${error}`),
    );
    seen.push({ line: `${request.method} ${request.url}`, caller, body, headers: request.headers });
    const [status, location] = redirects[request.url ?? ''] ?? [200, undefined];
    response.writeHead(status, location === undefined ? {} : { Location: location }).end('answered');
  };
  const port = await listen(createServer(listener));
  audiences = `http://127.0.0.1:${port}`;
  return audiences;
}

function proving(options: Partial<WptFetchOptions> = {}): typeof fetch {
  return createProvingFetch({ wit: source, allowPlaintext: true, clock, ...options });
}

const lines = (): string[] => seen.map(({ line, caller }) => `${line} ${caller}`);

describe('the proving fetch', () => {
  it('proves every request afresh', async () => {
    const fetch = proving();
    for (const path of ['/a', '/a', '/b?c=d#e']) expect(await (await fetch(origin + path)).text()).toBe('answered');
    expect(lines()).toEqual([`GET /a ${SUBJECT}`, `GET /a ${SUBJECT}`, `GET /b?c=d ${SUBJECT}`]);
    expect(new Set(seen.map(({ headers }) => headers.authorization)).size).toBe(3);
  });

  it.each([
    ['a string', (): Body => 'text', 'text'],
    ['bytes', (): Body => new TextEncoder().encode('bytes'), 'bytes'],
    ['parameters', (): Body => new URLSearchParams({ a: 'b' }), 'a=b'],
    [
      'a stream',
      (): Body => ReadableStream.from([new TextEncoder().encode('stre'), new TextEncoder().encode('am')]),
      'stream',
    ],
  ])('sends %s', async (_, body, expected) => {
    await proving()(`${origin}/a`, { method: 'post', body: body() });
    expect(seen).toMatchObject([{ line: 'POST /a', caller: SUBJECT, body: expected }]);
  });

  it('takes URL and Request objects, and lets init go before a Request', async () => {
    const fetch = proving();
    await fetch(new URL(`${origin}/url`));
    const request = new Request(`${origin}/request`, { method: 'PUT', body: 'from request', headers: { 'X-A': '1' } });
    await fetch(request);
    await fetch(new Request(`${origin}/init`, { method: 'PUT', body: 'x', headers: { 'X-A': '1' } }), {
      method: 'PATCH',
      body: 'from init',
      headers: {},
    });
    expect(seen).toMatchObject([
      { line: 'GET /url', caller: SUBJECT },
      { line: 'PUT /request', caller: SUBJECT, body: 'from request', headers: { 'x-a': '1' } },
      { line: 'PATCH /init', caller: SUBJECT, body: 'from init' },
    ]);
    expect(seen[2]?.headers['x-a']).toBeUndefined();
  });

  it('works over another fetch with a Request class of its own', async () => {
    const fetch = proving({ fetch: undiciFetch as unknown as typeof globalThis.fetch });
    await fetch(new Request(`${origin}/a`, { method: 'POST', body: 'x' }));
    await fetch(new UndiciRequest(`${origin}/b`) as unknown as Request);
    expect(lines()).toEqual([`POST /a ${SUBJECT}`, `GET /b ${SUBJECT}`]);
  });

  it('covers the tokens of the request, as the draft says', async () => {
    await proving()(`${origin}/a`, { headers: { 'Txn-Token': 'tt' } });
    const older = proving({ draft: WPT_01, otherTokens: ['X-End-User', 'X-Absent'] });
    await older(`${origin}/b`, { headers: { Authorization: 'Bearer at', 'Txn-Token': 'tt', 'X-End-User': 'alice' } });
    await older(`${origin}/c`, { headers: { Authorization: 'dpop at' } });
    await older(`${origin}/d`);
    expect(lines()).toEqual([
      `GET /a ${SUBJECT} tth`,
      `GET /b ${SUBJECT} ath tth x-end-user`,
      `GET /c ${SUBJECT} ath`,
      `GET /d ${SUBJECT}`,
    ]);
    expect(seen[1]?.headers.authorization).toBe('Bearer at');
  });

  it('makes the proof for the audience it is told', async () => {
    const asked: string[] = [];
    const fetch = proving({
      audience: (url) => {
        asked.push(url);
        return 'urn:other';
      },
    });
    await fetch(`${origin}/a?b=c#d`);
    expect(asked).toEqual([`${origin}/a`]);
    expect(lines()).toEqual(['GET /a?b=c wrong_audience']);
  });

  it('fails with what the source throws when there is no identity', async () => {
    const gone = new Error('withdrawn');
    const fetch = proving({
      wit: {
        getWitSvid: () => {
          throw gone;
        },
      },
    });
    await expect(fetch(origin)).rejects.toBe(gone);
    expect(seen).toEqual([]);
  });

  it('sends nothing that it cannot prove or must not send', async () => {
    const refuse = (init: RequestInit, options: Partial<WptFetchOptions> = {}): Promise<string> =>
      rejectionOf(proving(options)(`${origin}/a`, init));
    expect(await refuse({ headers: { Authorization: 'Bearer at' } })).toBe('authorization_taken');
    expect(await refuse({ headers: { Authorization: 'Basic YTpi' } }, { draft: WPT_01 })).toBe(
      'unsupported_authorization',
    );
    expect(await refuse({ headers: { 'Workload-Identity-Token': 'x' } })).toBe('reserved_header');
    expect(await refuse({ headers: { 'Workload-Proof-Token': 'x' } })).toBe('reserved_header');
    expect(await refuse({}, { allowPlaintext: false })).toBe('not_tls');
    expect(await rejectionOf(proving()('ftp://127.0.0.1/'))).toBe('not_tls');
    await expect(proving()(origin.replace('://', '://user:secret@'))).rejects.toThrow(TypeError);
    await expect(proving()('/relative')).rejects.toThrow(TypeError);
    expect(seen).toEqual([]);
  });

  it('is aborted by its signal, of the request or of init', async () => {
    const reason = new Error('enough');
    await expect(proving()(origin, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    await expect(proving()(new Request(origin, { signal: AbortSignal.abort(reason) }))).rejects.toBe(reason);
    expect(seen).toEqual([]);
  });

  it('hands on what the server has answered', async () => {
    redirects['/a'] = [503, ''];
    expect((await proving()(`${origin}/a`)).status).toBe(503);
    expect(seen).toHaveLength(1);
  });
});

describe('redirects', () => {
  it('within the origin are followed with a fresh proof for the new target', async () => {
    redirects = { '/a': [302, '/b'], '/b': [307, `${origin}/c?d`] };
    const answer = await proving()(`${origin}/a`);
    expect([answer.status, await answer.text()]).toEqual([200, 'answered']);
    expect(lines()).toEqual([`GET /a ${SUBJECT}`, `GET /b ${SUBJECT}`, `GET /c?d ${SUBJECT}`]);
  });

  it.each([
    [301, 'POST', 'GET', ''],
    [302, 'POST', 'GET', ''],
    [303, 'POST', 'GET', ''],
    [303, 'PUT', 'GET', ''],
    [301, 'PUT', 'PUT', 'body'],
    [307, 'POST', 'POST', 'body'],
    [308, 'POST', 'POST', 'body'],
  ])('with %i turn %s into %s', async (status, method, after, body) => {
    redirects['/a'] = [status, '/b'];
    await proving()(`${origin}/a`, { method, body: 'body', headers: { 'Content-Type': 'text/x', 'X-Kept': '1' } });
    expect(lines()).toEqual([`${method} /a ${SUBJECT}`, `${after} /b ${SUBJECT}`]);
    expect(seen[1]).toMatchObject({ body, headers: { 'x-kept': '1' } });
    expect(seen[1]?.headers['content-type']).toBe(body === '' ? undefined : 'text/x');
  });

  it('to another origin are refused, and nothing is sent there', async () => {
    const elsewhere = await serve();
    for (const location of [
      `${elsewhere}/b`,
      origin.replace('http:', 'https:'),
      '//127.0.0.1/',
      'ftp://127.0.0.1/',
      'data:,x',
    ]) {
      redirects['/a'] = [307, location];
      expect(await rejectionOf(proving()(`${origin}/a`))).toBe('cross_origin_redirect');
    }
    expect(new Set(seen.map(({ line }) => line))).toEqual(new Set(['GET /a']));
  });

  it('are returned or refused where the caller says so', async () => {
    redirects['/a'] = [302, '/b'];
    const answer = await proving()(`${origin}/a`, { redirect: 'manual' });
    expect([answer.status, answer.headers.get('Location')]).toEqual([302, '/b']);
    expect(await rejectionOf(proving()(new Request(`${origin}/a`, { redirect: 'error' })))).toBe('bad_redirect');
    expect(lines()).toEqual([`GET /a ${SUBJECT}`, `GET /a ${SUBJECT}`]);
  });

  it('that are not readable, or never end, are refused', async () => {
    redirects = { '/a': [302, 'http://['], '/b': [302, origin.replace('://', '://user@')], '/loop': [302, '/loop'] };
    expect(await rejectionOf(proving()(`${origin}/a`))).toBe('bad_redirect');
    expect(await rejectionOf(proving()(`${origin}/b`))).toBe('bad_redirect');
    expect(await rejectionOf(proving()(`${origin}/loop`))).toBe('too_many_redirects');
    expect(seen).toHaveLength(2 + 21);
  });

  it('that ask for a stream again are refused', async () => {
    redirects['/a'] = [307, '/b'];
    const body = ReadableStream.from([new TextEncoder().encode('once')]);
    expect(await rejectionOf(proving()(`${origin}/a`, { method: 'POST', body }))).toBe('body_not_replayable');
    expect(seen).toMatchObject([{ line: 'POST /a', body: 'once' }]);
  });
});

describe('misuse', () => {
  it.each([{ wit: undefined }, { draft: 'draft-ietf-wimse-wpt-99' }, { audience: 'x' }, { fetch: 1 }])(
    'createProvingFetch with %o is a TypeError',
    (wrong) => {
      expect(() => proving(wrong as object)).toThrow(TypeError);
    },
  );
});
