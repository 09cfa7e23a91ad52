import { once } from 'node:events';
import type { ClientHttp2Session, Http2SecureServer, ServerHttp2Session } from 'node:http2';
import { createServer as createTcpServer } from 'node:net';
import { PassThrough } from 'node:stream';
import {
  createHttp2Server,
  createHttp2SessionPool,
  type Http2SessionPool,
  type Http2SessionPoolOptions,
  type MtlsClientOptions,
} from 'svidkit/tls';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { listen } from '../support/connections.js';
import { HeldStreams } from '../support/held-streams.js';
import { ask, urlOf } from '../support/http2.js';
import { CLIENT, ourSvid, SERVER, Side } from '../support/mtls.js';
import { until } from '../support/until.js';
import { CLIENT_CHANGES, PEER_WITHDRAWALS } from '../support/withdrawals.js';

let client: Side;
let server: Side;
let sessions: ServerHttp2Session[];
let held: HeldStreams;

beforeEach(() => {
  client = new Side(ourSvid(CLIENT));
  server = new Side(ourSvid(SERVER));
  sessions = [];
  held = new HeldStreams();
});

function serve(options: Parameters<typeof createHttp2Server>[2] = {}): Promise<number> {
  const accepting: Http2SecureServer = createHttp2Server(server, undefined, options);
  accepting.on('session', (session) => sessions.push(session));
  held.serve(accepting);
  return listen(accepting);
}

function keeping(
  options: Partial<MtlsClientOptions> = {},
  poolOptions: Http2SessionPoolOptions = {},
): Http2SessionPool {
  const pool = createHttp2SessionPool({ ...client, clock: client.clock, ...options } as MtlsClientOptions, poolOptions);
  onTestFinished(() => pool.destroy());
  return pool;
}

const serialOf = (side: Side): string =>
  side.current instanceof Error ? '' : (side.current.certificates[0]?.serialNumber ?? '');

