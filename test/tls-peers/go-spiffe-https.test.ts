import { once } from 'node:events';
import type { Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TlsError } from 'svidkit/errors';
import { exactly } from 'svidkit/id';
import { createHttpsAgent, createHttpsServer, createMtlsFetch, getPeer } from 'svidkit/tls';
import { createX509Source, type X509Source } from 'svidkit/workload-api';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { useSpire } from '../spire/support/use-spire.js';
import { twoUsers } from '../spire/support/users.js';
import { call } from '../support/connections.js';
import { ruleOf } from '../tls-matrix/support/refusal-in.js';
import { plainSerial } from '../tls-matrix/support/speech.js';
import { type HttpsPeer, startHttpsPeer } from './support/https-peer.js';

const ROTATIONS = 3;
const { own, other, distinct } = twoUsers();

describe('https with go-spiffe at the other end, with SVIDs of a real SPIRE', () => {
  const spire = useSpire();
  let source: X509Source;
  let peer: HttpsPeer;
  let server: Server;
  let url: string;
  let allowed: string;
  let refused: TlsError[];

  beforeAll(async () => {
    const { commands, address } = spire();
    const ourId = commands.id('/agents/planner');
    // A lifetime of 20 s is renewed about every 6 s.
    await commands.createEntry({ path: '/agents/planner', uid: own, x509TtlSeconds: 20 });
    if (distinct) await commands.createEntry({ path: '/services/orders', uid: other, x509TtlSeconds: 20 });
    source = createX509Source({ address });
    await source.ready({ timeoutMs: 30_000 });
    peer = await startHttpsPeer({ address, uid: other, callerId: ourId });
    const options = {
      ...{ svid: source, bundles: source, authorize: (id: unknown) => `${id}` === allowed },
      onRefused: (error: TlsError) => void refused.push(error),
    };
    server = createHttpsServer(options, (request, response) => {
      const { id, leaf } = getPeer(request);
      response.end(`${id} ${plainSerial(leaf.serialNumber)}`);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  });

  afterAll(async () => {
    server?.close();
    server?.closeAllConnections();
    await peer?.[Symbol.asyncDispose]();
    await source?.close();
  });

  beforeEach(() => {
    allowed = peer.id;
    refused = [];
  });

  const ourId = (): string => source.getX509Svid().id.toString();
  const optionsFor = (id: string) => ({ svid: source, bundles: source, authorize: exactly(id) });

  it('serves us, and tells us who we are', async () => {
    const agent = createHttpsAgent(optionsFor(peer.id));
    const { status, body, socket } = await call(agent, peer.port);
    expect(status).toBe(200);
    expect(JSON.parse(body)).toMatchObject({ id: ourId(), protocol: 'TLS 1.3', resumed: false });
    expect(getPeer(socket).id.toString()).toBe(peer.id);

    await using mtls = createMtlsFetch(optionsFor(peer.id));
    const answer = await mtls.fetch(`https://127.0.0.1:${peer.port}/`);
    expect(await answer.json()).toMatchObject({ id: ourId() });
  });

  it('is refused by our client where somebody else is expected, and refuses us where it expects somebody else', async () => {
    const elsewhere = createHttpsAgent(optionsFor(`${peer.id}/else`));
    await expect(call(elsewhere, peer.port)).rejects.toMatchObject({ code: 'not_authorized' });
    await expect(call(createHttpsAgent(optionsFor(peer.id)), peer.closedPort)).rejects.toThrow();
  });

  it('is served by us, over kept connections and new ones, and resumes no session', async () => {
    for (const fresh of [true, true, true, false, false]) {
      const outcome = await peer.get({ url, server: ourId(), fresh });
      expect(outcome).toMatchObject({ status: 200, resumed: false, protocol: 'TLS 1.3' });
      expect(outcome.body).toMatch(`${peer.id} `);
    }
    expect(refused).toEqual([]);
  });

  it('is refused by our server where somebody else is expected, and refuses our server', async () => {
    allowed = `${peer.id}/else`;
    expect(await peer.get({ url, server: ourId(), fresh: true })).toMatchObject({ error: expect.any(String) });
    expect([...new Set(refused.map(ruleOf))]).toEqual(['not_authorized']);
    allowed = peer.id;
    const outcome = await peer.get({ url, server: `${ourId()}/else`, fresh: true });
    expect(outcome.error).toMatch(/unexpected ID/);
  });

  it(`both directions survive ${ROTATIONS} rotations of both ends without a failed request`, async () => {
    const agents = [createHttpsAgent(optionsFor(peer.id)), createHttpsAgent(optionsFor(peer.id), { keepAlive: true })];
    onTestFinished(() => agents.forEach((agent) => void agent.destroy()));
    const seen = { theirsByUs: new Set(), oursByThem: new Set(), oursShown: new Set(), theirsShown: new Set() };
    let requests = 0;
    const deadline = Date.now() + 100_000;
    while (Date.now() < deadline && Object.values(seen).some(({ size }) => size <= ROTATIONS)) {
      for (const agent of agents) {
        const { status, body, socket } = await call(agent, peer.port);
        expect(status).toBe(200);
        seen.theirsByUs.add(getPeer(socket).leaf.serialNumber);
        seen.oursByThem.add(JSON.parse(body).serialNumber);
      }
      for (const fresh of [true, false]) {
        const outcome = await peer.get({ url, server: ourId(), fresh });
        expect(outcome).toMatchObject({ status: 200, resumed: false });
        seen.oursShown.add(outcome.serial);
        seen.theirsShown.add(outcome.body);
      }
      requests += 4;
    }
    console.log(`${requests} requests; certificates: ${Object.values(seen).map(({ size }) => size)}`);
    expect(Object.values(seen).every(({ size }) => size > ROTATIONS)).toBe(true);
    expect(refused).toEqual([]);
  });
});
