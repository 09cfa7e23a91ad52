import { constants } from 'node:crypto';
import { createSecureContext, type SecureContext, type SecureContextOptions, type SecureVersion } from 'node:tls';
import type { Identity } from './identity.js';

/** The options of a TLS context that stay the caller's; everything about trust and keys is svidkit's. */
export type TlsTuning = Pick<
  SecureContextOptions,
  'ciphers' | 'dhparam' | 'ecdhCurve' | 'honorCipherOrder' | 'maxVersion' | 'minVersion' | 'secureOptions' | 'sigalgs'
>;

/** Options of Node that would change who is trusted, what is presented, or let a session be resumed. */
const RESERVED = [
  'ca',
  'cert',
  'checkServerIdentity',
  'crl',
  'key',
  'passphrase',
  'pfx',
  'privateKeyEngine',
  'privateKeyIdentifier',
  'pskCallback',
  'rejectUnauthorized',
  'requestCert',
  'secureContext',
  'secureProtocol',
  'session',
  'sessionIdContext',
  'SNICallback',
  'ticketKeys',
] as const;

const ACCEPTED_VERSIONS: ReadonlySet<SecureVersion> = new Set(['TLSv1.2', 'TLSv1.3']);

/**
 * Reads what of Node's TLS options a caller may set.
 *
 * @throws `TypeError` when an option is given that svidkit decides itself, or a TLS version before 1.2.
 */
export function readTuning(options: object): TlsTuning {
  const given: Readonly<Record<string, unknown>> & TlsTuning = { ...options };
  for (const name of RESERVED) {
    if (given[name] !== undefined) throw new TypeError(`svidkit decides ${name} itself; leave it out`);
  }
  for (const version of [given.minVersion, given.maxVersion]) {
    if (version !== undefined && !ACCEPTED_VERSIONS.has(version)) throw new TypeError('TLS 1.2 is the least accepted');
  }
  const { ciphers, dhparam, ecdhCurve, honorCipherOrder, maxVersion, minVersion, secureOptions, sigalgs } = given;
  const tuning = { ciphers, dhparam, ecdhCurve, honorCipherOrder, maxVersion, minVersion, secureOptions, sigalgs };
  return Object.fromEntries(Object.entries(tuning).filter(([, value]) => value !== undefined));
}

/**
 * The options of a TLS context that presents an identity of ours, or nothing. Renegotiation is off, because it could change the peer after it
 * was verified, and so are session tickets. `ca` is empty: Node neither judges the peer nor completes its chain.
 */
export function contextOptions(identity: Identity | undefined, tuning: TlsTuning): SecureContextOptions {
  return {
    minVersion: 'TLSv1.2',
    ...tuning,
    secureOptions: (tuning.secureOptions ?? 0) | constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
    ca: [],
    ...(identity === undefined ? {} : { key: identity.privateKeyPkcs8Pem(), cert: identity.certificatesPem() }),
  };
}

/** By the identity that is presented; each lives as long. */
type Contexts = WeakMap<object, SecureContext>;

/** Those of all clients that tune nothing and verify by bundles. */
const untuned: Contexts = new WeakMap();
const NOBODY = Object.freeze({});

/**
 * Gives the context in which a client presents an identity of ours, or nothing. It is made once for each identity,
 * because that reads the key and the certificates, which takes as long as the rest of a handshake.
 *
 * @param webPki the authorities that Node trusts; left out where svidkit verifies the server.
 */
export function clientContexts(
  tuning: TlsTuning,
  webPki: { readonly ca: string[] | undefined } | undefined,
): (identity: Identity | undefined) => SecureContext {
  const contexts: Contexts = webPki === undefined && Object.keys(tuning).length === 0 ? untuned : new WeakMap();
  return (identity) => {
    const key = identity ?? NOBODY;
    const known = contexts.get(key);
    if (known !== undefined) return known;
    const options = contextOptions(identity, tuning);
    const context = createSecureContext(webPki === undefined ? options : { ...options, ca: webPki.ca });
    contexts.set(key, context);
    return context;
  };
}
