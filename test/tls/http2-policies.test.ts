import { once } from 'node:events';
import type { ClientHttp2Session, Http2SecureServer, ServerHttp2Session } from 'node:http2';
import {
  connectHttp2,
  createHttp2Server,
  createHttp2SessionPool,
  getPeer,
  type MtlsClientOptions,
  type MtlsServerOptions,
} from 'svidkit/tls';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { listen } from '../support/connections.js';
import { FollowedSide } from '../support/followed-side.js';
import { HeldStreams } from '../support/held-streams.js';
import { ask, plainSession, urlOf } from '../support/http2.js';
import { CLIENT, ourSvid, ours, pemIdentity, SERVER, theirBundle } from '../support/mtls.js';
import { until } from '../support/until.js';
import { PEER_WITHDRAWALS } from '../support/withdrawals.js';
import { makeLeaf, NOW, sourceOf } from '../support/x509.js';

let client: FollowedSide;
let server: FollowedSide;
let accepting: Http2SecureServer;
let sessions: ServerHttp2Session[];
let held: HeldStreams;
let handled: string[];

beforeEach(() => {
  client = new FollowedSide(ourSvid(CLIENT));
  server = new FollowedSide(ourSvid(SERVER));
  held = new HeldStreams();
  [sessions, handled] = [[], []];
});

function serve(options: Partial<MtlsServerOptions> = {}): Promise<number> {
  accepting = createHttp2Server({ ...server, ...options } as MtlsServerOptions);
  accepting.on('session', (session) => sessions.push(session));
  accepting.on('stream', (_, headers) => void handled.push(String(headers[':path'])));
  held.serve(accepting);
  return listen(accepting);
}

async function open(port: number, options: Partial<MtlsClientOptions> = {}): Promise<ClientHttp2Session> {
  const session = await connectHttp2(urlOf(port), { ...client, ...options } as MtlsClientOptions);
  onTestFinished(() => session.destroy());
  return session;
}

/** The rest of this turn of the event loop, and the beginning of the next. */
const nextTurn = (): Promise<void> => new Promise(setImmediate);

describe('a server of HTTP/2', () => {
  it.each(PEER_WITHDRAWALS)('ends open streams in the same turn when %s', async (_, change, code) => {
    const session = await open(await serve());
    const { asked } = await held.begin(session);
    const failed = vi.fn();
    held.streams[0]?.on('error', failed);
    server.update(() => change(server));
    await nextTurn();
    expect([sessions[0]?.destroyed, held.streams[0]?.destroyed]).toEqual([true, true]);
    expect(failed).toHaveBeenCalledWith(expect.objectContaining({ code }));
    await expect(asked).rejects.toThrow();
    expect(server.refused).toMatchObject([{ code, claimedId: CLIENT }]);
  });

  it.each(PEER_WITHDRAWALS)(
    'refuses the next request, without being told of updates, once %s',
    async (_, change, code, status) => {
      const session = await open(await serve());
      const { asked } = await held.begin(session);
      change(server);
      expect((await ask(session, { ':path': '/second' })).status).toBe(status);
      expect(handled).toEqual(['/wait']);
      expect(server.refused).toMatchObject([{ code, claimedId: CLIENT }]);
      await expect(asked).rejects.toThrow();
      await until(() => sessions[0]?.destroyed).toBe(true);
    },
  );

  it('refuses each of many requests that arrive at once, whoever listens for them', async () => {
    const session = await open(await serve());
    sessions[0]?.on('stream', () => handled.push('listener of the session'));
    accepting.prependListener('stream', () => handled.push('early listener'));
    accepting.on('request', () => handled.push('listener for requests'));
    server.decide = () => false;
    const outcomes = await Promise.allSettled(Array.from({ length: 50 }, () => ask(session)));
    const answers = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value.status] : []));
    expect(new Set(answers)).toEqual(new Set([403]));
    expect(handled).toEqual([]);
  });

  it('leaves open streams alone where only the next request is to be refused', async () => {
    const session = await open(await serve({ closeWithdrawn: false }));
    const { asked } = await held.begin(session);
    server.update(() => (server.decide = () => false));
    await nextTurn();
    expect((await ask(session, { ':path': '/second' })).status).toBe(403);
    held.answerAll();
    expect((await asked).status).toBe(200);
    expect(handled).toEqual(['/wait']);
    await until(() => sessions[0]?.destroyed).toBe(true);
  });

  it('ends a session when the certificate of the client expires', async () => {
    const leaf = makeLeaf(ours, CLIENT, { notAfter: new Date(NOW + 1000) });
    server.now = NOW + 950;
    const session = plainSession(await serve(), pemIdentity(leaf));
    const { asked } = await held.begin(session);
    server.now = NOW + 1000;
    await expect(asked).rejects.toThrow();
    expect(server.refused).toMatchObject([{ code: 'peer_expired' }]);
  });

  it('is not brought down by streams that nobody listens to', async () => {
    const uncaught = vi.fn();
    process.on('uncaughtException', uncaught);
    onTestFinished(() => void process.off('uncaughtException', uncaught));
    const port = await serve();
    const session = await open(port);
    const { asked } = await held.begin(session);
    server.update(() => (server.decide = () => false));
    await expect(asked).rejects.toThrow();
    await nextTurn();
    server.decide = () => true;
    expect((await ask(await open(port))).status).toBe(200);
    expect(uncaught).not.toHaveBeenCalled();
  });

  it('keeps a session over a rotation of its own', async () => {
    const session = await open(await serve());
    server.update(() => (server.current = ourSvid(SERVER)));
    await nextTurn();
    expect((await ask(session)).status).toBe(200);
    expect(sessions).toHaveLength(1);
  });

  it('ends a session with the streams it has, under drain, when it was given a new SVID', async () => {
    const port = await serve({ rotation: 'drain' });
    const session = await open(port);
    const { asked } = await held.begin(session);
    const goaway = once(session, 'goaway');
    server.update(() => (server.current = ourSvid(SERVER)));
    expect((await goaway)[0]).toBe(0);
    await expect(ask(session)).rejects.toMatchObject({ code: 'ERR_HTTP2_GOAWAY_SESSION' });
    held.answerAll();
    expect((await asked).status).toBe(200);
    await until(() => [sessions[0]?.destroyed, session.destroyed]).toEqual([true, true]);
    expect(getPeer(await open(port)).leaf.serialNumber).not.toBe(getPeer(session).leaf.serialNumber);
  });

  it('follows its sources only while it has sessions', async () => {
    const port = await serve();
    expect(server.followers).toBe(0);
    const [one, other] = [await open(port), await open(port)];
    expect(server.followers).toBe(2);
    one.destroy();
    other.close();
    await until(() => [server.followers, client.followers]).toEqual([0, 0]);
  });
});

