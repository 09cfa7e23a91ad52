import { parseJwtSvid } from 'svidkit/jwt-svid';
import { describe, expect, it } from 'vitest';
import { rawToken } from '../support/raw-token.js';
import { codeOf } from '../support/refusals.js';
import { visibleForms } from '../support/visible-forms.js';

const HEADER = { alg: 'ES256', kid: 'k1', typ: 'JWT' };
const CLAIMS = {
  sub: 'spiffe://example.org/planner',
  aud: ['reports', 'audit'],
  exp: 1_750_000_060,
  iat: 1_750_000_000,
};
const token = rawToken(HEADER, CLAIMS);

describe('a JWT-SVID of our own', () => {
  it('is read without being verified', () => {
    const svid = parseJwtSvid(token, { hint: 'internal', id: 'spiffe://example.org/planner' });
    expect(svid.id.toString()).toBe('spiffe://example.org/planner');
    expect(svid.audience).toEqual(['reports', 'audit']);
    expect(svid.expiresAt).toEqual(new Date(1_750_000_060_000));
    expect(svid.issuedAt).toEqual(new Date(1_750_000_000_000));
    expect(svid.hint).toBe('internal');
    expect(svid.token).toBe(token);
  });

  it('need not say when it was issued', () => {
    for (const iat of [undefined, 'soon', 1.5]) {
      const svid = parseJwtSvid(rawToken(HEADER, { ...CLAIMS, iat }));
      expect(svid.issuedAt).toBeUndefined();
      expect(svid.hint).toBeUndefined();
    }
  });

  it('cannot be changed, nor through the instants it gives', () => {
    const svid = parseJwtSvid(token);
    svid.expiresAt.setTime(0);
    expect(svid.expiresAt).toEqual(new Date(1_750_000_060_000));
    expect(() => Object.assign(svid, { hint: 'x' })).toThrow(TypeError);
    expect(() => (svid.audience as string[]).push('x')).toThrow(TypeError);
  });

  it.each([
    ['id_mismatch', token, 'spiffe://example.org/painter'],
    ['unsupported_alg', rawToken({ ...HEADER, alg: 'none' }, CLAIMS), undefined],
    ['wrong_typ', rawToken({ ...HEADER, typ: 'wit+jwt' }, CLAIMS), undefined],
    ['bad_exp', rawToken(HEADER, { ...CLAIMS, exp: undefined }), undefined],
    ['bad_aud', rawToken(HEADER, { ...CLAIMS, aud: [] }), undefined],
    ['not_compact', 'nonsense', undefined],
  ])('%s is refused', (code, text, id) => {
    expect(codeOf(() => parseJwtSvid(text, { id }))).toBe(code);
  });

  it('does not show its token', () => {
    for (const form of visibleForms(parseJwtSvid(token))) {
      for (const part of token.split('.')) expect(form).not.toContain(part);
    }
    expect(JSON.stringify(parseJwtSvid(token))).toContain('spiffe://example.org/planner');
  });
});
