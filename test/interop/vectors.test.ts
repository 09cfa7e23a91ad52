import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { VectorFile, WitCase } from '../../scripts/conformance/vectors.js';
import { type CaseReport, type Report, reportOf } from '../conformance/runner.js';
import { vectorFile } from '../conformance/vector-files.js';
import { VECTOR_DIFFERENCES } from './explained/wit-verifier.js';

const file: VectorFile<WitCase> = vectorFile('wit.json');
const reports = new Map<string, CaseReport>();
let report: Report & { readonly stderr: string };

beforeAll(async () => {
  const { command, args } = inject('pyWitVerifier');
  report = await reportOf('--only', 'wit', '--timeout-seconds', '60', '--', command, ...args);
  for (const each of report.cases) reports.set(each.id.replace('wit.json: ', ''), each);
});

afterAll(() => {
  const lines = VECTOR_DIFFERENCES.map(
    ({ cases, status, departs, clause, because }) =>
      `  ${cases.join(', ')}: ${status}\n      ${clause} (departs: ${departs}). ${because}`,
  );
  const { cases, passed } = report.all;
  console.log(
    `\nA verifier on PyJWT passes ${passed} of ${cases} cases of conformance/wit.json. The others:\n${lines.join('\n')}\n`,
  );
});

const explanationsOf = (name: string) => VECTOR_DIFFERENCES.filter(({ cases }) => cases.includes(name));

describe('conformance/wit.json, a verifier in Python on PyJWT', () => {
  it('is judged by the runner in every case, without a word beside its answers', () => {
    expect(reports.size).toBe(file.cases.length);
    expect(report.stderr).toBe('');
  });

  it.each(file.cases)('$name', ({ name }) => {
    const { status = 'not run', detail = '' } = reports.get(name) ?? {};
    const expected = explanationsOf(name)[0]?.status ?? 'passed';
    expect(status, detail).toBe(expected);
  });
});

describe('the explanations of what it does not pass', () => {
  it('are of cases that there are, once each', () => {
    const explained = VECTOR_DIFFERENCES.flatMap(({ cases }) => cases);
    expect(new Set(explained).size).toBe(explained.length);
    expect(explained.filter((name) => !file.cases.some((each) => each.name === name))).toEqual([]);
  });
});
