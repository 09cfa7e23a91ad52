// Writes SPEC-MAP.md from the clauses in test/spec-map and the results of the everyday tests, or checks it:
//   npm run spec-map                                 runs the tests that the map names, and writes the page
//   npm run spec-map:check                           runs them, and fails where page, tests and map differ
//   npm run spec-map:check -- --report report.json   the same, from a JSON report of vitest; may be given several times
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { documents } from '../test/spec-map/clauses/index.js';
import { render } from '../test/spec-map/render.js';
import { problemsOf, type TestResult, verdictOf } from '../test/spec-map/spec-map.js';
import { STALLED_EXIT_CODE } from '../test/support/stalled-run.js';

const ROOT = resolve(import.meta.dirname, '..');
const PAGE = join(ROOT, 'SPEC-MAP.md');

/** What vitest's JSON reporter writes, as far as it matters here. */
interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly assertionResults: readonly {
      readonly ancestorTitles: readonly string[];
      readonly title: string;
      readonly status: string;
    }[];
  }[];
}

const { values } = parseArgs({
  options: { check: { type: 'boolean', default: false }, report: { type: 'string', multiple: true, default: [] } },
});
const results = values.report.length === 0 ? runTests() : values.report.flatMap(readReport);
const problems = problemsOf(documents, results);
const page = render(documents, (clause) => verdictOf(clause, results));
if (!values.check) writeFileSync(PAGE, page);
else if (page !== readFileSync(PAGE, 'utf8')) problems.push('SPEC-MAP.md is not what the clauses and tests give');

for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;
else console.log(`SPEC-MAP.md: ${documents.flatMap(({ clauses }) => clauses).length} clauses, as the tests say`);

/** Runs the files that the map names, and no others. */
function runTests(): TestResult[] {
  const files = new Set(documents.flatMap(({ clauses }) => clauses.flatMap(({ tests }) => tests.map(fileOf))));
  const folder = mkdtempSync(join(tmpdir(), 'svidkit-spec-map-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const report = join(folder, 'report.json');
  const flags = ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
  const run = spawnSync(process.execPath, [vitest, ...flags, ...[...files].sort()], { cwd: ROOT, stdio: 'inherit' });
  if (run.status === STALLED_EXIT_CODE) process.exit(STALLED_EXIT_CODE);
  return readReport(report);
}

function fileOf({ file }: { readonly file: string }): string {
  return file;
}

/** Files are named by what follows `/test/`, so that a report of another checkout can be read. */
function readReport(path: string): TestResult[] {
  const report = JSON.parse(readFileSync(path, 'utf8')) as Report;
  return report.testResults.flatMap(({ name, assertionResults }) =>
    assertionResults.map(({ ancestorTitles, title, status }) => ({
      file: name.replaceAll('\\', '/').replace(/^.*\/test\//, 'test/'),
      path: [...ancestorTitles, title],
      passed: status === 'passed',
    })),
  );
}
