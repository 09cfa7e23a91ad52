import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { VectorFile } from '../../scripts/conformance/vectors.js';
import { type CaseReport, type Report, reportOf } from '../conformance/runner.js';
import { vectorFile } from '../conformance/vector-files.js';
import { VECTOR_DIFFERENCES, type VectorDifference } from './explained/wit-verifier.js';
import type { Suite } from './support/prepare-peers.js';

/** The suites, and why the verifier of each does not pass all of it. */
const SUITES: readonly (readonly [suite: Suite, differences: readonly VectorDifference[]])[] = [
  ['wit', VECTOR_DIFFERENCES],
  ['wpt', []],
  ['http-signature', []],
];

describe.each(SUITES)('conformance/%s.json, a verifier in Python', (suite, differences) => {
  const { cases }: VectorFile<{ readonly name: string }> = vectorFile(`${suite}.json`);
  const reports = new Map<string, CaseReport>();
  let report: Report & { readonly stderr: string };

  beforeAll(async () => {
    const { command, args } = inject('pyVerifiers')[suite];
    report = await reportOf('--only', suite, '--timeout-seconds', '60', '--', command, ...args);
    for (const each of report.cases) reports.set(each.id.replace(`${suite}.json: `, ''), each);
  });

  afterAll(() => console.log(summary(suite, report, differences)));

  it('is judged by the runner in every case, without a word beside its answers', () => {
    expect(reports.size).toBe(cases.length);
    expect(report.stderr).toBe('');
  });

  it.each(cases)('$name', ({ name }) => {
    const { status = 'not run', detail = '' } = reports.get(name) ?? {};
    const expected = differences.find((each) => each.cases.includes(name))?.status ?? 'passed';
    expect(status, detail).toBe(expected);
  });

  it('is explained in cases that there are, once each', () => {
    const explained = differences.flatMap((each) => each.cases);
    expect(new Set(explained).size).toBe(explained.length);
    expect(explained.filter((name) => !cases.some((each) => each.name === name))).toEqual([]);
  });
});

function summary(suite: Suite, { all }: Report, differences: readonly VectorDifference[]): string {
  const { passed, cases: count } = all;
  const head = `\nA verifier in Python passes ${passed} of ${count} cases of conformance/${suite}.json.`;
  const lines = differences.map(
    ({ cases, status, departs, clause, because }) =>
      `  ${cases.join(', ')}: ${status}\n      ${clause} (departs: ${departs}). ${because}`,
  );
  return `${[head, ...(lines.length === 0 ? [] : ['The others:', ...lines])].join('\n')}\n`;
}
