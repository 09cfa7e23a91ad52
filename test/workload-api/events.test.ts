import fc from 'fast-check';
import { createIssuer, type Issuer } from 'svidkit/issuer';
import {
  createWitSource,
  createX509Source,
  WORKLOAD_API_CHANNELS,
  type WorkloadApiEvents,
  type X509Source,
} from 'svidkit/workload-api';
import type { X509Svid } from 'svidkit/x509-svid';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { GrpcStatus } from '../../src/workload-api/grpc-status.js';
import { witBundlesMessage, witMessage, x509Message } from '../support/delivered-messages.js';
import { type Heard, hear } from '../support/hear.js';
import { type HeardEvents, hearEvents } from '../support/heard-events.js';
import { codeOf } from '../support/refusals.js';
import { ScriptedEndpoint } from '../support/scripted-endpoint.js';
import { until } from '../support/until.js';
import { visibleForms } from '../support/visible-forms.js';

const PLANNER = 'spiffe://example.org/agents/planner';
const STREAM = 'X.509-SVIDs';
const listen = (): HeardEvents<WorkloadApiEvents> => hearEvents(...Object.values(WORKLOAD_API_CHANNELS));

describe('the events of a source', () => {
  let issuer: Issuer;
  let endpoint: ScriptedEndpoint;
  let heard: Heard;
  let source: X509Source | undefined;

  beforeAll(async () => {
    issuer = await createIssuer({ trustDomain: 'example.org' });
  });

  beforeEach(async () => {
    heard = hear();
    endpoint = await ScriptedEndpoint.start();
  });

  afterEach(async () => {
    await source?.close();
    await endpoint.stop();
  });

  it('tell of connections, deliveries and rotations', async () => {
    const events = listen();
    const [first, second] = [await issuer.issueX509Svid(PLANNER), await issuer.issueX509Svid(PLANNER)];
    endpoint.x509.opening = { send: x509Message([first], issuer.bundle) };
    source = createX509Source({ address: endpoint.address, ...heard });
    await source.ready();
    const origin = { address: endpoint.address, stream: STREAM };
    expect(events.all).toEqual([origin, { ...origin, id: PLANNER, expiresAt: first.expiresAt }]);
    expect(events.kinds).toEqual(['connect', 'update']);

    endpoint.x509.push(x509Message([first], issuer.bundle));
    endpoint.x509.push(x509Message([second], issuer.bundle));
    await until(() => events.kinds).toEqual(['connect', 'update', 'update', 'rotation']);
    expect(events.on('svidkit:workload-api:rotation')).toEqual([
      {
        ...origin,
        id: PLANNER,
        expiresAt: second.expiresAt,
        previousId: PLANNER,
        previousExpiresAt: first.expiresAt,
      },
    ]);
  });

  it('tell of failures and reconnections', async () => {
    const events = listen();
    endpoint.x509.opening = { refuse: GrpcStatus.unavailable };
    source = createX509Source({ address: endpoint.address, ...heard });
    await until(() => events.kinds[0]).toBe('error');
    expect(events.all[0]).toEqual({
      address: endpoint.address,
      stream: STREAM,
      code: 'unavailable',
      message: expect.stringContaining('FetchX509SVID'),
      grpcStatus: 14,
    });
    endpoint.x509.opening = { send: x509Message([await issuer.issueX509Svid(PLANNER)], issuer.bundle) };
    await source.ready();
    endpoint.x509.end(GrpcStatus.unavailable);
    const expected = ['connect', 'update', 'error', 'connect'];
    await until(() => events.kinds.slice(events.kinds.indexOf('connect'))).toEqual(expected);
  });

  it('tell of a withdrawal once', async () => {
    const events = listen();
    endpoint.x509.opening = { send: x509Message([await issuer.issueX509Svid(PLANNER)], issuer.bundle) };
    source = createX509Source({ address: endpoint.address, ...heard });
    await source.ready();
    endpoint.x509.opening = { refuse: GrpcStatus.permissionDenied };
    endpoint.x509.end(GrpcStatus.permissionDenied);
    await until(() => events.on('svidkit:workload-api:error').length).toBeGreaterThan(2);
    expect(events.on('svidkit:workload-api:withdrawal')).toEqual([{ address: endpoint.address, stream: STREAM }]);
  });

  it('tell of an expiry once, when the identity is asked for', async () => {
    const events = listen();
    const svid = await issuer.issueX509Svid(PLANNER);
    let now = Date.now();
    endpoint.x509.opening = { send: x509Message([svid], issuer.bundle) };
    source = createX509Source({ address: endpoint.address, clock: () => now, ...heard });
    await source.ready();
    now = svid.expiresAt.getTime();
    for (const _ of [1, 2]) expect(codeOf(() => source?.getX509Svid())).toBe('expired');
    expect(events.on('svidkit:workload-api:expiry')).toEqual([
      { address: endpoint.address, stream: STREAM, id: PLANNER, expiresAt: svid.expiresAt },
    ]);
  });

  it('tell apart the streams of one source', async () => {
    const events = listen();
    endpoint.wit.opening = { send: witMessage([await issuer.issueWitSvid(PLANNER)]) };
    endpoint.witBundles.opening = { send: witBundlesMessage(issuer.bundle) };
    await using wit = createWitSource({ address: endpoint.address, ...heard });
    await wit.ready();
    expect(new Set(events.all.map(({ stream }) => stream))).toEqual(new Set(['WIT-SVIDs', 'WIT bundles']));
    expect(events.on('svidkit:workload-api:update').map(({ id }) => id)).toContain(PLANNER);
  });

  it('cannot be changed, so that no subscriber lies to the next', async () => {
    const events = listen();
    endpoint.x509.opening = { refuse: GrpcStatus.unavailable };
    source = createX509Source({ address: endpoint.address, ...heard });
    await until(() => events.all.length).toBeGreaterThan(0);
    expect(events.all.every((event) => Object.isFrozen(event))).toBe(true);
  });

  it('are not even made where nobody listens', async () => {
    const { publishWorkloadApi: publish } = await import('../../src/workload-api/events.js');
    const make = vi.fn(() => ({ address: '', stream: '' }));
    publish('connect', make);
    expect(make).not.toHaveBeenCalled();
    const events = listen();
    publish('connect', make);
    expect(make).toHaveBeenCalledTimes(1);
    expect(events.kinds).toEqual(['connect']);
  });

  /** A source to which happens what the steps below may leave out. */
  const everyKind = async (events: HeardEvents<WorkloadApiEvents>, svids: readonly X509Svid[]): Promise<void> => {
    endpoint.x509.opening = { send: x509Message(svids.slice(0, 1), issuer.bundle) };
    await using x509 = createX509Source({ address: endpoint.address, ...heard });
    await x509.ready();
    endpoint.x509.push(x509Message(svids.slice(1, 2), issuer.bundle));
    await until(() => events.kinds).toContain('rotation');
    endpoint.x509.end(GrpcStatus.permissionDenied);
    await until(() => events.kinds).toContain('withdrawal');
  };

  it('hold no secret, whatever happens', async () => {
    const svids = await Promise.all([1, 2, 3].map(() => issuer.issueX509Svid(PLANNER)));
    const wits = await Promise.all([1, 2, 3].map(() => issuer.issueWitSvid(PLANNER)));
    const secrets = [
      ...svids.flatMap(({ privateKey }) => [
        String(privateKey.export({ format: 'jwk' }).d),
        privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64').slice(-40),
      ]),
      ...wits.flatMap(({ privateKey, token }) => [String(privateKey.export({ format: 'jwk' }).d), ...token.split('.')]),
    ];
    const statuses = [GrpcStatus.unavailable, GrpcStatus.permissionDenied, GrpcStatus.resourceExhausted];
    const step = fc.oneof(
      fc.record({ deliver: fc.nat(2), broken: fc.boolean() }),
      fc.record({ end: fc.constantFrom(...statuses) }),
    );
    const events = listen();
    await everyKind(events, svids);
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 6 }), async (steps) => {
        endpoint.wit.opening = { send: witMessage(wits.slice(0, 1)) };
        endpoint.witBundles.opening = { send: witBundlesMessage(issuer.bundle) };
        endpoint.x509.opening = { send: x509Message(svids.slice(0, 1), issuer.bundle) };
        await using x509 = createX509Source({ address: endpoint.address, ...heard });
        await using wit = createWitSource({ address: endpoint.address, ...heard });
        await Promise.all([x509.ready(), wit.ready()]);
        for (const action of steps) {
          const before = events.all.length;
          if ('end' in action) {
            endpoint.x509.end(action.end);
            endpoint.wit.end(action.end);
          } else {
            const index = action.deliver;
            const [svid, token] = [svids.slice(index, index + 1), wits.slice(index, index + 1)];
            // A message whose parts do not belong together is refused, and the refusal is an event too.
            const other = svids.slice((index + 1) % 3, ((index + 1) % 3) + 1);
            const [entry] = x509Message(svid, issuer.bundle).svids ?? [];
            const [foreign] = x509Message(other, issuer.bundle).svids ?? [];
            const mixed = { svids: [{ ...entry, x509SvidKey: foreign?.x509SvidKey ?? new Uint8Array() }] };
            endpoint.x509.push(action.broken ? mixed : x509Message(svid, issuer.bundle));
            endpoint.wit.push(action.broken ? { svids: [{ witSvid: token[0]?.token ?? '' }] } : witMessage(token));
          }
          if ('end' in action || action.broken) await until(() => events.all.length).toBeGreaterThan(before);
        }
      }),
      { numRuns: 20 },
    );
    const shown = events.all.flatMap((event) => visibleForms(event)).join('\n');
    expect(new Set(events.kinds)).toEqual(new Set(['connect', 'update', 'error', 'rotation', 'withdrawal']));
    expect(secrets.filter((secret) => shown.includes(secret))).toEqual([]);
  }, 60_000);
});
