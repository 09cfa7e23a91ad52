import { constants } from 'node:crypto';

const PSS = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 64 };
const P1363 = { dsaEncoding: 'ieee-p1363' } as const;

/** RFC 9421 section 3.3 in the terms of node:crypto, apart from svidkit's own table. */
export function nodeAlgorithm(name: string): { readonly hash: string | null; readonly options: object } {
  switch (name) {
    case 'ed25519':
      return { hash: null, options: {} };
    case 'ecdsa-p256-sha256':
      return { hash: 'sha256', options: P1363 };
    case 'ecdsa-p384-sha384':
      return { hash: 'sha384', options: P1363 };
    case 'rsa-pss-sha512':
      return { hash: 'sha512', options: PSS };
    case 'rsa-v1_5-sha256':
      return { hash: 'sha256', options: {} };
    default:
      throw new Error(`no algorithm ${name}`);
  }
}
