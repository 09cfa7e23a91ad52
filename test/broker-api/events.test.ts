import { BROKER_API_CHANNELS, type BrokerApiClient, type BrokerApiEvents } from 'svidkit/broker-api';
import { WORKLOAD_API_CHANNELS, type WorkloadApiEvents } from 'svidkit/workload-api';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GrpcStatus } from '../../src/workload-api/grpc-status.js';
import { type BrokerBench, hearBroker, IdleProcess, openBrokerBench } from '../support/broker-bench.js';
import { x509Message } from '../support/delivered-messages.js';
import { type HeardEvents, hearEvents } from '../support/heard-events.js';
import { codeOf } from '../support/refusals.js';
import { until } from '../support/until.js';
import { visibleForms } from '../support/visible-forms.js';

const ORDERS = 'spiffe://example.org/services/orders';
const PID = 2_000_000_001;
const listen = (): HeardEvents<BrokerApiEvents> => hearEvents(...Object.values(BROKER_API_CHANNELS));

let bench: BrokerBench;
let client: BrokerApiClient;

beforeEach(async () => {
  bench = await openBrokerBench();
  client = bench.client();
});

afterEach(async () => {
  await bench[Symbol.asyncDispose]();
});

describe('the events of a broker’s source', () => {
  it('say whose identity they are about, with codes of this room, and none goes to the Workload API’s channels', async () => {
    const events = listen();
    const others = hearEvents<WorkloadApiEvents>(...Object.values(WORKLOAD_API_CHANNELS));
    const workload = bench.endpoint.workload(PID);
    const [first, second] = [await bench.issuer.issueX509Svid(ORDERS), await bench.issuer.issueX509Svid(ORDERS)];
    workload.x509.opening = { send: x509Message([first], bench.issuer.bundle) };
    await using source = client.x509Source({ pid: PID }, { watchProcess: false, ...hearBroker() });
    await source.ready();
    workload.x509.push(x509Message([second], bench.issuer.bundle));
    await until(() => events.kinds).toEqual(['connect', 'update', 'update', 'rotation']);
    workload.x509.push({ svids: [] });
    await until(() => events.kinds.slice(4)).toEqual(['error', 'withdrawal']);
    workload.x509.opening = { refuse: GrpcStatus.notFound };
    workload.x509.end(GrpcStatus.unauthenticated);
    await until(() => events.kinds.slice(6)).toEqual(['error', 'error', 'end']);

    const origin = { address: bench.endpoint.address, reference: `process ${PID}` };
    expect(events.all.every((event) => Object.isFrozen(event))).toBe(true);
    for (const event of events.all) expect(event).toMatchObject(origin);
    expect(events.on('svidkit:broker-api:rotation')).toEqual([
      {
        ...origin,
        stream: 'X.509-SVIDs',
        id: ORDERS,
        expiresAt: second.expiresAt,
        previousId: ORDERS,
        previousExpiresAt: first.expiresAt,
      },
    ]);
    expect(events.on('svidkit:broker-api:error').map(({ code, grpcStatus }) => [code, grpcStatus])).toEqual([
      ['permission_denied', undefined],
      ['unauthenticated', 16],
      ['workload_not_found', 5],
    ]);
    expect(events.on('svidkit:broker-api:end').map(({ code }) => code)).toEqual(['workload_not_found']);
    expect(others.all).toEqual([]);
  });

  it('tell of the end of a process', async () => {
    const events = listen();
    await using child = new IdleProcess();
    await using source = client.x509Source({ pid: child.pid });
    await child.kill();
    expect(codeOf(() => source.current)).toBe('workload_ended');
    expect(events.on('svidkit:broker-api:end')).toMatchObject([
      { address: bench.endpoint.address, reference: `process ${child.pid}`, code: 'workload_ended' },
    ]);
  });

  it('hold no secret, and neither do clients, sources and errors', async () => {
    const events = listen();
    const svid = await bench.issuer.issueX509Svid(ORDERS);
    const token = await bench.issuer.issueJwtSvid(ORDERS, { audience: 'reports' });
    const workload = bench.endpoint.workload(PID);
    workload.x509.opening = { send: x509Message([svid], bench.issuer.bundle) };
    workload.jwt = async () => ({ svids: [{ spiffeId: ORDERS, svid: token }] });
    const thrown: unknown[] = [];
    const options = { watchProcess: false, ...hearBroker(), onError: (error: unknown) => thrown.push(error) };
    await using source = client.x509Source({ pid: PID }, options);
    await using jwt = client.jwtSource({ pid: PID }, options);
    await Promise.all([source.ready(), jwt.fetchJwtSvid({ audience: 'reports' })]);
    const [entry] = x509Message([svid], bench.issuer.bundle).svids;
    workload.x509.push({ svids: [{ ...entry, spiffeId: `${ORDERS}/other` }] });
    workload.jwt = async () => ({ svids: [{ spiffeId: `${ORDERS}/other`, svid: token }] });
    await jwt.fetchJwtSvid({ audience: 'other' }).catch((error: unknown) => thrown.push(error));
    await until(() => thrown.length).toBe(2);
    const secrets = [
      String(svid.privateKey.export({ format: 'jwk' }).d),
      svid.privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64').slice(-40),
      String(bench.own.privateKey.export({ format: 'jwk' }).d),
      ...token.split('.'),
    ];
    const seen = [client, source, jwt, ...thrown, ...events.all].flatMap(visibleForms).join('\n');
    expect(secrets.filter((secret) => seen.includes(secret))).toEqual([]);
  });
});
