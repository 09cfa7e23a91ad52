import { TlsError, X509SvidError } from 'svidkit/errors';

/** Which rule refused, by the codes alone: `peer_refused/expired`. */
export function ruleOf({ code, cause }: TlsError): string {
  return cause instanceof X509SvidError ? `${code}/${cause.code}` : code;
}

/**
 * Which rule of svidkit made a request of a client fail, from what the client's library made of the error: grpc-js keeps
 * the text alone.
 */
export function refusalIn(error: unknown): string {
  for (let at = error, depth = 0; at instanceof Error && depth < 8; at = at.cause, depth += 1) {
    if (at instanceof TlsError) return ruleOf(at);
    const details: unknown = 'details' in at ? at.details : undefined;
    const [, code, rule] =
      (typeof details === 'string' && /\b([a-z]+(?:_[a-z]+)+)(?: \((\w+)\))?:/.exec(details)) || [];
    if (code !== undefined) return rule === undefined ? code : `${code}/${rule}`;
  }
  return `not refused by svidkit: ${error}`;
}
