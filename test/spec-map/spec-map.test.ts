import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { documents } from './clauses/index.js';
import { render } from './render.js';
import {
  type Clause,
  contradictionsOf,
  problemsOf,
  type SpecDocument,
  type TestResult,
  testsIn,
  verdictOf,
} from './spec-map.js';

const some = testsIn('room/file');
const clause = (changes: Partial<Clause> = {}): Clause => ({
  ...{ at: '1 a', level: 'MUST', binds: 'verifier', text: 'does', tests: some('is so') },
  ...changes,
});
const document = (...clauses: readonly Clause[]): SpecDocument => ({
  ...{ name: 'DOC', revision: '1', clauses, others: [] },
});
const ran = (title: string, passed = true, file = 'test/room/file.test.ts'): TestResult => ({
  file,
  path: ['outer', 'inner', title],
  passed,
});

describe('the map of clauses', () => {
  it('says of every clause which test holds it, or why none does', () => {
    expect(contradictionsOf(documents)).toEqual([]);
    expect(documents.flatMap(({ clauses }) => clauses).length).toBeGreaterThan(200);
  });

  it('is what SPEC-MAP.md says', () => {
    const page = readFileSync(new URL('../../SPEC-MAP.md', import.meta.url), 'utf8');
    expect(render(documents, ({ tests }) => (tests.length === 0 ? 'gap' : 'pass'))).toBe(page);
  });

  it('finds tests by title, by the titles around it, and by the beginning of either', () => {
    for (const title of ['is so', 'inner > is so', 'outer > inner > is so', 'is*', 'inner*', 'outer > in*']) {
      expect(verdictOf(clause({ tests: some(title) }), [ran('is so')]), title).toBe('pass');
    }
    for (const title of ['is', 'inner', 'so', 'nner > is so', 'so*', 'is so > more']) {
      expect(verdictOf(clause({ tests: some(title) }), [ran('is so')]), title).toBe('MISSING');
    }
    expect(verdictOf(clause(), [ran('is so', true, 'test/other.test.ts')])).toBe('MISSING');
  });

  it('passes a clause when all that is named passed', () => {
    expect(verdictOf(clause({ tests: some('is*') }), [ran('is so'), ran('is not', false)])).toBe('FAIL');
    expect(verdictOf(clause({ tests: some('is so', 'is not') }), [ran('is so')])).toBe('MISSING');
    expect(verdictOf(clause({ tests: [], gap: 'none' }), [])).toBe('gap');
  });

  it('tells what is wrong', () => {
    expect(problemsOf([document(clause())], [ran('is so')])).toEqual([]);
    expect(problemsOf([document(clause())], [])).toEqual([
      'DOC 1 a: test/room/file.test.ts > is so: there is no such test',
    ]);
    expect(problemsOf([document(clause())], [ran('is so', false)])).toEqual([
      'DOC 1 a: test/room/file.test.ts > is so: did not pass',
    ]);
    expect(problemsOf([document(clause(), clause())], [ran('is so')])).toEqual(['DOC 1 a: there are two of it']);
    expect(problemsOf([document(clause({ tests: [] }))], [])).toHaveLength(1);
  });
});
