import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, type Server } from 'node:tls';
import * as grpc from '@grpc/grpc-js';
import { exactly } from 'svidkit/id';
import { createGrpcCredentials, createGrpcListener, getPeer, type MtlsClientOptions } from 'svidkit/tls';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { listen, rawConnect, readToEnd } from '../support/connections.js';
import {
  type AnyCall,
  listening,
  openChat,
  openList,
  ordersClient,
  ordersServer,
  place,
  upload,
} from '../support/grpc-orders.js';
import { CLIENT, ourSvid, ours, type PemIdentity, pemIdentity, SERVER, Side, theirs } from '../support/mtls.js';
import { REFUSED_LEAVES } from '../support/refused-leaves.js';
import { dns, makeLeaf, uri } from '../support/x509.js';

let client: Side;
let server: Side;
let handled: string[];

beforeEach(() => {
  client = new Side(ourSvid(CLIENT));
  server = new Side(ourSvid(SERVER));
  handled = [];
});

function tellCaller(call: AnyCall): string {
  const caller = `${getPeer(call).id}`;
  handled.push(caller);
  return caller;
}

function serve(serverOptions: object = {}, options?: grpc.ServerOptions): Server {
  return createGrpcListener(grpc, ordersServer(tellCaller, options), server, serverOptions);
}

function connect(target: string, changes: Partial<MtlsClientOptions> = {}, options: grpc.ClientOptions = {}) {
  const side = { ...client, clock: client.clock, ...changes } as MtlsClientOptions;
  return ordersClient(target, createGrpcCredentials(grpc, side), options);
}

/** A server of grpc-js's own that svidkit would not let happen. */
async function serveAs({ key, cert }: PemIdentity): Promise<string> {
  const running = ordersServer(() => {
    handled.push('somebody');
    return '';
  });
  const pair = { private_key: Buffer.from(key), cert_chain: Buffer.from(cert) };
  return new Promise((resolve) => {
    running.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createSsl(null, [pair]), (_, port) =>
      resolve(`127.0.0.1:${port}`),
    );
  });
}

/** A channel of grpc-js's own, with whatever certificate. */
function connectAs(target: string, identity?: PemIdentity): grpc.Client {
  const context = { rejectUnauthorized: false, checkServerIdentity: () => undefined };
  const [key, cert] = [identity?.key, identity?.cert].map((pem) => (pem === undefined ? null : Buffer.from(pem)));
  return ordersClient(target, grpc.credentials.createSsl(null, key, cert, context));
}

describe('a call over mutual TLS', () => {
  it.each(['TLSv1.2', 'TLSv1.3'] as const)('of each kind shows who calls, over %s', async (maxVersion) => {
    const target = await listening(serve({ maxVersion }));
    const calling = connect(target);
    expect(await place(calling)).toBe(CLIENT);
    expect(await upload(calling, ' x', ' y')).toBe(`${CLIENT} x y`);
    expect(await openList(calling).next()).toBe(CLIENT);
    const chat = openChat(calling);
    expect(await chat.next()).toBe(CLIENT);
    chat.send('hello');
    expect(await chat.next()).toBe('hello');
    chat.end();
    expect(await chat.next()).toBe('end');
    expect(handled).toEqual(Array(4).fill(CLIENT));
  });

  it('comes over a Unix socket', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'grpc-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const target = await listening(serve(), { path: join(folder, 'orders.sock') });
    expect(await place(connect(target))).toBe(CLIENT);
  });

  it('shows interceptors who calls, and whose certificate it was', async () => {
    const seen: string[] = [];
    const interceptor: grpc.ServerInterceptor = (_, call) => {
      seen.push(`${getPeer(call).id}`, `${call.getAuthContext().sslPeerCertificate?.subjectaltname}`);
      return new grpc.ServerInterceptingCall(call);
    };
    const target = await listening(serve({}, { interceptors: [interceptor] }));
    await place(connect(target));
    expect(seen).toEqual([CLIENT, `URI:${CLIENT}`]);
  });

  it('has no identity to show where the connection did not come over this listener', async () => {
    const running = ordersServer(tellCaller);
    createGrpcListener(grpc, running, server);
    const port = await new Promise<number>((resolve) => {
      running.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (_, bound) => resolve(bound));
    });
    const plain = ordersClient(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
    expect(await place(plain)).toMatch(/^UNKNOWN/);
    expect(handled).toEqual([]);
  });

  it('takes call credentials with it', async () => {
    const said: unknown[] = [];
    const running = ordersServer((call) => {
      said.push(call.metadata.get('authorization'));
      return '';
    });
    const target = await listening(createGrpcListener(grpc, running, server));
    const metadata = new grpc.Metadata();
    metadata.set('authorization', 'Bearer x');
    const more = grpc.credentials.createFromMetadataGenerator((_, callback) => callback(null, metadata));
    const mtls = createGrpcCredentials(grpc, client);
    await place(ordersClient(target, grpc.credentials.combineChannelCredentials(mtls, more)));
    expect(said).toEqual([['Bearer x']]);
  });

  it('holds the name of the server where that is asked for', async () => {
    const target = await listening(serve());
    const name = { 'grpc.ssl_target_name_override': 'orders.example.org' };
    const strict = { verifyHostname: true };
    expect(await place(connect(target.replace('127.0.0.1', 'localhost'), strict))).toMatch(/hostname_mismatch/);
    expect(await place(connect(target, strict, name))).toMatch(/^UNAVAILABLE: .*hostname_mismatch/);
    server.current = ourSvid(SERVER, { names: [uri(SERVER), dns('orders.example.org')] });
    expect(await place(connect(target, strict, name))).toBe(CLIENT);
    expect(await place(connect(target, strict))).toBe(CLIENT);
  });

  it('may be one-way: nobody is asked who calls, and the server is verified all the same', async () => {
    const running = ordersServer((call) => {
      expect(() => getPeer(call)).toThrow(TypeError);
      return 'anybody';
    });
    const { svid, clock } = server;
    const target = await listening(createGrpcListener(grpc, running, { svid, clock, clients: 'unauthenticated' }));
    expect(await place(connect(target, { svid: 'none' }))).toBe('anybody');
    client.decide = () => false;
    expect(await place(connect(target, { svid: 'none' }))).toMatch(/^UNAVAILABLE: .*not_authorized/);
  });

  it('needs HTTP/2 to be agreed on', async () => {
    const refused: unknown[] = [];
    const listener = serve();
    listener.on('tlsClientError', (error) => refused.push(error));
    const port = Number((await listening(listener)).split(':')[1]);
    expect(await readToEnd(await rawConnect(port, pemIdentity(makeLeaf(ours, CLIENT))))).toBe('');
    expect(refused).toMatchObject([{ code: 'not_http2' }]);
    const silent = await listen(createServer({ ...pemIdentity(makeLeaf(ours, SERVER)) }));
    expect(await place(connect(`127.0.0.1:${silent}`))).toMatch(/^UNAVAILABLE: .*not_http2/);
  });
});

