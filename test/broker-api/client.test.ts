import { type BrokerApiClient, type BrokerApiClientOptions, createBrokerApiClient } from 'svidkit/broker-api';
import { BrokerApiError } from 'svidkit/errors';
import { anyId, exactly } from 'svidkit/id';
import { createIssuer, type Issuer } from 'svidkit/issuer';
import type { X509Svid } from 'svidkit/x509-svid';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SubscribeToX509SVIDResponseSchema } from '../../src/broker-api/gen/brokerapi_pb.js';
import { GrpcStatus, type GrpcStatusCode } from '../../src/workload-api/grpc-status.js';
import { jwtBundlesMessage, x509BundlesMessage, x509Message } from '../support/delivered-messages.js';
import { rejectionOf } from '../support/rejections.js';
import { ScriptedBroker, type ScriptedWorkload } from '../support/scripted-broker.js';
import { undecodable } from '../support/scripted-endpoint.js';
import { refusal } from '../support/scripted-stream.js';
import { until } from '../support/until.js';

const AGENT = 'spiffe://example.org/spire/agent/test';
const BROKER = 'spiffe://example.org/broker';
const ORDERS = 'spiffe://example.org/services/orders';
const STOCK = 'spiffe://example.org/services/stock';
const PID = 4242;

let issuer: Issuer;
let own: X509Svid;
let agent: X509Svid;
let endpoint: ScriptedBroker;
let workload: ScriptedWorkload;
let client: BrokerApiClient;

beforeAll(async () => {
  issuer = await createIssuer({ trustDomain: 'example.org' });
  [own, agent] = [await issuer.issueX509Svid(BROKER), await issuer.issueX509Svid(AGENT)];
});

beforeEach(async () => {
  endpoint = new ScriptedBroker(agent, issuer.bundle);
  await endpoint.listen();
  workload = endpoint.workload(PID);
  client = clientWith();
});

afterEach(async () => {
  await client.close();
  await endpoint.stop();
});

function clientWith(options: Partial<BrokerApiClientOptions> = {}): BrokerApiClient {
  const bundles = { getX509Bundle: () => issuer.bundle.x509 };
  const svid = { getX509Svid: () => own };
  return createBrokerApiClient({ address: endpoint.address, svid, bundles, authorize: exactly(AGENT), ...options });
}

