import { createPublicKey, X509Certificate } from 'node:crypto';
import { parseX509BundlePem } from 'svidkit/bundle';
import { WorkloadApiError } from 'svidkit/errors';
import { createWorkloadApiClient, createX509Source, type X509Source } from 'svidkit/workload-api';
import { parseX509SvidPem, verifyX509Svid, type X509Svid } from 'svidkit/x509-svid';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Entry } from './support/spire-commands.js';
import { useSpire } from './support/use-spire.js';
import { ownUser } from './support/users.js';
import { waitFor } from './support/wait-for.js';

const entry: Entry = { path: '/agents/planner', uid: ownUser(), x509TtlSeconds: 30, hint: 'internal' };

describe('an X509Source on a real SPIRE agent', () => {
  const spire = useSpire();
  let entryId: string;
  let source: X509Source;

  beforeEach(async () => {
    entryId = await spire().commands.createEntry(entry);
    // A short backoff: these tests take the endpoint away on purpose, and more than once.
    source = createX509Source({ address: spire().address, backoff: { initialMs: 100, maxMs: 1_000 } });
    await source.ready({ timeoutMs: 30_000 });
  });

  afterEach(async () => {
    await source.close();
    await spire().commands.deleteEntry(entryId);
    await waitFor('an agent without an identity for us', async () => await noIdentity(spire().address));
  });

  /** One that is not renewed while the test looks at it. */
  async function lastingSvid(): Promise<X509Svid> {
    await spire().commands.updateEntry(entryId, { ...entry, x509TtlSeconds: 600 });
    await waitFor('an SVID that lasts', () => source.getX509Svid().expiresAt.getTime() - Date.now() > 300_000);
    return source.getX509Svid();
  }

  it('gives the registered identity, verifiable with the server bundle', async () => {
    const svid = source.getX509Svid();
    expect(svid.id.toString()).toBe('spiffe://example.org/agents/planner');
    expect(svid.hint).toBe('internal');
    expect(verifyX509Svid(svid.certificates, source).id.equals(svid.id)).toBe(true);

    const root = new X509Certificate(await spire().commands.bundlePem());
    const leaf = svid.certificates[0];
    expect(leaf).toBeDefined();
    expect(new X509Certificate(leaf?.der ?? '').checkIssued(root)).toBe(true);
    expect(new X509Certificate(leaf?.der ?? '').checkPrivateKey(svid.privateKey)).toBe(true);
  });

  it('rotates: every new SVID has a new serial number and a new key', async () => {
    const seen = new Map<string, string>();
    for await (const { defaultSvid } of source.updates({ signal: AbortSignal.timeout(120_000) })) {
      const serialNumber = defaultSvid.certificates[0]?.serialNumber ?? '';
      expect(seen.has(serialNumber), 'an unchanged SVID was announced').toBe(false);
      expect(source.getX509Svid().equals(defaultSvid)).toBe(true);
      seen.set(
        serialNumber,
        createPublicKey(defaultSvid.privateKey).export({ type: 'spki', format: 'pem' }).toString(),
      );
      if (seen.size === 3) break;
    }
    expect(new Set(seen.values()).size).toBe(3);
  });

  it('keeps serving while a killed agent is away, and gets a fresh SVID when it is back', async () => {
    const before = await lastingSvid();
    await spire().endAgent('SIGKILL');
    await waitFor('a source that knows it is cut off', () => !source.health.connected);
    expect(source.health.lastError).toBeInstanceOf(WorkloadApiError);
    expect(source.getX509Svid().equals(before)).toBe(true);
    expect(verifyX509Svid(source.getX509Svid().certificates, source).id.equals(before.id)).toBe(true);

    await spire().startAgent();
    await waitFor('a fresh SVID from the new agent', () => !source.getX509Svid().equals(before));
    expect(source.health.connected).toBe(true);
    expect(verifyX509Svid(source.getX509Svid().certificates, source).id.equals(before.id)).toBe(true);
  });

  it('does the same when the agent is stopped properly', async () => {
    const before = await lastingSvid();
    await spire().endAgent('SIGTERM');
    await waitFor('a source that knows it is cut off', () => !source.health.connected);
    expect(source.getX509Svid().equals(before)).toBe(true);
    await spire().startAgent();
    await waitFor('a fresh SVID from the new agent', () => !source.getX509Svid().equals(before));
  });

  it('keeps serving and rotating while the server is away and after it is back', async () => {
    await spire().endServer('SIGTERM');
    const before = source.getX509Svid();
    expect(source.health.connected).toBe(true);
    await spire().startServer();
    await waitFor('a rotation after the return of the server', () => !source.getX509Svid().equals(before), {
      timeoutMs: 120_000,
    });
    expect(verifyX509Svid(source.getX509Svid().certificates, source).id.equals(before.id)).toBe(true);
  });

  it('presents nothing once the entry is deleted, and the identity again once it is restored', async () => {
    const before = source.getX509Svid();
    await spire().commands.deleteEntry(entryId);
    const refusal = await waitFor('a withdrawn identity', () => refusalOf(() => source.current));
    expect(refusal).toMatchObject({ name: 'WorkloadApiError', code: 'withdrawn' });
    expect(refusalOf(() => source.getX509Svid())).toMatchObject({ code: 'withdrawn' });

    entryId = await spire().commands.createEntry(entry);
    await waitFor('the restored identity', () => refusalOf(() => source.current) === undefined);
    expect(source.getX509Svid().id.equals(before.id)).toBe(true);
    expect(source.getX509Svid().equals(before)).toBe(false);
  });

  it('follows an entry whose SPIFFE ID changes', async () => {
    await spire().commands.updateEntry(entryId, { ...entry, path: '/agents/writer' });
    await waitFor(
      'the new identifier',
      () => source.getX509Svid().id.toString() === 'spiffe://example.org/agents/writer',
    );
    expect(verifyX509Svid(source.getX509Svid().certificates, source).id.toString()).toBe(
      'spiffe://example.org/agents/writer',
    );
  });
});

describe('an X.509-SVID minted by a real SPIRE server', () => {
  const spire = useSpire();

  it('is read from PEM and verified with the bundle', async () => {
    const minted = await spire().commands.mintX509('/services/orders');
    const svid = parseX509SvidPem(minted.certificates, minted.privateKey);
    expect(svid.id.toString()).toBe('spiffe://example.org/services/orders');
    const bundle = parseX509BundlePem('example.org', minted.bundle);
    expect(bundle.equals(parseX509BundlePem('example.org', await spire().commands.bundlePem()))).toBe(true);
    expect(verifyX509Svid(svid.certificates, { getX509Bundle: () => bundle }).id.equals(svid.id)).toBe(true);
  });
});

async function noIdentity(address: string): Promise<boolean> {
  await using client = createWorkloadApiClient({ address });
  try {
    await client.fetchX509Context({ timeoutMs: 5_000 });
    return false;
  } catch (error) {
    return error instanceof WorkloadApiError && error.code === 'permission_denied';
  }
}

function refusalOf(action: () => unknown): unknown {
  try {
    action();
    return undefined;
  } catch (error) {
    return error;
  }
}
