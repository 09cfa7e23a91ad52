import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, readlinkSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import fc from 'fast-check';
import { createX509FileSource } from 'svidkit/file-source';
import type { X509Svid } from 'svidkit/x509-svid';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { readFiles } from '../../src/file-source/read-files.js';
import { type Files, switchAtAStroke, temporaryFolder, writeOneByOne, x509Files } from '../support/credential-files.js';
import { keyPair } from '../support/key-pairs.js';
import { CLIENT, ours, svidOf } from '../support/mtls.js';
import { until } from '../support/until.js';
import { bundleOf, clock, makeAuthority, makeLeaf } from '../support/x509.js';

/** With an intermediate, so that the first half of the certificates is a good text in itself. */
function chainOf(name: string): X509Svid {
  const intermediate = makeAuthority(`intermediate ${name}`, { issuer: ours, uri: 'spiffe://example.org' });
  return svidOf(makeLeaf(intermediate, CLIENT, { keys: keyPair('P-256', name) }), intermediate);
}

const generations = ['old', 'new'].map((name) => ({
  svid: chainOf(name),
  bundle: bundleOf('example.org', ours, makeAuthority(`authority ${name}`)),
}));
const filesOf = (generation: number): Files => {
  const { svid, bundle } = generations[generation] ?? {};
  if (svid === undefined || bundle === undefined) throw new Error('no such generation');
  return x509Files(svid, bundle.toPem());
};
const NAMES = ['tls.crt', 'tls.key', 'ca.crt'];

let folder: string;

beforeEach(() => {
  folder = temporaryFolder();
});

const paths = () => ({
  certificates: join(folder, 'tls.crt'),
  privateKey: join(folder, 'tls.key'),
  bundles: { 'example.org': join(folder, 'ca.crt') },
});

/** What a program does to overwrite files, in small steps: empty one, write a part, write the rest. */
class Overwriting {
  readonly #open = new Map<string, { readonly descriptor: number; readonly rest: string }>();

  step(name: string, text: string): void {
    const file = this.#open.get(name);
    if (file === undefined) {
      this.#open.set(name, { descriptor: openSync(join(folder, name), 'w'), rest: text });
      return;
    }
    // The cut is between two PEM blocks where there are two, which leaves a text that can be read.
    const cut = file.rest.indexOf('-----BEGIN', 1);
    const end = cut > 0 ? cut : file.rest.length;
    writeSync(file.descriptor, file.rest.slice(0, end));
    this.#open.set(name, { ...file, rest: file.rest.slice(end) });
  }

  close(): void {
    for (const { descriptor, rest } of this.#open.values()) {
      writeSync(descriptor, rest);
      closeSync(descriptor);
    }
  }
}

/** Three steps for each file, in whatever order, with or without a pause after each. */
const interleaving = fc
  .shuffledSubarray(
    NAMES.flatMap((name) => [name, name, name]),
    { minLength: 9 },
  )
  .chain((order) => fc.tuple(fc.constant(order), fc.array(fc.boolean(), { minLength: 9, maxLength: 9 })));

describe('files that are overwritten in steps', () => {
  const report = (source: ReturnType<typeof createX509FileSource>): string => {
    const { svid, bundles } = source.current;
    const bundle = bundles.getX509Bundle(svid.id.trustDomain);
    const of = generations.findIndex((generation) => generation.svid.equals(svid));
    const bundleOf = generations.findIndex((generation) => bundle?.equals(generation.bundle));
    return of >= 0 && bundleOf >= 0 ? 'whole' : `SVID ${of}, bundle ${bundleOf}`;
  };

  it('are never used by halves, in whatever order the steps come, and are used in the end', async () => {
    await fc.assert(
      fc.asyncProperty(interleaving, async ([order, pauses]) => {
        writeOneByOne(folder, filesOf(0));
        await using source = createX509FileSource({ ...paths(), clock, quietMs: 60, settleMs: 400, pollMs: 5 });
        await source.ready({ timeoutMs: 5_000 });
        const seen = new Set([report(source)]);
        const watching = (async () => {
          for await (const _ of source.updates()) seen.add(report(source));
        })();
        const writing = new Overwriting();
        for (const [i, name] of order.entries()) {
          writing.step(name, filesOf(1)[name] ?? '');
          if (pauses[i]) await pause(2);
        }
        writing.close();
        await until(() => source.current.svid.equals(generations[1]?.svid ?? source.current.svid)).toBe(true);
        await until(() => source.health.connected).toBe(true);
        await source.close();
        await watching;
        expect([...seen]).toEqual(['whole']);
      }),
      { numRuns: 12 },
    );
  }, 30_000);

  it('are never used by halves when the half is a good text and stays for a while', async () => {
    writeOneByOne(folder, filesOf(0));
    await using source = createX509FileSource({ ...paths(), clock, quietMs: 1_500, settleMs: 5_000, pollMs: 5 });
    await source.ready({ timeoutMs: 5_000 });
    const writing = new Overwriting();
    const step = (name: string) => writing.step(name, filesOf(1)[name] ?? '');
    for (const name of ['tls.key', 'tls.key', 'ca.crt', 'ca.crt', 'ca.crt', 'tls.crt', 'tls.crt']) step(name);
    const seen = new Set<string>();
    for (let n = 0; n < 10; n += 1) {
      await pause(10);
      seen.add(report(source));
    }
    writing.close();
    await until(() => source.current.svid.equals(generations[1]?.svid ?? source.current.svid)).toBe(true);
    expect([...seen, report(source)]).toEqual(['whole', 'whole']);
  });

  it('cannot be told from whole ones by their text: half of a chain makes an SVID', async () => {
    writeOneByOne(folder, { ...filesOf(0), 'tls.crt': generations[0]?.svid.certificates[0]?.toPem() ?? '' });
    await using source = createX509FileSource({ ...paths(), clock, quietMs: 0 });
    await source.ready({ timeoutMs: 5_000 });
    expect(report(source)).toBe('SVID -1, bundle 0');
  });
});

