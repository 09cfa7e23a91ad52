import { constants, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import { text } from 'node:stream/consumers';
import { createHttp2Server, createHttp2SessionPool, type Http2SessionPool } from 'svidkit/tls';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { listen } from '../support/connections.js';
import { ask, urlOf } from '../support/http2.js';
import { CLIENT, ourSvid, SERVER, Side } from '../support/mtls.js';

let client: Side;
let server: Side;
let pool: Http2SessionPool;

beforeEach(() => {
  client = new Side(ourSvid(CLIENT));
  server = new Side(ourSvid(SERVER));
  pool = createHttp2SessionPool({ ...client, clock: client.clock });
  onTestFinished(() => pool.destroy());
});

async function serve(
  handle: (stream: ServerHttp2Stream) => void,
  onSession: (session: ServerHttp2Session) => void = () => undefined,
): Promise<string> {
  const accepting = createHttp2Server(server);
  accepting.on('session', onSession);
  accepting.on('stream', (stream) => {
    stream.on('error', () => undefined);
    handle(stream);
  });
  return urlOf(await listen(accepting));
}

const answer = async (stream: ServerHttp2Stream): Promise<void> => {
  stream.respond({ ':status': 200 });
  stream.end(await text(stream));
};

describe('withSession()', () => {
  const sendTea = (url: string) =>
    pool.withSession(url, (session) => ask(session, { ':method': 'POST' }, 'tea')).then(({ body }) => body);

  it('repeats a request that the server has refused unseen, twice and no more (RFC 9113 section 8.7)', async () => {
    let refusals = 2;
    let streams = 0;
    const url = await serve((stream) => {
      streams += 1;
      refusals -= 1;
      if (refusals < 0) void answer(stream);
      else stream.close(constants.NGHTTP2_REFUSED_STREAM);
    });
    expect(await sendTea(url)).toBe('tea');
    expect(streams).toBe(3);
    refusals = 3;
    await expect(sendTea(url)).rejects.toThrow('NGHTTP2_REFUSED_STREAM');
    expect(streams).toBe(6);
  });

  it('loses no request to servers that leave their sessions while others are on their way', async () => {
    let leaving = 2;
    let sessions = 0;
    const url = await serve(
      (stream) => {
        if (leaving > 0 && stream.session?.closed === false) {
          leaving -= 1;
          stream.session.close();
        }
        void answer(stream);
      },
      () => {
        sessions += 1;
      },
    );
    const answers = await Promise.all(Array.from({ length: 50 }, () => sendTea(url)));
    expect(new Set(answers)).toEqual(new Set(['tea']));
    expect(sessions).toBeGreaterThan(1);
  });

  it('repeats nothing else, and gives the session that can be used now', async () => {
    let streams = 0;
    const url = await serve((stream) => {
      streams += 1;
      stream.close(constants.NGHTTP2_INTERNAL_ERROR);
    });
    await expect(sendTea(url)).rejects.toThrow('NGHTTP2_INTERNAL_ERROR');
    const mine = new Error('mine');
    await expect(pool.withSession(url, () => Promise.reject(mine))).rejects.toBe(mine);
    expect(streams).toBe(1);
    const session = await pool.session(url);
    expect(await pool.withSession(url, async (given) => given)).toBe(session);
    await expect(pool.withSession(url, ask, { signal: AbortSignal.abort(mine) })).rejects.toBe(mine);
  });
});
