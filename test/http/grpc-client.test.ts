import { createHash } from 'node:crypto';
import * as grpc from '@grpc/grpc-js';
import { ProvingFetchError, WitError } from 'svidkit/errors';
import {
  createProvingChannelFactory,
  createRequestAuthenticator,
  getCaller,
  type ProvingChannelOptions,
  requireCallerGrpc,
} from 'svidkit/http';
import { memberOf } from 'svidkit/id';
import { createIssuer } from 'svidkit/issuer';
import { createMemoryReplayStore } from 'svidkit/replay';
import { createGrpcCredentials, createGrpcListener } from 'svidkit/tls';
import type { WitSvid } from 'svidkit/wit';
import { beforeEach, describe, expect, it } from 'vitest';
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
import { CLIENT, ourSvid, SERVER, Side } from '../support/mtls.js';

const ORIGIN = 'https://tools.example.org';
const ID = 'spiffe://example.org/agents/planner';
const OLDER = 'draft-ietf-wimse-wpt-01';

const issuer = await createIssuer({ trustDomain: 'example.org' });
const [server, wit] = await Promise.all([
  issuer.issueX509Svid('spiffe://example.org/tools', { dnsNames: ['localhost'] }),
  issuer.issueWitSvid(ID),
]);

/** Per call that came in, whatever became of it: the proof, or `none`. */
let arrived: string[];
let codes: string[];

beforeEach(() => {
  [arrived, codes] = [[], []];
});

const seeing: grpc.ServerInterceptor = (_, call) =>
  new grpc.ServerInterceptingCall(call, {
    start: (next) =>
      next({
        onReceiveMetadata: (metadata, pass) => {
          const [proof] = [...metadata.get('workload-proof-token'), ...metadata.get('authorization')];
          arrived.push(`${proof ?? 'none'}`);
          pass(metadata);
        },
      }),
  });

/** Tells the tokens that the proof of a call covers. */
function tellTokens(call: AnyCall): string {
  const { delegation } = getCaller(call);
  return delegation.subjects.map(({ field, thumbprint }) => `${field} ${thumbprint}`).join(', ');
}

function orders(tell = tellTokens): grpc.Server {
  const authenticate = createRequestAuthenticator({
    ...{ bundles: { getWitBundle: () => issuer.bundle.wit }, audiences: ORIGIN, authorize: memberOf('example.org') },
    ...{ replay: createMemoryReplayStore(), otherTokens: ['X-End-User', 'X-Ticket-Bin'] },
  });
  const onRefused = (error: unknown): void => void codes.push((error as { code: string }).code);
  return ordersServer(tell, { interceptors: [seeing, requireCallerGrpc(grpc, authenticate, { onRefused })] });
}

async function bound(running: grpc.Server, credentials: grpc.ServerCredentials): Promise<string> {
  const port = await new Promise<number>((resolve, reject) => {
    running.bindAsync('127.0.0.1:0', credentials, (error, at) => (error === null ? resolve(at) : reject(error)));
  });
  return `localhost:${port}`;
}

async function served(tell = tellTokens): Promise<string> {
  const pair = {
    private_key: Buffer.from(server.privateKeyPkcs8Pem()),
    cert_chain: Buffer.from(server.certificatesPem()),
  };
  return bound(orders(tell), grpc.ServerCredentials.createSsl(null, [pair]));
}

const tls = grpc.credentials.createSsl(Buffer.from(issuer.bundle.x509.toPem()));

type Changes = Partial<ProvingChannelOptions>;

const proving = (changes: Changes = {}) =>
  createProvingChannelFactory(grpc, { wit: { getWitSvid: () => wit }, origin: ORIGIN, ...changes });

function connect(target: string, changes: Changes = {}, options: grpc.ClientOptions = {}, credentials = tls) {
  return ordersClient(target, credentials, { channelFactoryOverride: proving(changes), ...options });
}

function metadataOf(fields: Readonly<Record<string, string | Buffer | string[]>>): grpc.Metadata {
  const metadata = new grpc.Metadata();
  for (const [name, values] of Object.entries(fields)) {
    for (const value of Array.isArray(values) ? values : [values]) metadata.add(name, value);
  }
  return metadata;
}

