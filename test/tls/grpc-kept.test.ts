import { setImmediate as nextTurn } from 'node:timers/promises';
import type { TLSSocket } from 'node:tls';
import * as grpc from '@grpc/grpc-js';
import {
  createGrpcCredentials,
  createGrpcListener,
  getPeer,
  type MtlsClientOptions,
  type MtlsServerOptions,
} from 'svidkit/tls';
import { beforeEach, describe, expect, it } from 'vitest';
import { FollowedSide } from '../support/followed-side.js';
import { listening, openChat, ordersClient, ordersServer, place } from '../support/grpc-orders.js';
import { CLIENT, ourSvid, SERVER, Side, theirBundle } from '../support/mtls.js';
import { until } from '../support/until.js';
import { NOW, sourceOf } from '../support/x509.js';

const HOUR = 3_600_000;

let client: FollowedSide;
let server: FollowedSide;
let sockets: TLSSocket[];

beforeEach(() => {
  client = new FollowedSide(ourSvid(CLIENT));
  server = new FollowedSide(ourSvid(SERVER));
  sockets = [];
});

const set = (side: Side, changes: Partial<Side>): void => void Object.assign(side, changes);

const serialOf = ({ current }: Side): string =>
  current instanceof Error ? '' : (current.certificates[0]?.serialNumber ?? '');

/** Tells of each call with which certificate the caller came, and over the how manieth connection. */
async function serve(policy: Partial<MtlsServerOptions> = {}): Promise<string> {
  const running = ordersServer((call) => {
    const { serialNumber } = getPeer(call).leaf;
    return `${serialNumber} ${sockets.findIndex((socket) => `127.0.0.1:${socket.remotePort}` === call.getPeer())}`;
  });
  const listener = createGrpcListener(grpc, running, Object.assign(server, policy));
  listener.on('secureConnection', (socket: TLSSocket) => sockets.push(socket));
  return listening(listener);
}

function connect(target: string, policy: Partial<MtlsClientOptions> = {}): grpc.Client {
  return ordersClient(target, createGrpcCredentials(grpc, Object.assign(client, policy) as MtlsClientOptions));
}

describe('a channel', () => {
  it('keeps its connection while nothing changes', async () => {
    const calling = connect(await serve());
    const answers = [await place(calling), await place(calling), await place(calling)];
    expect(answers).toEqual(Array(3).fill(`${serialOf(client)} 0`));
  });

  it('sends the next call over a new connection with a rotated SVID, and lets open streams end on the old one', async () => {
    const calling = connect(await serve());
    const before = openChat(calling);
    expect(await before.next()).toBe(`${serialOf(client)} 0`);
    client.current = ourSvid(CLIENT);
    expect(await place(calling)).toBe(`${serialOf(client)} 1`);
    expect(await place(calling)).toBe(`${serialOf(client)} 1`);
    before.send('still here');
    expect(await before.next()).toBe('still here');
    expect(sockets.map(({ closed }) => closed)).toEqual([false, false]);
    before.end();
    expect(await before.next()).toBe('end');
    await until(() => sockets[0]?.closed).toBe(true);
    expect(await place(calling)).toBe(`${serialOf(client)} 1`);
  });

  it.each(['keep', 'drain'] as const)('loses no call among many while both sides rotate (%s)', async (rotation) => {
    const calling = connect(await serve({ rotation }));
    const wrong: string[] = [];
    let calls = 0;
    let rotating = true;
    const caller = async (): Promise<void> => {
      while (rotating) {
        const answer = await place(calling);
        calls += 1;
        if (!/^[0-9A-F]+ \d+$/.test(answer)) wrong.push(answer);
      }
    };
    const callers = Array.from({ length: 10 }, caller);
    for (let round = 0; round < 10; round += 1) {
      const [side, id] = round % 2 === 0 ? ([client, CLIENT] as const) : ([server, SERVER] as const);
      side.update(() => set(side, { current: ourSvid(id) }));
      const reached = calls + 20;
      while (calls < reached) await nextTurn();
    }
    rotating = false;
    await Promise.all(callers);
    expect(wrong).toEqual([]);
    expect(sockets.length).toBeGreaterThan(4);
    expect(await place(calling)).toMatch(new RegExp(`^${serialOf(client)} `));
  });

  const changes: ReadonlyArray<readonly [what: string, change: () => void, rule: RegExp]> = [
    ['our SVID is withdrawn', () => set(client, { current: new Error('withdrawn') }), /no_identity/],
    ['our SVID expires', () => set(client, { now: NOW + HOUR }), /identity_expired/],
    ['the bundle is withdrawn', () => set(client, { bundleSource: sourceOf(theirBundle) }), /unknown_trust_domain/],
    ['the authorizer changes its mind', () => set(client, { decide: () => false }), /not_authorized/],
  ];

  it.each(changes)('sends nothing more once %s, and the call says so', async (_, change, rule) => {
    const calling = connect(await serve());
    await place(calling);
    change();
    const status = await place(calling);
    expect(status).toMatch(/^UNAVAILABLE/);
    expect(status).toMatch(rule);
  });

  it('threat 7: ends open streams within a turn of the event loop once the bundle is withdrawn', async () => {
    const calling = connect(await serve());
    const chat = openChat(calling);
    await chat.next();
    client.update(() => set(client, { bundleSource: sourceOf(theirBundle) }));
    const ended = chat.next();
    await nextTurn();
    await nextTurn();
    expect(await Promise.race([ended, Promise.resolve('open')])).toMatch(
      /^UNAVAILABLE: peer_refused \(unknown_trust_domain\)/,
    );
  });

  it('ends open streams at the next call where the sources do not tell of their updates', async () => {
    const silent = new Side(ourSvid(CLIENT));
    const calling = ordersClient(await serve(), createGrpcCredentials(grpc, silent));
    const chat = openChat(calling);
    await chat.next();
    set(silent, { bundleSource: sourceOf(theirBundle) });
    expect(await place(calling)).toMatch(/unknown_trust_domain/);
    expect(await chat.next()).toMatch(/^UNAVAILABLE: peer_refused/);
  });

  it('leaves open streams alone where that is asked for, and still sends no new call', async () => {
    const calling = connect(await serve(), { closeWithdrawn: false });
    const chat = openChat(calling);
    await chat.next();
    client.update(() => set(client, { bundleSource: sourceOf(theirBundle) }));
    expect(await place(calling)).toMatch(/unknown_trust_domain/);
    chat.send('still here');
    expect(await chat.next()).toBe('still here');
  });
});

