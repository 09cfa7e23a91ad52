import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { BundleError, WorkloadApiError } from 'svidkit/errors';
import { parseTrustDomain } from 'svidkit/id';
import { createIssuer, type Issuer } from 'svidkit/issuer';
import {
  createWorkloadApiClient,
  createX509Source,
  type X509Context,
  type X509Source,
  type X509SourceOptions,
} from 'svidkit/workload-api';
import type { X509Svid } from 'svidkit/x509-svid';
import { afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { X509SVIDResponseSchema } from '../../src/workload-api/gen/workloadapi_pb.js';
import { GrpcStatus } from '../../src/workload-api/grpc-status.js';
import { x509Entry, x509Message } from '../support/delivered-messages.js';
import { type Heard, hear } from '../support/hear.js';
import { codeOf } from '../support/refusals.js';
import { rejectionOf } from '../support/rejections.js';
import { ScriptedEndpoint, undecodable } from '../support/scripted-endpoint.js';
import { until } from '../support/until.js';
import { visibleForms } from '../support/visible-forms.js';

const PLANNER = 'spiffe://example.org/agents/planner';
const WRITER = 'spiffe://example.org/agents/writer';
const HOME = parseTrustDomain('example.org');

let issuer: Issuer;
let first: X509Svid;
let second: X509Svid;
let writer: X509Svid;

beforeAll(async () => {
  issuer = await createIssuer({ trustDomain: 'example.org' });
  first = await issuer.issueX509Svid(PLANNER);
  second = await issuer.issueX509Svid(PLANNER);
  writer = await issuer.issueX509Svid(WRITER, { hint: 'writer' });
});

const message = (...svids: X509Svid[]) => x509Message(svids, issuer.bundle);

describe('an X509Source', () => {
  let endpoint: ScriptedEndpoint;
  let source: X509Source;
  let heard: Heard;

  beforeEach(async () => {
    heard = hear();
    endpoint = await ScriptedEndpoint.start();
    endpoint.x509.opening = { send: message(first) };
  });

  afterEach(async () => {
    await source?.close();
    await endpoint.stop();
  });

  const start = (options: X509SourceOptions = {}): X509Source => {
    source = createX509Source({ address: endpoint.address, ...heard, ...options });
    return source;
  };
  const startReady = async (options: X509SourceOptions = {}): Promise<X509Source> => {
    await start(options).ready();
    return source;
  };
  const presents = (svid: X509Svid) => until(() => source.getX509Svid().equals(svid)).toBe(true);

  describe('while it waits for the first delivery', () => {
    it('says not_ready, to everyone', async () => {
      endpoint.x509.opening = 'hang';
      start();
      for (const run of [() => source.current, () => source.getX509Svid(), () => source.getX509Bundle(HOME)]) {
        expect(codeOf(run)).toBe('not_ready');
      }
      expect(source.health).toEqual({ connected: false, lastError: undefined, expiresAt: undefined });
    });

    it('is ready with the first delivery', async () => {
      endpoint.x509.opening = 'hang';
      start();
      const ready = source.ready();
      await until(() => endpoint.x509.open).toBe(1);
      endpoint.x509.push(message(first));
      await ready;
      await source.ready({ timeoutMs: 1 });
      expect(`${source.current.defaultSvid.id}`).toBe(PLANNER);
      expect(source.getX509Svid().equals(first)).toBe(true);
      expect(source.getX509Bundle(HOME)?.equals(issuer.bundle.x509)).toBe(true);
      expect(source.getX509Bundle(parseTrustDomain('b.example'))).toBeUndefined();
      expect(source.health).toEqual({ connected: true, lastError: undefined, expiresAt: first.expiresAt });
    });

    it('keeps asking while there is no endpoint, and no identity', async () => {
      await endpoint.stop();
      start();
      await until(() => heard.codes).toContain('unavailable');
      expect(codeOf(() => source.current)).toBe('not_ready');
      endpoint.x509.opening = { refuse: GrpcStatus.permissionDenied };
      await endpoint.listen();
      await until(() => heard.codes).toContain('permission_denied');
      try {
        expect.unreachable(`${source.current}`);
      } catch (error) {
        expect(error).toMatchObject({ code: 'not_ready', cause: { code: 'permission_denied', grpcStatus: 7 } });
      }
      endpoint.x509.opening = { send: message(first) };
      await source.ready();
      expect(source.health.lastError).toBeUndefined();
    });

    it('gives a hung agent up after firstMessageTimeoutMs, and tries again', async () => {
      endpoint.x509.opening = 'hang';
      start({ firstMessageTimeoutMs: 150 });
      await until(() => endpoint.x509.opened).toBeGreaterThan(2);
      expect(new Set(heard.codes)).toEqual(new Set(['timeout']));
      endpoint.x509.opening = { send: message(first) };
      await source.ready();
      const { opened } = endpoint.x509;
      await new Promise((resolve) => setTimeout(resolve, 300));
      expect(endpoint.x509.opened, 'a stream that has delivered has no time limit').toBe(opened);
    });

    it('gives up an agent that accepts connections and says nothing at all, and finds the one that takes its place', async () => {
      await endpoint.stop();
      const accepted = new Set<Socket>();
      const mute = createServer((socket) => accepted.add(socket)).listen(endpoint.path);
      await once(mute, 'listening');
      // A second of silence by this clock would be answered by another connection, however slow this machine is.
      vi.useFakeTimers({ toFake: ['performance'] });
      onTestFinished(() => void vi.useRealTimers());
      start({ firstMessageTimeoutMs: 150 });
      await until(() => heard.codes.length).toBeGreaterThan(2);
      expect(new Set(heard.codes)).toEqual(new Set(['timeout']));
      expect(accepted.size).toBe(1);
      for (const socket of accepted) socket.destroy();
      mute.close();
      await once(mute, 'close');
      await endpoint.listen();
      await source.ready();
    });

    it('ready() ends with its time, telling why, and with the reason of an abort', async () => {
      endpoint.x509.opening = { refuse: GrpcStatus.permissionDenied };
      start();
      await until(() => heard.codes).toContain('permission_denied');
      await expect(source.ready({ timeoutMs: 10 })).rejects.toMatchObject({
        code: 'timeout',
        message: expect.stringContaining('no identity'),
        cause: { code: 'not_ready' },
      });
      const reason = new Error('mine');
      const controller = new AbortController();
      const ready = source.ready({ signal: controller.signal });
      controller.abort(reason);
      await expect(ready).rejects.toBe(reason);
      await expect(source.ready({ signal: controller.signal })).rejects.toBe(reason);
      await expect(source.ready({ timeoutMs: 0 })).rejects.toThrow(TypeError);
    });

    it.each([
      [GrpcStatus.invalidArgument, 'invalid_argument'],
      [GrpcStatus.unimplemented, 'unimplemented'],
    ] as const)('reports status %i, asks no more and rejects ready() at once', async (status, code) => {
      endpoint.x509.opening = { refuse: status };
      start();
      expect(await rejectionOf(source.ready())).toBe(code);
      expect(await rejectionOf(source.ready({ timeoutMs: 1 }))).toBe(code);
      for (const run of [() => source.current, () => source.getX509Svid(), () => source.getX509Bundle(HOME)]) {
        expect(codeOf(run)).toBe(code);
      }
      expect(await rejectionOf(source.updates()[Symbol.asyncIterator]().next())).toBe(code);
      await new Promise((resolve) => setTimeout(resolve, 60));
      expect(endpoint.x509.opened).toBe(1);
      expect(heard.codes).toEqual([code]);
      expect(source.health.lastError?.code).toBe(code);
    });

    it.each([
      GrpcStatus.failedPrecondition,
      GrpcStatus.unknown,
      GrpcStatus.internal,
      GrpcStatus.resourceExhausted,
      GrpcStatus.unauthenticated,
    ])('goes on after status %i', async (refuse) => {
      endpoint.x509.opening = { refuse };
      start();
      await until(() => endpoint.x509.opened).toBeGreaterThan(1);
      endpoint.x509.opening = { send: message(first) };
      await source.ready();
    });
  });

  describe('when something is delivered', () => {
    it('replaces everything with it', async () => {
      const other = await createIssuer({ trustDomain: 'b.example' });
      const federatedBundles = { 'spiffe://b.example': other.bundle.x509.toDer() };
      endpoint.x509.opening = { send: { ...message(first, writer), federatedBundles } };
      await startReady();
      expect(source.getX509Bundle(other.trustDomain)).toBeDefined();
      const before = source.current;
      endpoint.x509.push(message(second));
      await presents(second);
      expect(source.current.svids).toHaveLength(1);
      expect(source.getX509Bundle(other.trustDomain)).toBeUndefined();
      expect(before.svids.map((svid) => svid.equals(first) || svid.equals(writer))).toEqual([true, true]);
    });

    it.each([
      ['an empty field', () => ({}), 'empty_field'],
      [
        'a key of another',
        () => ({
          svids: [
            {
              ...x509Entry(second, issuer.bundle),
              x509SvidKey: x509Entry(first, issuer.bundle).x509SvidKey ?? Buffer.of(),
            },
          ],
        }),
        'bad_identity',
      ],
      [
        'the ID of another',
        () => ({ svids: [{ ...x509Entry(second, issuer.bundle), spiffeId: WRITER }] }),
        'bad_identity',
      ],
      [
        'a broken bundle',
        () => ({ svids: [{ ...x509Entry(second, issuer.bundle), bundle: Buffer.from('x') }] }),
        'bad_bundle',
      ],
    ])('refuses %s, reports it, and keeps the last good one on the same stream', async (_what, bad, code) => {
      await startReady();
      endpoint.x509.push(bad());
      await until(() => heard.codes).toEqual([code]);
      expect(source.health).toMatchObject({ connected: true, lastError: { code } });
      expect(source.getX509Svid().equals(first)).toBe(true);
      endpoint.x509.push(message(second));
      await presents(second);
      expect(source.health.lastError).toBeUndefined();
      expect(endpoint.x509.opened).toBe(1);
    });

    it('opens another stream after bytes that are no message', async () => {
      await startReady();
      endpoint.x509.opening = { send: message(second) };
      endpoint.x509.push(undecodable(X509SVIDResponseSchema));
      await presents(second);
      expect(heard.codes).toEqual(['bad_message']);
      expect(endpoint.x509.opened).toBe(2);
    });

    it('reports foreign bundles that were left out', async () => {
      endpoint.x509.opening = {
        send: { ...message(first), federatedBundles: { 'spiffe://b.example': Buffer.from('x') } },
      };
      await startReady();
      expect(source.current.refusedBundles).toHaveLength(1);
      expect(source.health.lastError).toMatchObject({ code: 'bad_bundle', cause: expect.any(BundleError) });
      expect(heard.codes).toEqual(['bad_bundle']);
    });
  });

  describe('when the stream is lost', () => {
    it('keeps the identity and connects again', async () => {
      await startReady();
      endpoint.x509.opening = { send: message(second) };
      endpoint.x509.end(GrpcStatus.unavailable);
      await presents(second);
      endpoint.x509.opening = { send: message(first) };
      endpoint.x509.end();
      await presents(first);
      expect(heard.codes).toEqual(['unavailable', 'stream_ended']);
      expect(source.health.connected).toBe(true);
    });

    it('keeps the identity while the endpoint is away, and finds the endpoint that is back', async () => {
      await startReady();
      await endpoint.stop();
      await until(() => source.health.connected).toBe(false);
      await until(() => heard.codes.length).toBeGreaterThan(3);
      expect(source.getX509Svid().equals(first)).toBe(true);
      expect(source.health.lastError?.code).toBe('unavailable');
      endpoint.x509.opening = { send: message(second) };
      await endpoint.listen();
      await until(() => source.getX509Svid().equals(second)).toBe(true);
      await source.ready({ timeoutMs: 1 });
    });

    it('keeps what it has when the endpoint has changed its mind about serving it', async () => {
      await startReady();
      endpoint.x509.opening = { refuse: GrpcStatus.unimplemented };
      const updates = source.updates()[Symbol.asyncIterator]();
      await updates.next();
      const ending = rejectionOf(updates.next());
      endpoint.x509.end(GrpcStatus.unavailable);
      expect(await ending).toBe('unimplemented');
      expect(source.getX509Svid().equals(first)).toBe(true);
      await source.ready();
    });
  });

  describe('when the endpoint says PermissionDenied', () => {
    it('presents nothing any more, and the identity again when it is granted again', async () => {
      await startReady();
      endpoint.x509.opening = { refuse: GrpcStatus.permissionDenied };
      endpoint.x509.end(GrpcStatus.permissionDenied);
      await until(() => codeOf(() => source.current)).toBe('withdrawn');
      expect(codeOf(() => source.getX509Svid())).toBe('withdrawn');
      expect(codeOf(() => source.getX509Bundle(HOME))).toBe('withdrawn');
      expect(source.health).toMatchObject({
        connected: false,
        expiresAt: undefined,
        lastError: { code: 'permission_denied' },
      });
      await until(() => endpoint.x509.opened).toBeGreaterThan(2);
      const ready = source.ready();
      endpoint.x509.opening = { send: message(first) };
      await ready;
      expect(source.getX509Svid().equals(first)).toBe(true);
    });

    it('withdraws also when it says so to a stream that is opened again', async () => {
      await startReady();
      endpoint.x509.opening = { refuse: GrpcStatus.permissionDenied };
      endpoint.x509.end(GrpcStatus.unavailable);
      await until(() => codeOf(() => source.getX509Svid())).toBe('withdrawn');
    });

    it('stays withdrawn while the endpoint is away', async () => {
      await startReady();
      endpoint.x509.opening = { refuse: GrpcStatus.unavailable };
      endpoint.x509.end(GrpcStatus.permissionDenied);
      await until(() => heard.codes.filter((code) => code === 'unavailable').length).toBeGreaterThan(1);
      expect(codeOf(() => source.getX509Svid())).toBe('withdrawn');
    });
  });

  describe('when the identity expires', () => {
    it('presents nothing, though bundles go on, until something newer comes', async () => {
      let now = first.expiresAt.getTime() - 1;
      await startReady({ clock: () => now });
      expect(source.health.expiresAt).toEqual(first.expiresAt);
      now += 1;
      expect(codeOf(() => source.getX509Svid())).toBe('expired');
      expect(codeOf(() => source.current)).toBe('expired');
      expect(source.health.expiresAt).toBeUndefined();
      expect(source.getX509Bundle(HOME)).toBeDefined();
      expect(await rejectionOf(source.ready({ timeoutMs: 5 }))).toBe('timeout');
      const ready = source.ready();
      const longer = await issuer.issueX509Svid(PLANNER, { ttlSeconds: 7200 });
      // A stream that has brought nothing newer for a second is given up: then it comes on the next one.
      endpoint.x509.opening = { send: message(longer) };
      endpoint.x509.push(message(longer));
      await ready;
      expect(source.getX509Svid().equals(longer)).toBe(true);
    });

    it('never presents one that was delivered expired, as an agent cut off from its server may do', async () => {
      start({ clock: () => first.expiresAt.getTime() });
      await until(() => codeOf(() => source.getX509Svid())).toBe('expired');
      expect(await rejectionOf(source.ready({ timeoutMs: 100 }))).toBe('timeout');
    });

    it('rejects ready() where nothing newer can come', async () => {
      let now = 0;
      await startReady({ clock: () => now });
      endpoint.x509.opening = { refuse: GrpcStatus.invalidArgument };
      endpoint.x509.end();
      await until(() => heard.codes).toContain('invalid_argument');
      now = first.expiresAt.getTime();
      expect(await rejectionOf(source.ready())).toBe('expired');
    });
  });

  describe('with several identities', () => {
    it('presents the first, or the one that was picked', async () => {
      endpoint.x509.opening = { send: message(first, writer) };
      await startReady({ pick: (svids) => svids.find(({ hint }) => hint === 'writer') });
      expect(source.getX509Svid().equals(writer)).toBe(true);
      expect(source.current.defaultSvid.equals(first)).toBe(true);
      expect(source.health.expiresAt).toEqual(writer.expiresAt);
    });

    it('has none where none was picked, or pick() threw, and waits for a delivery with one', async () => {
      let asked = 0;
      start({
        pick: (svids) => {
          asked += 1;
          if (asked === 1) throw new Error('pick');
          return svids.find(({ hint }) => hint === 'writer');
        },
      });
      const ready = source.ready();
      await until(() => heard.codes).toEqual(['no_identity']);
      expect(codeOf(() => source.getX509Svid())).toBe('no_identity');
      endpoint.x509.push(message(second));
      await until(() => heard.codes).toEqual(['no_identity', 'no_identity']);
      expect(codeOf(() => source.current)).toBe('no_identity');
      expect(source.getX509Bundle(HOME)).toBeDefined();
      endpoint.x509.push(message(second, writer));
      await ready;
      expect(source.getX509Svid().equals(writer)).toBe(true);
    });
  });

  describe('updates()', () => {
    const ids = ({ svids }: X509Context) => svids.map((svid) => svid.certificates[0]?.serialNumber);

    it('gives the current one, then what means something else, and nothing that is repeated', async () => {
      await startReady();
      const updates = source.updates()[Symbol.asyncIterator]();
      const seen = [ids((await updates.next()).value)];
      const next = updates.next();
      for (let repeat = 0; repeat < 3; repeat += 1) endpoint.x509.push(message(first));
      endpoint.x509.end(GrpcStatus.unavailable);
      await until(() => endpoint.x509.opened).toBe(2);
      endpoint.x509.push(message(second));
      seen.push(ids((await next).value));
      expect(seen).toEqual([ids({ ...source.current, svids: [first] }), ids({ ...source.current, svids: [second] })]);
      await updates.return?.();
    });

    it('lets a slow reader skip what was replaced', async () => {
      await startReady();
      const updates = source.updates()[Symbol.asyncIterator]();
      await updates.next();
      endpoint.x509.push(message(second));
      endpoint.x509.push(message(writer));
      await presents(writer);
      expect((await updates.next()).value.defaultSvid.equals(writer)).toBe(true);
      await updates.return?.();
    });

    it('waits through a withdrawal, and gives the identity that is granted again even if it is the same', async () => {
      await startReady();
      const updates = source.updates()[Symbol.asyncIterator]();
      await updates.next();
      const next = updates.next();
      endpoint.x509.end(GrpcStatus.permissionDenied);
      expect((await next).value.defaultSvid.equals(first)).toBe(true);
    });

    it('is freed by break and by return() while it waits, and ends with the source', async () => {
      await startReady();
      for await (const _ of source.updates()) break;
      const freed = source.updates()[Symbol.asyncIterator]();
      await freed.next();
      const waiting = freed.next();
      await freed.return?.();
      await expect(waiting).resolves.toEqual({ done: true, value: undefined });
      const ended = source.updates()[Symbol.asyncIterator]();
      await ended.next();
      const last = ended.next();
      await source.close();
      await expect(last).resolves.toEqual({ done: true, value: undefined });
      await expect(source.updates()[Symbol.asyncIterator]().next()).resolves.toEqual({ done: true, value: undefined });
    });

    it('throws the reason of an abort, then is over', async () => {
      await startReady();
      const controller = new AbortController();
      const updates = source.updates({ signal: controller.signal })[Symbol.asyncIterator]();
      await updates.next();
      const waiting = updates.next();
      const reason = new Error('mine');
      controller.abort(reason);
      await expect(waiting).rejects.toBe(reason);
      await expect(updates.next()).resolves.toEqual({ done: true, value: undefined });
    });
  });

  describe('close()', () => {
    it('rejects whoever waits with closed, ends the stream, and may be repeated', async () => {
      endpoint.x509.opening = 'hang';
      start();
      const waiting = [rejectionOf(source.ready()), rejectionOf(source.ready({ timeoutMs: 60_000 }))];
      await until(() => endpoint.x509.open).toBe(1);
      await source.close();
      await source[Symbol.asyncDispose]();
      expect(await Promise.all(waiting)).toEqual(['closed', 'closed']);
      await until(() => endpoint.x509.open).toBe(0);
      for (const run of [() => source.current, () => source.getX509Svid(), () => source.getX509Bundle(HOME)]) {
        expect(codeOf(run)).toBe('closed');
      }
      expect(await rejectionOf(source.ready())).toBe('closed');
      expect(source.health).toMatchObject({ connected: false, expiresAt: undefined });
      expect(heard.codes).toEqual([]);
    });

    it('stops asking, also between two attempts', async () => {
      endpoint.x509.opening = { refuse: GrpcStatus.unavailable };
      start({ backoff: { initialMs: 40, maxMs: 40, random: () => 0.99 } });
      await until(() => heard.codes).toEqual(['unavailable']);
      await source.close();
      await new Promise((resolve) => setTimeout(resolve, 80));
      expect(endpoint.x509.opened).toBe(1);
    });

    it('leaves a shared client open, and a closed client stops its sources', async () => {
      const client = createWorkloadApiClient({ address: endpoint.address });
      source = createX509Source({ client, ...heard });
      await source.ready();
      await source.close();
      expect((await client.fetchX509Context()).defaultSvid.equals(first)).toBe(true);
      source = createX509Source({ client, ...heard });
      await source.ready();
      await client.close();
      await until(() => heard.codes).toEqual(['closed']);
      expect(await rejectionOf(createX509Source({ client }).ready())).toBe('closed');
    });
  });

  it('spreads its attempts with the injected randomness', async () => {
    endpoint.x509.opening = { refuse: GrpcStatus.unavailable };
    const asked: number[] = [];
    const random = (): number => {
      asked.push(endpoint.x509.opened);
      return 0;
    };
    start({ backoff: { random } });
    await until(() => asked.length).toBeGreaterThan(3);
    expect(asked.slice(0, 4)).toEqual([1, 2, 3, 4]);
  });

  it('survives an onError that throws', async () => {
    endpoint.x509.opening = { refuse: GrpcStatus.unavailable };
    start({
      onError: () => {
        throw new Error('observer');
      },
    });
    await until(() => endpoint.x509.opened).toBeGreaterThan(2);
  });

  it('shows no key to whoever looks at it', async () => {
    await startReady();
    const secret = first.privateKey.export({ format: 'jwk' }).d ?? '';
    const der = first.privateKey.export({ format: 'der', type: 'pkcs8' });
    const forms = [source, source.current, source.health].flatMap(visibleForms).join('\n');
    expect(secret.length).toBeGreaterThan(20);
    for (const form of [secret, der.toString('hex'), der.toString('base64'), 'PRIVATE KEY'])
      expect(forms).not.toContain(form);
  });

  it('is made right or not at all', () => {
    const client = createWorkloadApiClient({ address: endpoint.address });
    const make = (options: object) => () => createX509Source(options);
    expect(make({ client, address: endpoint.address })).toThrow(TypeError);
    expect(make({ client: {} })).toThrow(TypeError);
    expect(make({ address: endpoint.address, firstMessageTimeoutMs: 0 })).toThrow(TypeError);
    expect(make({ address: endpoint.address, backoff: { initialMs: 0 } })).toThrow(TypeError);
    expect(make({ address: endpoint.address, backoff: { maxMs: 3e9 } })).toThrow('2147483647');
    expect(make({ address: 'unix:relative' })).toThrow(WorkloadApiError);
  });
});
