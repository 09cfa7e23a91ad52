import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { MESSAGE_DIFFERENCES } from './explained/messages.js';
import {
  type Answer,
  DIRECTIONS,
  type Exchange,
  exchangeTable,
  outdated,
  repeated,
  unexplained,
} from './signatures/exchange.js';
import { messageCases } from './signatures/message-cases.js';
import { type AskMessages, exchangeMessages, type MessagePeer } from './signatures/message-exchanges.js';
import { askHttpMessageSig } from './signatures/npm-http-message-sig.js';
import { askHttpMessageSignatures } from './signatures/npm-http-message-signatures.js';
import { askProgram } from './support/program-judge.js';

const PEERS: Readonly<Record<MessagePeer, AskMessages>> = {
  httpsign: (tasks) => askProgram<Answer>(inject('goSignatures'), tasks),
  'py-http-message-signatures': (tasks) => askProgram<Answer>(inject('pySignatures'), tasks),
  'http-message-sig': (tasks) => Promise.all(tasks.map(askHttpMessageSig)),
  'http-message-signatures': (tasks) => Promise.all(tasks.map(askHttpMessageSignatures)),
};
const peers = Object.keys(PEERS) as MessagePeer[];
const exchanges: Exchange<MessagePeer>[] = [];

beforeAll(async () => {
  for (const peer of peers) {
    const started = Date.now();
    const own = await exchangeMessages(peer, PEERS[peer], messageCases(Math.floor(started / 1000)));
    exchanges.push(...own);
    console.log(`${peer} and svidkit exchanged ${own.length} signed messages in ${Date.now() - started} ms`);
  }
});

afterAll(() => console.log(exchangeTable(exchanges, MESSAGE_DIFFERENCES)));

describe.each(peers)('HTTP message signatures, %s', (peer) => {
  it.each(DIRECTIONS)('%s', (direction) => {
    const own = exchanges.filter((one) => one.peer === peer && one.direction === direction);
    expect(unexplained(own, MESSAGE_DIFFERENCES)).toEqual([]);
    expect(own.filter(({ expected, verdict }) => expected === 'accept' && verdict === 'accept').length).toBeGreaterThan(
      9,
    );
    expect(own.some(({ expected, verdict }) => expected === 'refuse' && verdict === 'refuse')).toBe(true);
  });
});

describe('the explanations of differences in HTTP message signatures', () => {
  it('are of differences that occur', () => {
    expect(outdated(exchanges, MESSAGE_DIFFERENCES)).toEqual([]);
  });

  it('are there once for each difference', () => {
    expect(repeated(exchanges, MESSAGE_DIFFERENCES)).toEqual([]);
  });
});
