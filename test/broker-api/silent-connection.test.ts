import { Socket } from 'node:net';
import type { BrokerApiClient } from 'svidkit/broker-api';
import type { X509Svid } from 'svidkit/x509-svid';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type BrokerBench, hearBroker, openBrokerBench } from '../support/broker-bench.js';
import { x509Message } from '../support/delivered-messages.js';
import { rejectionOf } from '../support/rejections.js';
import { SilentPath } from '../support/silent-path.js';
import { until } from '../support/until.js';

const ORDERS = 'spiffe://example.org/services/orders';
/** No processes of this machine, and not to be looked for there. */
const PIDS = [2_000_000_001, 2_000_000_002];
/** Longer than a peer must be silent before its path is doubted. */
const DOUBTFUL_MS = 1_500;

describe('a connection to a broker endpoint that has died without a word', () => {
  let bench: BrokerBench;
  let path: SilentPath;
  let client: BrokerApiClient;

  beforeEach(async () => {
    bench = await openBrokerBench();
    path = await SilentPath.to({ path: bench.endpoint.path });
    client = bench.client({ address: path.address });
  });

  afterEach(async () => {
    await bench[Symbol.asyncDispose]();
    await path[Symbol.asyncDispose]();
  });

  const opening = (svid: X509Svid): void => {
    for (const pid of PIDS) {
      bench.endpoint.workload(pid).x509.opening = { send: x509Message([svid], bench.issuer.bundle) };
    }
  };

  it('is left by the calls that follow one without an answer, and watched by the operating system', async () => {
    const keepAlive = vi.spyOn(Socket.prototype, 'setKeepAlive');
    opening(await bench.issuer.issueX509Svid(ORDERS));
    const call = (timeoutMs?: number) => client.fetchX509Context({ pid: PIDS[0] ?? 0 }, { timeoutMs });
    await call();
    expect(keepAlive).toHaveBeenCalledWith(true, 30_000);
    keepAlive.mockRestore();
    await path.die();
    expect(await rejectionOf(call(DOUBTFUL_MS))).toBe('timeout');
    await call();
    await until(() => [path.accepted, path.open]).toEqual([2, 1]);
  });

  it('is left for one other by all sources, when what they hold has expired', async () => {
    const svid = await bench.issuer.issueX509Svid(ORDERS);
    const longer = await bench.issuer.issueX509Svid(ORDERS, { ttlSeconds: 7200 });
    opening(svid);
    let now = svid.expiresAt.getTime() - 1;
    const heard = hearBroker();
    const options = { watchProcess: false, clock: () => now, ...heard };
    const sources = PIDS.map((pid) => client.x509Source({ pid }, options));
    await Promise.all(sources.map((source) => source.ready()));
    await path.die();
    opening(longer);
    now += 1;
    await Promise.all(sources.map((source) => source.ready()));
    expect(sources.map((source) => source.getX509Svid().equals(longer))).toEqual([true, true]);
    expect(heard.codes).toEqual(['timeout', 'timeout']);
    await until(() => [path.accepted, path.open]).toEqual([2, 1]);
  });
});
