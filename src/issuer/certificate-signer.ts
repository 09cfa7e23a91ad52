import 'reflect-metadata';
import type { KeyObject } from 'node:crypto';
import { Crypto as NodeCrypto } from '@peculiar/webcrypto';
import { PublicKey } from '@peculiar/x509';
import type { KeyType } from './key-type.js';

/** A key that signs certificates, and the name under which it does. */
export interface CertificateSigner {
  readonly name: readonly NameAttribute[];
  readonly keyType: KeyType;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

/** One attribute of a distinguished name, in the order it is written. */
export interface NameAttribute {
  /** A short name such as `O`, or an object identifier. */
  readonly type: string;
  readonly value: string;
}

export interface SignatureAlgorithm extends Algorithm {
  readonly namedCurve?: string;
  readonly hash?: string;
}

/** The crypto provider of `@peculiar/x509`, so that the global one is left alone. */
export const provider: NodeCrypto = new NodeCrypto();

/** A name as `@peculiar/x509` takes it. */
export function toJsonName(name: readonly NameAttribute[]): Array<Record<string, string[]>> {
  return name.map(({ type, value }) => ({ [type]: [value] }));
}

export function toPublicKey(key: KeyObject): PublicKey {
  return new PublicKey(key.export({ format: 'der', type: 'spki' }));
}

export async function toSigningKey({ privateKey, keyType }: CertificateSigner): Promise<CryptoKey> {
  const der = privateKey.export({ format: 'der', type: 'pkcs8' });
  return await provider.subtle.importKey('pkcs8', der, signatureAlgorithm(keyType), false, ['sign']);
}

export function signatureAlgorithm(keyType: KeyType): SignatureAlgorithm {
  switch (keyType) {
    case 'ec-p256':
      return { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
    case 'ec-p384':
      return { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' };
    case 'rsa-2048':
      return { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
    case 'ed25519':
      return { name: 'EdDSA', namedCurve: 'Ed25519' };
  }
}
