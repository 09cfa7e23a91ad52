import { RequestAuthenticationError, TlsError } from 'svidkit/errors';
import { refusalOf } from 'svidkit/http';
import { describe, expect, it } from 'vitest';

const problem = (status: number, title: string): unknown => ({
  status,
  headers: {
    'Cache-Control': 'no-store',
    'Content-Length': expect.any(String),
    'Content-Type': 'application/problem+json',
  },
  body: JSON.stringify({ type: 'about:blank', title, status }),
});

describe('refusalOf', () => {
  it('challenges where the draft has a challenge', () => {
    const error = new RequestAuthenticationError('expired', 'the token has expired', { status: 401, challenge: 'WPT' });
    expect(refusalOf(error)).toEqual({
      status: 401,
      headers: { 'Cache-Control': 'no-store', 'Content-Length': '0', 'WWW-Authenticate': 'WPT' },
      body: undefined,
    });
  });

  it.each([
    [400, 'Bad Request'],
    [403, 'Forbidden'],
    [503, 'Service Unavailable'],
  ] as const)('threat 46: gives %i with problem details that hold no detail', (status, title) => {
    const error = new RequestAuthenticationError('expired', 'the token has expired', { status });
    expect(refusalOf(error)).toEqual(problem(status, title));
  });

  it.each([new Error('secret'), new TlsError('no_identity', 'secret'), 'secret', undefined])(
    'threat 46: gives 500 for what is no refusal of a request: %s',
    (error) => {
      expect(refusalOf(error)).toEqual(problem(500, 'Internal Server Error'));
    },
  );
});
