import type { webcrypto } from 'node:crypto';

/**
 * The declarations of `@peculiar/x509` and `@peculiar/webcrypto` use the names of the DOM library, which this project
 * does not load. These are the same types under their Node names. The file is not published.
 */
declare global {
  type Algorithm = webcrypto.Algorithm;
  type AlgorithmIdentifier = webcrypto.AlgorithmIdentifier;
  type BufferSource = webcrypto.BufferSource;
  type Crypto = Omit<webcrypto.Crypto, 'CryptoKey'>;
  type CryptoKey = webcrypto.CryptoKey;
  type CryptoKeyPair = webcrypto.CryptoKeyPair;
  type EcKeyGenParams = webcrypto.EcKeyGenParams;
  type EcKeyImportParams = webcrypto.EcKeyImportParams;
  type EcdsaParams = webcrypto.EcdsaParams;
  type KeyAlgorithm = webcrypto.KeyAlgorithm;
  type KeyType = webcrypto.KeyType;
  type KeyUsage = webcrypto.KeyUsage;
  type RsaHashedImportParams = webcrypto.RsaHashedImportParams;
  type SubtleCrypto = webcrypto.SubtleCrypto;
}
