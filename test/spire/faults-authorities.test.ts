import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SpiffeBundle } from 'svidkit/bundle';
import { parseTrustDomain } from 'svidkit/id';
import { createIssuer } from 'svidkit/issuer';
import { type VerifiedJwtSvid, verifyJwtSvid } from 'svidkit/jwt-svid';
import { createJwtSource, type JwtSource } from 'svidkit/workload-api';
import { verifyX509Svid } from 'svidkit/x509-svid';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { recordFault } from './support/fault-table.js';
import { BACKOFF, useFaultBench } from './support/use-fault-bench.js';
import { useSpire } from './support/use-spire.js';
import { waitFor } from './support/wait-for.js';

const AUDIENCE = 'https://tools.example.org';
const HOME = parseTrustDomain('example.org');
const PARTNER = parseTrustDomain('partner.test');

describe('rotation of authorities, under a steady load of mutual TLS', () => {
  const spire = useSpire({ jwtTtlSeconds: 300 });
  // Long enough that nothing is renewed for any other reason.
  const bench = useFaultBench(spire, { group: 'authority', x509TtlSeconds: 3_600 });

  it('of X.509: each step reaches both workloads, and no request is lost', async () => {
    const { commands } = spire();
    const { source, fault } = bench();
    const roots = (): number => source.getX509Bundle(HOME)?.authorities.length ?? 0;
    const before = source.getX509Svid();
    let next = '';
    let old = '';
    await fault('X.509 CA prepared', 'bundle 1 -> 2 roots', async () => {
      expect(roots()).toBe(1);
      next = await commands.prepareAuthority('x509');
      await waitFor('two roots', () => roots() === 2);
      expect(source.getX509Svid().certificates[0]?.serialNumber).toBe(before.certificates[0]?.serialNumber);
    });
    await fault('X.509 CA activated', 'went on', async () => {
      old = await commands.activateAuthority('x509', next);
      await sleep(2_000);
    });
    await fault('X.509 CA tainted', 'new SVID of the new CA at once', async () => {
      const held = source.getX509Svid();
      await commands.taintAuthority('x509', old);
      await waitFor('an SVID of the new CA', () => !source.getX509Svid().equals(held));
      await sleep(2_000);
    });
    await fault('X.509 CA revoked', 'bundle 2 -> 1 roots; old SVID refused', async () => {
      await commands.revokeAuthority('x509', old);
      await waitFor('one root', () => roots() === 1);
      expect(() => verifyX509Svid(before.certificates, source)).toThrow(
        expect.objectContaining({ name: 'X509SvidError' }),
      );
      const { id } = verifyX509Svid(source.getX509Svid().certificates, source);
      expect(id.equals(before.id)).toBe(true);
    });
  });

  describe('of JWT', () => {
    let tokens: JwtSource;

    beforeAll(async () => {
      tokens = createJwtSource({ address: spire().address, backoff: BACKOFF });
      await tokens.ready({ timeoutMs: 30_000 });
    });

    afterAll(async () => {
      await tokens?.close();
    });

    it('each step reaches the verifier, and a token of a revoked key is neither presented nor accepted', async () => {
      const { commands } = spire();
      const keys = (): readonly (string | undefined)[] => tokens.getJwtBundle(HOME)?.keys.map(({ kid }) => kid) ?? [];
      const { token: first } = await tokens.fetchJwtSvid({ audience: AUDIENCE });
      let next = '';
      let old = '';
      await jwtFault('JWT key prepared', 'bundle 1 -> 2 keys', async () => {
        expect(keys().length).toBe(1);
        next = await commands.prepareAuthority('jwt');
        await waitFor('two keys', () => keys().length === 2);
      });
      await jwtFault('JWT key activated', 'cached token stays', async () => {
        old = await commands.activateAuthority('jwt', next);
        await sleep(2_000);
        expect((await tokens.fetchJwtSvid({ audience: AUDIENCE })).token).toBe(first);
      });
      await jwtFault('JWT key tainted', 'cached token stays: the old key is still in the bundle', async () => {
        await commands.taintAuthority('jwt', old);
        await sleep(3_000);
        expect(keys()).toContain(old);
      });
      await jwtFault('JWT key revoked', 'bundle 2 -> 1 keys; cached token dropped at once', async () => {
        await commands.revokeAuthority('jwt', old);
        await waitFor('one key', () => keys().length === 1);
        await expect(verifyJwtSvid(first, tokens, { audience: AUDIENCE })).rejects.toMatchObject({
          code: 'unknown_key',
        });
        expect((await tokens.fetchJwtSvid({ audience: AUDIENCE })).token).not.toBe(first);
      });
    });

    /** Some forty times a second, a token is asked for and verified with the bundles of that moment. */
    async function jwtFault(name: string, client: string, provoke: () => Promise<void>): Promise<void> {
      const lost: string[] = [];
      let served = 0;
      let over = false;
      const verifyOnce = async (): Promise<VerifiedJwtSvid> => {
        const { token } = await tokens.fetchJwtSvid({ audience: AUDIENCE });
        return await verifyJwtSvid(token, tokens, { audience: AUDIENCE });
      };
      const verifying = (async (): Promise<void> => {
        while (!over) {
          await verifyOnce().then(
            () => {
              served += 1;
            },
            (error: unknown) => lost.push(`${error}`),
          );
          await sleep(25);
        }
      })();
      try {
        await bench().fault(`${name} (mTLS)`, 'not concerned', provoke);
      } finally {
        over = true;
        await verifying;
      }
      recordFault({ group: 'authority', fault: name, client, served, withheld: 0, lost: lost.length, misused: 0 });
      expect(lost.slice(0, 5), `${lost.length} of ${lost.length + served} tokens were refused`).toEqual([]);
    }
  });

  it('of a federated trust domain: its SVIDs are accepted exactly while its authority is in the bundle', async () => {
    const { commands } = spire();
    const { entry, entryId, source, fault } = bench();
    const partner = await createIssuer({ trustDomain: PARTNER });
    const first = await partner.issueX509Svid('spiffe://partner.test/caller');
    const accepts = (svid: typeof first): boolean => {
      try {
        return verifyX509Svid(svid.certificates, source).id.equals(svid.id);
      } catch {
        return false;
      }
    };
    expect(accepts(first)).toBe(false);
    await fault('federated bundle added', 'accepted the partner', async () => {
      await setBundle(partner.bundle);
      await commands.updateEntry(entryId, { ...entry, federatesWith: [PARTNER.name] });
      await waitFor('a partner that is accepted', () => accepts(first));
    });
    const before = partner.bundle;
    await partner.rotateX509Authority();
    const second = await partner.issueX509Svid('spiffe://partner.test/caller');
    await fault('federated bundle rotated', 'accepted old and new', async () => {
      expect(accepts(second)).toBe(false);
      await setBundle(partner.bundle);
      await waitFor('the new authority', () => accepts(second));
      expect(accepts(first)).toBe(true);
    });
    await fault('federated bundle set back', 'refused the removed authority', async () => {
      await setBundle(before);
      await waitFor('the removal', () => !accepts(second));
      expect(accepts(first)).toBe(true);
    });
    await fault('federated bundle removed', 'refused the partner', async () => {
      await commands.deleteBundle(PARTNER.name);
      await waitFor('the removal', () => !accepts(first));
      expect(source.getX509Bundle(PARTNER)).toBeUndefined();
    });

    async function setBundle(bundle: SpiffeBundle): Promise<void> {
      const folder = mkdtempSync(join(tmpdir(), 'partner-'));
      try {
        const path = join(folder, 'bundle.json');
        writeFileSync(path, JSON.stringify(bundle));
        await commands.setBundle(PARTNER.name, path);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    }
  });
});