describe('a pool of sessions', () => {
  it('gives one session to all requests of an origin, and others to other origins', async () => {
    const [pool, port, another] = [keeping(), await serve(), await serve()];
    const session = await pool.session(urlOf(port));
    await ask(session);
    expect(await pool.session(new URL(`${urlOf(port)}/orders?x`))).toBe(session);
    expect(await pool.session(urlOf(another))).not.toBe(session);
    expect(sessions).toHaveLength(2);
  });

  it('opens one session for all who wait for it', async () => {
    const [pool, port] = [keeping(), await serve()];
    const asked = Array.from({ length: 50 }, async () => ask(await pool.session(urlOf(port))));
    expect((await Promise.all(asked)).map(({ status }) => status)).toEqual(Array(50).fill(200));
    expect(sessions).toHaveLength(1);
  });

  it('opens another while the streams that the server allows are all taken, and uses both afterwards', async () => {
    const [pool, port] = [keeping(), await serve({ settings: { maxConcurrentStreams: 3 } })];
    const asked: Promise<unknown>[] = [];
    for (let request = 0; request < 4; request += 1)
      asked.push((await held.begin(await pool.session(urlOf(port)))).asked);
    expect(sessions).toHaveLength(2);
    held.answerAll();
    await Promise.all(asked);
    const burst = Array.from({ length: 6 }, async () => ask(await pool.session(urlOf(port))));
    await Promise.all(burst);
    expect(sessions).toHaveLength(2);
  });

  it('serves any number of callers at once with as many sessions as they need', async () => {
    const [pool, port] = [keeping(), await serve({ settings: { maxConcurrentStreams: 5 } })];
    const asked = Array.from({ length: 20 }, async () => ask(await pool.session(urlOf(port)), { ':path': '/wait' }));
    await until(() => held.streams).toHaveLength(20);
    expect(sessions).toHaveLength(4);
    held.answerAll();
    expect((await Promise.all(asked)).map(({ status }) => status)).toEqual(Array(20).fill(200));
  });

  it('does not count sessions against those who never used them', async () => {
    const [pool, port] = [keeping(), await serve({ settings: { maxConcurrentStreams: 2 } })];
    for (let round = 0; round < 10; round += 1) {
      await pool.session(urlOf(port));
      await new Promise(setImmediate);
    }
    expect(sessions).toHaveLength(1);
  });

  it('lets one request wait on a session of which the server allows no stream at all', async () => {
    const [pool, port] = [keeping(), await serve({ settings: { maxConcurrentStreams: 0 } })];
    const session = await pool.session(urlOf(port));
    const asked = ask(session);
    for (const accepted of sessions) accepted.settings({ maxConcurrentStreams: 1 });
    expect((await asked).status).toBe(200);
  });

  it('replaces a session that was closed, destroyed or ended by the server', async () => {
    const [pool, port] = [keeping(), await serve()];
    const ends: ReadonlyArray<(session: ClientHttp2Session) => void> = [
      (session) => session.close(),
      (session) => session.destroy(),
      () => sessions.at(-1)?.close(),
      () => sessions.at(-1)?.destroy(),
      () => sessions.at(-1)?.goaway(),
    ];
    for (const end of ends) {
      const session = await pool.session(urlOf(port));
      expect((await ask(session)).status).toBe(200);
      end(session);
      await until(() => session.closed || session.destroyed).toBe(true);
      expect(await pool.session(urlOf(port))).not.toBe(session);
    }
    expect(sessions).toHaveLength(ends.length + 1);
  });

  it('closes a session when it has been idle, not while it has a request', async () => {
    const [pool, port] = [keeping({}, { idleTimeoutMs: 50 }), await serve()];
    const session = await pool.session(urlOf(port));
    const { asked } = await held.begin(session);
    await new Promise((later) => setTimeout(later, 150));
    expect(session.closed).toBe(false);
    held.answerAll();
    await asked;
    await once(session, 'close');
    await until(() => sessions[0]?.destroyed).toBe(true);
    expect((await ask(await pool.session(urlOf(port)))).status).toBe(200);
  });

  it('keeps an idle session whose time no timer holds', async () => {
    const [pool, port] = [keeping({}, { idleTimeoutMs: Number.POSITIVE_INFINITY }), await serve()];
    const session = await pool.session(urlOf(port));
    expect((await ask(session)).status).toBe(200);
    await new Promise((later) => setTimeout(later, 50));
    expect(await pool.session(urlOf(port))).toBe(session);
  });

  it('fails all who wait when the server is refused, and tries again for the next', async () => {
    const [pool, port] = [keeping(), await serve()];
    client.decide = () => false;
    const outcomes = await Promise.allSettled(Array.from({ length: 5 }, () => pool.session(urlOf(port))));
    expect(outcomes.map((outcome) => (outcome.status === 'rejected' ? outcome.reason.code : 'served'))).toEqual(
      Array(5).fill('not_authorized'),
    );
    client.decide = () => true;
    expect((await ask(await pool.session(urlOf(port)))).status).toBe(200);
  });

  it('fails a caller when the server ends every session at once', async () => {
    const ending = createHttp2Server(server);
    ending.on('session', (session) => session.goaway());
    const pool = keeping();
    const asking = pool.session(urlOf(await listen(ending))).then(ask);
    await expect(asking).rejects.toMatchObject({ code: expect.stringMatching(/connection_closed|ERR_HTTP2/) });
  });

  it('lets a caller give up without the others, and gives up when all have', async () => {
    const pool = keeping();
    const accepted: unknown[] = [];
    const silent = createTcpServer((socket) => {
      accepted.push(socket);
      socket
        .on('error', () => undefined)
        .resume()
        .once('close', () => accepted.pop());
    });
    const port = await listen(silent);
    const [one, other] = [new AbortController(), new AbortController()];
    const first = pool.session(urlOf(port), { signal: one.signal });
    const second = pool.session(urlOf(port), { signal: other.signal });
    second.catch(() => undefined);
    await until(() => accepted).toHaveLength(1);
    one.abort(new Error('first'));
    await expect(first).rejects.toThrow('first');
    expect(accepted).toHaveLength(1);
    other.abort(new Error('second'));
    await expect(second).rejects.toThrow('second');
    await until(() => accepted).toHaveLength(0);
    await expect(pool.session(urlOf(port), { signal: AbortSignal.abort() })).rejects.toMatchObject({
      name: 'AbortError',
    });
  });
});

describe('a pool of sessions after a rotation', () => {
  it.each(['keep', 'drain'] as const)(
    'with %s: new requests go with the new SVID, old ones end as they began',
    async (rotation) => {
      const [pool, port] = [keeping({ rotation }), await serve()];
      const [old, before] = [await pool.session(urlOf(port)), serialOf(client)];
      const { asked } = await held.begin(old);
      client.current = ourSvid(CLIENT);
      const next = await pool.session(urlOf(port));
      expect(next).not.toBe(old);
      expect((await ask(next)).body).toBe(serialOf(client));
      expect(old.destroyed).toBe(false);
      held.answerAll();
      expect((await asked).body).toBe(before);
      await until(() => old.destroyed).toBe(true);
      expect(await pool.session(urlOf(port))).toBe(next);
    },
  );

  it('closes an idle session of the old SVID', async () => {
    const [pool, port] = [keeping(), await serve()];
    const old = await pool.session(urlOf(port));
    await ask(old);
    client.current = ourSvid(CLIENT);
    expect((await ask(await pool.session(urlOf(port)))).body).toBe(serialOf(client));
    await until(() => old.destroyed).toBe(true);
  });

  it('loses no request under load', async () => {
    const [pool, port] = [keeping(), await serve({ settings: { maxConcurrentStreams: 10 } })];
    const seen = new Set<string>();
    const asked: Promise<void>[] = [];
    let rotations = 0;
    for (let request = 0; seen.size < 7 && request < 20_000; request += 1) {
      // Not before the last one has been seen, however many turns a handshake takes.
      if (request % 100 === 50 && rotations < 6 && seen.size > rotations) {
        rotations += 1;
        client.current = ourSvid(CLIENT);
      }
      if (request % 100 === 75) server.current = ourSvid(SERVER);
      asked.push(
        pool
          .session(urlOf(port))
          .then((session) => ask(session))
          .then(({ status, body }) => {
            expect(status).toBe(200);
            seen.add(body);
          }),
      );
      if (request % 5 === 0) await new Promise(setImmediate);
    }
    await Promise.all(asked);
    expect(seen.size).toBe(7);
  });
});

