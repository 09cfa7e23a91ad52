import { exactly } from 'svidkit/id';
import { createX509Source, type X509Source } from 'svidkit/workload-api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { useSpire } from '../../spire/support/use-spire.js';
import { ownUser } from '../../spire/support/users.js';
import type { TlsClient, TlsServer } from '../../tls-matrix/support/speech.js';
import { ConnectionLog } from './connection-log.js';
import { IdentityLog } from './identity-log.js';
import { type LoadResult, load } from './load.js';
import { ROTATION_SECONDS } from './rotation-seconds.js';
import { recordLoad, WANTED_RATE } from './rotation-table.js';

const TTL_SECONDS = 30;

export interface Duo {
  readonly client: TlsClient;
  readonly server: TlsServer;
}

/** All of them at once, in this process, on one SPIRE whose SVIDs live half a minute. */
export function runRotation(duos: readonly Duo[]): void {
  describe(`SVIDs that live ${TTL_SECONDS} s, under ${WANTED_RATE} requests a second over each client`, () => {
    const spire = useSpire();
    let clientSource: X509Source;
    let serverSource: X509Source;
    const sourceOf = async (id: string): Promise<X509Source> => {
      const isIt = exactly(id);
      const source = createX509Source({
        address: spire().address,
        pick: (svids) => svids.find((svid) => isIt(svid.id)),
      });
      await source.ready({ timeoutMs: 30_000 });
      return source;
    };

    beforeAll(async () => {
      for (const path of ['/agents/planner', '/services/orders']) {
        await spire().commands.createEntry({ path, uid: ownUser(), x509TtlSeconds: TTL_SECONDS });
      }
      clientSource = await sourceOf(spire().commands.id('/agents/planner'));
      serverSource = await sourceOf(spire().commands.id('/services/orders'));
    });

    afterAll(async () => {
      await clientSource?.close();
      await serverSource?.close();
    });

    it('no request fails, and no connection is older than its policy allows', async () => {
      using connections = new ConnectionLog();
      const [clientIdentities, serverIdentities] = [new IdentityLog(clientSource), new IdentityLog(serverSource)];
      const shared = {
        ...{ clientSource, serverSource, clientIdentities, serverIdentities, connections },
        clientId: clientSource.getX509Svid().id.toString(),
        serverId: serverSource.getX509Svid().id.toString(),
        perSecond: WANTED_RATE,
        until: Date.now() + ROTATION_SECONDS * 1000,
      };
      const all = await Promise.all(duos.map((duo) => load({ ...shared, ...duo })));
      const results: LoadResult[] = all.flat();
      clientIdentities.end();
      serverIdentities.end();
      for (const result of results) recordLoad(result, [clientIdentities.count, serverIdentities.count]);
      const troubles = results.flatMap(({ client, mode, failures, tooOld }) =>
        [...failures, ...tooOld].map((trouble) => `${client}, ${mode}: ${trouble}`),
      );
      expect(troubles).toEqual([]);
      expect(results.every(({ requests }) => requests > 0)).toBe(true);
      const rotations = Math.floor(ROTATION_SECONDS / TTL_SECONDS);
      expect(clientIdentities.count).toBeGreaterThan(rotations);
      expect(serverIdentities.count).toBeGreaterThan(rotations);
    });
  });
}