const bringing = (fields: Record<string, string | string[]>): grpc.CallCredentials =>
  grpc.credentials.createFromMetadataGenerator((_, callback) => callback(null, metadataOf(fields)));

const sha256 = (text: string): string => createHash('sha256').update(text).digest('base64url');
const covered = (field: string, token: string): string => `${field} ${sha256(token)}`;

const same = (bytes: Buffer): Buffer => bytes;

type Failed = grpc.ServiceError & { cause?: unknown };

/** The answer to a call with these, or the error that it ended with. */
function outcome(
  client: grpc.Client,
  metadata = new grpc.Metadata(),
  credentials = grpc.CallCredentials.createEmpty(),
): Promise<Failed | string> {
  return new Promise((resolve) => {
    const options = { credentials };
    client.makeUnaryRequest('/tools.Orders/Place', same, same, Buffer.from(''), metadata, options, (error, answer) =>
      resolve(error ?? `${answer}`),
    );
  });
}

const answerWith = (client: grpc.Client, credentials: grpc.CallCredentials) =>
  outcome(client, new grpc.Metadata(), credentials);

async function errorOf(...call: Parameters<typeof outcome>): Promise<Failed> {
  const error = await outcome(...call);
  if (typeof error === 'string') throw new Error(`it was answered: ${error}`);
  return error;
}

describe.each(['TLS', 'mutual TLS of svidkit'])('a proving channel over %s', (over) => {
  async function connected(options: grpc.ClientOptions = {}): Promise<grpc.Client> {
    if (over === 'TLS') return connect(await served(), {}, options);
    const [near, far] = [new Side(ourSvid(CLIENT)), new Side(ourSvid(SERVER))];
    const target = await listening(createGrpcListener(grpc, orders(), far));
    const credentials = createGrpcCredentials(grpc, { ...near, clock: near.clock });
    return connect(target, {}, options, credentials);
  }

  it('covers the Txn-Token of a call of each kind, which an interceptor may have put there', async () => {
    const interceptors: grpc.Interceptor[] = [
      (options, next) =>
        new grpc.InterceptingCall(next(options), {
          start: (metadata, listener, start) => {
            metadata.set('txn-token', 'tt-1');
            start(metadata, listener);
          },
        }),
    ];
    const client = await connected({ interceptors });
    const answer = covered('txn-token', 'tt-1');
    expect(await place(client)).toBe(answer);
    expect(await upload(client, ' x', ' y')).toBe(`${answer} x y`);
    expect(await openList(client).next()).toBe(answer);
    const chat = openChat(client);
    expect(await chat.next()).toBe(answer);
    chat.send('hello');
    expect(await chat.next()).toBe('hello');
    chat.end();
    expect(await chat.next()).toBe('end');
    expect([new Set(arrived).size, codes]).toEqual([4, []]);
  });

  it('covers tokens in the metadata of the call, as they were when it began', async () => {
    const client = await connected();
    const metadata = metadataOf({ 'Txn-Token': 'tt-1' });
    const answer = place(client, metadata);
    metadata.set('txn-token', 'tt-2');
    expect(await answer).toBe(covered('txn-token', 'tt-1'));
    expect(await place(client, metadata)).toBe(covered('txn-token', 'tt-2'));
  });
});