async function failureOf(promise: Promise<unknown>): Promise<BrokerApiError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof BrokerApiError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('the Broker API client', () => {
  it('makes every call, each with its reference and with the security header once', async () => {
    const svid = await issuer.issueX509Svid(ORDERS);
    const token = await issuer.issueJwtSvid(ORDERS, { audience: 'reports' });
    workload.x509.opening = { send: x509Message([svid], issuer.bundle) };
    workload.x509Bundles.opening = { send: x509BundlesMessage(issuer.bundle) };
    workload.jwtBundles.opening = { send: jwtBundlesMessage(issuer.bundle) };
    workload.jwt = async ({ audience }) => {
      expect(audience).toEqual(['reports']);
      return { svids: [{ spiffeId: ORDERS, svid: token }] };
    };
    const reference = { pid: PID };
    expect((await client.fetchX509Context(reference)).defaultSvid.equals(svid)).toBe(true);
    expect((await client.fetchX509Bundles(reference)).bundles.trustDomains().map(String)).toEqual([
      'spiffe://example.org',
    ]);
    expect((await client.fetchJwtSvids(reference, { audience: 'reports' })).map((svid) => svid.token)).toEqual([token]);
    expect((await client.fetchJwtBundles(reference)).bundles.getJwtBundle(svid.id.trustDomain)).toBeDefined();
    expect(endpoint.calls.length).toBe(4);
    for (const call of endpoint.calls) {
      expect(call.metadata('broker.spiffe.io')).toEqual(['true']);
      expect(call.metadata('workload.spiffe.io')).toEqual([]);
    }
    expect(endpoint.references.every((sent) => sent?.reference?.typeUrl.endsWith('WorkloadPIDReference'))).toBe(true);
  });

  it('follows a stream until it is left, and cancels it then', async () => {
    const [first, second] = [await issuer.issueX509Svid(ORDERS), await issuer.issueX509Svid(ORDERS)];
    workload.x509.opening = { send: x509Message([first], issuer.bundle) };
    const seen: boolean[] = [];
    for await (const { defaultSvid } of client.streamX509Contexts({ pid: PID })) {
      seen.push(defaultSvid.equals(seen.length === 0 ? first : second));
      if (seen.length === 2) break;
      workload.x509.push(x509Message([second], issuer.bundle));
    }
    expect(seen).toEqual([true, true]);
    await until(() => workload.x509.open).toBe(0);
  });

  it.each<[keyof typeof GrpcStatus, string]>([
    ['invalidArgument', 'invalid_argument'],
    ['notFound', 'workload_not_found'],
    ['permissionDenied', 'permission_denied'],
    ['unauthenticated', 'unauthenticated'],
    ['unavailable', 'unavailable'],
    ['unimplemented', 'unimplemented'],
    ['resourceExhausted', 'resource_exhausted'],
    ['internal', 'rpc_failed'],
  ])('SPIFFE_Broker_Endpoint section 6: %s is %s', async (status, code) => {
    const refuse = GrpcStatus[status] as GrpcStatusCode;
    workload.x509.opening = { refuse };
    workload.jwt = async () => {
      throw refusal(refuse);
    };
    for (const call of [
      () => client.fetchX509Context({ pid: PID }),
      () => client.fetchJwtSvids({ pid: PID }, { audience: 'reports' }),
    ]) {
      const error = await failureOf(call());
      expect([error.code, error.grpcStatus]).toEqual([code, refuse]);
      expect(error.message).toMatch(/^process 4242: \w+: .* \(gRPC status \d+: scripted\)$/);
    }
  });

  it('says what to look at when it is refused', async () => {
    workload.x509.opening = { refuse: GrpcStatus.permissionDenied };
    expect((await failureOf(client.fetchX509Context({ pid: PID }))).message).toMatch(/registration entry.*allowed/);
    workload.x509.opening = { send: { svids: [] } };
    expect((await failureOf(client.fetchX509Context({ pid: PID }))).message).toMatch(/registration entry/);
  });

  it('SPIFFE_Broker_API section 4.6: discards messages that lack a mandatory field', async () => {
    const svid = await issuer.issueX509Svid(ORDERS);
    const [entry] = x509Message([svid], issuer.bundle).svids ?? [];
    workload.x509.opening = { send: { svids: [{ ...entry, bundle: new Uint8Array() }] } };
    workload.x509Bundles.opening = { send: {} };
    workload.jwtBundles.opening = { send: {} };
    workload.jwt = async () => ({ svids: [{ spiffeId: ORDERS, svid: '' }] });
    expect(await rejectionOf(client.fetchX509Context({ pid: PID }))).toBe('empty_field');
    expect(await rejectionOf(client.fetchX509Bundles({ pid: PID }))).toBe('empty_field');
    expect(await rejectionOf(client.fetchJwtBundles({ pid: PID }))).toBe('empty_field');
    expect(await rejectionOf(client.fetchJwtSvids({ pid: PID }, { audience: 'reports' }))).toBe('empty_field');
    workload.x509.opening = { send: undecodable(SubscribeToX509SVIDResponseSchema) };
    expect(await rejectionOf(client.fetchX509Context({ pid: PID }))).toBe('bad_message');
  });

  it('gives no JWT-SVID but of the identity and audience asked for, whatever comes', async () => {
    const tokens = new Map<string, string>();
    for (const id of [ORDERS, STOCK]) tokens.set(id, await issuer.issueJwtSvid(id, { audience: ['reports', 'extra'] }));
    const asked: string[] = [];
    workload.jwt = async ({ spiffeId }) => {
      asked.push(spiffeId);
      return { svids: [...tokens].map(([id, svid]) => ({ spiffeId: id, svid })) };
    };
    const fetch = (request: { audience: string; id?: string }) => client.fetchJwtSvids({ pid: PID }, request);
    expect((await fetch({ audience: 'reports' })).map(({ id }) => id.toString())).toEqual([ORDERS, STOCK]);
    expect((await fetch({ audience: 'reports', id: STOCK })).map(({ id }) => id.toString())).toEqual([STOCK]);
    expect(asked).toEqual(['', STOCK]);
    expect(await rejectionOf(fetch({ audience: 'reports', id: `${STOCK}/other` }))).toBe('bad_identity');
    expect(await rejectionOf(fetch({ audience: 'payments' }))).toBe('bad_identity');
    workload.jwt = async () => ({ svids: [{ spiffeId: STOCK, svid: tokens.get(ORDERS) ?? '' }] });
    expect(await rejectionOf(fetch({ audience: 'reports', id: STOCK }))).toBe('bad_identity');
  });

  it('SPIFFE_Broker_API section 5.2.1: of two SVIDs with one hint, takes the first', async () => {
    const twins = [
      await issuer.issueX509Svid(ORDERS, { hint: 'internal' }),
      await issuer.issueX509Svid(STOCK, { hint: 'internal' }),
      await issuer.issueX509Svid(STOCK, { hint: 'external' }),
    ];
    workload.x509.opening = { send: x509Message(twins, issuer.bundle) };
    const { svids } = await client.fetchX509Context({ pid: PID });
    expect(svids.map(({ id, hint }) => [id.toString(), hint])).toEqual([
      [ORDERS, 'internal'],
      [STOCK, 'external'],
    ]);
  });

  it('SPIFFE_Broker_API section 6.2.1: of two JWT-SVIDs with one hint, takes the first', async () => {
    const svids: { spiffeId: string; svid: string; hint: string }[] = [];
    for (const id of [ORDERS, STOCK]) {
      svids.push({ spiffeId: id, svid: await issuer.issueJwtSvid(id, { audience: 'reports' }), hint: 'internal' });
    }
    workload.jwt = async () => ({ svids });
    const taken = await client.fetchJwtSvids({ pid: PID }, { audience: 'reports' });
    expect(taken.map(({ id, hint }) => [id.toString(), hint])).toEqual([[ORDERS, 'internal']]);
  });

  it('ends calls by signal, by time limit and by close', async () => {
    const controller = new AbortController();
    const aborted = client.fetchX509Context({ pid: PID }, { signal: controller.signal });
    controller.abort(new RangeError('enough'));
    await expect(aborted).rejects.toThrow(RangeError);
    expect(await rejectionOf(client.fetchX509Context({ pid: PID }, { timeoutMs: 50 }))).toBe('timeout');
    workload.jwt = () => new Promise(() => {});
    const request = client.fetchJwtSvids({ pid: PID }, { audience: 'x' }, { timeoutMs: 50 });
    expect(await rejectionOf(request)).toBe('timeout');
    const open = rejectionOf(client.fetchX509Context({ pid: PID }));
    await until(() => workload.x509.open).toBe(1);
    await client.close();
    expect(await open).toBe('closed');
    expect(await rejectionOf(client.fetchX509Bundles({ pid: PID }))).toBe('closed');
  });

  it('takes no larger message than allowed', async () => {
    client = clientWith({ maxMessageBytes: 100 });
    workload.x509Bundles.opening = { send: x509BundlesMessage(issuer.bundle) };
    expect(await rejectionOf(client.fetchX509Bundles({ pid: PID }))).toBe('resource_exhausted');
  });
});

