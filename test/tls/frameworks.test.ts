import { once } from 'node:events';
import { request } from 'node:https';
import { text } from 'node:stream/consumers';
import { createHttp2SessionPool, createHttpsAgent } from 'svidkit/tls';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { closeOf, rawExchange } from '../support/connections.js';
import { FollowedSide } from '../support/followed-side.js';
import { ask, plainSession, urlOf } from '../support/http2.js';
import { CLIENT, ourSvid, pemIdentity, SERVER, theirBundle, theirs } from '../support/mtls.js';
import { OVER_HTTP2, OVER_HTTPS } from '../support/mtls-frameworks.js';
import { makeLeaf, sourceOf } from '../support/x509.js';

const notItself = pemIdentity(makeLeaf(theirs, 'spiffe://example.org/admin'));

let client: FollowedSide;
let server: FollowedSide;
let handled: number;

beforeEach(() => {
  client = new FollowedSide(ourSvid(CLIENT));
  server = new FollowedSide(ourSvid(SERVER));
  handled = 0;
});

const onHandled = (): void => {
  handled += 1;
};

/** Posts a text, over and over on the same connection, and gives status and body of the answer. */
type Post = (body: string) => Promise<readonly [status: number | undefined, body: string]>;

function overHttps(port: number): Post {
  const agent = createHttpsAgent(client, { keepAlive: true });
  onTestFinished(() => agent.destroy());
  return async (body) => {
    const outgoing = request({
      host: '127.0.0.1',
      port,
      agent,
      method: 'POST',
      headers: { 'Content-Type': 'text/plain' },
    });
    outgoing.end(body);
    const closed = closeOf(outgoing);
    const [incoming] = await once(outgoing, 'response');
    const answer = await text(incoming);
    // By then the agent has its connection back.
    await closed;
    return [incoming.statusCode, answer];
  };
}

function overHttp2(port: number): Post {
  const pool = createHttp2SessionPool(client);
  onTestFinished(() => pool.destroy());
  return async (body) => {
    const session = await pool.session(urlOf(port));
    const headers = { ':method': 'POST', ':path': '/', 'content-type': 'text/plain' };
    const answer = await ask(session, headers, body);
    return [answer.status, answer.body];
  };
}

/** What a client that is refused gets back, whatever it sends at once. */
async function exchangeHttps(port: number): Promise<string> {
  return rawExchange(port, notItself, 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n'.repeat(20));
}

async function exchangeHttp2(port: number): Promise<string> {
  const session = plainSession(port, notItself);
  let answered = '';
  for (let index = 0; index < 20; index += 1) {
    const stream = session.request({ ':method': 'POST' }).on('error', () => undefined);
    stream.on('response', () => {
      answered += 'answered';
    });
    stream.end();
  }
  if (!session.destroyed) await closeOf(session);
  return answered;
}

const PLACES = [
  ...Object.entries(OVER_HTTPS).map(
    ([name, serve]) => [`${name} over HTTPS`, serve, overHttps, exchangeHttps] as const,
  ),
  ...Object.entries(OVER_HTTP2).map(
    ([name, serve]) => [`${name} over HTTP/2`, serve, overHttp2, exchangeHttp2] as const,
  ),
];

describe.each(PLACES)('%s', (_, serve, over, exchange) => {
  it('learns who calls, for as long as the caller is welcome', async () => {
    const post = over(await serve(server, onHandled));
    expect(await post('one')).toEqual([200, `${CLIENT} one`]);
    expect(await post('two')).toEqual([200, `${CLIENT} two`]);
    server.decide = () => false;
    expect(await post('three')).toEqual([403, '']);
    expect(handled).toBe(2);
    expect(server.refused).toMatchObject([{ code: 'not_authorized', claimedId: CLIENT }]);
  });

  it('goes on over rotations of both sides', async () => {
    const post = over(await serve(server, onHandled));
    for (let round = 0; round < 3; round += 1) {
      expect(await post(`${round}`)).toEqual([200, `${CLIENT} ${round}`]);
      client.update(() => (client.current = ourSvid(CLIENT)));
      server.update(() => (server.current = ourSvid(SERVER)));
    }
  });

  it('sees nothing of a caller whose bundle is withdrawn', async () => {
    const post = over(await serve(server, onHandled));
    await post('one');
    server.update(() => (server.bundleSource = sourceOf(theirBundle)));
    await expect(post('two')).rejects.toThrow();
    expect(handled).toBe(1);
    expect(server.refused.map(({ code }) => code)).toContain('peer_refused');
  });

  it('sees nothing of a caller who was never welcome', async () => {
    const port = await serve(server, onHandled);
    expect(await exchange(port)).toBe('');
    expect(handled).toBe(0);
    expect(server.refused).toMatchObject([{ code: 'peer_refused', claimedId: 'spiffe://example.org/admin' }]);
  });
});
