import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { makeCases } from './cases/all.js';
import { EXPLAINED } from './explained-differences.js';
import { differs, explanationOf, type Judged, outdated, PEERS, repeated } from './support/compare.js';
import type { Peer } from './support/difference.js';
import { judgeWithProgram } from './support/program-judge.js';
import { judgeWithSvidkit } from './support/svidkit-judge.js';
import { verdictTable } from './support/verdict-table.js';

const { all, timeMs } = makeCases();
const kinds = [...new Set(all.map(({ kind }) => kind))];
const byName = new Map<string, Judged>();

beforeAll(async () => {
  const theirs = new Map<Peer, Awaited<ReturnType<typeof judgeWithProgram>>>();
  for (const [peer, program] of [
    ['go-spiffe', inject('goSpiffe')] as const,
    ['py-spiffe', inject('pySpiffe')] as const,
  ]) {
    const started = Date.now();
    theirs.set(peer, await judgeWithProgram(program, all));
    console.log(`${peer} judged ${all.length} cases in ${Date.now() - started} ms`);
  }
  const started = Date.now();
  for (const [index, each] of all.entries()) {
    const opinionOf = (peer: Peer) => theirs.get(peer)?.[index] ?? { name: each.name, verdict: 'unsupported' };
    byName.set(each.name, {
      each,
      ours: await judgeWithSvidkit(each, timeMs),
      theirs: { 'go-spiffe': opinionOf('go-spiffe'), 'py-spiffe': opinionOf('py-spiffe') },
    });
  }
  console.log(`svidkit judged ${all.length} cases in ${Date.now() - started} ms`);
});

afterAll(() => console.log(verdictTable([...byName.values()], EXPLAINED)));

describe.each(kinds)('%s', (kind) => {
  it.each(all.filter((each) => each.kind === kind).map(({ name }) => name))('%s', (name) => {
    const judged = byName.get(name);
    if (judged === undefined) throw new Error('the case was not judged');
    const { each, ours, theirs } = judged;
    expect(`${ours.verdict.split(' ')[0]}`, `svidkit: ${ours.detail ?? ours.verdict}`).toBe(each.expected);
    for (const peer of PEERS) {
      if (!differs(judged, peer)) continue;
      const { verdict, detail = '' } = theirs[peer];
      const message = `unexplained: ${peer} says ${verdict} ${detail}, svidkit says ${ours.verdict} ${ours.detail ?? ''}`;
      expect(explanationOf(judged, peer, EXPLAINED), message).toBeDefined();
    }
  });
});

describe('the explanations', () => {
  it('are of differences that occur', () => {
    expect(outdated([...byName.values()], EXPLAINED)).toEqual([]);
  });

  it('are there once for each difference', () => {
    expect(repeated(EXPLAINED)).toEqual([]);
  });
});

describe('the cases', () => {
  it('have names of their own', () => {
    expect(byName.size).toBe(all.length);
  });

  it('are judged by every peer that offers the operation', () => {
    for (const peer of PEERS) {
      const opinions = [...byName.values()].map(({ theirs }) => theirs[peer].verdict);
      expect(opinions.filter((verdict) => verdict === 'crash')).toEqual([]);
      expect(opinions.some((verdict) => verdict.startsWith('accept '))).toBe(true);
      expect(opinions.includes('refuse')).toBe(true);
    }
  });
});
