import type { KeyObject } from 'node:crypto';
import { BundleSet, WitBundle } from 'svidkit/bundle';
import { verifyWit } from 'svidkit/wit';
import { describe, expect, it } from 'vitest';
import { publicJwkOf } from '../../src/internal/jwk.js';
import { ASYMMETRIC_ALGORITHMS } from '../../src/internal/jws-algorithm.js';
import { readConfirmationKey } from '../../src/wit/confirmation-key.js';
import { keyPair } from '../support/key-pairs.js';
import { rejectionOf } from '../support/rejections.js';
import { authority, clock, wit, workload } from '../support/wit-domain.js';

const bundles = new BundleSet([new WitBundle('wimse://example.org', [{ kid: 'k1', key: authority }])]);

function outcome(cnf: unknown): Promise<string> {
  const token = wit({ claims: { sub: 'wimse://example.org/planner', cnf } });
  return rejectionOf(verifyWit(token, bundles, { clock }));
}

function jwk(members: object = {}, key: KeyObject = workload): object {
  return { jwk: { ...publicJwkOf(key), alg: 'ES256', ...members } };
}

describe('the key in cnf', () => {
  it('is accepted with the members that matter, and others that do not', async () => {
    expect(await outcome(jwk())).toBe('accepted');
    expect(await outcome(jwk({ kid: 'x', use: 'sig', key_ops: ['verify'], note: 'y' }))).toBe('accepted');
    expect(await outcome({ ...jwk(), kid: 'x' })).toBe('accepted');
  });

  it.each([
    ['missing_cnf', undefined],
    ['bad_cnf', null],
    ['bad_cnf', 'x'],
    ['bad_cnf', []],
    ['bad_cnf', [jwk()]],
    ['bad_cnf', {}],
    ['bad_cnf', { jwk: null }],
    ['bad_cnf', { jwk: [publicJwkOf(workload)] }],
    ['bad_cnf', { jwk: 'x' }],
    ['bad_cnf', { kid: 'x' }],
    ['bad_cnf', { jku: 'https://attacker.example', kid: 'x' }],
    ['bad_cnf', { jwe: 'x.y.z.a.b' }],
    ['bad_cnf', { x5u: 'https://attacker.example' }],
    ['bad_cnf', { ...jwk(), jku: 'https://attacker.example' }],
    ['bad_cnf', { ...jwk(), jwe: 'x' }],
    ['bad_cnf', { ...jwk(), x5u: 'https://attacker.example' }],
    ['bad_cnf', jwk({ use: 'enc' })],
  ])('threat 4: %s: %j', async (code, cnf) => {
    expect(await outcome(cnf)).toBe(code);
  });

  it.each(['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'])(
    'threat 4: a member %s is private and refuses',
    async (name) => {
      expect(await outcome(jwk({ [name]: 'AAAA' }))).toBe('private_key_member');
    },
  );

  it('threat 4: a symmetric key is refused', async () => {
    expect(await outcome({ jwk: { kty: 'oct', k: 'c2VjcmV0', alg: 'HS256' } })).toBe('unsupported_cnf_alg');
    expect(await outcome({ jwk: { kty: 'oct', k: 'c2VjcmV0', alg: 'ES256' } })).toBe('unsupported_key');
  });

  it.each([
    ['missing_cnf_alg', undefined],
    ['missing_cnf_alg', null],
    ['missing_cnf_alg', 256],
    ['missing_cnf_alg', ['ES256']],
    ['unsupported_cnf_alg', ''],
    ['unsupported_cnf_alg', 'none'],
    ['unsupported_cnf_alg', 'HS256'],
    ['unsupported_cnf_alg', 'RSA-OAEP'],
    ['unsupported_cnf_alg', 'ECDH-ES'],
    ['unsupported_cnf_alg', 'es256'],
    ['unsupported_cnf_alg', 'toString'],
    ['cnf_alg_mismatch', 'ES384'],
    ['cnf_alg_mismatch', 'RS256'],
    ['cnf_alg_mismatch', 'EdDSA'],
  ])('threat 3: %s: alg %j', async (code, alg) => {
    expect(await outcome(jwk({ alg }))).toBe(code);
  });

  it('threat 3: a key that may not verify is refused', async () => {
    expect(await outcome(jwk({ key_ops: ['sign'] }))).toBe('cnf_alg_mismatch');
  });

  it('threat 5: weak and malformed keys are refused', async () => {
    const x = Buffer.alloc(32, 1).toString('base64url');
    expect(await outcome(jwk({ x, y: x }))).toBe('malformed_key');
    expect(await outcome({ jwk: { kty: 'EC', crv: 'secp256k1', x, y: x, alg: 'ES256' } })).toBe('unsupported_key');
    expect(await outcome({ jwk: { kty: 'OKP', crv: 'X25519', x, alg: 'EdDSA' } })).toBe('unsupported_key');
    const identity = Buffer.concat([Buffer.from([1]), Buffer.alloc(31)]).toString('base64url');
    expect(await outcome({ jwk: { kty: 'OKP', crv: 'Ed25519', x: identity, alg: 'EdDSA' } })).toBe('weak_key');
    const n = Buffer.alloc(64, 255).toString('base64url');
    expect(await outcome({ jwk: { kty: 'RSA', n, e: 'AQAB', alg: 'RS256' } })).toBe('weak_key');
    const rsa = publicJwkOf(keyPair('RSA').publicKey);
    expect(await outcome({ jwk: { ...rsa, alg: 'PS256' } })).toBe('accepted');
    expect(await outcome({ jwk: { ...rsa, e: 'AQ', alg: 'PS256' } })).toBe('weak_key');
  });
});

describe('a key that was imported before', () => {
  const confirmed = async (cnf: unknown): Promise<KeyObject> => {
    const token = wit({ claims: { sub: 'wimse://example.org/planner', cnf } });
    return (await verifyWit(token, bundles, { clock })).confirmationKey;
  };

  it('is not imported again', async () => {
    const cnf = jwk({}, keyPair('P-256', 'imported once').privateKey);
    expect(await confirmed(cnf)).toBe(await confirmed(cnf));
  });

  it('threat 4: threat 3: vouches for no other text of itself', async () => {
    expect(await outcome(jwk())).toBe('accepted');
    expect(await outcome(jwk({ use: 'enc' }))).toBe('bad_cnf');
    expect(await outcome(jwk({ key_ops: ['sign'] }))).toBe('cnf_alg_mismatch');
    expect(await outcome(jwk({ alg: 'ES384' }))).toBe('cnf_alg_mismatch');
    expect(await outcome(jwk({ d: 'AAAA' }))).toBe('private_key_member');
    expect(await outcome(jwk({ crv: 'P-384' }))).toBe('malformed_key');
    expect(await outcome(jwk())).toBe('accepted');
  });

  it('is forgotten once a thousand others have come', () => {
    const wide = {
      name: 'wimse',
      algorithms: ASYMMETRIC_ALGORITHMS,
      kidRequired: false,
      isType: () => true,
      audAllowed: true,
    } as const;
    const read = (kid: string) =>
      readConfirmationKey({ cnf: { jwk: { ...publicJwkOf(workload), alg: 'ES256', kid } } }, wide);
    const first = read('first').publicKey;
    expect(read('first').publicKey).toBe(first);
    for (let count = 0; count < 1000; count += 1) read(`other ${count}`);
    expect(read('other 999').publicKey).toBe(read('other 999').publicKey);
    expect(read('first').publicKey).not.toBe(first);
    expect(read('first').publicKey.thumbprint).toBe(first.thumbprint);
  });
});
