import type { Agent } from 'node:https';
import { createDevEndpoint } from 'svidkit/dev';
import type { TlsError } from 'svidkit/errors';
import { anyId } from 'svidkit/id';
import { createHttpsAgent, createHttpsServer, getPeer, type MtlsOptions } from 'svidkit/tls';
import { createBundleSource, createX509Source } from 'svidkit/workload-api';
import { type CertificateRevocationList, parseCertificateList, type VerifiedX509Svid } from 'svidkit/x509-svid';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { call, listen } from '../support/connections.js';
import * as der from '../support/der-writer.js';
import { keyPair } from '../support/key-pairs.js';
import { CLIENT, ourSvid, ours, SERVER, Side, svidOf, theirs } from '../support/mtls.js';
import { hasOpenssl, opensslList } from '../support/openssl.js';
import { type ListSpec, makeList, revokedEntry } from '../support/revocation-lists.js';
import { until } from '../support/until.js';
import { bundleOf, makeAuthority, makeLeaf, NOW, sourceOf, subjectKeyId } from '../support/x509.js';

const CLIENT_SERIAL = der.integer(0x1234);
const SERVER_SERIAL = der.integer(0x5678);

/** A side that applies revocation lists, which a test can change. */
class ListSide extends Side {
  lists: readonly CertificateRevocationList[] | Error = [];
  revocation: MtlsOptions['revocation'] = undefined;

  readonly crls: MtlsOptions['crls'] = {
    getX509Crls: () => {
      if (this.lists instanceof Error) throw this.lists;
      return this.lists;
    },
  };

  put(...lists: readonly Uint8Array[]): void {
    this.lists = lists.map(parseCertificateList);
  }
}

let client: ListSide;
let server: ListSide;
let seen: VerifiedX509Svid[];

beforeEach(() => {
  client = new ListSide(ourSvid(CLIENT, { serial: CLIENT_SERIAL }));
  server = new ListSide(ourSvid(SERVER, { serial: SERVER_SERIAL }));
  seen = [];
});

const ourList = (spec: ListSpec = {}): Uint8Array => makeList(ours, spec);
const listWith = (serial: der.Der, spec: ListSpec = {}): Uint8Array =>
  ourList({ entries: [revokedEntry(serial)], ...spec });

function start(policy: Pick<MtlsOptions, 'closeWithdrawn'> = {}): Promise<number> {
  const { svid, bundles, authorize, crls, revocation, clock, onRefused } = server;
  const options = { svid, bundles, authorize, crls, revocation, clock, onRefused, ...policy };
  return listen(
    createHttpsServer(options, (request, response) => {
      seen.push(getPeer(request));
      response.end('served');
    }),
  );
}

function agentOf(side: MtlsOptions): Agent {
  const agent = createHttpsAgent(side, { keepAlive: true });
  onTestFinished(() => agent.destroy());
  return agent;
}

/** What one request over a new agent comes to: `served`, or the rules by which the client and the server refused. */
async function outcome(): Promise<{ client?: string; server?: string }> {
  const [agent, port] = [agentOf(client), await start()];
  try {
    return { client: (await call(agent, port)).body };
  } catch (error) {
    const byServer = server.refused.map(rulesOf).at(-1);
    return byServer === undefined ? { client: rulesOf(error) } : { server: byServer };
  }
}

function rulesOf(error: unknown): string {
  const { code, cause } = error as TlsError;
  return cause instanceof Error && 'code' in cause ? `${code}: ${cause.code}` : code;
}

