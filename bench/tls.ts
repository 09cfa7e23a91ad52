// Requests on kept connections and full handshakes, both ends in this process, with svidkit at both ends and with plain
// Node at both ends (static certificates, Node's own verification, no sessions resumed): `npm run bench -- tls`.
import { once } from 'node:events';
import * as http2 from 'node:http2';
import * as https from 'node:https';
import type { AddressInfo } from 'node:net';
import { arrayBuffer } from 'node:stream/consumers';
import * as tls from 'node:tls';
import * as grpc from '@grpc/grpc-js';
import { anyId } from 'svidkit/id';
import {
  connectHttp2,
  connectTls,
  createGrpcCredentials,
  createGrpcListener,
  createHttp2Server,
  createHttpsAgent,
  createHttpsServer,
  createTlsServer,
  createUndiciConnector,
} from 'svidkit/tls';
import { Agent, request as undiciRequest } from 'undici';
import { encodePem } from '../src/internal/pem.js';
import { pemIdentity, svidOf } from '../test/support/mtls.js';
import * as x509 from '../test/support/x509.js';
import { throughput } from './rounds.js';

const IN_FLIGHT = 16;
const HANDSHAKES = 4;
const HOST = '127.0.0.1';
const BODY = Buffer.from('{"orders":[]}');

// Node judges by the time of day, and by address.
const VALID = { notBefore: new Date(Date.now() - 3_600_000), notAfter: new Date(Date.now() + 3_600_000) };
const root = x509.makeAuthority('root', { uri: 'spiffe://example.org', ...VALID });
const ID = 'spiffe://example.org/agents/planner';
const leaf = x509.makeLeaf(root, ID, { names: [x509.uri(ID), x509.ip(127, 0, 0, 1)], ...VALID });

const svid = svidOf(leaf);
const options = {
  svid: { getX509Svid: () => svid },
  bundles: x509.sourceOf(x509.bundleOf('example.org', root)),
  authorize: anyId(),
};
const identity = { ...pemIdentity(leaf), ca: encodePem('CERTIFICATE', root.der) };
const asking = { ...identity, requestCert: true, rejectUnauthorized: true };

/** One question, over a connection that was made before or over one of its own. */
interface Contender {
  readonly kept: () => Promise<unknown>;
  readonly fresh: () => Promise<unknown>;
}

async function listen(server: tls.Server): Promise<number> {
  server.listen(0, HOST);
  await once(server, 'listening');
  server.unref();
  return (server.address() as AddressInfo).port;
}

async function overHttps(server: https.Server, agent: (keepAlive: boolean) => https.Agent): Promise<Contender> {
  server.on('request', (_, response) => response.end(BODY));
  const port = await listen(server);
  const ask = async (over: https.Agent): Promise<unknown> => {
    const outgoing = https.get({ host: HOST, port, agent: over });
    const [incoming] = await once(outgoing, 'response');
    return arrayBuffer(incoming);
  };
  const [kept, fresh] = [agent(true), agent(false)];
  return { kept: () => ask(kept), fresh: () => ask(fresh) };
}

async function overUndici(
  server: https.Server,
  connect: () => NonNullable<Agent.Options['connect']>,
): Promise<Contender> {
  server.on('request', (_, response) => response.end(BODY));
  const url = `https://${HOST}:${await listen(server)}/`;
  const ask = async (dispatcher: Agent, reset: boolean): Promise<unknown> => {
    const { body } = await undiciRequest(url, { dispatcher, reset });
    return body.arrayBuffer();
  };
  const [kept, fresh] = [new Agent({ connect: connect() }), new Agent({ connect: connect() })];
  return { kept: () => ask(kept, false), fresh: () => ask(fresh, true) };
}

async function overHttp2(
  server: http2.Http2SecureServer,
  connect: (url: string) => Promise<http2.ClientHttp2Session>,
): Promise<Contender> {
  server.on('stream', (stream) => stream.respond() ?? stream.end(BODY));
  const url = `https://${HOST}:${await listen(server)}`;
  const ask = (session: http2.ClientHttp2Session): Promise<unknown> => arrayBuffer(session.request({ ':path': '/' }));
  const kept = await connect(url);
  const fresh = async (): Promise<void> => {
    const session = await connect(url);
    await ask(session);
    session.close();
  };
  return { kept: () => ask(kept), fresh };
}

async function overTls(server: tls.Server, connect: (port: number) => Promise<tls.TLSSocket>): Promise<Contender> {
  server.on('secureConnection', (socket) => socket.on('error', () => undefined).on('data', () => socket.write(BODY)));
  const port = await listen(server);
  const ask = async (socket: tls.TLSSocket): Promise<void> => {
    socket.write('orders?');
    await once(socket, 'data');
  };
  const free: tls.TLSSocket[] = [];
  const kept = async (): Promise<void> => {
    const socket = free.pop() ?? (await connect(port));
    await ask(socket);
    free.push(socket);
  };
  const fresh = async (): Promise<void> => {
    const socket = await connect(port);
    await ask(socket);
    socket.destroy();
  };
  return { kept, fresh };
}

