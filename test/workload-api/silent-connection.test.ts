import { createIssuer, type Issuer } from 'svidkit/issuer';
import {
  createJwtSource,
  createWitSource,
  createWorkloadApiClient,
  createX509Source,
  type WorkloadApiClient,
} from 'svidkit/workload-api';
import type { X509Svid } from 'svidkit/x509-svid';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { jwtBundlesMessage, witBundlesMessage, witMessage, x509Message } from '../support/delivered-messages.js';
import { type Heard, hear } from '../support/hear.js';
import { codeOf } from '../support/refusals.js';
import { rejectionOf } from '../support/rejections.js';
import { ScriptedEndpoint } from '../support/scripted-endpoint.js';
import { SilentPath } from '../support/silent-path.js';
import { until } from '../support/until.js';

const PLANNER = 'spiffe://example.org/agents/planner';
/** Longer than a peer must be silent before its path is doubted. */
const DOUBTFUL_MS = 1_500;

let issuer: Issuer;
let first: X509Svid;
let longer: X509Svid;

beforeAll(async () => {
  issuer = await createIssuer({ trustDomain: 'example.org' });
  first = await issuer.issueX509Svid(PLANNER);
  longer = await issuer.issueX509Svid(PLANNER, { ttlSeconds: 7200 });
});

const message = (svid: X509Svid) => x509Message([svid], issuer.bundle);

