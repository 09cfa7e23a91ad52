import { readFileSync } from 'node:fs';

export const SUITES = ['wit', 'wpt', 'http-signature'];

/** What of a case is for the runner and its readers, and nothing that a verifier may know. */
const KEPT = ['name', 'clause', 'requirement', 'after', 'expected', 'signatureBase', 'label', 'signedWith'];

/**
 * The cases of a suite. Each has `steps`: a line to be sent and the answer to it that is expected; the last step is the
 * case itself, those before are what the verifier has to have seen.
 */
export function tasksOf(suite) {
  const fileName = `${suite}.json`;
  const file = JSON.parse(readFileSync(new URL(`../${fileName}`, import.meta.url), 'utf8'));
  const byName = new Map(file.cases.map((each) => [each.name, each]));
  return file.cases.map((each) => {
    const { name, clause, requirement, after = [] } = each;
    const id = `${fileName}: ${name}`;
    const step = (own, ownId) => ({
      name: own.name,
      requirement: own.requirement,
      expected: own.expected,
      line: { id: ownId, suite, file: fileName, remember: id, ...inputOf(file, own) },
    });
    const before = after.map((earlier) => step(byName.get(earlier), `${id} / ${earlier}`));
    return { id, suite, file: fileName, name, clause, requirement, steps: [...before, step(each, id)] };
  });
}

/** The defaults of the file, what the case sets itself, and the keys that it names. */
function inputOf({ defaults, trust }, each) {
  const merged = { ...defaults, ...each };
  const entries = Object.entries(merged).filter(([member]) => !KEPT.includes(member));
  return { ...Object.fromEntries(entries), trust: trust[merged.trust] };
}
