import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { FileSourceError } from 'svidkit/errors';
import {
  createBundleFileSource,
  createJwtFileSource,
  createX509FileSource,
  type X509FileSource,
} from 'svidkit/file-source';
import { parseTrustDomain } from 'svidkit/id';
import { verifyJwtSvid } from 'svidkit/jwt-svid';
import { verifyX509Svid } from 'svidkit/x509-svid';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { requireSpire } from './support/binaries.js';
import { useSpire } from './support/use-spire.js';
import { ownUser } from './support/users.js';
import { waitFor } from './support/wait-for.js';

const run = promisify(execFile);
const HOME = parseTrustDomain('example.org');

describe('sources on files that SPIRE writes', () => {
  const spire = useSpire();
  let folder: string;
  let heard: FileSourceError[];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'svidkit-spire-files-'));
    heard = [];
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  });

  const sourceOn = (certificates: string, privateKey: string, bundle: string): X509FileSource => {
    const source = createX509FileSource({
      certificates: join(folder, certificates),
      privateKey: join(folder, privateKey),
      bundles: { 'example.org': join(folder, bundle) },
      // SPIRE writes one file after the other, and may be kept from the processor in between.
      settleMs: 10_000,
      onError: (error) => heard.push(error),
    });
    onTestFinished(() => source.close());
    return source;
  };

  /** Has SPIRE write several times, and sees to it that each identity arrives, whole and verifiable. */
  const follow = async (source: X509FileSource, write: () => Promise<unknown>, times: number): Promise<Set<string>> => {
    const serials = new Set<string>();
    for (let n = 0; n < times; n += 1) {
      await write();
      await waitFor('a new identity from the files', () => {
        if (n === 0 && !source.health.connected) return false;
        return !serials.has(source.getX509Svid().certificates[0]?.serialNumber ?? '');
      });
      const svid = source.getX509Svid();
      expect(verifyX509Svid(svid.certificates, source).id.equals(svid.id)).toBe(true);
      serials.add(svid.certificates[0]?.serialNumber ?? '');
    }
    return serials;
  };

  it('follow `spire-server x509 mint -write`, once for every new certificate', async () => {
    const source = sourceOn('svid.pem', 'key.pem', 'bundle.pem');
    const serials = await follow(source, () => spire().commands.writeX509('/services/orders', folder), 6);
    expect(serials.size).toBe(6);
    expect(`${source.getX509Svid().id}`).toBe('spiffe://example.org/services/orders');
    expect(heard.map(({ code }) => code).filter((code) => code !== 'file_missing')).toEqual([]);
  });

  it('follow `spire-agent api fetch x509 -write` through rotations of the agent', async () => {
    const entryId = await spire().commands.createEntry({ path: '/agents/planner', uid: ownUser(), x509TtlSeconds: 20 });
    onTestFinished(() => spire().commands.deleteEntry(entryId));
    const socket = spire().address.replace('unix://', '');
    const fetchOnce = () =>
      run(requireSpire().agent, ['api', 'fetch', 'x509', '-socketPath', socket, '-timeout', '5s', '-write', folder]);
    await waitFor('an entry that has reached the agent', async () => (await fetchOnce()).stdout.length > 0);

    const source = sourceOn('svid.0.pem', 'svid.0.key', 'bundle.0.pem');
    await source.ready({ timeoutMs: 10_000 });
    const seen = new Set<string>();
    const announced: string[] = [];
    const reading = (async () => {
      for await (const { svid } of source.updates()) announced.push(svid.certificates[0]?.serialNumber ?? '');
    })();
    await waitFor('three identities of the agent', async () => {
      await fetchOnce();
      const svid = source.getX509Svid();
      verifyX509Svid(svid.certificates, source);
      seen.add(svid.certificates[0]?.serialNumber ?? '');
      return seen.size >= 3;
    });
    await source.close();
    await reading;
    expect(announced.length, 'written again without a change').toBe(new Set(announced).size);
    expect(heard.map(({ code }) => code)).toEqual([]);
  });

  it('verify tokens of SPIRE with its bundle document and a minted token in a file', async () => {
    writeFileSync(join(folder, 'bundle.json'), await spire().commands.bundleDocument());
    writeFileSync(join(folder, 'token'), await spire().commands.mintJwt('/services/orders', 'reports'));
    await using bundles = createBundleFileSource({ spiffe: { 'example.org': join(folder, 'bundle.json') } });
    await using tokens = createJwtFileSource({ tokens: join(folder, 'token') });
    await Promise.all([bundles.ready({ timeoutMs: 10_000 }), tokens.ready({ timeoutMs: 10_000 })]);
    const { token } = await tokens.fetchJwtSvid({ audience: 'reports' });
    const { id } = await verifyJwtSvid(token, bundles, { audience: 'reports' });
    expect(`${id}`).toBe('spiffe://example.org/services/orders');

    const prepared = await spire().commands.prepareAuthority('jwt');
    writeFileSync(join(folder, 'bundle.json'), await spire().commands.bundleDocument());
    await waitFor('the new JWT key', () => bundles.getJwtBundle(HOME)?.keys.some(({ kid }) => kid === prepared));
  });
});
