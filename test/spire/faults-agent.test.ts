import { setTimeout as sleep } from 'node:timers/promises';
import { createJwtSource, createX509Source, type X509Source } from 'svidkit/workload-api';
import { describe, expect, it } from 'vitest';
import { BACKOFF, useFaultBench } from './support/use-fault-bench.js';
import { useSpire } from './support/use-spire.js';
import { waitFor } from './support/wait-for.js';

describe('faults of the agent, under a steady load of mutual TLS', () => {
  const spire = useSpire();
  const bench = useFaultBench(spire, { group: 'agent' });

  it('stopped: what was delivered is presented until the agent is back', async () => {
    await bench().fault('stopped (SIGTERM), 3 s, restarted', 'kept presenting; reconnected', async () => {
      await outage('SIGTERM');
    });
    expect(bench().errors.at(-1)).toBe('unavailable');
  });

  it('killed: the stale socket file is no obstacle to the return', async () => {
    await bench().fault('killed (SIGKILL), 3 s, restarted', 'kept presenting; reconnected', async () => {
      await outage('SIGKILL');
    });
    expect(bench().errors.at(-1)).toBe('unavailable');
  });

  it('hung: an open source goes on, a new one says that it is kept waiting and starts when the agent goes on', async () => {
    const codes: string[] = [];
    let fresh: X509Source | undefined;
    await bench().fault(
      'hung (SIGSTOP), 4 s, SIGCONT',
      'kept presenting; new source: timeout, then ready',
      async () => {
        spire().pauseAgent();
        try {
          const onError = ({ code }: { code: string }): void => void codes.push(code);
          fresh = createX509Source({
            address: spire().address,
            backoff: BACKOFF,
            firstMessageTimeoutMs: 1_000,
            onError,
          });
          await sleep(4_000);
          await waitFor('an attempt that was given up', () => codes.includes('timeout'));
          await expect(fresh.ready({ timeoutMs: 10 })).rejects.toMatchObject({ code: 'timeout' });
          expect(bench().source.health.connected).toBe(true);
        } finally {
          spire().resumeAgent();
        }
        await fresh.ready({ timeoutMs: 30_000 });
      },
    );
    expect(new Set(codes)).toEqual(new Set(['timeout']));
    await fresh?.close();
  });

  it('not yet up at the start: the source waits for it', async () => {
    const codes: string[] = [];
    let early: X509Source | undefined;
    await bench().fault('not yet up at start of a source', 'not_ready; ready by itself', async () => {
      await spire().endAgent('SIGTERM');
      const onError = ({ code }: { code: string }): void => void codes.push(code);
      early = createX509Source({ address: spire().address, backoff: BACKOFF, onError });
      await waitFor('a failed attempt', () => codes.length > 0);
      expect(() => early?.getX509Svid()).toThrow(expect.objectContaining({ code: 'not_ready' }));
      await spire().startAgent();
      await early.ready({ timeoutMs: 30_000 });
      await waitFor('a connected source', () => bench().source.health.connected);
    });
    expect(early?.getX509Svid().equals(bench().source.getX509Svid())).toBe(true);
    expect(codes).toContain('unavailable');
    await early?.close();
  });

  it('shedding load: refused streams are retried, the open one is not disturbed', async () => {
    await spire().endAgent('SIGTERM');
    await spire().startAgent({ callsPerSecond: 1 });
    await waitFor('a connected source', () => bench().source.health.connected);
    const codes: string[] = [];
    const onError = ({ code }: { code: string }): void => void codes.push(code);
    await bench().fault('sheds load (1 stream a second)', 'unavailable; backed off; all 5 ready', async () => {
      const options = { address: spire().address, backoff: BACKOFF, onError };
      const sources = Array.from({ length: 5 }, () => createX509Source(options));
      await Promise.all(sources.map((source) => source.ready({ timeoutMs: 60_000 })));
      await Promise.all(sources.map((source) => source.close()));
    });
    expect(new Set(codes)).toEqual(new Set(['unavailable']));
    expect(bench().source.health.connected).toBe(true);
  });

  it('shedding load of JWT-SVIDs: new ones are refused for the moment, one that is held goes on', async () => {
    await using tokens = createJwtSource({ address: spire().address, backoff: BACKOFF });
    await tokens.ready({ timeoutMs: 30_000 });
    const fetchFor = (audience: string) => tokens.fetchJwtSvid({ audience });
    const { token: held } = await waitFor('a JWT-SVID', () => fetchFor('held'));
    await bench().fault('sheds load (1 JWT-SVID a second)', 'unavailable; cached one went on', async () => {
      const audiences = ['a', 'b', 'c', 'd', 'e'];
      const outcomes = await Promise.allSettled(audiences.map(fetchFor));
      const refused = outcomes.flatMap((one) => (one.status === 'rejected' ? [one.reason.code] : []));
      expect(new Set(refused)).toEqual(new Set(['unavailable']));
      expect((await fetchFor('held')).token).toBe(held);
      for (const audience of audiences) await waitFor(`a JWT-SVID for ${audience}`, () => fetchFor(audience));
    });
  });

  async function outage(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    await spire().endAgent(signal);
    await waitFor('a source that knows it is cut off', () => !bench().source.health.connected);
    // The last one that the agent had delivered: it may have been a rotation.
    const before = bench().source.getX509Svid();
    await sleep(3_000);
    expect(bench().source.getX509Svid().equals(before)).toBe(true);
    await spire().startAgent();
    await waitFor('a fresh SVID', () => !bench().source.getX509Svid().equals(before));
    expect(bench().source.health.connected).toBe(true);
  }
});
