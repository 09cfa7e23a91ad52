import { createServer } from 'node:https';
import * as grpc from '@grpc/grpc-js';
import { anyId, exactly, memberOf } from 'svidkit/id';
import {
  connectHttp2,
  connectTls,
  createGrpcCredentials,
  createGrpcListener,
  createHttp2Server,
  createHttpsAgent,
  createHttpsServer,
  createTlsServer,
  getPeer,
} from 'svidkit/tls';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { call, listen, rawExchange } from '../support/connections.js';
import { listening, ordersClient, ordersServer, place } from '../support/grpc-orders.js';
import { ask } from '../support/http2.js';
import { CLIENT, ourSvid, ours, pemIdentity, SERVER, Side, svidOf, theirs } from '../support/mtls.js';
import { bundleOf, dns, makeLeaf, uri } from '../support/x509.js';

let client: Side;
let server: Side;

beforeEach(() => {
  client = new Side(ourSvid(CLIENT));
  server = new Side(ourSvid(SERVER));
});

const serve = (): Promise<number> =>
  listen(createHttpsServer(server, (request, response) => response.end(`${getPeer(request).id}`)));

describe('draft-ietf-wimse-mutual-tls-02', () => {
  it('section 3.2: a trusted peer of another trust domain than expected is refused on both sides', async () => {
    const stranger = pemIdentity(makeLeaf(theirs, 'spiffe://other.example/server'));
    const port = await listen(
      createServer({ ...stranger, requestCert: true, rejectUnauthorized: false }, (_, response) => response.end()),
    );
    expect((await call(createHttpsAgent(client), port)).status).toBe(200);
    client.decide = memberOf('example.org');
    await expect(call(createHttpsAgent(client), port)).rejects.toMatchObject({ code: 'not_authorized' });

    server.decide = memberOf('example.org');
    const asking = pemIdentity(makeLeaf(theirs, 'spiffe://other.example/client'));
    expect(await rawExchange(await serve(), asking, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n')).toBe('');
    expect(server.refused).toMatchObject([{ code: 'not_authorized', claimedId: 'spiffe://other.example/client' }]);
  });

  it('draft-ietf-wimse-workload-creds section 1.3: an agent for each server says whom to expect there', async () => {
    const expected = { orders: SERVER, stock: 'spiffe://example.org/stock' };
    const agents = Object.entries(expected).map(([name, id]) => {
      const options = { svid: client.svid, bundles: client.bundles, clock: client.clock, authorize: exactly(id) };
      return [name, createHttpsAgent(options)] as const;
    });
    const port = await serve();
    for (const [name, agent] of agents) {
      if (name === 'orders') expect((await call(agent, port)).body).toBe(CLIENT);
      else await expect(call(agent, port)).rejects.toMatchObject({ code: 'not_authorized', claimedId: SERVER });
    }
  });

  it('section 3.2.1: a trust domain is no host name', async () => {
    const id = 'spiffe://localhost/server';
    const names = [uri(id), dns('elsewhere.example')];
    client.bundleSource = {
      getX509Bundle: (domain) => (domain.name === 'localhost' ? bundleOf('localhost', ours) : undefined),
    };
    const port = await listen(
      createServer(pemIdentity(makeLeaf(ours, id, { names })), (_, response) => response.end()),
    );
    const strict = createHttpsAgent({ ...client, clock: client.clock, verifyHostname: true });
    await expect(call(strict, port, { host: 'localhost' })).rejects.toMatchObject({ code: 'hostname_mismatch' });
    const loose = createHttpsAgent({ ...client, clock: client.clock, verifyHostname: false });
    expect((await call(loose, port, { host: 'localhost' })).status).toBe(200);
  });

  it('section 5: no header field changes who the peer is', async () => {
    const port = await serve();
    const claims = [
      'X-Forwarded-Client-Cert: URI=spiffe://example.org/admin',
      'X-SSL-Client-Cert: spiffe://example.org/admin',
      'Client-Cert: :AA==:',
      'Workload-Identity-Token: a.b.c',
      'From: spiffe://example.org/admin',
      'Host: spiffe://example.org/admin',
    ];
    const request = `GET / HTTP/1.1\r\n${claims.join('\r\n')}\r\nConnection: close\r\n\r\n`;
    const answer = await rawExchange(port, pemIdentity(makeLeaf(ours, CLIENT)), request);
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(answer).toContain(`\r\n\r\n`);
    expect(answer.slice(answer.indexOf('\r\n\r\n'))).toContain(CLIENT);
    expect(answer).not.toContain('admin');
  });

  it('section 3.2: over HTTP/2, raw sockets and gRPC as well, trust is not enough', async () => {
    const stranger = svidOf(makeLeaf(theirs, 'spiffe://other.example/server'));
    server.current = stranger;
    const orders = ordersServer((call) => `${getPeer(call).id}`);
    const target = await listening(createGrpcListener(grpc, orders, server));
    const over = {
      http2: await listen(createHttp2Server(server, (request, response) => response.end(`${getPeer(request).id}`))),
      raw: await listen(createTlsServer(server, (socket) => socket.end(`${getPeer(socket).id}`))),
    };
    const credentials = createGrpcCredentials(grpc, client);
    for (const [decide, expected] of [
      [anyId(), /^connected$/],
      [memberOf('example.org'), /not_authorized/],
    ] as const) {
      client.decide = decide;
      const outcomes = await Promise.all([
        connectHttp2(`https://127.0.0.1:${over.http2}`, client).then(ended, codeOf),
        connectTls(client, { host: '127.0.0.1', port: over.raw }).then(ended, codeOf),
        place(ordersClient(target, credentials)).then((answer) => (answer === CLIENT ? 'connected' : answer)),
      ]);
      for (const outcome of outcomes) expect(outcome).toMatch(expected);
    }
  });

  it('section 5: over HTTP/2 and gRPC neither fields nor metadata change who the peer is', async () => {
    const admin = 'spiffe://example.org/admin';
    const port = await listen(createHttp2Server(server, (request, response) => response.end(`${getPeer(request).id}`)));
    const session = await connectHttp2(`https://127.0.0.1:${port}`, client);
    onTestFinished(() => session.destroy());
    const fields = { ':authority': 'admin.example.org', 'x-forwarded-client-cert': `URI=${admin}`, from: admin };
    expect((await ask(session, fields)).body).toBe(CLIENT);

    const orders = ordersServer((call) => `${getPeer(call).id}`);
    const target = await listening(createGrpcListener(grpc, orders, server));
    const metadata = new grpc.Metadata();
    for (const name of ['x-forwarded-client-cert', 'client-cert', 'from']) metadata.set(name, admin);
    expect(await place(ordersClient(target, createGrpcCredentials(grpc, client)), metadata)).toBe(CLIENT);
  });

  it('section 3.2.1: a raw socket holds the DNS name where that is asked for', async () => {
    const port = await listen(createTlsServer(server, (socket) => socket.end()));
    const strict = { ...client, clock: client.clock, verifyHostname: true };
    const connecting = () => connectTls(strict, { host: 'localhost', port });
    await expect(connecting()).rejects.toMatchObject({ code: 'hostname_mismatch' });
    server.current = ourSvid(SERVER, { names: [uri(SERVER), dns('localhost')] });
    expect(ended(await connecting())).toBe('connected');
  });
});

function ended(connection: { destroy(): unknown }): string {
  connection.destroy();
  return 'connected';
}

const codeOf = (error: unknown): string => `${(error as { code?: unknown }).code}`;