describe('the endpoint', () => {
  it('SPIFFE_Broker_Endpoint section 5: is asked nothing unless its identity is the expected one', async () => {
    client = clientWith({ authorize: exactly(`${AGENT}/other`) });
    const error = await failureOf(client.fetchX509Context({ pid: PID }));
    expect(error.code).toBe('unavailable');
    expect(error.message).toContain('not_authorized');
    expect(endpoint.calls).toEqual([]);
  });

  it('SPIFFE_Broker_Endpoint section 5: is asked nothing unless the bundles verify it', async () => {
    const { bundle } = await createIssuer({ trustDomain: 'example.org' });
    client = clientWith({ bundles: { getX509Bundle: () => bundle.x509 }, authorize: anyId() });
    const error = await failureOf(client.fetchX509Context({ pid: PID }));
    expect([error.code, endpoint.calls.length]).toEqual(['unavailable', 0]);
    expect(error.message).toContain('peer_refused');
  });

  it('SPIFFE_Broker_Endpoint section 3.1: is asked nothing without an SVID of one’s own', async () => {
    const none = (): never => {
      throw new Error('withdrawn');
    };
    client = clientWith({ svid: { getX509Svid: none } });
    const error = await failureOf(client.fetchX509Context({ pid: PID }));
    expect([error.code, endpoint.calls.length]).toEqual(['unavailable', 0]);
    expect(error.message).toContain('no_identity');
  });

  it('is presented the newest SVID on a new connection', async () => {
    workload.jwt = async () => {
      throw refusal(GrpcStatus.unauthenticated);
    };
    const presented: X509Svid[] = [];
    const getX509Svid = (): X509Svid => {
      presented.push(own);
      return own;
    };
    client = clientWith({ svid: { getX509Svid } });
    const fetch = () => client.fetchJwtSvids({ pid: PID }, { audience: 'x' });
    expect(await rejectionOf(fetch())).toBe('unauthenticated');
    const before = own;
    own = await issuer.issueX509Svid(BROKER);
    expect(await rejectionOf(fetch())).toBe('unauthenticated');
    expect([presented[0] === before, presented.at(-1) === own]).toEqual([true, true]);
  });

  it('SPIFFE_Broker_Endpoint section 3: can be a TCP port', async () => {
    await using tcp = new ScriptedBroker(agent, issuer.bundle, true);
    await tcp.listen();
    tcp.workload(PID).x509Bundles.opening = { send: x509BundlesMessage(issuer.bundle) };
    client = clientWith({ address: tcp.address });
    expect((await client.fetchX509Bundles({ pid: PID })).bundles.trustDomains().length).toBe(1);
    const named = clientWith({ address: tcp.address.replace('127.0.0.1', 'localhost') });
    const other = { typeUrl: 'type.example/example.Other', value: new Uint8Array() };
    tcp.workload(other.typeUrl).x509Bundles.opening = { send: x509BundlesMessage(issuer.bundle) };
    expect((await named.fetchX509Bundles(other)).bundles.trustDomains().length).toBe(1);
    await named.close();
  });
});

