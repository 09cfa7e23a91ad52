import { createPrivateKey, createSecretKey, sign } from 'node:crypto';
import fc from 'fast-check';
import * as jose from 'jose';
import { describe, expect, it } from 'vitest';
import { readPublicJwk, readPublicKey } from '../../src/internal/jwk.js';
import {
  ASYMMETRIC_ALGORITHMS,
  algorithmFits,
  isJwsAlgorithm,
  type JwsAlgorithm,
  SPIFFE_ALGORITHMS,
  signJws,
  verifyJws,
} from '../../src/internal/jws-algorithm.js';
import { KIND_OF, keyPair } from '../support/key-pairs.js';

const ALGORITHMS = [...ASYMMETRIC_ALGORITHMS];
const KINDS = [...new Set(Object.values(KIND_OF))];
const ECDSA = ['ES256', 'ES384', 'ES512'] as const;
const ORDERS = {
  ES256: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
  ES384: 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
  ES512: BigInt(`0x01${'ff'.repeat(32)}fa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409`),
};
const INPUT = Buffer.from('header.payload');

const bytes = (n: bigint, size: number): Buffer => Buffer.from(n.toString(16).padStart(size * 2, '0'), 'hex');
const toNumber = (part: Uint8Array): bigint => BigInt(`0x${Buffer.from(part).toString('hex')}`);

