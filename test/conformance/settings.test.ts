import { isDeepStrictEqual } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import type { HttpCase, VectorFile, WitCase, WptCase } from '../../scripts/conformance/vectors.js';
import { type Answer, answerOf } from './answer.js';
import type { Line } from './lines.js';
import { runConformance } from './runner.js';
import { vectorFile } from './vector-files.js';

type AnyCase = WitCase | WptCase | HttpCase;

/** The settings that are limits: one that is ignored makes a verifier accept too much here and refuse too much there. */
const LIMITS = ['leewaySeconds', 'witLeewaySeconds', 'proofLeewaySeconds', 'maxLifetimeSeconds', 'maxBytes'];

const suites = ['wit', 'wpt', 'http-signature'].map((suite) => vectorFile<AnyCase>(`${suite}.json`));
const settings = suites.flatMap(({ suite, defaults, cases }) =>
  Object.keys(defaults)
    .filter((member) => cases.some((each) => member in each))
    .flatMap((member) =>
      (suite === 'http-signature' ? ['request', 'response'] : ['case']).map((of) => ({ suite, member, of })),
    )
    // A response is held to no audience.
    .filter(({ of, member }) => of !== 'response' || member === 'now' || LIMITS.includes(member)),
);
const lines: Line[] = [];

beforeAll(async () => {
  const { stdout } = await runConformance('--lines');
  lines.push(
    ...stdout
      .trim()
      .split('\n')
      .map((text) => JSON.parse(text) as Line),
  );
}, 60_000);

/** The answers to the cases that set a member themselves, from a verifier that goes by the default instead. */
async function answersWithout(
  member: string,
  suite: string,
  of: string,
): Promise<[expected: string, answer: Answer][]> {
  const file = suites.find((each) => each.suite === suite) as VectorFile<AnyCase>;
  const fallback: Readonly<Record<string, unknown>> = { ...file.defaults, trust: file.trust['default'] };
  const found: [string, Answer][] = [];
  for (const each of file.cases) {
    const line = lines.find(({ id }) => id === `${suite}.json: ${each.name}`);
    if (line === undefined) throw new Error(`${each.name} was not sent`);
    const { after } = each as { readonly after?: readonly string[] };
    if (!(member in each) || after !== undefined || 'response' in line !== (of === 'response')) continue;
    found.push([each.expected.verdict, await answerOf({ ...line, [member]: fallback[member] })]);
  }
  return found;
}

describe('a verifier that ignores a setting', () => {
  it('is shown every setting that the files have, set otherwise than by default', () => {
    for (const { suite, defaults, cases } of suites) {
      const varied = Object.entries(defaults).filter(([member, value]) =>
        cases.some((each) => member in each && !isDeepStrictEqual((each as never)[member], value)),
      );
      const expected = Object.keys(defaults).filter((member) => suite === 'wit' || member !== 'trust');
      expect(varied.map(([member]) => member).sort(), suite).toEqual(expected.sort());
    }
  });

  it.each(settings)('fails in $suite: $member of a $of', async ({ suite, member, of }) => {
    const answers = await answersWithout(member, suite, of);
    const [accepts, refuses] = ['accept', 'refuse'].map((verdict) =>
      answers.some(([expected, answer]) => answer.verdict === verdict && expected !== verdict),
    );
    expect(accepts || refuses).toBe(true);
    if (LIMITS.includes(member)) expect({ accepts, refuses }).toEqual({ accepts: true, refuses: true });
  });
});
