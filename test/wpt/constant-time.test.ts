import type * as nodeCrypto from 'node:crypto';
import { timingSafeEqual } from 'node:crypto';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { tokenHash } from '../../src/internal/token-hash.js';
import { outcome, wpt } from '../support/proofs.js';

vi.mock('node:crypto', async (original) => {
  const crypto = await original<typeof nodeCrypto>();
  return {
    ...crypto,
    timingSafeEqual: vi.fn((left: Uint8Array, right: Uint8Array) => crypto.timingSafeEqual(left, right)),
  };
});

const compared = vi.mocked(timingSafeEqual);
/** What the function was given, as text. */
const pairs = (): string[][] =>
  compared.mock.calls.map((call) => call.map((bytes) => Buffer.from(bytes as Uint8Array).toString()));

beforeEach(() => void compared.mockClear());

describe('threat 46: hashes are compared in constant time', () => {
  const wrong = tokenHash('another');

  it('wth', async () => {
    expect(await outcome(wpt({ claims: { wth: wrong } }))).toBe('wth_mismatch');
    expect(pairs().map(([, received]) => received)).toEqual([wrong]);
  });

  it.each([
    ['ath', { accessToken: 'token' }, { ath: wrong }],
    ['tth', { txnToken: 'token' }, { tth: wrong }],
    ['oth', { otherTokens: new Map([['x-user', 'token']]) }, { oth: { 'x-user': wrong } }],
  ])('%s', async (claim, tokens, claims) => {
    expect(await outcome(wpt({ claims }), {}, tokens)).toBe(`${claim}_mismatch`);
    expect(pairs()).toContainEqual([tokenHash('token'), wrong]);
  });
});