describe('a new connection', () => {
  it('is made where lists are there and revoke neither end', async () => {
    for (const side of [client, server]) {
      side.revocation = 'required';
      side.put(listWith(der.integer(1)));
    }
    expect(await outcome()).toEqual({ client: 'served' });
  });

  it('is refused to a revoked client', async () => {
    server.put(listWith(CLIENT_SERIAL));
    expect(await outcome()).toEqual({ server: 'peer_refused: revoked' });
    expect(server.refused[0]?.claimedId).toBe(CLIENT);
    expect(seen).toEqual([]);
  });

  it('is not made to a revoked server', async () => {
    client.put(listWith(SERVER_SERIAL));
    expect(await outcome()).toEqual({ client: 'peer_refused: revoked' });
    expect(seen).toEqual([]);
  });

  it('is made without a list, and refused where one is required', async () => {
    expect(await outcome()).toEqual({ client: 'served' });
    server.revocation = 'required';
    expect(await outcome()).toEqual({ server: 'peer_refused: revocation_unknown' });
  });

  it('is not concerned by the list of another CA, which does not make up for a missing one either', async () => {
    server.put(makeList(theirs, { entries: [revokedEntry(CLIENT_SERIAL)] }));
    expect(await outcome()).toEqual({ client: 'served' });
    server.revocation = 'required';
    expect(await outcome()).toEqual({ server: 'peer_refused: revocation_unknown' });
  });

  it.each([undefined, 'if-available', 'required'] as const)(
    'is refused by a list that has run out: %s',
    async (policy) => {
      client.revocation = policy;
      client.put(ourList({ thisUpdate: new Date(NOW - 2000), nextUpdate: new Date(NOW - 1000) }));
      expect(await outcome()).toEqual({ client: 'peer_refused: crl_not_current' });
    },
  );

  it('is refused while the source of lists fails, or gives something else', async () => {
    server.lists = new Error('gone');
    expect(await outcome()).toEqual({ server: 'crls_failed' });
    expect(server.refused[0]?.cause).toMatchObject({ message: 'gone' });
    server.lists = undefined as never;
    expect(await outcome()).toEqual({ server: 'crls_failed' });
    server.lists = ['a list'] as never;
    expect(await outcome()).toEqual({ server: 'peer_refused' });
  });

  it.runIf(hasOpenssl)('is refused by a list that OpenSSL has made', async () => {
    const now = Date.now();
    const life = { notBefore: new Date(now - 60_000), notAfter: new Date(now + 3_600_000) };
    const authority = makeAuthority('live', { ...life, more: [subjectKeyId(Buffer.from('live'))] });
    const svid = (id: string, serial: der.Der) =>
      svidOf(makeLeaf(authority, id, { ...life, serial, keys: keyPair('P-256', id) }));
    [client.current, server.current] = [svid(CLIENT, CLIENT_SERIAL), svid(SERVER, SERVER_SERIAL)];
    for (const side of [client, server]) {
      side.revocation = 'required';
      side.bundleSource = sourceOf(bundleOf('example.org', authority));
      side.put(opensslList(authority, []));
    }
    // A list begins when OpenSSL makes it.
    client.now = server.now = Date.now();
    expect(await outcome()).toEqual({ client: 'served' });
    server.put(opensslList(authority, ['99', '1234']));
    server.now = Date.now();
    expect(await outcome()).toEqual({ server: 'peer_refused: revoked' });
  });
});

describe('a kept connection', () => {
  it('is not verified again while the lists are the same', async () => {
    server.put(ourList());
    const [agent, port] = [agentOf(client), await start()];
    await call(agent, port);
    await call(agent, port);
    if (server.lists instanceof Error) throw server.lists;
    server.lists = [...server.lists];
    await call(agent, port);
    expect(new Set(seen).size, 'one verification for three requests').toBe(1);
    server.put(listWith(der.integer(1)));
    expect((await call(agent, port)).reused).toBe(true);
    expect(new Set(seen).size, 'and another one for other lists').toBe(2);
  });

  it('gets no further request of a client that a newer list revokes', async () => {
    server.put(ourList());
    const [agent, port] = [agentOf(client), await start()];
    await call(agent, port);
    server.put(listWith(CLIENT_SERIAL));
    expect((await call(agent, port)).status).toBe(421);
    expect(server.refused.map(rulesOf)).toEqual(['peer_refused: revoked']);
    expect(seen).toHaveLength(1);
  });

  it('is not used again to a server that a newer list revokes', async () => {
    const [agent, port] = [agentOf(client), await start()];
    const { socket } = await call(agent, port);
    client.put(listWith(SERVER_SERIAL));
    await expect(call(agent, port)).rejects.toMatchObject({ code: 'peer_refused', cause: { code: 'revoked' } });
    expect(socket.destroyed).toBe(true);
    expect(seen).toHaveLength(1);
  });

  it('is refused when its list runs out, and when one that was delivered early begins', async () => {
    server.put(ourList({ nextUpdate: new Date(NOW + 1000) }));
    const [agent, port] = [agentOf(client), await start({ closeWithdrawn: false })];
    server.now = NOW + 1000;
    expect((await call(agent, port)).status).toBe(200);
    server.now = NOW + 1001;
    expect((await call(agent, port)).status).toBe(421);
    expect(server.refused.map(rulesOf)).toEqual(['peer_refused: crl_not_current']);

    server.put(ourList(), listWith(CLIENT_SERIAL, { thisUpdate: new Date(NOW + 5000) }));
    expect((await call(agent, port)).status).toBe(200);
    server.now = NOW + 5000;
    expect((await call(agent, port)).status).toBe(421);
    expect(server.refused.map(rulesOf).at(-1)).toBe('peer_refused: revoked');
  });

  it('is closed when its list runs out', async () => {
    server.put(ourList({ nextUpdate: new Date(NOW + 49) }));
    const [agent, port] = [agentOf(client), await start()];
    const { socket } = await call(agent, port);
    server.now = NOW + 50;
    await until(() => socket.closed).toBe(true);
    expect(server.refused.map(rulesOf)).toEqual(['peer_refused: crl_not_current']);
  });
});