describe('a client of HTTP/2', () => {
  it.each(PEER_WITHDRAWALS)('ends its requests in the same turn when %s', async (_, change, code) => {
    const session = await open(await serve());
    const { asked } = await held.begin(session);
    client.update(() => change(client));
    await nextTurn();
    expect(session.destroyed).toBe(true);
    await expect(asked).rejects.toMatchObject({ code, claimedId: SERVER });
  });

  it('takes no new request under drain after a rotation, and ends with those it has', async () => {
    const session = await open(await serve(), { rotation: 'drain' });
    const { asked } = await held.begin(session);
    client.update(() => (client.current = ourSvid(CLIENT)));
    await nextTurn();
    await expect(ask(session)).rejects.toMatchObject({ code: 'ERR_HTTP2_GOAWAY_SESSION' });
    held.answerAll();
    expect((await asked).status).toBe(200);
    await until(() => session.destroyed).toBe(true);
  });

  it('goes on with a session in hand over a rotation otherwise', async () => {
    const session = await open(await serve());
    client.update(() => (client.current = ourSvid(CLIENT)));
    await nextTurn();
    expect((await ask(session)).status).toBe(200);
  });

  it.each(['keep', 'drain'] as const)('closes what its pool keeps idle, with %s', async (rotation) => {
    const port = await serve();
    const pool = createHttp2SessionPool({ ...client, rotation });
    onTestFinished(() => pool.destroy());
    const [idle, busy] = [await pool.session(urlOf(port)), await open(port)];
    await ask(idle);
    client.update(() => (client.current = ourSvid(CLIENT)));
    await until(() => idle.destroyed).toBe(true);
    expect(busy.destroyed).toBe(false);
    expect((await ask(await pool.session(urlOf(port)))).status).toBe(200);
  });

  it.each(['keep', 'drain'] as const)(
    'gets a session from its pool when its SVID is replaced while that is being opened, with %s',
    async (rotation) => {
      const port = await serve();
      const pool = createHttp2SessionPool({ ...client, rotation });
      onTestFinished(() => pool.destroy());
      accepting.once('session', () => client.update(() => (client.current = ourSvid(CLIENT))));
      expect((await ask(await pool.session(urlOf(port)))).status).toBe(200);
      expect(sessions).toHaveLength(rotation === 'keep' ? 1 : 2);
    },
  );

  it('ends the sessions of its pool in the same turn when the bundle is withdrawn', async () => {
    const port = await serve();
    const pool = createHttp2SessionPool(client);
    onTestFinished(() => pool.destroy());
    const session = await pool.session(urlOf(port));
    const { asked } = await held.begin(session);
    client.update(() => (client.bundleSource = sourceOf(theirBundle)));
    await nextTurn();
    expect(session.destroyed).toBe(true);
    await expect(asked).rejects.toMatchObject({ code: 'peer_refused' });
    await expect(pool.session(urlOf(port))).rejects.toMatchObject({ code: 'peer_refused' });
  });

  it('loses no request of its pool under load while both sides rotate and the server drains', async () => {
    const port = await serve({ rotation: 'drain' });
    const pool = createHttp2SessionPool({ ...client, rotation: 'drain' });
    onTestFinished(() => pool.destroy());
    const askOnce = async (): Promise<number> => (await ask(await pool.session(urlOf(port)))).status;
    // A request that crosses the GOAWAY of a server is one that it has not begun, and safe to repeat.
    const askAgain = (error: { readonly code?: string; readonly message: string }): Promise<number> => {
      expect(`${error.code} ${error.message}`).toMatch(/REFUSED_STREAM|GOAWAY_SESSION/);
      return askOnce().catch(askAgain);
    };
    const asked: Promise<number>[] = [];
    const presented = (): number => new Set(sessions.map((session) => getPeer(session).leaf.serialNumber)).size;
    let rotations = 0;
    for (let request = 0; presented() < 7 && request < 10_000; request += 1) {
      // Not before the last one has been presented, however many turns a handshake takes.
      if (request % 50 === 20 && rotations < 6 && presented() > rotations) {
        rotations += 1;
        client.update(() => (client.current = ourSvid(CLIENT)));
      }
      if (request % 50 === 40) server.update(() => (server.current = ourSvid(SERVER)));
      asked.push(askOnce().catch(askAgain));
      if (request % 3 === 0) await nextTurn();
    }
    expect(new Set(await Promise.all(asked))).toEqual(new Set([200]));
    expect(presented()).toBe(7);
  });
});