describe('files that another process switches all the time', () => {
  const WRITER = `
    const fs = require('node:fs');
    const { join } = require('node:path');
    const [folder, ...generations] = process.argv.slice(1);
    for (let n = 0; ; n += 1) {
      const version = '..busy-' + n;
      fs.mkdirSync(join(folder, version));
      const files = JSON.parse(fs.readFileSync(generations[n % generations.length], 'utf8'));
      for (const [name, text] of Object.entries(files)) fs.writeFileSync(join(folder, version, name), text);
      const before = fs.readlinkSync(join(folder, '..data'));
      fs.symlinkSync(version, join(folder, '..data_tmp'));
      fs.renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
      fs.rmSync(join(folder, before), { recursive: true });
      if (n === 0) console.log('switching');
    }`;

  const versionOf = (of: string): string => readlinkSync(join(of, '..data'));
  let stop: () => Promise<void> = async () => {};
  afterEach(() => stop());

  const switching = async (): Promise<void> => {
    switchAtAStroke(folder, filesOf(0));
    const stock = temporaryFolder();
    const stored = generations.map((_, i) => join(stock, `${i}.json`));
    stored.forEach((path, i) => {
      writeFileSync(path, JSON.stringify(filesOf(i)));
    });
    const child = spawn(process.execPath, ['--eval', WRITER, folder, ...stored], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(child, 'exit');
    // The folder is removed next, and it must not be written to meanwhile.
    stop = async () => {
      child.kill();
      await ended;
    };
    await once(child.stdout, 'data');
  };

  it('are read as they were at one moment', async () => {
    await switching();
    const names = NAMES.map((name) => join(folder, name));
    const known = [0, 1].map((i) => NAMES.map((name) => filesOf(i)[name]).join());
    const seen = { whole: 0, missing: 0, mixed: 0 };
    while (seen.whole < 100) {
      const readings = await readFiles(names, 1_000_000);
      const text = readings.map(({ bytes }) => Buffer.from(bytes).toString()).join();
      if (readings.some(({ error }) => error !== undefined)) seen.missing += 1;
      else if (known.includes(text)) seen.whole += 1;
      else seen.mixed += 1;
    }
    expect(seen.mixed).toBe(0);
  });

  it('would be mixed up by a reader that follows the links one by one', async () => {
    await switching();
    let mixed = false;
    while (!mixed) {
      try {
        const [certificates, version] = [readFileSync(join(folder, 'tls.crt'), 'utf8'), versionOf(folder)];
        while (versionOf(folder) === version) await pause(1);
        const key = readFileSync(join(folder, 'tls.key'), 'utf8');
        mixed = ![0, 1].some((i) => filesOf(i)['tls.crt'] === certificates && filesOf(i)['tls.key'] === key);
      } catch {
        // The version was removed in between.
      }
    }
    expect(mixed).toBe(true);
  });

  it('keep a source supplied with whole identities', async () => {
    await switching();
    const source = createX509FileSource({ ...paths(), clock, settleMs: 5_000, pollMs: 5 });
    onTestFinished(() => source.close());
    const seen = new Set<number>();
    let updates = 0;
    for await (const { svid, bundles } of source.updates({ signal: AbortSignal.timeout(50_000) })) {
      const generation = generations.findIndex((one) => one.svid.equals(svid));
      expect(generation).toBeGreaterThanOrEqual(0);
      const bundle = bundles.getX509Bundle(svid.id.trustDomain);
      expect(generations.findIndex((one) => bundle?.equals(one.bundle))).toBe(generation);
      seen.add(generation);
      updates += 1;
      if (updates === 20) break;
    }
    expect(seen).toEqual(new Set([0, 1]));
  }, 60_000);
});