async function overGrpc(
  bind: (server: grpc.Server) => Promise<number>,
  credentials: () => grpc.ChannelCredentials,
): Promise<Contender> {
  const bytes = (message: Buffer): Buffer => message;
  const method = { path: '/orders.Orders/List', requestStream: false, responseStream: false };
  const forms = {
    requestSerialize: bytes,
    requestDeserialize: bytes,
    responseSerialize: bytes,
    responseDeserialize: bytes,
  };
  const server = new grpc.Server();
  server.addService(
    { list: { ...method, ...forms } },
    { list: (_: unknown, callback: grpc.sendUnaryData<Buffer>) => callback(null, BODY) },
  );
  const target = `${HOST}:${await bind(server)}`;
  const ask = (client: grpc.Client): Promise<unknown> =>
    new Promise((resolve, reject) => {
      client.makeUnaryRequest(method.path, bytes, bytes, BODY, (error, answer) =>
        error ? reject(error) : resolve(answer),
      );
    });
  const connect = (): grpc.Client => new grpc.Client(target, credentials(), { 'grpc.use_local_subchannel_pool': 1 });
  const kept = connect();
  const fresh = async (): Promise<void> => {
    const client = connect();
    await ask(client);
    client.close();
  };
  return { kept: () => ask(kept), fresh };
}

async function bindPlain(server: grpc.Server): Promise<number> {
  const pem = { private_key: Buffer.from(identity.key), cert_chain: Buffer.from(identity.cert) };
  const credentials = grpc.ServerCredentials.createSsl(Buffer.from(identity.ca), [pem], true);
  return new Promise((resolve, reject) => {
    server.bindAsync(`${HOST}:0`, credentials, (error, port) => (error ? reject(error) : resolve(port)));
  });
}

async function plainTls(port: number): Promise<tls.TLSSocket> {
  const socket = tls.connect({ host: HOST, port, ...identity });
  await once(socket, 'secureConnect');
  return socket;
}

async function plainHttp2(url: string): Promise<http2.ClientHttp2Session> {
  const session = http2.connect(url, identity);
  await once(session, 'remoteSettings');
  return session;
}

const plainAgent = (keepAlive: boolean): https.Agent =>
  new https.Agent({ ...identity, keepAlive, maxCachedSessions: 0 });
const plainConnect = (): object => ({ ...identity, maxCachedSessions: 0 });
const plainGrpc = (): grpc.ChannelCredentials =>
  grpc.credentials.createSsl(Buffer.from(identity.ca), Buffer.from(identity.key), Buffer.from(identity.cert));
const mtlsConnect = (): ReturnType<typeof createUndiciConnector> => createUndiciConnector(options);

const kinds: ReadonlyArray<readonly [name: string, plain: Promise<Contender>, svidkit: Promise<Contender>]> = [
  [
    'https',
    overHttps(https.createServer(asking), plainAgent),
    overHttps(createHttpsServer(options), (keepAlive) => createHttpsAgent(options, { keepAlive })),
  ],
  ['undici', overUndici(https.createServer(asking), plainConnect), overUndici(createHttpsServer(options), mtlsConnect)],
  [
    'http2',
    overHttp2(http2.createSecureServer(asking), plainHttp2),
    overHttp2(createHttp2Server(options), (url) => connectHttp2(url, options)),
  ],
  [
    'tls',
    overTls(tls.createServer(asking), plainTls),
    overTls(createTlsServer(options), (port) => connectTls(options, { host: HOST, port })),
  ],
  [
    'grpc-js',
    overGrpc(bindPlain, plainGrpc),
    overGrpc(
      (server) => listen(createGrpcListener(grpc, server, options)),
      () => createGrpcCredentials(grpc, options),
    ),
  ],
];

const many = (count: number, ask: () => Promise<unknown>) => (): Promise<unknown> =>
  Promise.all(Array.from({ length: count }, ask));

for (const [name, plain, svidkit] of kinds) {
  const [node, ours] = await Promise.all([plain, svidkit]);
  await throughput(
    `${name}: requests on kept connections, ${IN_FLIGHT} in flight`,
    [
      { name: 'plain Node, static certificates', run: many(IN_FLIGHT, node.kept) },
      { name: 'svidkit', run: many(IN_FLIGHT, ours.kept) },
    ],
    IN_FLIGHT,
  );
  await throughput(
    `${name}: full handshakes, each with one request, ${HANDSHAKES} at a time`,
    [
      { name: 'plain Node, static certificates', run: many(HANDSHAKES, node.fresh) },
      { name: 'svidkit', run: many(HANDSHAKES, ours.fresh) },
    ],
    HANDSHAKES,
  );
}
process.exit();