describe('the proof of a call', () => {
  it('covers the other tokens that are named, and no more', async () => {
    const target = await served();
    const fields = { 'x-end-user': 'alice', 'x-ticket-bin': Buffer.from([1, 2, 255]), 'x-more': 'unnamed' };
    const client = connect(target, { otherTokens: ['X-End-User', 'X-Ticket-Bin', 'X-Absent'] });
    expect(await place(client, metadataOf(fields))).toBe(
      [covered('x-end-user', 'alice'), covered('x-ticket-bin', 'AQL/')].join(', '),
    );
    expect(await place(connect(target), metadataOf(fields))).toBe('');
  });

  it.each(['Bearer at-1', 'DPoP at-1'])(
    'covers the access token of %s in the form of the older draft',
    async (value) => {
      const client = connect(await served(), { draft: OLDER });
      const metadata = metadataOf({ authorization: value, 'txn-token': 'tt-1' });
      expect(await place(client, metadata)).toBe(
        [covered('authorization', 'at-1'), covered('txn-token', 'tt-1')].join(', '),
      );
    },
  );

  it('covers tokens that other credentials bring, of the call and of the channel', async () => {
    const target = await served();
    const older = connect(target, { draft: OLDER });
    expect(await answerWith(older, bringing({ authorization: 'Bearer at-1' }))).toBe(covered('authorization', 'at-1'));
    const both = grpc.credentials.combineChannelCredentials(tls, bringing({ authorization: 'Bearer at-2' }));
    const client = connect(target, { draft: OLDER }, {}, both);
    expect(await answerWith(client, bringing({ 'txn-token': 'tt-1' }))).toBe(
      [covered('authorization', 'at-2'), covered('txn-token', 'tt-1')].join(', '),
    );
  });

  it('threat 17: is another one in each attempt', async () => {
    const target = await served((call) => {
      if (arrived.length < 3) throw new Error('not yet');
      return tellTokens(call);
    });
    const client = connect(target, {}, { 'grpc.service_config': retrying('UNKNOWN') });
    expect(await place(client, metadataOf({ 'txn-token': 'tt-1' }))).toBe(covered('txn-token', 'tt-1'));
    const jtis = arrived.map((proof) => {
      const [, claims = ''] = proof.split('.');
      return JSON.parse(Buffer.from(claims, 'base64url').toString()).jti;
    });
    expect([jtis.length, new Set(jtis).size, codes]).toEqual([3, 3, []]);
  });

  it('is made by a channel that stands by itself, too', async () => {
    const target = await served();
    const channelOverride = proving()(target, tls);
    expect(await place(ordersClient('', tls, { channelOverride }), metadataOf({ 'txn-token': 'tt-1' }))).toBe(
      covered('txn-token', 'tt-1'),
    );
  });
});

function retrying(code: string): string {
  const backoff = { initialBackoff: '0.01s', maxBackoff: '0.01s', backoffMultiplier: 1 };
  const retryPolicy = { maxAttempts: 4, retryableStatusCodes: [code], ...backoff };
  return JSON.stringify({ methodConfig: [{ name: [{}], retryPolicy }] });
}

