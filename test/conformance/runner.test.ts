import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Line } from './lines.js';
import { type Report, ROOT, reportOf, runConformance } from './runner.js';

/** A verifier that knows every answer from the files, and does something else where `instead` says so. */
function parrot(instead = ''): readonly string[] {
  const script = `
    const { readFileSync } = require('node:fs');
    const files = new Map();
    const say = (answer) => console.log(JSON.stringify(answer));
    require('node:readline').createInterface({ input: process.stdin }).on('line', (text) => {
      const line = JSON.parse(text);
      const name = line.id.slice(line.file.length + 2).split(' / ').pop();
      if (!files.has(line.file)) files.set(line.file, JSON.parse(readFileSync('conformance/' + line.file, 'utf8')));
      const { cases } = files.get(line.file);
      const { verdict, reason, part, ...understood } = cases.find((each) => each.name === name).expected;
      const answer = verdict === 'accept' ? { id: line.id, verdict, understood } : { id: line.id, verdict, reason, part };
      ${instead}
      say(answer);
    });`;
  return [process.execPath, '--eval', script];
}

const on = (name: string, then: string): string => `if (name === ${JSON.stringify(name)}) { ${then} }`;

/** What is not as it should be, by case. */
function found({ cases }: Report): Readonly<Record<string, string>> {
  return Object.fromEntries(cases.filter(({ status }) => status !== 'passed').map(({ id, status }) => [id, status]));
}

const wit = (instead: string, ...words: string[]): Promise<Report & { readonly stderr: string }> =>
  reportOf('--only', 'wit', '--timeout-seconds', '60', ...words, '--', ...parrot(instead));

/** Faults of all kinds in one run, each in a case of its own. */
const FAULTS = [
  ['wrong verdict', 'alg none', `answer.verdict = 'accept'; answer.understood = {};`],
  ['wrong verdict', 'ES256', `answer.verdict = 'refuse'; answer.reason = 'expired';`],
  ['wrong reason', 'typ JWT', `answer.reason = 'bad-signature';`],
  ['wrong reason', 'no typ', `answer.part = 'proof';`],
  ['misunderstood', 'RS256', `answer.understood.wth = 'x';`],
  ['misunderstood', 'EdDSA', 'delete answer.understood.thumbprint;'],
  ['unparsable', 'nbf now', 'delete answer.understood;'],
  ['unparsable', 'no sub', 'delete answer.reason;'],
  ['unparsable', 'no exp', `answer.verdict = 'maybe';`],
  ['unparsable', 'kid a number', `answer.id = 'another';`],
  ['unparsable', 'crit', `console.log('checking crit');`],
  ['crash', 'zip', 'process.exit(3);'],
  ['no answer', 'two segments', 'process.exit(0);'],
] as const;

describe('conformance/run.mjs, a verifier with faults', () => {
  let report: Report;

  beforeAll(async () => {
    report = await wit(FAULTS.map(([, name, then]) => on(name, then)).join(' '));
  }, 60_000);

  it.each(FAULTS)('%s: %s: %s', (status, name) => {
    expect(found(report)[`wit.json: ${name}`]).toBe(status);
  });

  it('is judged in the other cases all the same, and fails', () => {
    expect(report).toMatchObject({ exitCode: 1, all: { passed: report.cases.length - FAULTS.length } });
  });
});

