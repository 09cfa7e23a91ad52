import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { TOKEN_DIFFERENCES } from './explained/tokens.js';
import {
  type Answer,
  DIRECTIONS,
  type Exchange,
  exchangeTable,
  outdated,
  repeated,
  unexplained,
} from './signatures/exchange.js';
import { type AskTokens, exchangeTokens, type TokenPeer } from './signatures/token-exchanges.js';
import { tokenExchanges } from './signatures/tokens.js';
import { askProgram } from './support/program-judge.js';

const PEERS: Readonly<Record<TokenPeer, AskTokens>> = {
  'go-jose': (tasks) => askProgram<Answer>(inject('goSignatures'), tasks),
  PyJWT: (tasks) => askProgram<Answer>(inject('pySignatures'), tasks),
};
const peers = Object.keys(PEERS) as TokenPeer[];
const exchanges: Exchange<TokenPeer>[] = [];

beforeAll(async () => {
  for (const peer of peers) {
    const started = Date.now();
    const own = await exchangeTokens(peer, PEERS[peer], await tokenExchanges(Math.floor(started / 1000)));
    exchanges.push(...own);
    console.log(`${peer} and svidkit exchanged ${own.length} tokens in ${Date.now() - started} ms`);
  }
});

afterAll(() => console.log(exchangeTable(exchanges, TOKEN_DIFFERENCES)));

describe.each(peers)('WITs, WPTs and JWT-SVIDs, %s', (peer) => {
  it.each(DIRECTIONS)('%s', (direction) => {
    const own = exchanges.filter((one) => one.peer === peer && one.direction === direction);
    expect(unexplained(own, TOKEN_DIFFERENCES)).toEqual([]);
    for (const verdict of ['accept', 'refuse']) {
      expect(own.filter((one) => one.expected === verdict && one.verdict === verdict).length).toBeGreaterThan(20);
    }
  });
});

describe('the explanations of differences in tokens', () => {
  it('are of differences that occur', () => {
    expect(outdated(exchanges, TOKEN_DIFFERENCES)).toEqual([]);
  });

  it('are there once for each difference', () => {
    expect(repeated(exchanges, TOKEN_DIFFERENCES)).toEqual([]);
  });
});
