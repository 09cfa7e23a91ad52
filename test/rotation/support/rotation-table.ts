import { drawTable, RunRows } from '../../support/run-rows.js';
import type { LoadResult } from './load.js';

/** How many requests a second over each client; `ROTATION_RATE` says otherwise. */
export const WANTED_RATE = Number(process.env['ROTATION_RATE'] ?? 200);

const rows = new RunRows<readonly string[]>('SVIDKIT_ROTATION');

const TITLES = [
  ...['client', 'connections', 'requests', 'a second', 'failed', 'repeated', 'too old'],
  ...['made', 'oldest s', 'least left s', 'identities c/s'],
];

export function recordLoad(result: LoadResult, identities: readonly [client: number, server: number]): void {
  const { client, mode, requests, repeated, seconds, failures, tooOld, connections, oldestMs, leastLeftMs } = result;
  rows.record([
    ...[
      client,
      mode,
      `${requests}`,
      (requests / seconds).toFixed(1),
      `${failures.length}`,
      `${repeated}`,
      `${tooOld.length}`,
    ],
    ...[`${connections.size}`, (oldestMs / 1000).toFixed(1), (leastLeftMs / 1000).toFixed(1), identities.join('/')],
  ]);
}

/** Before the first test begins the table, after the last prints it. */
export default function openTable(): () => void {
  const close = rows.open();
  return () => {
    console.log(`\nRotation under load: the age of the oldest connection that carried a request, and what it had left`);
    console.log(
      'Repeated: an HTTP/2 stream was on its way when the server left the connection, and was refused unread',
    );
    const recorded = close();
    console.log(drawTable(TITLES, recorded));
    console.log(`Requests a second over each client, of ${WANTED_RATE} wanted: ${ratesOf(recorded).join(', ')}\n`);
  };
}

/** A machine with too much to do sends fewer than it should. */
function ratesOf(recorded: readonly (readonly string[])[]): string[] {
  const rates = new Map<string, number>();
  for (const [client = '', , , rate] of recorded) rates.set(client, (rates.get(client) ?? 0) + Number(rate));
  return [...rates].map(([client, rate]) => `${client} ${rate.toFixed(0)}`);
}
