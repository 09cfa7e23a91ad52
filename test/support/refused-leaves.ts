import { keyPair } from './key-pairs.js';
import { CLIENT, ours } from './mtls.js';
import {
  basicConstraints,
  dns,
  keyUsage,
  type Made,
  makeAuthority,
  makeCertificate,
  makeLeaf,
  NOW,
  subjectAltName,
  uri,
} from './x509.js';

/** Certificates that no peer is admitted with, and the rule of X.509 path validation that each breaks. */
export const REFUSED_LEAVES: ReadonlyArray<readonly [what: string, rule: string, leaf: () => Made]> = [
  ['has expired', 'expired', () => makeLeaf(ours, CLIENT, { notAfter: new Date(NOW - 1000) })],
  ['is not yet valid', 'not_yet_valid', () => makeLeaf(ours, CLIENT, { notBefore: new Date(NOW + 60_000) })],
  [
    'has two URI names',
    'several_uri_sans',
    () => makeLeaf(ours, CLIENT, { names: [uri(CLIENT), uri('https://x.example')] }),
  ],
  ['has no URI name', 'no_uri_san', () => makeLeaf(ours, CLIENT, { names: [dns('localhost')] })],
  [
    'is a CA',
    'leaf_is_ca',
    () =>
      makeCertificate({
        subject: 'ca',
        issuer: ours,
        keys: keyPair('P-256', 'ca leaf'),
        extensions: [
          basicConstraints(true),
          keyUsage('digitalSignature', 'keyCertSign'),
          subjectAltName([uri(CLIENT)]),
        ],
      }),
  ],
  ['is signed by nobody known', 'untrusted', () => makeLeaf(makeAuthority('stranger'), CLIENT)],
  [
    'is signed by a namesake of the authority',
    'bad_signature',
    () => makeLeaf(makeAuthority('our authority', { keys: keyPair('P-256', 'namesake') }), CLIENT),
  ],
];
