import { setTimeout as sleep } from 'node:timers/promises';
import { parseTrustDomain } from 'svidkit/id';
import { verifyJwtSvid } from 'svidkit/jwt-svid';
import { createJwtSource } from 'svidkit/workload-api';
import { describe, expect, it } from 'vitest';
import { BACKOFF, useFaultBench } from './support/use-fault-bench.js';
import { useSpire } from './support/use-spire.js';
import { waitFor } from './support/wait-for.js';

const HOME = parseTrustDomain('example.org');
const AUDIENCE = 'https://tools.example.org';

describe('an agent with a certificate of its own, on a server whose keys live for a minute', () => {
  const spire = useSpire({ attestor: 'x509pop', caTtlSeconds: 60, x509TtlSeconds: 10, jwtTtlSeconds: 10 });
  const bench = useFaultBench(spire, { group: 'attestation', x509TtlSeconds: 10 });

  it('evicted: attests itself again, and nobody notices', async () => {
    const { commands } = spire();
    const { source, fault } = bench();
    await fault('agent evicted (x509pop)', 'kept presenting; new SVIDs went on', async () => {
      await commands.evictAgent(await commands.agentId());
      await waitFor('an agent that is attested again', async () => (await commands.agentId()) !== '');
      const held = source.getX509Svid();
      await waitFor('a new SVID', () => !source.getX509Svid().equals(held));
      expect(source.health.connected).toBe(true);
    });
    expect(spire().agentRunning).toBe(true);
  });

  it('keys that the server replaces by itself: the bundle grows, new SVIDs and tokens follow', async () => {
    const { source, fault } = bench();
    await using tokens = createJwtSource({ address: spire().address, backoff: BACKOFF });
    await tokens.ready({ timeoutMs: 30_000 });
    const signerOf = async (): Promise<string> => {
      const { token } = await tokens.fetchJwtSvid({ audience: AUDIENCE });
      await verifyJwtSvid(token, tokens, { audience: AUDIENCE });
      return Buffer.from(token.split('.')[0] ?? '', 'base64url').toString();
    };
    const roots = (): number => source.getX509Bundle(HOME)?.authorities.length ?? 0;
    const keys = (): number => tokens.getJwtBundle(HOME)?.keys.length ?? 0;
    const [rootsBefore, keysBefore, signerBefore] = [roots(), keys(), await signerOf()];
    await fault('CA and JWT keys replaced by themselves, twice', 'new SVIDs of the new keys', async () => {
      const grown = () => roots() >= rootsBefore + 2 && keys() >= keysBefore + 2;
      await waitFor('two more roots and keys', grown, { timeoutMs: 120_000 });
      await waitFor('a token of another key', async () => (await signerOf()) !== signerBefore);
    });
  });

  it('banned: it ends, what was delivered is presented until it expires and no longer', async () => {
    const { commands } = spire();
    const { source, errors, fault } = bench();
    await fault('agent banned (x509pop)', 'kept, then expired; presented nothing', async () => {
      await commands.banAgent(await commands.agentId());
      await waitFor('an agent that has ended', () => !spire().agentRunning);
      expect(source.getX509Svid().expiresAt.getTime()).toBeGreaterThan(Date.now());
      await waitFor('an expired identity', () => source.health.expiresAt === undefined);
      await sleep(2_000);
      expect(() => source.getX509Svid()).toThrow(expect.objectContaining({ code: 'expired' }));
    });
    expect(errors.at(-1)).toBe('unavailable');
  });
});

describe('an agent that joined with a token', () => {
  const spire = useSpire();
  const bench = useFaultBench(spire, { group: 'attestation' });

  it('evicted: it ends, and what was delivered is presented until one with a new token is there', async () => {
    const { commands } = spire();
    const { source, fault } = bench();
    const client = 'kept presenting; new SVID from the new agent';
    await fault('agent evicted (join token), joined anew', client, async () => {
      await commands.evictAgent(await commands.agentId());
      await waitFor('an agent that has ended', () => !spire().agentRunning);
      await waitFor('a source that knows it is cut off', () => !source.health.connected);
      const held = source.getX509Svid();
      await sleep(2_000);
      expect(source.getX509Svid().equals(held)).toBe(true);
      spire().forgetAgent();
      await spire().startAgent();
      await waitFor('a fresh SVID', () => !source.getX509Svid().equals(held));
      // Until the server is back as well, and has said so.
      await sleep(2_000);
    });
    expect(source.health.connected).toBe(true);
  });
});
