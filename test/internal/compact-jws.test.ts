import fc from 'fast-check';
import * as jose from 'jose';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { encodeBase64url } from '../../src/internal/base64url.js';
import { readCompactJws } from '../../src/internal/compact-jws.js';
import { signJws } from '../../src/internal/jws-algorithm.js';
import { keyPair } from '../support/key-pairs.js';
import { rawToken, segment } from '../support/raw-token.js';
import { ruleOf } from '../support/refusals.js';

const HEADER = { alg: 'ES256', typ: 'wit+jwt', kid: 'a' };
const PAYLOAD = { sub: 'spiffe://example.org/a', exp: 1 };

const rule = (token: string, maxBytes?: number): string => ruleOf(() => readCompactJws(token, { maxBytes }));

describe('compact JWS', () => {
  it('takes apart what jose signs', async () => {
    const { privateKey } = keyPair('P-256');
    const token = await new jose.SignJWT(PAYLOAD).setProtectedHeader(HEADER).sign(privateKey);
    const jws = readCompactJws(token);
    expect(jws.alg).toBe('ES256');
    expect(jws.header).toEqual(HEADER);
    expect(jws.payload).toEqual(PAYLOAD);
    expect(Buffer.from(jws.signingInput).toString()).toBe(token.slice(0, token.lastIndexOf('.')));
    expect(encodeBase64url(jws.signature)).toBe(token.slice(token.lastIndexOf('.') + 1));
  });

  it('accepts nothing that it could not put together again', () => {
    const token = rawToken(HEADER, PAYLOAD);
    const junk = fc.constantFrom('', '.', '=', 'A', 'B', '_', '-', '+', '/', ' ', '\n', '\0', 'é', '..');
    fc.assert(
      fc.property(fc.nat(token.length), fc.nat(2), junk, (at, removed, inserted) => {
        const damaged = token.slice(0, at) + inserted + token.slice(at + removed);
        ruleOf(() => {
          const jws = readCompactJws(damaged);
          expect(`${Buffer.from(jws.signingInput).toString()}.${encodeBase64url(jws.signature)}`).toBe(damaged);
        });
      }),
      { numRuns: 1000 },
    );
  });

  it('throws nothing but its own refusals, whatever the text', () => {
    const part = fc.oneof(fc.string(), fc.json().map(segment), fc.constantFrom('', segment(HEADER)));
    fc.assert(fc.property(fc.array(part, { maxLength: 5 }), (parts) => void rule(parts.join('.'))));
  });

  it('threat 25: refuses a 20 MB token before anything is decoded', () => {
    const token = rawToken(HEADER, { ...PAYLOAD, x: 'a'.repeat(20_000_000) });
    const from = vi.spyOn(Buffer, 'from');
    expect(rule(token)).toBe('too_large');
    expect(from).not.toHaveBeenCalled();
    from.mockRestore();
    expect(rule('.'.repeat(20_000_000))).toBe('too_large');
  });

  it('threat 25: counts the bytes of the whole token, 8192 by default', () => {
    const token = rawToken(HEADER, PAYLOAD);
    expect(rule(token, token.length)).toBe('accepted');
    expect(rule(token, token.length - 1)).toBe('too_large');
    const long = `${segment(HEADER)}.${segment({ a: 'x'.repeat(6000) })}.${segment('s')}`;
    expect(rule(long + 'A'.repeat(8192 - long.length - 1))).not.toBe('too_large');
    expect(rule(long + 'A'.repeat(8192 - long.length + 1))).toBe('too_large');
  });

  it('threat 25: refuses deep JSON in header and payload, also where the size would be allowed', () => {
    const deep = `{"a":${'['.repeat(200_000)}`;
    expect(rule(rawToken(deep, PAYLOAD), 1_000_000)).toBe('too_deep');
    expect(rule(rawToken(HEADER, deep), 1_000_000)).toBe('too_deep');
    expect(rule(rawToken(HEADER, `{"a":${'['.repeat(6000)}`), 20_000)).toBe('too_deep');
  });

  it.each([
    ['nothing', ''],
    ['two segments', 'e30.e30'],
    ['four segments', `${rawToken(HEADER, PAYLOAD)}.AA`],
    ['a dot at the end', `${rawToken(HEADER, PAYLOAD)}.`],
    ['an empty header', `.${segment(PAYLOAD)}.AA`],
    ['an empty signature', `${segment(HEADER)}.${segment(PAYLOAD)}.`],
  ])('threat 26: refuses %s', (_, token) => {
    expect(rule(token)).toBe('not_compact');
  });

  it('threat 26: refuses the JSON serialisation, and what is not a text', () => {
    expect(rule(JSON.stringify({ protected: 'e30', payload: 'e30', signature: 'AA' }))).toBe('not_compact');
    for (const value of [undefined, null, 5, {}, [rawToken(HEADER, PAYLOAD)]]) {
      expect(ruleOf(() => Reflect.apply(readCompactJws, undefined, [value]))).toBe('not_compact');
    }
  });

  it.each([
    ['padding', (part: string) => `${part}=`],
    ['white space', (part: string) => `${part} `],
    ['a newline', (part: string) => `\n${part}`],
    ['the other alphabet', (part: string) => `${part.slice(0, -4)}++//`],
  ])('threat 26: refuses %s in any segment', (_, spoil) => {
    const parts = rawToken(HEADER, PAYLOAD).split('.');
    parts.forEach((part, index) => {
      expect(rule(parts.with(index, spoil(part)).join('.'))).toBe('bad_base64url');
    });
  });

  it('threat 27: refuses duplicate members in header and payload', () => {
    expect(rule(rawToken('{"alg":"ES256","alg":"none"}', PAYLOAD))).toBe('duplicate_member');
    expect(rule(rawToken('{"alg":"ES256","kid":"a","kid":"b"}', PAYLOAD))).toBe('duplicate_member');
    expect(rule(rawToken(HEADER, '{"sub":"a","sub":"b"}'))).toBe('duplicate_member');
    expect(rule(rawToken(HEADER, '{"cnf":{"jwk":{"d":1,"d":2}}}'))).toBe('duplicate_member');
  });

  it('threat 27: refuses claims that are not an object, and bytes that are not UTF-8', () => {
    expect(rule(rawToken(HEADER, '[]'))).toBe('not_an_object');
    expect(rule(rawToken('"ES256"', PAYLOAD))).toBe('not_an_object');
    expect(rule(rawToken(HEADER, Buffer.from([0x7b, 0xff, 0x7d])))).toBe('bad_text');
    expect(rule(rawToken(HEADER, '\uFEFF{}'))).toBe('bad_text');
    expect(rule(rawToken(HEADER, '{"__proto__":{}}'))).toBe('forbidden_member');
  });

  it.each([
    ['an unknown extension', ['exp']],
    ['b64', ['b64']],
    ['nothing', []],
    ['a header that is not there', ['nope']],
    ['a text', 'exp'],
    ['null', null],
    ['false', false],
  ])('threat 28: refuses crit with %s', (_, crit) => {
    expect(rule(rawToken({ ...HEADER, crit }, PAYLOAD))).toBe('crit_present');
    expect(rule(rawToken({ ...HEADER, crit, b64: true, exp: 1 }, PAYLOAD))).toBe('crit_present');
  });

  it('threat 29: refuses JWE, nested, compressed, unencoded and detached content', () => {
    expect(rule('a.b.c.d.e')).toBe('not_compact');
    expect(rule(rawToken({ alg: 'dir', enc: 'A256GCM' }, PAYLOAD))).toBe('unsupported_header');
    expect(rule(rawToken({ ...HEADER, zip: 'DEF' }, PAYLOAD))).toBe('unsupported_header');
    expect(rule(rawToken({ ...HEADER, b64: false }, PAYLOAD))).toBe('unsupported_header');
    for (const cty of ['JWT', 'jwt', 'application/json', '']) {
      expect(rule(rawToken({ ...HEADER, cty }, PAYLOAD))).toBe('unsupported_header');
    }
    expect(rule(`${segment(HEADER)}..${segment('signature')}`)).toBe('not_compact');
    expect(rule(rawToken(HEADER, rawToken(HEADER, PAYLOAD)))).toBe('bad_json');
  });

  it('threat 1: refuses an alg that is absent or not a text', () => {
    for (const alg of [undefined, null, 1, ['ES256'], { toString: 'ES256' }]) {
      expect(rule(rawToken({ ...HEADER, alg }, PAYLOAD))).toBe('bad_alg');
    }
  });

  it('never shows the token in a message', () => {
    const secret = segment('secret');
    for (const token of [`${secret}=.${secret}.${secret}`, `${secret}.${secret}.${secret}`, secret]) {
      expect(() => readCompactJws(token)).toThrow(new RegExp(`^(?!.*(?:${secret}|secret))`));
    }
  });

  describe('beside jose', () => {
    const signed = new Map<string, string>();

    beforeAll(() => {
      const { privateKey } = keyPair('P-256');
      const sign = (name: string, header: string, payload: string) => {
        const signature = signJws('ES256', privateKey, Buffer.from(`${header}.${payload}`));
        signed.set(name, `${header}.${payload}.${encodeBase64url(signature)}`);
      };
      const claims = segment({ sub: 'spiffe://example.org/a' });
      sign('duplicate members in the header', segment('{"alg":"none","alg":"ES256"}'), claims);
      sign('duplicate members in the payload', segment(HEADER), segment('{"sub":"a","sub":"b"}'));
      sign('padding', `${segment(HEADER)}=`, claims);
      sign('white space', segment(HEADER), ` ${claims}`);
      sign('an exp of infinity', segment(HEADER), segment('{"exp":1e999}'));
      sign('20 MB', segment(HEADER), segment({ a: 'x'.repeat(20_000_000) }));
    });

    it.each([
      ...['duplicate members in the header', 'duplicate members in the payload', 'padding'],
      'white space',
      'an exp of infinity',
      '20 MB',
    ])('refuses %s, which jose accepts', async (name) => {
      const token = signed.get(name) ?? '';
      await expect(jose.jwtVerify(token, keyPair('P-256').publicKey)).resolves.toBeDefined();
      expect(rule(token)).not.toBe('accepted');
    });
  });
});