describe('the address of the endpoint', () => {
  const missing = 'SPIFFE_BROKER_SOCKET';
  const open = (address?: string): string => {
    try {
      void clientWith({ address }).close();
      return 'accepted';
    } catch (error) {
      return error instanceof BrokerApiError ? error.code : String(error);
    }
  };

  afterEach(() => {
    delete process.env[missing];
  });

  it('SPIFFE_Broker_Endpoint section 4: comes from the environment where none is given', () => {
    delete process.env[missing];
    process.env['SPIFFE_ENDPOINT_SOCKET'] = endpoint.address;
    expect(open()).toBe('address_unset');
    delete process.env['SPIFFE_ENDPOINT_SOCKET'];
    process.env[missing] = '';
    expect(open()).toBe('address_empty');
    process.env[missing] = endpoint.address;
    expect(open()).toBe('accepted');
  });

  it.each([
    ['unix:///run/broker.sock', 'accepted'],
    ['unix://host/run/broker.sock', 'bad_address_host'],
    ['unix:run/broker.sock', 'bad_address_path'],
    ['unix:///run/broker.sock?x', 'extra_address_part'],
    ['unix:///run/broker.sock#x', 'extra_address_part'],
    ['tcp://127.0.0.1:8000', 'accepted'],
    ['tcp://[::1]:8000', 'accepted'],
    ['tcp://broker.example.com:8443', 'accepted'],
    ['tcp://broker:8443', 'accepted'],
    ['tcp://xn--bcher-kva.example:8443', 'accepted'],
    ['tcp://127.0.0.1:8000/foo', 'extra_address_part'],
    ['tcp://user@broker.example.com:8443', 'extra_address_part'],
    ['tcp://broker.example.com', 'bad_address_port'],
    ['tcp://:8443', 'bad_address_host'],
    ['tcp://256.0.0.1:8443', 'bad_address_host'],
    ['tcp://0x7f.1:8443', 'bad_address_host'],
    ['tcp://-broker.example.com:8443', 'bad_address_host'],
    ['tcp://broker_1.example.com:8443', 'bad_address_host'],
    ['tcp://broker..com:8443', 'bad_address_host'],
    ['https://broker.example.com:8443', 'bad_address_scheme'],
  ])('SPIFFE_Broker_Endpoint section 4: %s is %s', (address, outcome) => {
    expect(open(address)).toBe(outcome);
  });
});

describe('the options of a client', () => {
  it.each<[string, unknown]>([
    ['no SVID', { svid: undefined }],
    ['no SVID on purpose', { svid: 'none' }],
    ['no bundles', { bundles: undefined }],
    ['no authorizer', { authorize: undefined }],
    ['a time limit of zero', { timeoutMs: 0 }],
    ['a message limit of a half', { maxMessageBytes: 0.5 }],
  ])('%s is a TypeError', (_, options) => {
    expect(() => clientWith(options as BrokerApiClientOptions)).toThrow(TypeError);
  });
});
