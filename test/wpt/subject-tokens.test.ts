import { beforeEach, describe, expect, it } from 'vitest';
import { tokenHash } from '../../src/internal/token-hash.js';
import { outcome, wpt } from '../support/proofs.js';
import { NOW } from '../support/wit-domain.js';

let now: number;
let inserted: number;
const clock = (): number => now;
const replay = {
  insert: async () => {
    inserted += 1;
    return 'fresh' as const;
  },
};

beforeEach(() => {
  [now, inserted] = [NOW * 1000, 0];
});

describe('a token that takes long to verify', () => {
  it('threat 24: threat 18: may outlast the proof that binds it, which is then refused and not remembered', async () => {
    const tokens = { txnToken: 'tt-1' };
    const takingSeconds = (seconds: number): Promise<string> => {
      now = NOW * 1000;
      const verifySubjectToken = async () => {
        now += seconds * 1000;
        return {};
      };
      return outcome(wpt({ claims: { tth: tokenHash('tt-1') } }), { clock, replay, verifySubjectToken }, tokens);
    };
    expect(await takingSeconds(70)).toBe('expired');
    expect(inserted).toBe(0);
    expect(await takingSeconds(69)).toBe('accepted');
    expect(inserted).toBe(1);
  });
});
