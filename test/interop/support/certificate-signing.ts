import { constants, type KeyObject, sign } from 'node:crypto';
import * as der from '../../support/der-writer.js';
import type { CertificateSpec } from '../../support/x509.js';

/** Signs a certificate with an algorithm that is not the usual one for the key. */
export function signedWith(algorithm: keyof typeof ALGORITHMS, key: KeyObject): Partial<CertificateSpec> {
  const { identifier, signature } = ALGORITHMS[algorithm];
  return { innerAlgorithm: identifier, signature: (tbs) => signature(tbs, key) };
}

/** The identifier of an algorithm, for certificates that name another one than was used. */
export function identifierOf(algorithm: keyof typeof ALGORITHMS): der.Der {
  return ALGORITHMS[algorithm].identifier;
}

interface Algorithm {
  readonly identifier: der.Der;
  readonly signature: (tbs: Uint8Array, key: KeyObject) => Uint8Array;
}

const SHA256 = der.sequence(der.oid('2.16.840.1.101.3.4.2.1'), der.nothing());
/** RFC 4055 section 3.1. */
const PSS_SHA256 = der.sequence(
  der.explicit(0, SHA256),
  der.explicit(1, der.sequence(der.oid('1.2.840.113549.1.1.8'), SHA256)),
  der.explicit(2, der.integer(32)),
);

const ALGORITHMS = {
  'SHA-1 with RSA': usual('1.2.840.113549.1.1.5', 'sha1', der.nothing()),
  'SHA-384 with RSA': usual('1.2.840.113549.1.1.12', 'sha384', der.nothing()),
  'SHA-512 with RSA': usual('1.2.840.113549.1.1.13', 'sha512', der.nothing()),
  'RSA-PSS': {
    identifier: der.sequence(der.oid('1.2.840.113549.1.1.10'), PSS_SHA256),
    signature: (tbs, key) => sign('sha256', tbs, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }),
  },
  'SHA-1 with ECDSA': usual('1.2.840.10045.4.1', 'sha1'),
  'SHA-384 with ECDSA': usual('1.2.840.10045.4.3.3', 'sha384'),
  'SHA-512 with ECDSA': usual('1.2.840.10045.4.3.4', 'sha512'),
  /** Well-formed, and by nobody. */
  forged: {
    identifier: der.sequence(der.oid('1.2.840.10045.4.3.2')),
    signature: () => der.sequence(der.integer(Buffer.alloc(32, 0x11)), der.integer(Buffer.alloc(32, 0x22))),
  },
} as const satisfies Record<string, Algorithm>;

function usual(id: string, hash: string, ...parameters: readonly der.Der[]): Algorithm {
  return { identifier: der.sequence(der.oid(id), ...parameters), signature: (tbs, key) => sign(hash, tbs, key) };
}