describe('a call that cannot be proven', () => {
  it('is not there without TLS, because there is no channel', async () => {
    const target = await bound(orders(), grpc.ServerCredentials.createInsecure());
    const credentials = grpc.credentials.createInsecure();
    expect(() => connect(target, {}, {}, credentials)).toThrow(
      expect.objectContaining({ name: 'ProvingFetchError', code: 'not_tls' }),
    );
  });

  it.each<[string, object, Changes?]>([
    ['reserved_header', { 'workload-identity-token': 'a.b.c' }],
    ['reserved_header', { 'workload-proof-token': 'a.b.c' }],
    ['reserved_header', { 'workload-proof-token': 'a.b.c' }, { draft: OLDER }],
    ['authorization_taken', { authorization: 'Bearer at-1' }],
    ['unsupported_authorization', { authorization: 'Basic dTpw' }, { draft: OLDER }],
    ['duplicate_header', { 'txn-token': ['tt-1', 'tt-1'] }],
    ['duplicate_header', { 'txn-token': ['tt-1', 'tt-2'] }],
    ['duplicate_header', { authorization: ['Bearer at-1', 'Bearer at-2'] }, { draft: OLDER }],
    ['duplicate_header', { 'x-end-user': ['alice', 'bob'] }, { otherTokens: ['x-end-user'] }],
  ])('for %s, with %j, is not sent, and says why', async (code, fields, changes) => {
    const client = connect(await served(), changes, { 'grpc.service_config': retrying('UNKNOWN') });
    const error = await errorOf(client, metadataOf(fields as Record<string, string>));
    expect(error).toMatchObject({ code: grpc.status.INVALID_ARGUMENT, cause: { code } });
    expect(error.cause).toBeInstanceOf(ProvingFetchError);
    expect(error.details).toMatch(new RegExp(`^${code}: `));
    const brought = bringing(fields as Record<string, string>);
    expect(await errorOf(client, new grpc.Metadata(), brought)).toMatchObject({ cause: { code } });
    expect([await place(client), arrived.length]).toEqual(['', 1]);
  });

  it.each([{ 'txn-token': 'tt-1, tt-2' }, { 'txn-token': '' }, { 'x-end-user': '' }])(
    'because a token is none, with %j, is not sent',
    async (fields) => {
      const client = connect(await served(), { otherTokens: ['x-end-user'] });
      const error = await errorOf(client, metadataOf(fields as Record<string, string>));
      expect(error).toMatchObject({ code: grpc.status.INVALID_ARGUMENT, cause: expect.any(TypeError) });
      expect(arrived).toEqual([]);
    },
  );

  it('for want of an identity ends with what the source threw, in calls of every kind', async () => {
    const reason = new WitError('expired', 'the WIT has expired');
    const client = connect(await served(), { wit: { getWitSvid: () => fail(reason) } });
    const error = await errorOf(client);
    expect(error).toMatchObject({ code: grpc.status.UNAVAILABLE, details: `expired: ${reason.message}` });
    expect(error.cause).toBe(reason);
    const told = `UNAVAILABLE: expired: ${reason.message}`;
    expect([await upload(client), await openList(client).next(), await openChat(client).next()]).toEqual([
      ...[told, told, told],
    ]);
    expect(await place(connect(await served(), { wit: { getWitSvid: () => fail('nothing') } }))).toBe(
      'UNAVAILABLE: there is no identity to prove',
    );
    expect(arrived).toEqual([]);
  });

  it('for want of an identity may be tried again by a policy', async () => {
    let asked = 0;
    const getWitSvid = (): WitSvid => {
      asked += 1;
      return asked < 3 ? fail(new Error('not ready')) : wit;
    };
    const options = { 'grpc.service_config': retrying('UNAVAILABLE') };
    expect(await place(connect(await served(), { wit: { getWitSvid } }, options))).toBe('');
    expect([asked, arrived.length]).toEqual([3, 1]);
  });

  it('does not get the blame for what other credentials, or the server, end it with', async () => {
    const client = connect(await served());
    const failing = grpc.credentials.createFromMetadataGenerator((_, callback) => callback(new Error('no ticket')));
    const error = await errorOf(client, new grpc.Metadata(), failing);
    expect([error.code, error.cause]).toEqual([grpc.status.UNKNOWN, undefined]);
    expect(error.details).toMatch(/no ticket$/);
    const elsewhere = await errorOf(connect(await served(), { origin: 'https://other.example.org' }));
    expect([elsewhere.code, elsewhere.cause, codes]).toEqual([
      grpc.status.UNAUTHENTICATED,
      undefined,
      ['wrong_audience'],
    ]);
  });
});

describe('a call that is cancelled before its proof is made', () => {
  it.each(['succeeds', 'fails'])('is not sent, and nothing comes of it when that then %s', async (then) => {
    const target = await served();
    const client = connect(target, then === 'fails' ? { wit: { getWitSvid: () => fail(new Error('late')) } } : {});
    const [release, ended] = await new Promise<[release: () => void, ended: Promise<Failed>]>((asked) => {
      const credentials = grpc.credentials.createFromMetadataGenerator((_, callback) => {
        const failed = new Promise<Failed>((resolve) => chat.on('error', resolve));
        asked([() => callback(null, new grpc.Metadata()), failed]);
        chat.cancel();
      });
      const chat = client.makeBidiStreamRequest('/tools.Orders/Chat', same, same, { credentials });
    });
    release();
    expect(await ended).toMatchObject({ code: grpc.status.CANCELLED });
    expect(arrived).toEqual([]);
    expect([await place(connect(target)), arrived.length]).toEqual(['', 1]);
  });
});

describe('the channel factory', () => {
  it.each<object>([
    ...[{ wit: undefined }, { wit: {} }, { origin: undefined }, { origin: `${ORIGIN}/x` }, { draft: 'x' }],
    { otherTokens: 'x-end-user' },
  ])('is a TypeError with %o', (wrong) => {
    expect(() => proving(wrong as Changes)).toThrow(TypeError);
  });
});

function fail(reason: unknown): never {
  throw reason;
}
