import { SvidkitError } from './svidkit-error.js';

/**
 * Why a SPIFFE bundle could not be had from its endpoint (SPIFFE_Federation section 5).
 *
 * The way to the endpoint:
 * - `bad_url`: the endpoint's URL is not an `https` URL, or has user information in it.
 * - `connection_failed`: no TLS connection, or one that broke; `cause` is Node's error.
 * - `timeout`: no whole bundle within the time allowed.
 * - `endpoint_untrusted`: the endpoint's certificate is refused; `cause` says why: Node's error (`https_web`), or an
 *   `X509SvidError` with the rule (`https_spiffe`).
 * - `endpoint_mismatch`: the endpoint has proven a SPIFFE ID, but not the one it must have.
 * - `no_endpoint_bundle`: no X.509 bundle is held that could verify the endpoint; `cause` is what the source threw, if
 *   it did.
 *
 * The answer; nothing of it is used:
 * - `bad_status`: another HTTP status than 200, or than a redirect that is followed.
 * - `bad_redirect`: a redirect to what is not a bundle endpoint URL, such as plain `http`, or to nowhere.
 * - `too_many_redirects`: more in a row than `maxRedirects`, five unless told otherwise.
 * - `too_large`: more bytes than allowed.
 * - `bad_response`: an HTTP message that ends early, cannot be parsed, or is compressed.
 * - `bad_bundle`: not a SPIFFE bundle document that may be trusted; `cause` is the `BundleError` with the rule.
 * - `sequence_went_back`: an older bundle than the one held.
 *
 * Only reported:
 * - `sequence_reused`: the bundle has changed, its sequence number has not. It is used: the newest one counts.
 *
 * What a source cannot give:
 * - `not_ready`: no bundle was fetched so far; `cause` is the last failure, if there was one.
 * - `closed`: the source was closed.
 */
export type FederationErrorCode =
  | 'bad_url'
  | 'connection_failed'
  | 'timeout'
  | 'endpoint_untrusted'
  | 'endpoint_mismatch'
  | 'no_endpoint_bundle'
  | 'bad_status'
  | 'bad_redirect'
  | 'too_many_redirects'
  | 'too_large'
  | 'bad_response'
  | 'bad_bundle'
  | 'sequence_went_back'
  | 'sequence_reused'
  | 'not_ready'
  | 'closed';

/** A SPIFFE bundle that could not be fetched, or must not be used. */
export class FederationError extends SvidkitError<FederationErrorCode> {}
