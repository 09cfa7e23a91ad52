import { isDeepStrictEqual } from 'node:util';

/**
 * What becomes of a case. `differs`: the verdict is another one where the clause leaves the choice. `misunderstood`: it is
 * accepted, as something else than it is.
 */
export const STATUSES = [
  'passed',
  'skipped',
  'differs',
  'wrong verdict',
  'wrong reason',
  'misunderstood',
  'unparsable',
  'no answer',
  'crash',
  'timeout',
];

/** Asks for each step of a case; the first that is not as expected decides. */
export async function judgeTask({ id, suite, file, name, clause, requirement, steps }, verifier) {
  const common = { id, suite, file, name, clause, requirement, expected: steps.at(-1).expected };
  for (const step of steps) {
    const reply = await verifier.ask(step.line);
    const { status, detail } =
      reply.fault === undefined ? judge(step, reply.answer) : { status: reply.fault, detail: reply.detail };
    if (status === 'passed') continue;
    const where = step === steps.at(-1) ? '' : `before it, ${step.name}: `;
    return { ...common, status, detail: `${where}${detail}`, answer: reply.answer };
  }
  return { ...common, status: 'passed' };
}

function judge({ expected, requirement }, answer) {
  if (answer.verdict === 'skip') return { status: 'skipped', detail: withDetail('not implemented', answer) };
  const fault = shapeFault(answer);
  if (fault !== undefined) return { status: 'unparsable', detail: fault };
  const says = withDetail(`expected ${shown(expected)}, answered ${shown(answer)}`, answer);
  if (answer.verdict !== expected.verdict) {
    return { status: requirement === 'must' ? 'wrong verdict' : 'differs', detail: says };
  }
  if (answer.verdict === 'refuse') {
    const { reason, part = expected.part } = answer;
    const same = reason === expected.reason && part === expected.part;
    return { status: same ? 'passed' : 'wrong reason', detail: says };
  }
  const { verdict, ...members } = expected;
  const wrong = Object.keys(members).filter((member) => !isDeepStrictEqual(members[member], answer.understood[member]));
  if (wrong.length === 0) return { status: 'passed' };
  const each = wrong.map((member) => `${member} ${text(members[member])}, not ${text(answer.understood[member])}`);
  return { status: 'misunderstood', detail: withDetail(each.join('; '), answer) };
}

function shapeFault({ verdict, reason, part, understood }) {
  if (verdict === 'accept') {
    return typeof understood === 'object' && understood !== null ? undefined : 'accept without understood';
  }
  if (verdict !== 'refuse') return `the verdict ${text(verdict)} is not accept, refuse or skip`;
  if (typeof reason !== 'string') return 'refuse without reason';
  return part === undefined || part === 'wit' || part === 'proof' ? undefined : `the part ${text(part)} is not known`;
}

function shown({ verdict, reason, part }) {
  if (verdict === 'accept') return verdict;
  return `${verdict} ${reason}${part === undefined ? '' : ` (${part})`}`;
}

function withDetail(sentence, { detail }) {
  return typeof detail === 'string' ? `${sentence}: ${detail}` : sentence;
}

function text(value) {
  return value === undefined ? 'nothing' : JSON.stringify(value);
}
