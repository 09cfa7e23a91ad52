import { BundleError } from '../errors/index.js';
import { parseTrustDomain, type TrustDomain, type TrustDomainLike } from '../id/index.js';
import { type Certificate, parseCertificate } from '../internal/certificate.js';
import { readPublicJwk, readPublicKey } from '../internal/jwk.js';
import { ReadError } from '../internal/read-error.js';
import { asRoomError } from '../internal/room-error.js';
import { type IgnoredKey, type IgnoredKeyRule, readOrIgnore } from './ignored-key.js';
import { type JwkEntry, type JwkSetDocument, readJwkSet } from './jwk-set.js';
import { JwtBundle } from './jwt-bundle.js';
import { readKeys } from './key-bundle.js';
import { SpiffeBundle } from './spiffe-bundle.js';
import { WitBundle } from './wit-bundle.js';
import { checkAuthority, X509Bundle } from './x509-bundle.js';

/**
 * Reads a SPIFFE bundle document (SPIFFE Trust Domain and Bundle section 4; X509-SVID, JWT-SVID and WIT-SVID
 * section 6). The document does not say whose it is: the trust domain comes from where it was found.
 *
 * Not looked at are keys without `use` or of an unknown one, X.509 entries without a certificate, and every certificate
 * of an entry but the first. A key of an unknown type or curve, a weak or malformed one, a JWT or WIT key without `kid`,
 * and a certificate that is malformed, not a CA's or not that of its key are left out and listed in `ignored` of the
 * part that they were published for (section 4.1.3: what does not pass validation is not usable, and the rest is). Two
 * sound keys with one `kid` and a private key refuse the document.
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
    const { kid, x5c } = entry;
    const publicKey = readOrIgnore(ignored, { kid }, () => readPublicJwk(entry));
    if (publicKey === undefined || x5c === undefined) return [];
    const certificate = readOrIgnore(ignored, { kid }, () => readFirst(x5c));
    if (certificate === undefined) return [];
    const authority = readOrIgnore(ignored, { subject: certificate.subject }, () => {
      if (readPublicKey(certificate.publicKey).thumbprint !== publicKey.thumbprint) {
        throw new ReadError<IgnoredKeyRule>('bad_x5c', 'the certificate in x5c has another key than its JWK');
      }
      return checkAuthority(certificate);
    });
    return authority === undefined ? [] : [authority];
  });
}

/** The certificate that counts, of a list that may be empty. */
function readFirst(x5c: unknown): Certificate | undefined {
  if (!Array.isArray(x5c)) throw new ReadError<IgnoredKeyRule>('bad_x5c', 'x5c must be a list');
  return x5c.length === 0 ? undefined : parseCertificate(decodeBase64(x5c[0]));
}

function decodeBase64(text: unknown): Uint8Array<ArrayBuffer> {
  if (typeof text === 'string' && text !== '' && BASE64.test(text)) {
    const decoded = Buffer.from(text, 'base64');
    if (decoded.toString('base64') === text) return new Uint8Array(decoded);
  }
  throw new ReadError<IgnoredKeyRule>('bad_x5c', 'the first value of x5c must be a certificate in base64');
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
