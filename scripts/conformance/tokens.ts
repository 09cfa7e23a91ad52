import { createHash } from 'node:crypto';
import { type KeyName, publicJwk } from './keys.js';
import { type Algorithm, signatures } from './signatures.js';

/** Seconds since the epoch: the moment of every case that names no other. */
export const NOW = 1_800_000_000;

export interface JwsParts {
  /** An object, or the exact text of one. */
  readonly header: object | string;
  readonly payload: object | string | Uint8Array;
  readonly key: KeyName;
  readonly alg: Algorithm;
  /** Changes the signature before it is attached. */
  readonly bend?: ((signature: Buffer, input: string) => Uint8Array) | undefined;
  /** Changes the payload segment before it is signed. */
  readonly spell?: ((segment: string) => string) | undefined;
}

/** A compact JWS, made by hand so that wrong ones are possible. */
export function jws({ header, payload, key, alg, bend, spell = (text) => text }: JwsParts): string {
  const input = `${segment(header)}.${spell(segment(payload))}`;
  const signature = signatures.sign(alg, key, input);
  return `${input}.${Buffer.from(bend?.(signature, input) ?? signature).toString('base64url')}`;
}

export function hash(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}

export function segment(content: object | string | Uint8Array): string {
  const bytes = typeof content === 'string' || content instanceof Uint8Array ? content : JSON.stringify(content);
  return Buffer.from(bytes).toString('base64url');
}

/** A `cnf` claim. */
export function confirmation(key: KeyName, alg: string): { readonly jwk: object } {
  return { jwk: { ...publicJwk(key), alg } };
}

/** Who calls in the suites of proofs, and who answers. */
export const CALLERS = {
  /** Held to the `spiffe` profile. */
  planner: { id: 'spiffe://example.org/agents/planner', key: 'planner-p256', alg: 'ES256' },
  rsa: { id: 'spiffe://example.org/agents/packer', key: 'planner-rsa', alg: 'RS256' },
  /** Held to the `wimse` profile; proofs of EdDSA are the same each time. */
  courier: { id: 'wimse://example.org/agents/courier', key: 'courier-ed25519', alg: 'EdDSA' },
  orders: { id: 'wimse://example.org/tools/orders', key: 'orders-ed25519', alg: 'EdDSA' },
} as const satisfies Record<string, Caller>;

export interface Caller {
  readonly id: string;
  readonly key: KeyName;
  readonly alg: Algorithm;
}

/** A good WIT of a caller, with other claims if wanted. */
export function witOf({ id, key, alg }: Caller, claims: object = {}): string {
  const [signer, signedBy] = id.startsWith('spiffe:')
    ? (['ES256', 'example-p256'] as const)
    : (['EdDSA', 'example-ed25519'] as const);
  return jws({
    header: { alg: signer, kid: 'k1', typ: 'wit+jwt' },
    payload: { sub: id, iat: NOW, exp: NOW + 3600, cnf: confirmation(key, alg), ...claims },
    key: signedBy,
    alg: signer,
  });
}

const key = (name: KeyName, kid: string | undefined, more: object = {}): object => ({
  ...publicJwk(name),
  kid,
  use: 'wit-svid',
  ...more,
});

/** The keys that verifiers hold. One kid names different keys in different trust domains. */
export const TRUST = {
  default: {
    'spiffe://example.org': {
      keys: [
        key('example-p256', 'k1'),
        key('example-p384', 'k2'),
        key('example-rsa', 'k3', { alg: 'RS256' }),
        key('example-jwt', 'k4', { use: 'jwt-svid' }),
      ],
    },
    'wimse://example.org': { keys: [key('example-ed25519', 'k1')] },
    'spiffe://other.test': { keys: [key('other-p256', 'k1')] },
  },
  'one kid for two uses': {
    'spiffe://example.org': { keys: [key('example-jwt', 'k1', { use: 'jwt-svid' }), key('example-p256', 'k1')] },
  },
  'no keys': { 'spiffe://example.org': { keys: [] } },
  'a key without alg': { 'spiffe://example.org': { keys: [key('example-rsa', 'k3')] } },
  'a key that may only encrypt': {
    'spiffe://example.org': { keys: [key('example-p256', 'k1', { key_ops: ['encrypt'] })] },
  },
} as const;

export type TrustName = keyof typeof TRUST;
