import { createPrivateKey, createPublicKey, KeyObject } from 'node:crypto';
import { X509SvidError } from '../errors/index.js';
import { SpiffeId } from '../id/index.js';
import { type Certificate, fieldsOf, parseCertificate, splitCertificates } from '../internal/certificate.js';
import { readDer, Tag } from '../internal/der.js';
import { decodePem } from '../internal/pem.js';
import { asRoomError } from '../internal/room-error.js';
import { checkCa, nameOf } from './authority-rules.js';
import { isSignedBy } from './build-path.js';
import { checkLeaf, readLeafId } from './leaf-rules.js';
import { MAX_CHAIN } from './verify-x509-svid.js';
import { createX509Svid, type X509Svid } from './x509-svid.js';

export interface X509SvidOptions {
  /** What the SVID is for, as the Workload API says it; an empty text is no hint. Default: none. */
  readonly hint?: string | undefined;
  /** The identifier that the leaf must carry, as the Workload API names it. Default: whichever it carries. */
  readonly id?: SpiffeId | undefined;
}

export interface X509SvidMaterial extends X509SvidOptions {
  /** Certificates in DER, one after the other: the leaf, then intermediates. */
  readonly certificates: Uint8Array;
  /** The private key of the leaf: PKCS#8 in DER, or a KeyObject. */
  readonly privateKey: Uint8Array | KeyObject;
}

const MAX_KEY_BYTES = 16 * 1024;
const PKCS8_LABEL = 'PRIVATE KEY';

/**
 * Puts one's own X.509-SVID together and checks that it holds together: the leaf obeys X509-SVID sections 4 and 5.2,
 * every further certificate is a CA that signed one before it, and the private key is the leaf's. Whether anybody
 * trusts the chain, and whether it is in its time, is not decided here.
 *
 * @throws `X509SvidError` with the rule that refused, such as `key_mismatch` or `chain_broken`.
 */
export function parseX509Svid(material: X509SvidMaterial): X509Svid {
  const { certificates, privateKey, ...options } = material;
  if (!(certificates instanceof Uint8Array)) throw new TypeError('certificates must be DER in a Uint8Array');
  const chain = asRoomError(X509SvidError, () => {
    const parts = splitCertificates(certificates, MAX_CHAIN);
    checkChainLength(parts.length);
    return parts.map((part) => parseCertificate(part));
  });
  return assemble(chain, privateKey instanceof KeyObject ? privateKey : readPrivateKey(privateKey), options);
}

/**
 * As {@link parseX509Svid}, from PEM: blocks labelled CERTIFICATE from the first text, and the one block labelled
 * PRIVATE KEY (PKCS#8, unencrypted) from the second. Both may be the same text.
 *
 * @throws `X509SvidError` also `bad_pem`.
 */
export function parseX509SvidPem(certificates: string, privateKey: string, options: X509SvidOptions = {}): X509Svid {
  if (typeof certificates !== 'string' || typeof privateKey !== 'string') {
    throw new TypeError('certificates and private key must be PEM in strings');
  }
  const chain = asRoomError(X509SvidError, () => {
    const blocks = decodePem(certificates).filter(({ label }) => label === 'CERTIFICATE');
    checkChainLength(blocks.length);
    return blocks.map(({ der }) => parseCertificate(der));
  });
  const keys = asRoomError(X509SvidError, () => decodePem(privateKey)).filter(({ label }) => label === PKCS8_LABEL);
  const [key] = keys;
  if (key === undefined || keys.length > 1) {
    throw new X509SvidError(
      'bad_private_key',
      'there must be one block labelled PRIVATE KEY, which is PKCS#8 in the clear',
    );
  }
  return assemble(chain, readPrivateKey(key.der), options);
}

function assemble(chain: readonly Certificate[], privateKey: KeyObject, options: X509SvidOptions): X509Svid {
  const [leaf, ...intermediates] = chain;
  if (leaf === undefined) throw new X509SvidError('empty_chain', 'there is no certificate');
  const id = readLeafId(leaf, 'spiffe');
  if (!(id instanceof SpiffeId)) throw new X509SvidError('bad_id', 'the identifier is not a SPIFFE ID');
  checkLeaf(leaf, 'spiffe', undefined);
  if (options.id !== undefined && !options.id.equals(id)) {
    throw new X509SvidError('id_mismatch', `the certificate is for ${id}, not for ${options.id}`);
  }
  checkIntermediates(chain);
  const publicKey = asRoomError(X509SvidError, () => leaf.publicKey);
  if (privateKey.type !== 'private' || !isKeyOf(privateKey, publicKey)) {
    throw new X509SvidError('key_mismatch', 'the private key does not belong to the first certificate');
  }
  return createX509Svid({ id, leaf, intermediates, privateKey, hint: options.hint === '' ? undefined : options.hint });
}

/** Every certificate after the leaf is a CA that signed one before it: in order, with room for cross-signed ones. */
function checkIntermediates(chain: readonly Certificate[]): void {
  chain.forEach((certificate, index) => {
    if (index === 0) return;
    checkCa(certificate, true);
    const { subject } = fieldsOf(certificate);
    const signed = chain
      .slice(0, index)
      .some((lower) => fieldsOf(lower).issuer.equals(subject) && isSignedBy(lower, certificate));
    if (!signed) {
      throw new X509SvidError('chain_broken', `${nameOf(certificate)} signed none of the certificates before it`);
    }
  });
}

function checkChainLength(length: number): void {
  if (length > MAX_CHAIN) throw new X509SvidError('chain_too_long', `a chain has at most ${MAX_CHAIN} certificates`);
}

/** The error of node:crypto is dropped: nothing that has seen the key goes into an error. */
function readPrivateKey(der: Uint8Array): KeyObject {
  if (!(der instanceof Uint8Array))
    throw new TypeError('a private key must be PKCS#8 DER in a Uint8Array, or a KeyObject');
  const copy = new Uint8Array(der);
  try {
    readDer(copy, Tag.sequence, 'a private key', MAX_KEY_BYTES);
    return createPrivateKey({ key: Buffer.from(copy.buffer), format: 'der', type: 'pkcs8' });
  } catch {
    throw new X509SvidError('bad_private_key', 'the private key is not PKCS#8 in DER');
  } finally {
    copy.fill(0);
  }
}

/**
 * The types come first: KeyObject.equals leaves an error behind in OpenSSL when they differ, and the next key that is
 * read in this process fails with it (Node 20).
 */
function isKeyOf(privateKey: KeyObject, publicKey: KeyObject): boolean {
  if (privateKey.asymmetricKeyType !== publicKey.asymmetricKeyType) return false;
  return createPublicKey(privateKey).equals(publicKey);
}
