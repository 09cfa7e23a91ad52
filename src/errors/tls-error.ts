import { SvidkitError } from './svidkit-error.js';

/**
 * Why a mutual TLS connection, or a request on one, is refused.
 *
 * On our side:
 * - `no_identity`: the source has no X.509-SVID, or no certificate of the web, to present; `cause` is what it threw.
 * - `identity_expired`: what the source has to present has expired, and an expired identity is not presented; or what
 *   was presented on a connection has expired, which ends it.
 * - `handshake_timeout`: the handshake did not finish in the time allowed.
 * - `connection_closed`: the connection went away before the handshake finished.
 * - `not_tls`: a plain-text connection was asked for.
 * - `not_http2`: HTTP/2 was asked for, and the server does not speak it; the server itself may have been verified.
 * - `undici_missing`: `fetch` over mutual TLS needs the package `undici`, which is not installed.
 *
 * On the peer's side:
 * - `no_certificate`: the peer presented none.
 * - `peer_refused`: the certificate is not an SVID of a trusted trust domain; `cause` is the `X509SvidError` with the
 *   rule. Of a server of the web: Node refuses it; `cause` is Node's error.
 * - `peer_expired`: a certificate on the peer's path has expired since the handshake.
 * - `bundle_failed`: the bundle source threw, so nothing could be verified; `cause` is what it threw.
 * - `crls_failed`: the source of revocation lists threw, so nothing could be verified; `cause` is what it threw.
 * - `not_authorized`: the authorizer did not answer `true`, or threw; then `cause` is what it threw.
 * - `hostname_mismatch`: no DNS name in the server's certificate is the name connected to (only where that is checked).
 */
export type TlsErrorCode =
  | 'no_identity'
  | 'identity_expired'
  | 'handshake_timeout'
  | 'connection_closed'
  | 'not_tls'
  | 'not_http2'
  | 'undici_missing'
  | 'no_certificate'
  | 'peer_refused'
  | 'peer_expired'
  | 'bundle_failed'
  | 'crls_failed'
  | 'not_authorized'
  | 'hostname_mismatch';

export interface TlsErrorOptions extends ErrorOptions {
  /** The identifier in the peer's certificate, verified or not. */
  readonly claimedId?: string | undefined;
}

/** A mutual TLS connection that is refused, or one of its requests. */
export class TlsError extends SvidkitError<TlsErrorCode> {
  /**
   * The identifier that the peer's certificate carries, when it could be read. Only with the codes `not_authorized`,
   * `peer_expired` and `hostname_mismatch` had it been verified; otherwise it is what the peer says, good for a log line.
   */
  readonly claimedId: string | undefined;
  /** The rule beneath the code: the code of `cause`, such as the rule of X.509-SVIDs that a certificate breaks. */
  readonly rule: string | undefined;

  constructor(code: TlsErrorCode, message: string, options: TlsErrorOptions = {}) {
    super(code, message, options);
    this.claimedId = options.claimedId;
    this.rule = ruleOf(options.cause);
  }
}

function ruleOf(cause: unknown): string | undefined {
  const code: unknown = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  return typeof code === 'string' ? code : undefined;
}
