/** Who has to do what a clause asks: the parts of svidkit, by their role. */
type Party = 'verifier' | 'minter' | 'client' | 'endpoint';

type Level = 'MUST' | 'MUST NOT' | 'SHOULD' | 'SHOULD NOT' | 'threat';

/** One demand of a document on svidkit, in our own words. */
export interface Clause {
  /** Section and letter: `5.2 a`. */
  readonly at: string;
  readonly level: Level;
  readonly binds: Party;
  readonly text: string;
  /** The tests that hold it. None: a gap, which {@link gap} explains. */
  readonly tests: readonly TestRef[];
  readonly gap?: string;
}

/** A demand on somebody else, or on a part that svidkit does not have. */
export interface OtherClause {
  readonly at: string;
  readonly level: Level;
  /** Whom it binds. */
  readonly binds: string;
  readonly text: string;
}

export interface SpecDocument {
  /** Short name, with which the identifiers of its clauses begin. */
  readonly name: string;
  readonly revision: string;
  /** Which text was read, where the published one was not at hand. */
  readonly source?: string;
  readonly clauses: readonly Clause[];
  readonly others: readonly OtherClause[];
}

/**
 * Tests of one file: those whose title is `title`, or begins with it when it ends in `*`. Titles may be given with the
 * titles around them, separated by ` > `, or without.
 */
export interface TestRef {
  readonly file: string;
  readonly title: string;
}

/** `testsIn('wit/mint-wit')('title')` refers to a test of test/wit/mint-wit.test.ts. */
export function testsIn(name: string): (...titles: readonly string[]) => readonly TestRef[] {
  return (...titles) => titles.map((title) => ({ file: `test/${name}.test.ts`, title }));
}

/** A test as it ran. */
export interface TestResult {
  /** From the root of the repository, with `/`. */
  readonly file: string;
  /** Titles from the outermost to its own. */
  readonly path: readonly string[];
  readonly passed: boolean;
}

export type Verdict = 'pass' | 'FAIL' | 'MISSING' | 'gap';

export const idOf = (document: SpecDocument, clause: { readonly at: string }): string =>
  `${document.name} ${clause.at}`;

/** The results that a reference means. */
function resultsOf(ref: TestRef, results: readonly TestResult[]): readonly TestResult[] {
  const prefix = ref.title.endsWith('*') ? ref.title.slice(0, -1) : undefined;
  return results.filter(
    ({ file, path }) =>
      file === ref.file &&
      path.some((_, start) => {
        const title = path.slice(start).join(' > ');
        return prefix === undefined ? title === ref.title : title.startsWith(prefix);
      }),
  );
}

/** A clause passes when each of its references finds tests and all of them passed. */
export function verdictOf(clause: Clause, results: readonly TestResult[]): Verdict {
  if (clause.tests.length === 0) return 'gap';
  const found = clause.tests.map((ref) => resultsOf(ref, results));
  if (found.some((tests) => tests.length === 0)) return 'MISSING';
  return found.flat().every(({ passed }) => passed) ? 'pass' : 'FAIL';
}

/** What is wrong with the map: references that find no test, tests that failed, identifiers used twice. */
export function problemsOf(documents: readonly SpecDocument[], results: readonly TestResult[]): string[] {
  const failed = documents.flatMap((document) =>
    document.clauses.flatMap((clause) =>
      clause.tests.flatMap((ref) => {
        const where = `${idOf(document, clause)}: ${ref.file} > ${ref.title}`;
        const tests = resultsOf(ref, results);
        if (tests.length === 0) return [`${where}: there is no such test`];
        return tests.some(({ passed }) => !passed) ? [`${where}: did not pass`] : [];
      }),
    ),
  );
  return [...contradictionsOf(documents), ...failed];
}

/** What is wrong with the data alone. */
export function contradictionsOf(documents: readonly SpecDocument[]): string[] {
  const ids = documents.flatMap((document) =>
    [...document.clauses, ...document.others].map((clause) => idOf(document, clause)),
  );
  const twice = ids.filter((id, index) => ids.indexOf(id) !== index).map((id) => `${id}: there are two of it`);
  const unsaid = documents.flatMap((document) =>
    document.clauses
      .filter(({ tests, gap }) => (tests.length === 0) !== (gap !== undefined))
      .map((clause) => `${idOf(document, clause)}: either has tests or says why there is a gap`),
  );
  return [...twice, ...unsaid];
}