describe('a pool of sessions does not hand one out once', () => {
  it.each(CLIENT_CHANGES)('%s', async (_, change, code) => {
    const [pool, port] = [keeping(), await serve()];
    const session = await pool.session(urlOf(port));
    const { asked } = await held.begin(session);
    change(client);
    await expect(pool.session(urlOf(port))).rejects.toMatchObject({ code });
    if (code === 'no_identity') {
      held.answerAll();
      await asked;
    } else {
      await expect(asked).rejects.toThrow();
    }
    await until(() => session.destroyed).toBe(true);
  });

  it.each(PEER_WITHDRAWALS)('%s: one that is in hand takes no request either', async (_, change, code) => {
    const [pool, port] = [keeping(), await serve()];
    const session = await pool.session(urlOf(port));
    const { asked } = await held.begin(session);
    change(client);
    expect(() => session.request({})).toThrow(expect.objectContaining({ code }));
    await expect(asked).rejects.toMatchObject({ code });
    expect(session.destroyed).toBe(true);
  });

  it('leaves the open requests to an unwelcome server where only the next is to be refused', async () => {
    const [pool, port] = [keeping({ closeWithdrawn: false }), await serve()];
    const session = await pool.session(urlOf(port));
    const { asked } = await held.begin(session);
    client.decide = () => false;
    expect(() => session.request({})).toThrow(expect.objectContaining({ code: 'not_authorized' }));
    held.answerAll();
    expect((await asked).body).toBe(serialOf(client));
    await until(() => session.destroyed).toBe(true);
  });
});

describe('closing a pool of sessions', () => {
  it('lets the requests under way end and takes no more', async () => {
    const [pool, port] = [keeping(), await serve()];
    const { asked } = await held.begin(await pool.session(urlOf(port)));
    let closed = false;
    const closing = pool.close().then(() => {
      closed = true;
    });
    await expect(pool.session(urlOf(port))).rejects.toThrow(TypeError);
    await new Promise(setImmediate);
    expect(closed).toBe(false);
    held.answerAll();
    await asked;
    await closing;
    await until(() => sessions[0]?.destroyed).toBe(true);
    await pool.close();
  });

  it('does not wait for a session that is being opened', async () => {
    const pool = keeping();
    const port = await listen(createTcpServer((socket) => socket.on('error', () => undefined)));
    const asking = expect(pool.session(urlOf(port))).rejects.toThrow('this pool is closed');
    await pool[Symbol.asyncDispose]();
    await asking;
  });

  it('can end the requests under way, too', async () => {
    const [pool, port] = [keeping(), await serve()];
    const session = await pool.session(urlOf(port));
    const { asked } = await held.begin(session);
    pool.destroy();
    await expect(asked).rejects.toThrow();
    await pool.close();
  });

  it('leaves no timer and no connection behind', async () => {
    const resources = (): string[] => process.getActiveResourcesInfo().filter((name) => /Timeout|TLSSocket/.test(name));
    const port = await serve();
    const before = resources().length;
    const pool = keeping();
    for (let round = 0; round < 5; round += 1) {
      await ask(await pool.session(urlOf(port)));
      client.current = ourSvid(CLIENT);
    }
    await pool.close();
    await until(() => sessions.every(({ destroyed }) => destroyed)).toBe(true);
    // Without timers of our own, which would be among them.
    for (let turn = 0; turn < 10_000 && resources().length > before; turn += 1) await new Promise(setImmediate);
    expect(resources().length).toBeLessThanOrEqual(before);
  });
});

describe('misuse of a pool of sessions', () => {
  it.each([{ idleTimeoutMs: 0 }, { rejectUnauthorized: false }, { ca: [] }, { socket: new PassThrough() }])(
    'is a TypeError: %o',
    (options) => {
      expect(() => createHttp2SessionPool(client, options)).toThrow(TypeError);
    },
  );

  it('by what is no https: URL is refused', async () => {
    const pool = keeping();
    await expect(pool.session('http://127.0.0.1:1')).rejects.toMatchObject({ code: 'not_tls' });
    await expect(pool.session('nothing')).rejects.toThrow(TypeError);
  });
});
