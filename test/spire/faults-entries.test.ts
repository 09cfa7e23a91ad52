import { setTimeout as sleep } from 'node:timers/promises';
import { createWorkloadApiClient, createX509Source } from 'svidkit/workload-api';
import { describe, expect, it } from 'vitest';
import { BACKOFF, useFaultBench } from './support/use-fault-bench.js';
import { useSpire } from './support/use-spire.js';
import { twoUsers } from './support/users.js';
import { waitFor } from './support/wait-for.js';

const NOBODY_UID = 61_099;
/** The entry that takes the place of the first one. */
const NEWER = 'e-planner-2';
const MANY = 1_200;
/** Each SVID is delivered with the bundle, over again: with so many authorities these are 4 MiB. */
const AUTHORITIES = 8;
const MIB = 1024 * 1024;

// Where both ends run as one user they lose their identity together, and nothing can be said about one of them.
describe.skipIf(!twoUsers().distinct)('changes of the entry, under a steady load of mutual TLS', () => {
  const spire = useSpire();
  const bench = useFaultBench(spire, { group: 'entry' });

  it('deleted: nothing is presented from then on, and the identity again once it is restored', async () => {
    const { entry, entryId } = bench();
    await bench().fault('deleted, restored after 2 s', 'withdrawn; presented nothing; recovered', async () => {
      await spire().commands.deleteEntry(entryId);
      await waitFor('a withdrawn identity', () => codeOfCurrent() === 'withdrawn');
      await sleep(2_000);
      expect(codeOfCurrent()).toBe('withdrawn');
      await spire().commands.createEntry(entry);
      await waitFor('the restored identity', () => codeOfCurrent() === undefined);
    });
    expect(bench().errors).toContain('permission_denied');
  });

  it('replaced: whether or not the agent withdraws it for a moment, the new one is presented', async () => {
    const { entry, entryId, source } = bench();
    const before = source.getX509Svid();
    await bench().fault('replaced (delete and create)', 'new SVID', async () => {
      await spire().commands.deleteEntry(entryId);
      await spire().commands.createEntry({ ...entry, entryId: NEWER });
      await waitFor('the new SVID', () => codeOfCurrent() === undefined && !source.getX509Svid().equals(before));
    });
  });

  it('moved to another selector: as good as deleted', async () => {
    const { entry } = bench();
    await bench().fault('selector moved away and back', 'withdrawn; presented nothing; recovered', async () => {
      await spire().commands.updateEntry(NEWER, { ...entry, uid: NOBODY_UID });
      await waitFor('a withdrawn identity', () => codeOfCurrent() === 'withdrawn');
      await sleep(1_000);
      await spire().commands.updateEntry(NEWER, entry);
      await waitFor('the identity again', () => codeOfCurrent() === undefined);
    });
  });

  it('joined by a second one: the picked identity goes on being presented, the default is the first', async () => {
    const { entry, source } = bench();
    const second = { ...entry, path: '/agents/second', entryId: 'a-before-it' };
    await bench().fault('second SVID added and removed', 'kept presenting the picked one', async () => {
      await spire().commands.createEntry(second);
      await waitFor('two SVIDs', () => source.current.svids.length === 2);
      expect(source.current.defaultSvid.id.path).toBe('/agents/second');
      expect(source.getX509Svid().id.path).toBe(entry.path);
      await spire().commands.deleteEntry(second.entryId);
      await waitFor('one SVID', () => source.current.svids.length === 1);
    });
  });

  it('given another hint: a new SVID and the hint come together', async () => {
    const { entry, source } = bench();
    const before = source.getX509Svid();
    await bench().fault('hint changed', 'new SVID and hint at once', async () => {
      await spire().commands.updateEntry(NEWER, { ...entry, hint: 'internal' });
      await waitFor('the hint', () => source.getX509Svid().hint === 'internal');
      expect(source.getX509Svid().equals(before)).toBe(false);
      await spire().commands.updateEntry(NEWER, { ...entry, hint: 'other' });
      await waitFor('the other hint', () => source.getX509Svid().hint === 'other');
    });
  });

  it('with the hint of an older one: only the older one is delivered', async () => {
    const { entry, source } = bench();
    const twin = { ...entry, path: '/agents/twin', hint: 'other', entryId: 'a-twin' };
    await using client = createWorkloadApiClient({ address: spire().address });
    await bench().fault('same hint as an older entry', 'kept presenting the older one', async () => {
      await spire().commands.createEntry(twin);
      await sleep(4_000);
      expect((await client.fetchX509Context()).svids.map(({ id }) => id.path)).toEqual([entry.path]);
      await spire().commands.deleteEntry(twin.entryId);
    });
    expect(source.current.svids.length).toBe(1);
  });

  it('not there when a source starts: it is told so, waits, and is ready once the entry is created', async () => {
    const { entry } = bench();
    const codes: string[] = [];
    const client = 'not_ready, permission_denied; ready by itself';
    await bench().fault('no entry at start of a source', client, async () => {
      await spire().commands.deleteEntry(NEWER);
      await waitFor('a withdrawn identity', () => codeOfCurrent() === 'withdrawn');
      const onError = ({ code }: { code: string }): void => void codes.push(code);
      await using early = createX509Source({ address: spire().address, backoff: BACKOFF, onError });
      await waitFor('two refusals', () => codes.length > 1);
      expect(() => early.getX509Svid()).toThrow(expect.objectContaining({ code: 'not_ready' }));
      await spire().commands.createEntry({ ...entry, entryId: NEWER });
      await early.ready({ timeoutMs: 30_000 });
      await waitFor('the restored identity', () => codeOfCurrent() === undefined);
    });
    expect(new Set(codes)).toEqual(new Set(['permission_denied']));
  });

  it('for another SPIFFE ID: who picks by the old one presents nothing until it is back', async () => {
    const { entry } = bench();
    await bench().fault('SPIFFE ID changed and back', 'presented nothing under the other; recovered', async () => {
      await spire().commands.updateEntry(NEWER, { ...entry, path: '/agents/renamed' });
      await waitFor('no identity to pick', () => codeOfCurrent() === 'no_identity');
      await using client = createWorkloadApiClient({ address: spire().address });
      expect((await client.fetchX509Context()).defaultSvid.id.path).toBe('/agents/renamed');
      await spire().commands.updateEntry(NEWER, entry);
      await waitFor('the identity again', () => codeOfCurrent() === undefined);
    });
  });

  it('among thousands: a message of thousands of SVIDs, over 4 MiB, is read', async () => {
    const { entry, source } = bench();
    const others = Array.from({ length: MANY }, (_, i) => {
      return { path: `/many/${i}`, uid: entry.uid, entryId: `many-${i}`, x509TtlSeconds: 3_600 };
    });
    for (let i = 1; i < AUTHORITIES; i += 1) {
      await spire().commands.activateAuthority('x509', await spire().commands.prepareAuthority('x509'));
    }
    const client = 'read them; kept presenting its own; limit of 4 MiB: resource_exhausted';
    await bench().fault(`${MANY} more entries, removed again`, client, async () => {
      await spire().commands.createEntries(others);
      await waitFor('all of them', () => source.current.svids.length > MANY, { timeoutMs: 120_000, everyMs: 500 });
      await using limited = createWorkloadApiClient({ address: spire().address, maxMessageBytes: 4 * MIB });
      await expect(limited.fetchX509Context()).rejects.toMatchObject({ code: 'resource_exhausted' });
      await spire().commands.deleteEntries(others.map(({ entryId }) => entryId));
      await waitFor('the one', () => source.current.svids.length === 1, { timeoutMs: 120_000, everyMs: 500 });
    });
  });

  function codeOfCurrent(): string | undefined {
    try {
      bench().source.getX509Svid();
      return undefined;
    } catch (error) {
      return error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    }
  }
});