describe('JWS algorithms', () => {
  it('threat 1: knows its own names, byte for byte, and no symmetric or empty one', () => {
    expect(ALGORITHMS.every(isJwsAlgorithm)).toBe(true);
    for (const name of ['none', 'None', 'NONE', '', 'HS256', 'HS512', 'es256', 'ES256K', 'Ed448', 'RSA-OAEP', 'dir']) {
      expect(isJwsAlgorithm(name)).toBe(false);
    }
    for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty'])
      expect(isJwsAlgorithm(name)).toBe(false);
    expect(isJwsAlgorithm('ES256 ')).toBe(false);
    expect([...SPIFFE_ALGORITHMS].filter((name) => name.startsWith('Ed'))).toEqual([]);
    expect(SPIFFE_ALGORITHMS.size).toBe(9);
  });

  it.each(ALGORITHMS)('%s: verifies what it signs, and nothing else', (alg) => {
    const { publicKey, privateKey } = keyPair(KIND_OF[alg]);
    const signature = signJws(alg, privateKey, INPUT);
    expect(verifyJws(alg, publicKey, INPUT, signature)).toBe(true);
    expect(verifyJws(alg, publicKey, Buffer.from('header.payloaD'), signature)).toBe(false);
    expect(verifyJws(alg, keyPair(KIND_OF[alg], 'other').publicKey, INPUT, signature)).toBe(false);
  });

  it.each(ALGORITHMS)('%s: agrees with jose in both directions', async (alg) => {
    const { publicKey, privateKey } = keyPair(KIND_OF[alg]);
    const theirs = await new jose.CompactSign(Buffer.from('{}')).setProtectedHeader({ alg }).sign(privateKey);
    const [header, payload, signature = ''] = theirs.split('.');
    const input = Buffer.from(`${header}.${payload}`);
    expect(verifyJws(alg, publicKey, input, Buffer.from(signature, 'base64url'))).toBe(true);
    const mine = Buffer.from(signJws(alg, privateKey, input)).toString('base64url');
    await expect(jose.compactVerify(`${header}.${payload}.${mine}`, publicKey)).resolves.toBeDefined();
  });

  it.each(ALGORITHMS)('threat 2: %s fits keys of its own type and curve only', (alg) => {
    for (const kind of KINDS) {
      const { publicKey, privateKey } = keyPair(kind);
      const fits = kind === KIND_OF[alg];
      expect(algorithmFits(alg, readPublicKey(publicKey))).toBe(fits);
      if (fits) continue;
      expect(verifyJws(alg, publicKey, INPUT, Buffer.alloc(64, 1))).toBe(false);
      expect(() => signJws(alg, privateKey, INPUT)).toThrow(TypeError);
    }
  });

  it('threat 2: heeds alg and key_ops of the JWK, by exact text', () => {
    const jwk = keyPair('Ed25519').publicKey.export({ format: 'jwk' });
    const fits = (members: object, alg: JwsAlgorithm) => algorithmFits(alg, readPublicJwk({ ...jwk, ...members }));
    expect(fits({ alg: 'EdDSA' }, 'EdDSA')).toBe(true);
    expect(fits({ alg: 'EdDSA' }, 'Ed25519')).toBe(false);
    expect(fits({ alg: 'Ed25519' }, 'EdDSA')).toBe(false);
    expect(fits({ alg: 'eddsa' }, 'EdDSA')).toBe(false);
    expect(fits({ key_ops: ['sign', 'verify'] }, 'EdDSA')).toBe(true);
    expect(fits({ key_ops: ['sign'] }, 'EdDSA')).toBe(false);
    expect(fits({ key_ops: [] }, 'EdDSA')).toBe(false);
    const rsa = readPublicJwk({ ...keyPair('RSA').publicKey.export({ format: 'jwk' }), alg: 'RS256' });
    expect(algorithmFits('RS256', rsa)).toBe(true);
    expect(algorithmFits('PS256', rsa)).toBe(false);
  });

  it('threat 2: no RSA signature passes for another padding, hash or salt', () => {
    const { publicKey, privateKey } = keyPair('RSA');
    const rsa = ALGORITHMS.filter((alg) => KIND_OF[alg] === 'RSA');
    for (const signed of rsa) {
      const signature = signJws(signed, privateKey, INPUT);
      for (const alg of rsa) expect(verifyJws(alg, publicKey, INPUT, signature)).toBe(alg === signed);
    }
    const unsalted = sign('sha256', INPUT, { key: privateKey, padding: 6, saltLength: 0 });
    expect(verifyJws('PS256', publicKey, INPUT, unsalted)).toBe(false);
  });

  it('threat 1: never takes a secret or a private key for a public one', () => {
    const { publicKey, privateKey } = keyPair('P-256');
    const secret = createSecretKey(publicKey.export({ format: 'der', type: 'spki' }));
    expect(verifyJws('ES256', secret, INPUT, Buffer.alloc(64, 1))).toBe(false);
    expect(verifyJws('ES256', privateKey, INPUT, signJws('ES256', privateKey, INPUT))).toBe(false);
    expect(() => signJws('ES256', publicKey, INPUT)).toThrow(TypeError);
    expect(() => signJws('ES256', secret, INPUT)).toThrow(TypeError);
  });

  it.each(ECDSA)('threat 21: %s accepts high s, which published tokens have', (alg) => {
    const { publicKey, privateKey } = keyPair(KIND_OF[alg]);
    const signature = signJws(alg, privateKey, INPUT);
    const size = signature.length / 2;
    const s = toNumber(signature.subarray(size));
    const twin = Buffer.concat([signature.subarray(0, size), bytes(ORDERS[alg] - s, size)]);
    expect(verifyJws(alg, publicKey, INPUT, twin)).toBe(true);
  });

  it.each(ECDSA)('threat 21: %s refuses r and s of 0, of the order and beyond', (alg) => {
    const { publicKey, privateKey } = keyPair(KIND_OF[alg]);
    const signature = signJws(alg, privateKey, INPUT);
    const size = signature.length / 2;
    const [r, s] = [toNumber(signature.subarray(0, size)), toNumber(signature.subarray(size))];
    const n = ORDERS[alg];
    const pairs = [
      [0n, s],
      [r, 0n],
      [0n, 0n],
      [n, s],
      [r, n],
      [n, n],
      [0n, n],
      [n, 0n],
      [1n, 1n],
    ] as const;
    for (const pair of pairs) {
      const forged = Buffer.concat(pair.map((part) => bytes(part, size)));
      expect(verifyJws(alg, publicKey, INPUT, forged)).toBe(false);
    }
    const most = Buffer.alloc(size * 2, 0xff);
    expect(verifyJws(alg, publicKey, INPUT, most)).toBe(false);
    if (r + n < 2n ** BigInt(size * 8)) {
      expect(verifyJws(alg, publicKey, INPUT, Buffer.concat([bytes(r + n, size), bytes(s, size)]))).toBe(false);
    }
  });

  it.each(ALGORITHMS)('threat 21: %s has signatures of one length only', (alg) => {
    const { publicKey, privateKey } = keyPair(KIND_OF[alg]);
    const signature = Buffer.from(signJws(alg, privateKey, INPUT));
    expect(signature.length).toBe({ RSA: 256, 'P-256': 64, 'P-384': 96, 'P-521': 132, Ed25519: 64 }[KIND_OF[alg]]);
    for (const other of [
      signature.subarray(1),
      signature.subarray(0, -1),
      Buffer.concat([signature, Buffer.alloc(1)]),
      Buffer.concat([Buffer.alloc(1), signature]),
      Buffer.concat([signature, signature]),
      Buffer.alloc(0),
    ]) {
      expect(verifyJws(alg, publicKey, INPUT, other)).toBe(false);
    }
  });

  it('threat 21: refuses the DER form', () => {
    const { publicKey, privateKey } = keyPair('P-256');
    for (let round = 0; round < 8; round += 1) {
      expect(verifyJws('ES256', publicKey, INPUT, sign('sha256', INPUT, privateKey))).toBe(false);
    }
  });

  it('threat 22: refuses an Ed25519 S of the order or more, and an R of small order', () => {
    const { publicKey, privateKey } = keyPair('Ed25519');
    const order = 2n ** 252n + 27742317777372353535851937790883648493n;
    const signature = Buffer.from(signJws('EdDSA', privateKey, INPUT));
    const s = toNumber(Buffer.from(signature.subarray(32)).reverse());
    const twin = Buffer.concat([signature.subarray(0, 32), bytes(s + order, 32).reverse()]);
    expect(verifyJws('EdDSA', publicKey, INPUT, twin)).toBe(false);
    for (const r of [Buffer.alloc(32), Buffer.from([1, ...Buffer.alloc(31)])]) {
      expect(verifyJws('EdDSA', publicKey, INPUT, Buffer.concat([r, signature.subarray(32)]))).toBe(false);
      expect(verifyJws('EdDSA', publicKey, INPUT, Buffer.concat([r, Buffer.alloc(32)]))).toBe(false);
    }
  });

  it('never throws and never accepts, whatever bytes a stranger signs with', () => {
    const candidates = fc.constantFrom(...ALGORITHMS).chain((alg) => {
      const length = signJws(alg, keyPair(KIND_OF[alg]).privateKey, INPUT).length;
      return fc.tuple(fc.constant(alg), fc.uint8Array({ minLength: length, maxLength: length }));
    });
    fc.assert(
      fc.property(candidates, ([alg, signature]) => {
        expect(verifyJws(alg, keyPair(KIND_OF[alg]).publicKey, INPUT, signature)).toBe(false);
      }),
    );
  });

  it('RFC 8037 appendix A.4: gives the published signature', () => {
    const d = 'nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A';
    const x = '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo';
    const key = createPrivateKey({ key: { kty: 'OKP', crv: 'Ed25519', d, x }, format: 'jwk' });
    const input = Buffer.from('eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc');
    expect(Buffer.from(signJws('EdDSA', key, input)).toString('base64url')).toBe(
      'hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg',
    );
  });
});
