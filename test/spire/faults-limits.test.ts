import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SpiffeBundle, X509Bundle } from 'svidkit/bundle';
import { parseTrustDomain } from 'svidkit/id';
import { createWorkloadApiClient, createX509Source, type X509Source } from 'svidkit/workload-api';
import { describe, expect, it } from 'vitest';
import { parseCertificate } from '../../src/internal/certificate.js';
import { extension, makeAuthority } from '../support/x509.js';
import { BACKOFF, useFaultBench } from './support/use-fault-bench.js';
import { useSpire } from './support/use-spire.js';
import { waitFor } from './support/wait-for.js';

const MIB = 1024 * 1024;
const LARGE = ['large-a.test', 'large-b.test'] as const;

describe('limits and outages of the server, under a steady load of mutual TLS', () => {
  const spire = useSpire({ x509TtlSeconds: 30 });
  const bench = useFaultBench(spire, { group: 'server', x509TtlSeconds: 12 });

  it('messages over 4 MiB are read; over the limit of a client they are a typed error and the last good one stays', async () => {
    const { commands, address } = spire();
    const { entry, entryId, source, fault } = bench();
    const codes: string[] = [];
    await using small = createWorkloadApiClient({ address, maxMessageBytes: MIB });
    await using limited = createX509Source({
      client: small,
      backoff: BACKOFF,
      onError: ({ code }) => codes.push(code),
    });
    await limited.ready({ timeoutMs: 30_000 });
    // What the limited source is left with must outlast the test.
    const lasting = { ...entry, x509TtlSeconds: 600 };
    await commands.updateEntry(entryId, lasting);
    await waitFor('an SVID that lasts', () => timeLeft(limited) > 300_000);
    await fault('message of 5 MiB', 'read it; limit of 1 MiB: resource_exhausted, kept the last', async () => {
      for (const name of LARGE) await setLargeBundle(name);
      await commands.updateEntry(entryId, { ...lasting, federatesWith: LARGE });
      await waitFor('the large bundles', () => LARGE.every((name) => source.getX509Bundle(parseTrustDomain(name))));
      await waitFor('the refusal', () => codes.includes('resource_exhausted'));
    });
    expect(limited.getX509Svid().id.path).toBe(entry.path);
    expect(LARGE.every((name) => limited.getX509Bundle(parseTrustDomain(name)))).toBe(false);
    expect(limited.health.lastError).toMatchObject({ code: 'resource_exhausted', grpcStatus: 8 });
    await expect(small.fetchX509Context()).rejects.toMatchObject({ code: 'resource_exhausted' });
    for (const name of LARGE) await commands.deleteBundle(name);
    await waitFor('a limited source that goes on', () => limited.health.connected);
    await commands.updateEntry(entryId, entry);
    await waitFor('an SVID that does not last', () => timeLeft(source) < 60_000);

    function timeLeft(of: X509Source): number {
      return of.getX509Svid().expiresAt.getTime() - Date.now();
    }

    async function setLargeBundle(name: string): Promise<void> {
      const folder = mkdtempSync(join(tmpdir(), 'large-'));
      try {
        const path = join(folder, 'bundle.json');
        writeFileSync(path, JSON.stringify(largeBundle(name)));
        await commands.setBundle(name, path);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    }
  });

  it('an agent that hangs past the expiry of both identities: none is presented, and both ends recover', async () => {
    const { source, fault } = bench();
    await fault(
      'agent hung past SVID expiry, resumed',
      'kept, then expired; presented nothing; recovered',
      async () => {
        spire().pauseAgent();
        try {
          await waitFor('an expired identity', () => source.health.expiresAt === undefined);
          expect(() => source.getX509Svid()).toThrow(expect.objectContaining({ code: 'expired' }));
          await sleep(1_000);
        } finally {
          spire().resumeAgent();
        }
        await waitFor('a new identity', () => source.health.expiresAt !== undefined);
        await sleep(2_000);
      },
    );
    expect(source.health.connected).toBe(true);
  });

  it('away past the expiry of both identities: none is presented, and both ends recover when it is back', async () => {
    const { source, errors, fault } = bench();
    const heard = errors.length;
    const expiry = source.health.expiresAt?.getTime() ?? 0;
    await fault('down past SVID expiry, restarted', 'kept, then expired; presented nothing; recovered', async () => {
      await spire().endServer('SIGTERM');
      await waitFor('an expired identity', () => source.health.expiresAt === undefined);
      expect(Date.now()).toBeGreaterThanOrEqual(expiry);
      expect(() => source.getX509Svid()).toThrow(expect.objectContaining({ code: 'expired' }));
      await sleep(2_000);
      expect(() => source.current).toThrow(expect.objectContaining({ code: 'expired' }));
      await spire().startServer();
      await waitFor('a new identity', () => source.health.expiresAt !== undefined, { timeoutMs: 120_000 });
      await sleep(3_000);
    });
    expect(errors.slice(heard)).not.toContain('permission_denied');
  });
});

/** Two of these are over 4 MiB, and none alone is, which is all that the server and its agent send each other. */
function largeBundle(name: string): SpiffeBundle {
  const filling = extension('1.3.6.1.4.1.99999.1', false, new Uint8Array(60 * 1024));
  const notAfter = new Date(Date.now() + 3_600_000);
  const authorities = Array.from({ length: 42 }, (_, i) => {
    return parseCertificate(makeAuthority(`${name} ${i}`, { more: [filling], notAfter }).der);
  });
  return new SpiffeBundle(name, { x509: new X509Bundle(name, authorities) });
}
