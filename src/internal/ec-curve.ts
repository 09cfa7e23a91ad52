import type { JwkCurve } from './jwk-material.js';

interface WeierstrassCurve {
  readonly p: bigint;
  readonly b: bigint;
}

/** FIPS 186-4 appendix D.1.2; `a` is -3 on all three, and the cofactor is 1. */
const CURVES: ReadonlyMap<JwkCurve, WeierstrassCurve> = new Map([
  [
    'P-256',
    {
      p: 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n,
      b: 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn,
    },
  ],
  [
    'P-384',
    {
      p: 2n ** 384n - 2n ** 128n - 2n ** 96n + 2n ** 32n - 1n,
      b: 0xb3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aefn,
    },
  ],
  [
    'P-521',
    {
      p: 2n ** 521n - 1n,
      b: 0x0051953eb9618e1c9a1f929a21a0b68540eea2da725b99b315f3b8b489918ef109e156193951ec7e937b1652c0bd3bb1bf073573df883d2c34f1ef451fd46b503f00n,
    },
  ],
]);

/** Whether the coordinates, big endian, are reduced and satisfy the equation of the curve. */
export function isOnCurve(curve: JwkCurve, x: Uint8Array, y: Uint8Array): boolean {
  const parameters = CURVES.get(curve);
  if (parameters === undefined) return false;
  const { p, b } = parameters;
  const u = toBigint(x);
  const v = toBigint(y);
  return u < p && v < p && (v * v - (u * u * u - 3n * u + b)) % p === 0n;
}

function toBigint(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')}`);
}
