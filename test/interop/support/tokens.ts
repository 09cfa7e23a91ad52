import { constants, createHmac, createPublicKey, type KeyObject, sign } from 'node:crypto';
import { segment } from '../../support/raw-token.js';

export type Alg = keyof typeof SIGNERS;

export interface TokenParts {
  /** An object, or the exact text of one. */
  readonly header: object | string;
  /** An object, or the exact text or bytes of one. */
  readonly payload: object | string | Uint8Array;
  readonly key: KeyObject;
  /** How to sign. Default: the header's `alg`. */
  readonly alg?: Alg;
  /** Changes the signature before it is attached. */
  readonly bend?: (signature: Buffer) => Uint8Array;
  /** Changes one segment after it has been encoded and before anything is signed. */
  readonly spell?: { readonly header?: (text: string) => string; readonly payload?: (text: string) => string };
}

/** A compact JWS made by hand, so that wrong ones are possible. */
export function token({ header, payload, key, alg, bend, spell }: TokenParts): string {
  const name = alg ?? (header as { readonly alg: Alg }).alg;
  const head = (spell?.header ?? same)(segment(header));
  const body = (spell?.payload ?? same)(segment(payload));
  const signature = SIGNERS[name](Buffer.from(`${head}.${body}`), key);
  return `${head}.${body}.${Buffer.from(bend?.(signature) ?? signature).toString('base64url')}`;
}

/** The other valid signature of ECDSA on P-256: s becomes n - s, so that one of the two has a high s. */
export function withHighS(signature: Buffer): Buffer {
  const order = BigInt('0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551');
  const s = BigInt(`0x${signature.subarray(32).toString('hex')}`);
  const high = s > order / 2n ? s : order - s;
  return Buffer.concat([signature.subarray(0, 32), Buffer.from(high.toString(16).padStart(64, '0'), 'hex')]);
}

const same = (text: string): string => text;

const ecdsa = (hash: string) => (input: Buffer, key: KeyObject) =>
  sign(hash, input, { key, dsaEncoding: 'ieee-p1363' });
const pkcs1 = (hash: string) => (input: Buffer, key: KeyObject) => sign(hash, input, key);
const pss = (hash: string, saltLength: number) => (input: Buffer, key: KeyObject) =>
  sign(hash, input, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength });

const SIGNERS = {
  ES256: ecdsa('sha256'),
  ES384: ecdsa('sha384'),
  ES512: ecdsa('sha512'),
  ES256K: ecdsa('sha256'),
  RS1: pkcs1('sha1'),
  RS256: pkcs1('sha256'),
  RS384: pkcs1('sha384'),
  RS512: pkcs1('sha512'),
  PS256: pss('sha256', 32),
  PS384: pss('sha384', 48),
  PS512: pss('sha512', 64),
  'PS256 with a short salt': pss('sha256', 20),
  'ES256 in DER': (input: Buffer, key: KeyObject) => sign('sha256', input, key),
  EdDSA: (input: Buffer, key: KeyObject) => sign(null, input, key),
  Ed25519: (input: Buffer, key: KeyObject) => sign(null, input, key),
  /** With the public key as the secret. */
  HS256: (input: Buffer, key: KeyObject) =>
    createHmac('sha256', createPublicKey(key).export({ format: 'pem', type: 'spki' }))
      .update(input)
      .digest(),
  none: () => Buffer.alloc(0),
} as const satisfies Record<string, (input: Buffer, key: KeyObject) => Buffer>;