describe('a server', () => {
  const changes: ReadonlyArray<readonly [what: string, change: () => void, status: string]> = [
    ['expired', () => set(server, { now: NOW + HOUR }), 'UNAUTHENTICATED: unauthenticated'],
    ['lost its bundle', () => set(server, { bundleSource: sourceOf(theirBundle) }), 'UNAUTHENTICATED: unauthenticated'],
    ['lost its authorization', () => set(server, { decide: () => false }), 'PERMISSION_DENIED: permission denied'],
  ];

  it.each(changes)('lets no further call through to a handler once the client has %s', async (_, change, status) => {
    const calling = connect(await serve());
    await place(calling);
    change();
    expect(await place(calling)).toBe(status);
    await until(() => sockets[0]?.closed).toBe(true);
    expect(await place(calling)).toMatch(/^UNAVAILABLE/);
  });

  it('threat 7: ends open streams within a turn of the event loop once the bundle is withdrawn', async () => {
    const calling = connect(await serve());
    const chat = openChat(calling);
    await chat.next();
    server.update(() => set(server, { bundleSource: sourceOf(theirBundle) }));
    await nextTurn();
    expect(sockets[0]?.destroyed).toBe(true);
    expect(await chat.next()).toMatch(/^UNAVAILABLE/);
  });

  it.each([true, false])('ends open streams with a refused call where closeWithdrawn is %s', async (closeWithdrawn) => {
    const calling = connect(await serve({ closeWithdrawn }));
    const chat = openChat(calling);
    await chat.next();
    set(server, { bundleSource: sourceOf(theirBundle) });
    expect(await place(calling)).toMatch(/^UNAUTHENTICATED/);
    if (closeWithdrawn) await until(() => sockets[0]?.closed).toBe(true);
    chat.send('still here');
    expect(await chat.next()).toMatch(closeWithdrawn ? /^UNAVAILABLE/ : /^still here$/);
  });

  it('keeps a connection in use after its own SVID was replaced, and ends it when it is idle', async () => {
    const calling = connect(await serve());
    const chat = openChat(calling);
    await chat.next();
    server.update(() => set(server, { current: ourSvid(SERVER) }));
    expect(await place(calling)).toMatch(/ 0$/);
    chat.end();
    await chat.next();
    server.update(() => set(server, { current: ourSvid(SERVER) }));
    await until(() => sockets[0]?.closed).toBe(true);
    expect(await place(calling)).toMatch(/ 1$/);
  });

  it('moves new calls to a new connection at once, with the policy drain', async () => {
    const calling = connect(await serve({ rotation: 'drain' }));
    const chat = openChat(calling);
    await chat.next();
    server.update(() => set(server, { current: ourSvid(SERVER) }));
    chat.send('first');
    expect(await chat.next()).toBe('first');
    expect(await place(calling)).toMatch(/ 1$/);
    chat.send('second');
    expect(await chat.next()).toBe('second');
    expect(sockets[0]?.closed).toBe(false);
    chat.end();
    expect(await chat.next()).toBe('end');
    await until(() => sockets[0]?.closed).toBe(true);
  });
});
