import { BundleError } from '../errors/index.js';
import { parseTrustDomain, type TrustDomain, type TrustDomainLike } from '../id/index.js';
import { type Certificate, parseCertificate } from '../internal/certificate.js';
import { readPublicJwk, readPublicKey } from '../internal/jwk.js';
import { asRoomError } from '../internal/room-error.js';
import { type IgnoredKey, readOrIgnore } from './ignored-key.js';
import { type JwkEntry, type JwkSetDocument, readJwkSet } from './jwk-set.js';
import { JwtBundle } from './jwt-bundle.js';
import { readKeys } from './key-bundle.js';
import { SpiffeBundle } from './spiffe-bundle.js';
import { WitBundle } from './wit-bundle.js';
import { X509Bundle } from './x509-bundle.js';

/**
 * Reads a SPIFFE bundle document (SPIFFE Trust Domain and Bundle section 4; X509-SVID, JWT-SVID and WIT-SVID
 * section 6). The document does not say whose it is: the trust domain comes from where it was found.
 *
 * Not looked at are keys without `use` or of an unknown one, X.509 entries without a certificate, and every certificate
 * of an entry but the first. A key of an unknown type or curve, a weak or malformed one, and a JWT or WIT key without
 * `kid` is left out and listed in `ignored` of the part that it was published for. Two sound keys with one `kid`, a
 * certificate that is not a CA's or not that of its key, and a private key refuse the document.
 *
 * @throws `BundleError` with the rule that refused.
 */
export function parseSpiffeBundle(trustDomain: TrustDomainLike, json: string | Uint8Array): SpiffeBundle {
  return readSpiffeBundle(parseTrustDomain(trustDomain), readJwkSet(json));
}

/** {@link parseSpiffeBundle} for a document that was read already. */
export function readSpiffeBundle(domain: TrustDomain, { document, entries }: JwkSetDocument): SpiffeBundle {
  const ignored: IgnoredKey[] = [];
  const authorities = entries.flatMap((entry) => readAuthority(entry, ignored));
  const jwt = readKeys(entries, 'jwt-svid', { requireUse: true });
  const wit = readKeys(entries, 'wit-svid', { requireUse: true });
  return new SpiffeBundle(domain, {
    x509: new X509Bundle(domain, authorities, ignored),
    jwt: new JwtBundle(domain, jwt.keys, jwt.ignored),
    wit: new WitBundle(domain, wit.keys, wit.ignored),
    sequence: readSequence(document),
    refreshHintSeconds: readRefreshHint(document),
  });
}

/** Canonical base64 with padding (RFC 7517 section 4.7, RFC 4648 section 4). */
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** X509-SVID section 6.2. */
function readAuthority(entry: JwkEntry, ignored: IgnoredKey[]): Certificate[] {
  if (entry['use'] !== 'x509-svid') return [];
  return asRoomError(BundleError, () => {
    const publicKey = readOrIgnore(ignored, { kid: entry['kid'] }, () => readPublicJwk(entry));
    const x5c = entry['x5c'];
    if (publicKey === undefined || x5c === undefined) return [];
    if (!Array.isArray(x5c)) throw new BundleError('bad_x5c', 'x5c must be a list');
    if (x5c.length === 0) return [];
    const certificate = parseCertificate(decodeBase64(x5c[0]));
    const { subject } = certificate;
    const certified = readOrIgnore(ignored, { subject }, () => readPublicKey(certificate.publicKey));
    if (certified === undefined) return [];
    if (certified.thumbprint !== publicKey.thumbprint) {
      throw new BundleError('bad_x5c', 'the certificate in x5c has another key than its JWK');
    }
    return [certificate];
  });
}

function decodeBase64(text: unknown): Uint8Array<ArrayBuffer> {
  if (typeof text === 'string' && text !== '' && BASE64.test(text)) {
    const decoded = Buffer.from(text, 'base64');
    if (decoded.toString('base64') === text) return new Uint8Array(decoded);
  }
  throw new BundleError('bad_x5c', 'the first value of x5c must be a certificate in base64');
}

function readSequence(document: JwkEntry): bigint | number | undefined {
  const value = document['spiffe_sequence'];
  if (value === undefined || typeof value === 'number' || typeof value === 'bigint') return value;
  throw new BundleError('bad_sequence', 'spiffe_sequence must be a whole number');
}

function readRefreshHint(document: JwkEntry): number | undefined {
  const value = document['spiffe_refresh_hint'];
  if (value === undefined || typeof value === 'number') return value;
  throw new BundleError('bad_refresh_hint', 'spiffe_refresh_hint must be a whole number of seconds');
}