describe('a connection that has died without a word', () => {
  let endpoint: ScriptedEndpoint;
  let path: SilentPath;
  let heard: Heard;

  beforeEach(async () => {
    heard = hear();
    endpoint = await ScriptedEndpoint.start();
    endpoint.x509.opening = { send: message(first) };
    endpoint.jwtBundles.opening = { send: jwtBundlesMessage(issuer.bundle) };
    endpoint.witBundles.opening = { send: witBundlesMessage(issuer.bundle) };
    endpoint.jwt = async ({ audience }) => ({
      svids: [{ spiffeId: PLANNER, svid: await issuer.issueJwtSvid(PLANNER, { audience }) }],
    });
    path = await SilentPath.to({ path: endpoint.path });
  });

  afterEach(async () => {
    await path[Symbol.asyncDispose]();
    await endpoint.stop();
  });

  describe('beneath a source', () => {
    it('is given up when the X.509-SVID has expired, and another one brings the newer SVID', async () => {
      let now = first.expiresAt.getTime() - 1;
      await using source = createX509Source({ address: path.address, clock: () => now, ...heard });
      await source.ready();
      await path.die();
      endpoint.x509.opening = { send: message(longer) };
      endpoint.x509.push(message(longer));
      now += 1;
      expect(codeOf(() => source.getX509Svid())).toBe('expired');
      await source.ready();
      expect(source.getX509Svid().equals(longer)).toBe(true);
      expect(heard.codes).toEqual(['timeout']);
      expect(source.health).toMatchObject({ connected: true, lastError: undefined });
      await until(() => [path.accepted, path.open]).toEqual([2, 1]);
    });

    it('is given up when the WIT-SVID has expired, and another one brings the newer SVID', async () => {
      const [wit, longerWit] = [
        await issuer.issueWitSvid(PLANNER),
        await issuer.issueWitSvid(PLANNER, { ttlSeconds: 7200 }),
      ];
      endpoint.wit.opening = { send: witMessage([wit]) };
      let now = wit.expiresAt.getTime() - 1;
      await using source = createWitSource({ address: path.address, clock: () => now, ...heard });
      await source.ready();
      await path.die();
      endpoint.wit.opening = { send: witMessage([longerWit]) };
      now += 1;
      await source.ready();
      expect(source.getWitSvid().equals(longerWit)).toBe(true);
      expect(heard.codes).toEqual(['timeout']);
      expect(path.accepted).toBe(2);
    });

    it('is said not to be connected, and given up once, while new connections are as dead', async () => {
      let now = first.expiresAt.getTime() - 1;
      const { onError, codes } = heard;
      await using source = createX509Source({ address: path.address, clock: () => now, onError });
      await source.ready();
      await path.die();
      path.mute = true;
      now += 1;
      await until(() => codes).toEqual(['timeout']);
      expect(source.health).toMatchObject({ connected: false, expiresAt: undefined, lastError: { code: 'timeout' } });
      await until(() => path.accepted).toBe(2);
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      expect([codes, path.accepted]).toEqual([['timeout'], 2]);
    });

    it('is not taken for dead when it brings only what has expired: the agent is asked again once', async () => {
      let now = first.expiresAt.getTime() - 1;
      await using source = createX509Source({ address: path.address, clock: () => now, ...heard });
      await source.ready();
      now += 1;
      await until(() => endpoint.x509.opened).toBe(2);
      await until(() => heard.codes).toEqual(['timeout', 'expired']);
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      expect(endpoint.x509.opened).toBe(2);
      expect(codeOf(() => source.getX509Svid())).toBe('expired');
      expect(source.health).toMatchObject({ connected: true, lastError: { code: 'expired' } });
      endpoint.x509.push(message(longer));
      await source.ready();
      expect(endpoint.x509.opened).toBe(2);
    });

    it('does not keep the tokens of a JwtSource from coming', async () => {
      const { backoff } = heard;
      await using source = createJwtSource({ address: path.address, fetchTimeoutMs: DOUBTFUL_MS, backoff });
      await source.ready();
      await path.die();
      expect(await rejectionOf(source.fetchJwtSvid({ audience: 'a' }))).toBe('timeout');
      await until(() => source.fetchJwtSvid({ audience: 'a' }).then(({ id }) => `${id}`, codeOfError)).toBe(PLANNER);
    });
  });

  describe('beneath a client', () => {
    let client: WorkloadApiClient;

    beforeEach(() => {
      client = createWorkloadApiClient({ address: path.address });
    });

    afterEach(() => client.close());

    const unary = (timeoutMs?: number) => client.fetchJwtSvids({ audience: 'a' }, { timeoutMs });
    const stream = (timeoutMs?: number) => client.fetchX509Context({ timeoutMs });

    it.each([
      ['a call', unary],
      ['the first message of a stream', stream],
    ])('costs %s its time, and the next one nothing', async (_what, call) => {
      await call();
      await path.die();
      expect(await rejectionOf(call(DOUBTFUL_MS))).toBe('timeout');
      await call();
      await call();
      await until(() => [path.accepted, path.open]).toEqual([2, 1]);
    });

    it('is replaced also when it was dead before the first byte', async () => {
      path.mute = true;
      expect(await rejectionOf(unary(DOUBTFUL_MS))).toBe('timeout');
      path.mute = false;
      await unary();
      await until(() => [path.accepted, path.open]).toEqual([2, 1]);
    });

    it('is told from one to an agent that is only slow: open streams keep theirs', async () => {
      const contexts = client.streamX509Contexts()[Symbol.asyncIterator]();
      await contexts.next();
      const next = contexts.next();
      endpoint.jwt = () => new Promise(() => {});
      expect(await rejectionOf(unary(DOUBTFUL_MS))).toBe('timeout');
      expect(await rejectionOf(unary(DOUBTFUL_MS))).toBe('timeout');
      await until(() => [path.accepted, path.open]).toEqual([2, 2]);
      endpoint.x509.push(message(longer));
      expect((await next).value?.defaultSvid.equals(longer)).toBe(true);
      expect(endpoint.x509.opened).toBe(1);
      await contexts.return?.();
      await until(() => path.open).toBe(1);
    });

    it('ends with the client, as do those before it', async () => {
      const waiting = [client.streamX509Contexts()[Symbol.asyncIterator]().next()];
      await waiting[0];
      await path.die();
      expect(await rejectionOf(unary(DOUBTFUL_MS))).toBe('timeout');
      const ending = client.streamJwtBundles()[Symbol.asyncIterator]();
      await ending.next();
      const last = rejectionOf(ending.next());
      await client.close();
      expect(await last).toBe('closed');
      expect(await rejectionOf(unary())).toBe('closed');
    });
  });
});

function codeOfError(error: unknown): string {
  return codeOf(() => {
    throw error;
  });
}