describe('conformance/run.mjs', () => {
  it('passes a verifier that gives every answer, and says so in a table', async () => {
    const { code, stdout, stderr } = await runConformance('--strict', '--', ...parrot());
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^all +(\d+) +\1 +0 +0$/m);
    expect(stdout.match(/^(?:wit|wpt|http-signature) /gm)).toHaveLength(3);
  });

  it('needs no part where the reason says enough', async () => {
    expect(found(await wit('delete answer.part;'))).toEqual({});
  });

  it('takes an answer without the end of its line from a verifier that ends', async () => {
    const last = 'process.stdout.write(JSON.stringify(answer)); process.exit(0);';
    expect(found(await wit(on('r and s zero', last), '--case', 'r and s zero'))).not.toHaveProperty([
      'wit.json: r and s zero',
    ]);
  });

  it('tells a difference that the clause allows from a fault, unless it is to be strict', async () => {
    const lenient = on('sub twice', `answer.verdict = 'accept'; answer.understood = {};`);
    const [report, strict] = [await wit(lenient), await wit(lenient, '--strict')];
    expect(found(report)).toEqual({ 'wit.json: sub twice': 'differs' });
    expect([report.exitCode, strict.exitCode]).toEqual([0, 1]);
  });

  it('counts and names what is skipped, and does not take nothing for success', async () => {
    const report = await wit(on('EdDSA', `answer.verdict = 'skip'; answer.detail = 'no Ed25519 here';`));
    expect(report).toMatchObject({ exitCode: 0, all: { skipped: 1 } });
    const skipped = report.cases.find(({ status }) => status === 'skipped');
    expect(skipped).toMatchObject({ id: 'wit.json: EdDSA', detail: 'not implemented: no Ed25519 here' });
    expect((await wit(`answer.verdict = 'skip';`)).exitCode).toBe(2);
  });

  it('judges what has to come before a case along with it', async () => {
    const report = await reportOf(
      '--case',
      'sent twice',
      '--',
      ...parrot(on('-02, EdDSA', `answer.understood.jti = 'x';`)),
    );
    const [first] = report.cases;
    expect(first).toMatchObject({ id: 'wpt.json: sent twice', status: 'misunderstood' });
    expect(first?.detail).toMatch(/^before it, -02, EdDSA: jti "proof-.*", not "x"$/);
  });

  it('does not wait for ever', async () => {
    const report = await reportOf(
      '--case',
      'r and s zero',
      '--only',
      'wit',
      '--timeout-seconds',
      '1',
      '--',
      ...parrot('return;'),
    );
    expect(report).toMatchObject({ exitCode: 2, all: { cases: 1, timeout: 1 } });
  });

  it('gives a verifier up that never answers, and says why', async () => {
    const dead = await reportOf('--only', 'wit', '--', process.execPath, '--eval', 'process.exit(7)');
    expect(dead).toMatchObject({ exitCode: 2, all: { crash: 3, 'no answer': dead.cases.length - 3 } });
    expect(dead.stderr).toContain('the verifier was given up: the verifier ended with 7');
    const absent = await runConformance('--only', 'wit', '--', join(ROOT, 'no-such-verifier'));
    expect(absent.code).toBe(2);
    expect(absent.stderr).toMatch(/cannot be started: .*ENOENT/);
  });

  it.each([
    [['--only', 'x', '--', 'true'], '--only x is not known'],
    [['--sometimes', 'true'], '--sometimes true is not known'],
    [['--timeout-seconds', '0', 'true'], '--timeout-seconds 0 is not known'],
    [['--only', 'wit'], 'there is no command to run'],
    [['--case'], '--case needs a value'],
  ])('explains itself: %j', async (words, sentence) => {
    const { code, stderr } = await runConformance(...words);
    expect(code).toBe(2);
    expect(stderr).toContain(sentence);
    expect(stderr).toContain('Exit code');
  });

  it('runs the command of --otherwise where none is given', async () => {
    const otherwise = [
      '--otherwise',
      `${process.execPath} --eval process.exit(7)`,
      '--only',
      'wit',
      '--case',
      'r and s zero',
    ];
    expect((await reportOf(...otherwise)).all).toMatchObject({ crash: 1 });
    expect(found(await reportOf(...otherwise, '--', ...parrot()))).toEqual({});
  });
});

describe('what a verifier is sent', () => {
  it('has settings and keys, and nothing that gives the answer away', async () => {
    const lines = (await runConformance('--lines')).stdout
      .trim()
      .split('\n')
      .map((text) => JSON.parse(text) as Line);
    expect(new Set(lines.map(({ id }) => id)).size).toBe(lines.length);
    for (const line of lines) {
      expect(typeof line.now).toBe('number');
      expect(Object.keys(line.trust)[0]).toMatch(/^(?:spiffe|wimse):\/\//);
      for (const kept of ['expected', 'clause', 'requirement', 'after', 'signedWith', 'signatureBase']) {
        expect(line).not.toHaveProperty(kept);
      }
    }
    const groups = lines.map(({ remember }) => remember);
    const begins = groups.filter((group, index) => group !== groups[index - 1]);
    expect(new Set(begins).size).toBe(begins.length);
    const twice = lines.filter(({ remember }) => remember === 'wpt.json: sent twice').map(({ id }) => id);
    expect(twice).toEqual(['wpt.json: sent twice / -02, EdDSA', 'wpt.json: sent twice']);
  });

  it('comes from files that load nothing but Node and each other', () => {
    const folder = join(ROOT, 'conformance');
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.mjs'));
    const imported = files.flatMap((name) =>
      Array.from(readFileSync(join(folder, name), 'utf8').matchAll(/\bfrom '([^']+)'|\bimport\(/g), ([, from]) => from),
    );
    expect(imported.length).toBeGreaterThan(5);
    expect(imported.filter((from) => !/^(?:node:|\.\/)/.test(from ?? ''))).toEqual([]);
  });
});
