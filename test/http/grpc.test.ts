import * as grpc from '@grpc/grpc-js';
import type { RequestAuthenticationError } from 'svidkit/errors';
import {
  createProvingChannelFactory,
  createRequestAuthenticator,
  getCaller,
  type ProvingChannelOptions,
  type RequestAuthenticatorOptions,
  requireCallerGrpc,
} from 'svidkit/http';
import { exactly, memberOf } from 'svidkit/id';
import { createIssuer } from 'svidkit/issuer';
import { createMemoryReplayStore } from 'svidkit/replay';
import { proveRequest } from 'svidkit/wpt';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { sendRawHttp2 } from '../support/raw-http2.js';

const ORIGIN = 'https://tools.example.org';
const ID = 'spiffe://example.org/agents/planner';

const issuer = await createIssuer({ trustDomain: 'example.org' });
const [server, wit] = await Promise.all([
  issuer.issueX509Svid('spiffe://example.org/tools', { dnsNames: ['localhost'] }),
  issuer.issueWitSvid(ID),
]);
const bundles = { getWitBundle: () => issuer.bundle.wit };

const same = (bytes: Buffer): Buffer => bytes;
const method = (name: string, requestStream: boolean, responseStream: boolean) => ({
  ...{ path: `/tools.Orders/${name}`, requestStream, responseStream },
  ...{ requestSerialize: same, requestDeserialize: same, responseSerialize: same, responseDeserialize: same },
});
const service = {
  place: method('Place', false, false),
  upload: method('Upload', true, false),
  list: method('List', false, true),
  chat: method('Chat', true, true),
};
const Client = grpc.makeGenericClientConstructor(service, 'Orders');

let codes: string[];
let handled: string[];

beforeEach(() => {
  [codes, handled] = [[], []];
});

const implementation: grpc.UntypedServiceImplementation = {
  place: (call: grpc.ServerUnaryCall<Buffer, Buffer>, callback: grpc.sendUnaryData<Buffer>) => {
    handled.push(`${getCaller(call).id}`);
    callback(null, Buffer.from(`${getCaller(call).proof.audience} ${call.request}`));
  },
  upload: (call: grpc.ServerReadableStream<Buffer, Buffer>, callback: grpc.sendUnaryData<Buffer>) => {
    handled.push(`${getCaller(call).id}`);
    let text = '';
    call.on('data', (part: Buffer) => {
      text += part;
    });
    call.on('end', () => callback(null, Buffer.from(text)));
  },
  list: (call: grpc.ServerWritableStream<Buffer, Buffer>) => {
    handled.push(`${getCaller(call).id}`);
    for (const part of ['a', 'b']) call.write(Buffer.from(part));
    call.end();
  },
  chat: (call: grpc.ServerDuplexStream<Buffer, Buffer>) => {
    handled.push(`${getCaller(call).id}`);
    call.on('data', (part: Buffer) => call.write(part));
    call.on('end', () => call.end());
  },
};

type Changes = Partial<RequestAuthenticatorOptions>;

async function serve(
  changes: Changes = {},
  credentials = serverCredentials(),
  interceptors?: grpc.ServerInterceptor[],
) {
  const authenticate = createRequestAuthenticator({
    ...{ bundles, audiences: ORIGIN, authorize: memberOf('example.org'), replay: createMemoryReplayStore() },
    ...changes,
  });
  const onRefused = (error: unknown): void => void codes.push((error as RequestAuthenticationError).code);
  const running = new grpc.Server({
    interceptors: interceptors ?? [requireCallerGrpc(grpc, authenticate, { onRefused })],
  });
  running.addService(service, implementation);
  const port = await new Promise<number>((resolve, reject) => {
    running.bindAsync('127.0.0.1:0', credentials, (error, bound) => (error === null ? resolve(bound) : reject(error)));
  });
  onTestFinished(() => running.forceShutdown());
  return port;
}

function serverCredentials(): grpc.ServerCredentials {
  const pair = {
    private_key: Buffer.from(server.privateKeyPkcs8Pem()),
    cert_chain: Buffer.from(server.certificatesPem()),
  };
  return grpc.ServerCredentials.createSsl(null, [pair]);
}

function connect(port: number, changes: Partial<ProvingChannelOptions> | 'no proof' = {}): grpc.Client {
  const tls = grpc.credentials.createSsl(Buffer.from(issuer.bundle.x509.toPem()));
  const options = { wit: { getWitSvid: () => wit }, origin: ORIGIN };
  const proving =
    changes === 'no proof'
      ? {}
      : { channelFactoryOverride: createProvingChannelFactory(grpc, { ...options, ...changes }) };
  const client = new Client(`localhost:${port}`, tls, proving);
  onTestFinished(() => client.close());
  return client;
}

/** The answer, or the name of the status. */
function place(client: grpc.Client, metadata = new grpc.Metadata()): Promise<string> {
  return new Promise((resolve) => {
    client.makeUnaryRequest(service.place.path, same, same, Buffer.from('tea'), metadata, (error, answer) => {
      resolve(error === null ? `${answer}` : `${grpc.status[error.code]}: ${error.details}`);
    });
  });
}

async function textOf(stream: AsyncIterable<Buffer>): Promise<string> {
  let text = '';
  for await (const part of stream) text += part;
  return text;
}

