import { type Certificate, fieldsOf } from '../internal/certificate.js';

const MAX_CERTIFICATES = 64;
const MAX_BYTES = 4096;

/**
 * The intermediates of the last verified paths, by their exact bytes. Every handshake brings the same few again, and
 * importing a key costs as much as verifying with it. What is kept is what reading the bytes would give, so nothing of
 * the verdict: signatures, time, constraints and revocation are checked each time. Only certificates that an authority
 * of a bundle vouches for get in, so that no stranger can fill it; at most 64 of at most 4096 bytes, the least recently
 * used one gives way.
 */
const certificates = new Map<string, Certificate>();

/** The certificate that these bytes were read as before. */
export function recallIntermediate(der: Uint8Array): Certificate | undefined {
  if (der.length > MAX_BYTES) return undefined;
  const key = keyOf(der);
  const certificate = certificates.get(key);
  if (certificate !== undefined) touch(key, certificate);
  return certificate;
}

/** Keeps what stands between the leaf and the authority of a path that has just been verified. */
export function rememberIntermediates(path: readonly Certificate[]): void {
  for (const certificate of path.slice(1, -1)) {
    const { der } = fieldsOf(certificate);
    if (der.length <= MAX_BYTES) touch(keyOf(der), certificate);
  }
  for (const oldest of certificates.keys()) {
    if (certificates.size <= MAX_CERTIFICATES) break;
    certificates.delete(oldest);
  }
}

function touch(key: string, certificate: Certificate): void {
  certificates.delete(key);
  certificates.set(key, certificate);
}

/** One character for each byte, so that different bytes are different texts. */
function keyOf(der: Uint8Array): string {
  return Buffer.from(der.buffer, der.byteOffset, der.byteLength).toString('latin1');
}
