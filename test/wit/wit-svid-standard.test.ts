import { readFileSync } from 'node:fs';
import { BundleSet, WitBundle } from 'svidkit/bundle';
import { decodeWitUnverified, type VerifyWitOptions, verifyWit } from 'svidkit/wit';
import { describe, expect, it } from 'vitest';
import { type KeyKind, keyPair } from '../support/key-pairs.js';
import { rejectionOf } from '../support/rejections.js';
import { bundles, clock, confirmation, NOW, wit } from '../support/wit-domain.js';

const example = JSON.parse(
  readFileSync(new URL('../vectors/spiffe-wit-svid-example.json', import.meta.url), 'utf8'),
) as { token: string; header: object; claims: object };

const ED25519 = keyPair('Ed25519').privateKey;

function outcome(token: string, options: VerifyWitOptions = {}): Promise<string> {
  return rejectionOf(verifyWit(token, bundles, { clock, ...options }));
}

describe('the spiffe profile (WIT-SVID)', () => {
  it('appendix A: the example is read as it is printed', () => {
    const { header, claims } = decodeWitUnverified(example.token);
    expect(header).toEqual(example.header);
    expect(claims).toEqual(example.claims);
  });

  it('2.1: kid is mandatory', async () => {
    const token = wit({ header: { kid: undefined } });
    expect(await outcome(token)).toBe('missing_kid');
    expect(await outcome(token, { profiles: ['spiffe'] })).toBe('missing_kid');
    expect(await outcome(token, { profiles: ['wimse'] })).toBe('accepted');
  });

  it.each(['application/wit+jwt', 'WIT+JWT', 'Wit+jwt', 'wit+jwt '])(
    'threat 10: 2.2: typ %j is not wit+jwt',
    async (typ) => {
      expect(await outcome(wit({ header: { typ } }))).toBe('wrong_typ');
    },
  );

  it.each([
    ['RS256', 'RSA'],
    ['RS384', 'RSA'],
    ['RS512', 'RSA'],
    ['PS256', 'RSA'],
    ['PS384', 'RSA'],
    ['PS512', 'RSA'],
    ['ES256', 'P-256'],
    ['ES384', 'P-384'],
    ['ES512', 'P-521'],
  ] satisfies [string, KeyKind][])('2.3 and 3.2: %s is supported, for the signature and in cnf', async (alg, kind) => {
    const { privateKey } = keyPair(kind);
    const source = new BundleSet([new WitBundle('example.org', [{ kid: 'k1', key: privateKey }])]);
    const token = wit({ header: { alg }, claims: { cnf: confirmation(privateKey, alg) }, key: privateKey });
    expect((await verifyWit(token, source, { clock })).alg).toBe(alg);
  });

  it.each(['EdDSA', 'Ed25519'])('2.3 and 3.2: %s is refused, for the signature and in cnf', async (alg) => {
    const signed = wit({ header: { alg }, key: ED25519 });
    expect(await outcome(signed)).toBe('unsupported_alg');
    const bound = wit({ claims: { cnf: confirmation(ED25519, alg) } });
    expect(await outcome(bound)).toBe('unsupported_cnf_alg');
    expect(await outcome(bound, { profiles: ['spiffe'] })).toBe('unsupported_cnf_alg');
    expect(await outcome(bound, { profiles: ['wimse'] })).toBe('accepted');
  });

  it('3.1: the subject is a SPIFFE ID', async () => {
    const token = wit({ claims: { sub: 'wimse://example.org/planner' } });
    expect(await outcome(token, { profiles: ['spiffe'] })).toBe('bad_sub');
  });

  it('3.5: nbf is enforced; 3.6: iat in the future limits nothing', async () => {
    expect(await outcome(wit({ claims: { nbf: NOW + 60 } }), { profiles: ['spiffe'] })).toBe('not_yet_valid');
    expect(await outcome(wit({ claims: { iat: NOW + 1_000_000 } }), { profiles: ['spiffe'] })).toBe('accepted');
  });

  it.each([[[]], [['https://a.example']], ['https://a.example'], [''], [null]])(
    '3.8: aud %j must not be there',
    async (aud) => {
      expect(await outcome(wit({ claims: { aud } }))).toBe('aud_present');
      expect(await outcome(wit({ claims: { aud } }), { profiles: ['wimse'] })).toBe('accepted');
    },
  );

  it('3.8: claims that nobody knows are passed over, and so are header parameters (2.4)', async () => {
    expect(await outcome(wit({ header: { note: 'x' }, claims: { 'example.com/role': ['a'] } }))).toBe('accepted');
  });
});