describe('a call over gRPC', () => {
  it('comes through with a proof for its method, a fresh one each time', async () => {
    const client = connect(await serve());
    const answer = `${ORIGIN}/tools.Orders/Place tea`;
    expect([await place(client), await place(client)]).toEqual([answer, answer]);
    expect([handled, codes]).toEqual([[ID, ID], []]);
  });

  it('comes through in the form of the older draft', async () => {
    expect(await place(connect(await serve(), { draft: 'draft-ietf-wimse-wpt-01' }))).toMatch(/ tea$/);
  });

  it('comes through whichever way it streams', async () => {
    const client = connect(await serve());
    const uploaded = new Promise((resolve) => {
      const call = client.makeClientStreamRequest(service.upload.path, same, same, (_, answer) => resolve(`${answer}`));
      for (const part of ['x', 'y']) call.write(Buffer.from(part));
      call.end();
    });
    expect(await uploaded).toBe('xy');
    expect(await textOf(client.makeServerStreamRequest(service.list.path, same, same, Buffer.from('')))).toBe('ab');
    const chat = client.makeBidiStreamRequest(service.chat.path, same, same);
    chat.write(Buffer.from('hi'));
    chat.end();
    expect(await textOf(chat)).toBe('hi');
    expect(handled).toHaveLength(3);
  });

  it('threat 11: without a proof is unauthenticated, and no handler runs', async () => {
    const port = await serve();
    const bare = new grpc.Metadata();
    bare.set('workload-identity-token', wit.token);
    expect(await place(connect(port, 'no proof'))).toBe('UNAUTHENTICATED: unauthenticated');
    expect(await place(connect(port, 'no proof'), bare)).toBe('UNAUTHENTICATED: unauthenticated');
    const stream = connect(port, 'no proof').makeBidiStreamRequest(service.chat.path, same, same);
    stream.write(Buffer.from('hi'));
    await expect(textOf(stream)).rejects.toMatchObject({ code: grpc.status.UNAUTHENTICATED });
    expect([handled, codes]).toEqual([[], ['no_credentials', 'no_credentials', 'no_credentials']]);
  });

  it('threat 12: for another service or method is unauthenticated', async () => {
    const port = await serve();
    expect(await place(connect(port, { origin: 'https://other.example.org' }))).toMatch(/^UNAUTHENTICATED/);
    expect(await place(connect(port, { origin: `${ORIGIN}:8443` }))).toMatch(/^UNAUTHENTICATED/);
    expect([handled, codes]).toEqual([[], ['wrong_audience', 'wrong_audience']]);
  });

  it('threat 17: with a proof that was used is unauthenticated', async () => {
    const port = await serve();
    const metadata = new grpc.Metadata();
    for (const [name, value] of await proveRequest(wit, { audience: `${ORIGIN}/tools.Orders/Place` })) {
      metadata.set(name, value);
    }
    const client = connect(port, 'no proof');
    const answers = await Promise.all([place(client, metadata), place(client, metadata)]);
    expect(answers.map((answer) => answer.split(':')[0]).sort()).toEqual(['UNAUTHENTICATED', expect.any(String)]);
    expect([handled, codes]).toEqual([[ID], ['replayed']]);
  });

  it('threat 33: is refused by the authorizer, and for want of an answer, with codes of their own', async () => {
    const stranger = await serve({ authorize: exactly('spiffe://example.org/agents/other') });
    expect(await place(connect(stranger))).toBe('PERMISSION_DENIED: permission denied');
    const full = await serve({ replay: { insert: async () => 'full' } });
    expect(await place(connect(full))).toBe('UNAVAILABLE: unavailable');
    expect([handled, codes]).toEqual([[], ['not_authorized', 'replay_store_full']]);
  });

  it('threat 33: has no caller where no interceptor stands', async () => {
    const port = await serve({}, serverCredentials(), []);
    expect(await place(connect(port))).toMatch(/^UNKNOWN/);
    expect(handled).toEqual([]);
  });

  it('threat 30: with a token twice is unauthenticated', async () => {
    const port = await serve({}, grpc.ServerCredentials.createInsecure());
    const options = { audience: `${ORIGIN}/tools.Orders/Place`, draft: 'draft-ietf-wimse-wpt-01' } as const;
    const fields = (await proveRequest(wit, options)).map(([name, value]) => [name.toLowerCase(), value] as const);
    for (const [name, value] of fields) {
      await sendRawHttp2(port, [
        ...([
          [':method', 'POST'],
          [':scheme', 'http'],
          [':path', '/tools.Orders/Place'],
          [':authority', 'x'],
        ] as const),
        ...([
          ['te', 'trailers'],
          ['content-type', 'application/grpc'],
        ] as const),
        ...fields,
        [name, value],
      ]);
    }
    expect([handled, codes]).toEqual([[], ['duplicate_header', 'duplicate_header']]);
  });

  it('that its client cancels while the store is being asked reaches no handler', async () => {
    let asked: () => void = () => undefined;
    const asking = new Promise<void>((resolve) => {
      asked = resolve;
    });
    let left: () => void = () => undefined;
    const leaving = new Promise<void>((resolve) => {
      left = resolve;
    });
    const port = await serve({
      replay: {
        insert: (_, { signal } = {}) =>
          new Promise((resolve) => {
            signal?.addEventListener('abort', () => {
              resolve('fresh');
              left();
            });
            asked();
          }),
      },
    });
    const stream = connect(port).makeBidiStreamRequest(service.chat.path, same, same);
    stream.on('error', () => undefined);
    await asking;
    stream.cancel();
    await leaving;
    await new Promise((resolve) => setImmediate(resolve));
    expect([handled, codes]).toEqual([[], []]);
  });
});
