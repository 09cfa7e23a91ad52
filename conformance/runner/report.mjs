import { judgeTask, STATUSES } from './judge.mjs';

/** What no requirement excuses. */
const FAILED = STATUSES.slice(3);

/** Runs all cases, one after the other, and counts. */
export async function reportOf(tasks, verifier) {
  const cases = [];
  for (const task of tasks) cases.push(await judgeTask(task, verifier));
  const names = [...new Set(cases.map(({ suite }) => suite))];
  const suites = names.map((suite) => ({ suite, ...countsOf(cases.filter((each) => each.suite === suite)) }));
  return { suites, all: countsOf(cases), cases };
}

/** 0: nothing failed. 1: something did. 2: no case was judged at all. */
export function exitCodeOf({ all }, { strict }) {
  const answered = ['passed', 'differs', 'wrong verdict', 'wrong reason', 'misunderstood', 'unparsable'];
  if (answered.every((status) => all[status] === 0)) return 2;
  return [...FAILED, ...(strict ? ['differs'] : [])].some((status) => all[status] > 0) ? 1 : 0;
}

function countsOf(cases) {
  const counts = STATUSES.map((status) => [status, cases.filter((each) => each.status === status).length]);
  return { cases: cases.length, ...Object.fromEntries(counts) };
}