describe('lists from the Workload API', () => {
  it('revoke a client while it is connected, and everybody who comes with the same SVID', async () => {
    await using endpoint = await createDevEndpoint();
    const workload = await endpoint.addWorkload(SERVER);
    await using source = createX509Source({ address: workload.address });
    await source.ready();
    const stolen = await endpoint.issuer.issueX509Svid(CLIENT);
    const other = await endpoint.issuer.issueX509Svid(CLIENT);
    const trust = { bundles: source, crls: source, revocation: 'required', authorize: anyId() } as const;
    const refused: TlsError[] = [];
    const port = await listen(
      createHttpsServer({ svid: source, ...trust, onRefused: (error) => refused.push(error) }, (_, response) => {
        response.end('served');
      }),
    );
    const thief = agentOf({ svid: { getX509Svid: () => stolen }, ...trust });
    const honest = agentOf({ svid: { getX509Svid: () => other }, ...trust });
    const { socket } = await call(thief, port);
    await call(honest, port);

    await endpoint.issuer.revokeX509Svid(stolen);
    await until(() => socket.closed).toBe(true);
    expect(refused.map(rulesOf)).toEqual(['peer_refused: revoked']);
    await expect(call(thief, port)).rejects.toThrow();
    expect(await call(honest, port)).toMatchObject({ status: 200, reused: true });
  });

  it('revoke a server, whose workload gets another SVID at once', async () => {
    await using endpoint = await createDevEndpoint();
    const [workload, verifier] = [await endpoint.addWorkload(SERVER), await endpoint.addWorkload(CLIENT)];
    await using source = createX509Source({ address: workload.address });
    await using bundles = createBundleSource({ address: verifier.address });
    await Promise.all([source.ready(), bundles.ready()]);
    const revoked = source.getX509Svid();
    const caller = await endpoint.issuer.issueX509Svid(CLIENT);
    const options = { bundles, crls: bundles, revocation: 'required', authorize: anyId() } as const;
    const agent = agentOf({ svid: { getX509Svid: () => caller }, ...options });
    const stale = await listen(createHttpsServer({ svid: { getX509Svid: () => revoked }, ...options }));
    const port = await listen(
      createHttpsServer({ svid: source, ...options }, (_, response) => void response.end('served')),
    );
    await call(agent, port);

    await endpoint.issuer.revokeX509Svid(revoked);
    await until(() => source.getX509Svid().equals(revoked)).toBe(false);
    await until(() => bundles.getX509Crls()[0]?.size).toBe(1);
    expect((await call(agent, port)).body).toBe('served');
    await expect(call(agent, stale)).rejects.toMatchObject({ code: 'peer_refused', cause: { code: 'revoked' } });
  });
});

describe('options', () => {
  it.each([
    ['a source without the method', { crls: {} }, /getX509Crls/],
    ['nothing as a source', { crls: null }, /getX509Crls/],
    ['an unknown policy', { revocation: 'always' }, /if-available or required/],
    ['a policy that asks for lists without any', { revocation: 'required' }, /needs crls/],
  ])('refuse %s', (_, wrong, message) => {
    const { svid, bundles, authorize } = client;
    const options = { svid, bundles, authorize, ...wrong } as unknown as MtlsOptions;
    for (const create of [createHttpsAgent, createHttpsServer]) {
      expect(() => create(options)).toThrow(TypeError);
      expect(() => create(options)).toThrow(message);
    }
  });
});
