import type { JwtSvid } from 'svidkit/jwt-svid';
import { describe, expect, it } from 'vitest';
import { abortable } from '../../src/internal/abort.js';
import { JwtSvidCache } from '../../src/workload-api/jwt-svid-cache.js';
import { jwtSvidQuery } from '../../src/workload-api/jwt-svid-query.js';
import { rejectionOf } from '../support/rejections.js';

const QUERY = jwtSvidQuery({ audience: 'a' });

const tokenOf = (token: string): JwtSvid =>
  ({ token, id: 'spiffe://example.org/a', issuedAt: undefined, expiresAt: new Date(60_000) }) as unknown as JwtSvid;

/** A cache whose fetches the test answers, in order. */
function scriptedCache(timeoutMs = 60_000) {
  const answers: ((token: string) => void)[] = [];
  const cache = new JwtSvidCache({
    clock: () => 0,
    maxEntries: 10,
    timeoutMs,
    fetch: (_query, signal) => {
      const answer = new Promise<JwtSvid>((resolve) => answers.push((token) => resolve(tokenOf(token))));
      return abortable(answer, signal);
    },
  });
  return { cache, answers, get: () => cache.get(QUERY, undefined).then(({ token }) => token) };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('a JWT-SVID that is on its way', () => {
  it.each([
    ['its key leaves the bundle', (cache: JwtSvidCache) => cache.drop(({ token }) => token === 'old')],
    ['the identity is withdrawn', (cache: JwtSvidCache) => cache.clear()],
  ])('when %s is fetched again, for everybody, and kept by nobody', async (_what, condemn) => {
    const { cache, answers, get } = scriptedCache();
    const both = [get(), get()];
    condemn(cache);
    answers[0]?.('old');
    await turn();
    expect(answers).toHaveLength(2);
    answers[1]?.('new');
    expect(await Promise.all(both)).toEqual(['new', 'new']);
    expect(await get()).toBe('new');
    expect(answers).toHaveLength(2);
  });

  it('is not fetched again when others were meant, or when it was asked for afterwards', async () => {
    const { cache, answers, get } = scriptedCache();
    cache.drop(({ token }) => token === 'one');
    const first = get();
    cache.drop(({ token }) => token === 'other');
    answers[0]?.('one');
    expect(await first).toBe('one');
    expect(answers).toHaveLength(1);
  });

  it('is refused when that happens twice, and the next one who asks asks anew', async () => {
    const { cache, answers, get } = scriptedCache();
    const first = rejectionOf(get());
    for (const index of [0, 1]) {
      cache.clear();
      answers[index]?.('old');
      await turn();
    }
    expect(await first).toBe('bad_identity');
    expect(answers).toHaveLength(2);
    const second = get();
    answers[2]?.('new');
    expect(await second).toBe('new');
  });

  it('has one time limit, however often it is fetched', async () => {
    const { cache, answers, get } = scriptedCache(300);
    const first = rejectionOf(get());
    cache.clear();
    answers[0]?.('old');
    expect(await first).toBe('timeout');
  });
});
