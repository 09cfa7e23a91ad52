import { createPrivateKey, type KeyObject } from 'node:crypto';
import { parseSpiffeBundle, parseX509BundlePem, type X509Bundle } from '../bundle/index.js';
import { X509SvidError } from '../errors/index.js';
import type { TrustDomain } from '../id/index.js';
import { decodePem, type PemBlock } from '../internal/pem.js';
import { parseX509Svid, type X509Svid, type X509SvidOptions } from '../x509-svid/index.js';
import type { FileTexts } from './file-texts.js';

/** Where the parts of one X.509-SVID are; both may be in one file. */
export interface X509SvidPaths {
  readonly certificates: string;
  readonly privateKey: string;
}

const KEY_TYPES: ReadonlyMap<string, 'pkcs8' | 'sec1' | 'pkcs1'> = new Map([
  ['PRIVATE KEY', 'pkcs8'],
  ['EC PRIVATE KEY', 'sec1'],
  ['RSA PRIVATE KEY', 'pkcs1'],
]);

/** Reads certificates and key, and checks that they belong together. @throws `FileSourceError`. */
export function readX509SvidFiles(files: FileTexts, paths: X509SvidPaths, options: X509SvidOptions): X509Svid {
  const certificates = files.read(paths.certificates, 'bad_identity', 'the certificates', readChain);
  const privateKey = files.read(paths.privateKey, 'bad_identity', 'the private key', readPrivateKey);
  return files.read(paths.certificates, 'bad_identity', 'the X.509-SVID', () =>
    parseX509Svid({ certificates, privateKey, ...options }),
  );
}

/** A bundle in PEM, or the X.509 part of a SPIFFE bundle document, which is JSON. */
export function parseX509BundleFile(trustDomain: TrustDomain, text: string): X509Bundle {
  if (text.trimStart().startsWith('{')) return parseSpiffeBundle(trustDomain, text).x509;
  return parseX509BundlePem(trustDomain, text);
}

function readChain(text: string): Uint8Array {
  const blocks = decodePem(text).filter(({ label }) => label === 'CERTIFICATE');
  return new Uint8Array(Buffer.concat(blocks.map(({ der }) => der)));
}

function readPrivateKey(text: string): KeyObject {
  const keys = decodePem(text).filter(({ label }) => KEY_TYPES.has(label));
  const [key] = keys;
  if (key === undefined || keys.length > 1) {
    throw new X509SvidError('bad_private_key', 'there must be exactly one private key, which is not encrypted');
  }
  return importKey(key);
}

/** The error of node:crypto is dropped: nothing that has seen the key goes into an error. */
function importKey({ label, der }: PemBlock): KeyObject {
  try {
    return createPrivateKey({ key: Buffer.from(der), format: 'der', type: KEY_TYPES.get(label) ?? 'pkcs8' });
  } catch {
    throw new X509SvidError('bad_private_key', 'the private key cannot be read');
  }
}
