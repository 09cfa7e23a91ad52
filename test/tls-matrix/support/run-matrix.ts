import tls, { type SecureVersion } from 'node:tls';
import { describe, it } from 'vitest';
import { CASES } from './cases.js';
import { FAILED, recordCell } from './matrix.js';
import { CLIENTS, commonProtocol, SERVERS } from './peers.js';

/** Every client against every server in one version of TLS, which becomes the newest that this process speaks. */
export function runMatrix(version: SecureVersion): void {
  tls.DEFAULT_MAX_VERSION = version;
  for (const server of SERVERS) {
    for (const client of CLIENTS) {
      const speaks = commonProtocol(client, server);
      if (speaks === undefined) continue;
      const row = `${client.name} > ${server.name}`;
      describe(`${row}, ${version}`, () => {
        it.each(CASES)('%s', async (column, run) => {
          let outcome = FAILED;
          try {
            outcome = await run({ client, server, speaks, version });
          } finally {
            recordCell({ row, column, version, outcome });
          }
        });
      });
    }
  }
}
