import type { WorkloadApiError } from 'svidkit/errors';
import { createX509Source, type X509Source } from 'svidkit/workload-api';
import { afterAll, beforeAll, expect } from 'vitest';
import { recordFault } from './fault-table.js';
import { type MtlsServer, startMtlsServer } from './mtls-server-process.js';
import type { Spire } from './spire.js';
import type { Entry } from './spire-commands.js';
import { SteadyLoad } from './steady-load.js';
import { twoUsers } from './users.js';
import { waitFor } from './wait-for.js';

/** Short, because these tests take the endpoint away on purpose, and often. */
export const BACKOFF = { initialMs: 100, maxMs: 1_000 } as const;

/** Two workloads under a steady load of verified requests, on a SPIRE whose faults are provoked. */
export interface FaultBench {
  /** Of the workload that calls; this process. */
  readonly entry: Entry;
  readonly entryId: string;
  readonly source: X509Source;
  /** The workload that is called. */
  readonly server: { readonly id: string; readonly port: number };
  /** Codes of what the source was told went wrong, in order. */
  readonly errors: WorkloadApiError['code'][];
  /** Provokes a fault under load; no request may be lost and nothing misused. Becomes a row of the table. */
  fault(name: string, client: string, provoke: () => Promise<void>): Promise<void>;
}

export interface FaultBenchOptions {
  readonly group: string;
  readonly x509TtlSeconds?: number;
  readonly federatesWith?: readonly string[];
}

export function useFaultBench(spire: () => Spire, options: FaultBenchOptions): () => FaultBench {
  const { own, other, distinct } = twoUsers();
  const x509TtlSeconds = options.x509TtlSeconds ?? 60;
  const entry: Entry = { path: '/agents/planner', uid: own, x509TtlSeconds, entryId: 'e-planner' };
  const errors: WorkloadApiError['code'][] = [];
  let bench: FaultBench | undefined;
  let source: X509Source | undefined;
  let server: MtlsServer | undefined;
  let load: SteadyLoad | undefined;

  beforeAll(async () => {
    const { commands, address } = spire();
    const clientId = commands.id(entry.path);
    const serverId = distinct ? commands.id('/services/orders') : clientId;
    const entryId = await commands.createEntry(entry);
    if (distinct) await commands.createEntry({ path: '/services/orders', uid: other, x509TtlSeconds });
    const opened = createX509Source({
      address,
      backoff: BACKOFF,
      onError: ({ code }) => errors.push(code),
      pick: (svids) => svids.find(({ id }) => id.toString() === clientId),
    });
    source = opened;
    await opened.ready({ timeoutMs: 30_000 });
    server = await startMtlsServer({ address, uid: other, callerId: clientId });
    const { port, wasDenied: wasServerDenied } = server;
    const running = new SteadyLoad({ source: opened, port, serverId, wasServerDenied });
    load = running;
    const fault: FaultBench['fault'] = async (name, client, provoke) => {
      const report = await running.during(provoke);
      const { served, withheld, longestGapMs, lost, misused } = report;
      recordFault({
        group: options.group,
        fault: name,
        client,
        served,
        withheld: withheld + report.serverWithout,
        lost: lost.length,
        misused: misused.length,
        longestGapMs,
      });
      expect(lost.slice(0, 5), `${lost.length} of ${lost.length + served} requests were lost`).toEqual([]);
      expect(misused.slice(0, 5), 'an identity was presented that should not have been').toEqual([]);
      expect(served).toBeGreaterThan(0);
    };
    bench = { entry, entryId, source: opened, server: { id: serverId, port }, errors, fault };
    await waitFor('the first answered requests', async () => (await running.during(async () => {})).served > 0);
  });

  afterAll(async () => {
    await load?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
    await source?.close();
  });

  return () => {
    if (bench === undefined) throw new Error('the two workloads have not been started');
    return bench;
  };
}
