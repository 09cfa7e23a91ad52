import type { Departs } from '../support/difference.js';

/** Why a verifier that stands on PyJWT does not pass some of conformance/wit.json. */
export interface VectorDifference {
  /** Names of cases. */
  readonly cases: readonly string[];
  /** In the words of conformance/run.mjs. */
  readonly status: 'skipped' | 'differs' | 'wrong verdict';
  /** `offer`: the package does not claim to do this, and departs from nothing. */
  readonly departs: Departs | 'offer';
  readonly clause: string;
  readonly because: string;
}

export const VECTOR_DIFFERENCES: readonly VectorDifference[] = [
  {
    cases: ['Ed25519, bound to Ed25519'],
    status: 'skipped',
    departs: 'offer',
    clause: 'RFC 9864 section 2.2',
    because: 'PyJWT knows EdDSA and not yet Ed25519 by its own name.',
  },
  {
    cases: ['a padded segment'],
    status: 'wrong verdict',
    departs: 'peer',
    clause: 'RFC 7515 section 2',
    because: 'Base64url comes without padding; PyJWT lets it stand for the sake of an issuer that pads.',
  },
  {
    cases: ['a lone surrogate'],
    status: 'differs',
    departs: 'nobody',
    clause: 'RFC 8259 section 8.2',
    because: 'Nothing forbids it; it does harm in other languages than Python.',
  },
  {
    cases: ['claims with a byte order mark'],
    status: 'differs',
    departs: 'nobody',
    clause: 'RFC 8259 section 8.1',
    because: 'A writer must not add one and a reader may pass it over: the json module does.',
  },
  {
    cases: ['cnf: RSA of 1024 bits'],
    status: 'wrong verdict',
    departs: 'peer',
    clause: 'RFC 7518 section 3.3',
    because: 'RSA keys must have 2048 bits or more; PyJWT warns of shorter ones, and only when it signs or verifies.',
  },
  {
    cases: ['cnf: RSA of 16384 bits'],
    status: 'differs',
    departs: 'nobody',
    clause: 'RFC 7518 section 3.3',
    because: 'No clause has an upper limit; each proof of such a key costs its verifier as much as dozens of others.',
  },
  {
    cases: ['cnf: a coordinate with padding'],
    status: 'wrong verdict',
    departs: 'peer',
    clause: 'RFC 7518 section 6.2.1.2',
    because: 'A coordinate is base64url, without padding, so that a key has one thumbprint.',
  },
  {
    cases: ['cnf: an Ed25519 point that is not canonical'],
    status: 'wrong verdict',
    departs: 'peer',
    clause: 'RFC 8032 section 5.1.3',
    because: 'A y-coordinate of p or more does not decode; OpenSSL beneath PyJWT takes any 32 bytes for a key.',
  },
  {
    cases: ['cnf: an Ed25519 point of small order'],
    status: 'differs',
    departs: 'nobody',
    clause: 'RFC 8032 section 5.1.7',
    because: 'The check is left to implementations; without it, one signature holds for many messages.',
  },
];
