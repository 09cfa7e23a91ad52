import tls, { type SecureVersion } from 'node:tls';
import { describe, it } from 'vitest';
import { CASES, type Column } from './cases.js';
import { FAILED, recordCell } from './matrix.js';
import { CLIENTS, commonProtocol, SERVERS } from './peers.js';
import { comeBackWithSession, PLAIN_CLIENT } from './saved-session.js';

/** Every client against every server in one version of TLS, which becomes the newest that this process speaks. */
export function runMatrix(version: SecureVersion): void {
  tls.DEFAULT_MAX_VERSION = version;
  const recorded = async (row: string, column: Column, run: () => Promise<string>): Promise<void> => {
    let outcome = FAILED;
    try {
      outcome = await run();
    } finally {
      recordCell({ row, column, version, outcome });
    }
  };
  for (const server of SERVERS) {
    for (const client of CLIENTS) {
      const speaks = commonProtocol(client, server);
      if (speaks === undefined) continue;
      const row = `${client.name} > ${server.name}`;
      describe(`${row}, ${version}`, () => {
        it.each(CASES)('%s', (column, run) => recorded(row, column, () => run({ client, server, speaks, version })));
      });
    }
    const row = `${PLAIN_CLIENT} > ${server.name}`;
    it(`${row}, ${version}: comes back with a session`, () =>
      recorded(row, 'resumed', () => comeBackWithSession(server)));
  }
}