describe('a server is refused before a call leaves', () => {
  it.each(REFUSED_LEAVES)('when its certificate %s', async (_, rule, leaf) => {
    const target = await serveAs(pemIdentity(leaf()));
    expect(await place(connect(target))).toMatch(new RegExp(`^UNAVAILABLE: .*peer_refused \\(${rule}\\)`));
    expect(handled).toEqual([]);
  });

  it('threat 7: when the authority of another trust domain signed its identifier', async () => {
    const target = await serveAs(pemIdentity(makeLeaf(theirs, SERVER)));
    expect(await place(connect(target))).toMatch(/^UNAVAILABLE: .*peer_refused \(untrusted\)/);
    expect(handled).toEqual([]);
  });

  it('threat 33: when the authorizer expects somebody else', async () => {
    client.decide = exactly('spiffe://example.org/another');
    const status = await place(connect(await listening(serve())));
    expect(status).toMatch(/^UNAVAILABLE: .*not_authorized: .*spiffe:\/\/example\.org\/server/);
    expect(handled).toEqual([]);
  });

  it('and the call says so when it is we who have nothing to present', async () => {
    const target = await listening(serve());
    client.current = new Error('withdrawn');
    expect(await place(connect(target))).toMatch(/^UNAVAILABLE: .*no_identity/);
  });
});

describe('a client is refused before a handler runs', () => {
  it.each(REFUSED_LEAVES)('when its certificate %s', async (_, rule, leaf) => {
    const target = await listening(serve());
    expect(await place(connectAs(target, pemIdentity(leaf())))).toMatch(/^UNAVAILABLE/);
    expect(server.refused.at(0)).toMatchObject({ code: 'peer_refused', cause: { code: rule } });
    expect(handled).toEqual([]);
  });

  it('threat 7: when the authority of another trust domain signed its identifier', async () => {
    const target = await listening(serve());
    const identity = pemIdentity(makeLeaf(theirs, CLIENT));
    expect(await place(connectAs(target, identity))).toMatch(/^UNAVAILABLE/);
    expect(server.refused.at(0)).toMatchObject({ code: 'peer_refused', cause: { code: 'untrusted' } });
    expect(handled).toEqual([]);
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('without a certificate, over %s', async (maxVersion) => {
    const target = await listening(serve({ maxVersion }));
    expect(await place(connectAs(target))).toMatch(/^UNAVAILABLE/);
    expect(server.refused.at(0)).toMatchObject({ code: 'no_certificate' });
    expect(handled).toEqual([]);
  });

  it('threat 33: when the authorizer expects somebody else', async () => {
    server.decide = exactly('spiffe://example.org/another');
    expect(await place(connect(await listening(serve())))).toMatch(/^UNAVAILABLE/);
    expect(server.refused.at(0)).toMatchObject({ code: 'not_authorized', claimedId: CLIENT });
    expect(handled).toEqual([]);
  });
});

describe('shutting the gRPC server down', () => {
  it.each(['tryShutdown', 'forceShutdown'] as const)('by %s closes the listener', async (how) => {
    const running = ordersServer(tellCaller);
    const listener = createGrpcListener(grpc, running, server);
    const target = await listening(listener);
    const calling = connect(target);
    expect(await place(calling)).toBe(CLIENT);
    await new Promise<void>((resolve) => {
      if (how === 'tryShutdown') return running.tryShutdown(() => resolve());
      running.forceShutdown();
      return resolve();
    });
    expect(listener.listening).toBe(false);
    expect(await place(calling)).toMatch(/^UNAVAILABLE/);
  });
});

describe('channels', () => {
  it('share a connection when they have the same credentials, and only then', async () => {
    const listener = serve();
    let connections = 0;
    listener.on('secureConnection', () => (connections += 1));
    const target = await listening(listener);
    const shared = { 'grpc.use_local_subchannel_pool': 0 };
    const credentials = createGrpcCredentials(grpc, client);
    for (const each of [credentials, credentials, createGrpcCredentials(grpc, client)]) {
      expect(await place(ordersClient(target, each, shared))).toBe(CLIENT);
    }
    expect(connections).toBe(2);
  });

  it.each([
    [{}, /bundles/],
    [{ bundles: { getX509Bundle: () => undefined }, authorize: () => true }, /svid/],
  ])('need their options: %o', (options, message) => {
    expect(() => createGrpcCredentials(grpc, options as MtlsClientOptions)).toThrow(message);
  });
});
