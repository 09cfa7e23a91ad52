import { type Base64urlRule, decodeBase64url, decodeBase64urlInPool } from './base64url.js';
import { type JsonObject, type JsonRule, readJsonObject } from './json.js';
import { ReadError } from './read-error.js';

/**
 * The rules of the readers of base64url and JSON, and:
 *
 * - `not_compact`: not three segments with something in each, or not a text.
 * - `bad_alg`: the header has no `alg` that is a string.
 * - `crit_present`: the header has `crit`; nothing that it could name is understood (RFC 7515 section 4.1.11).
 * - `unsupported_header`: `b64`, `zip`, `enc` or `cty`: unencoded, compressed, encrypted or nested content.
 */
export type JwsRule = JsonRule | Base64urlRule | 'not_compact' | 'bad_alg' | 'crit_present' | 'unsupported_header';

/** The parts of a compact JWS (RFC 7515 section 3.1), nothing of it verified. */
export interface CompactJws {
  /** The `alg` of the header, whatever text it is. */
  readonly alg: string;
  readonly header: JsonObject;
  readonly payload: JsonObject;
  /** The bytes that were signed: the first two segments and the dot between. */
  readonly signingInput: Uint8Array;
  readonly signature: Uint8Array;
}

export interface CompactJwsOptions {
  /** Longest token in bytes, 8192 by default; a longer one is refused before anything is decoded. */
  readonly maxBytes?: number | undefined;
}

/** Takes a compact JWS with JSON objects as header and payload apart; refuses every other spelling of the same. */
export function readCompactJws(token: string, options: CompactJwsOptions = {}): CompactJws {
  const maxBytes = options.maxBytes ?? 8192;
  if (typeof token !== 'string') throw new ReadError<JwsRule>('not_compact', 'a token must be a text');
  if (token.length > maxBytes) throw new ReadError<JwsRule>('too_large', `a token is longer than ${maxBytes} bytes`);
  const [headerText, payloadText, signatureText, ...rest] = token.split('.', 4);
  if (!headerText || !payloadText || !signatureText || rest.length > 0) {
    throw new ReadError<JwsRule>('not_compact', 'a token must have three segments divided by dots, none of them empty');
  }
  const header = readJsonObject(decodeBase64urlInPool(headerText), { maxBytes });
  const alg = checkHeader(header);
  const signature = decodeBase64url(signatureText);
  const payload = readJsonObject(decodeBase64urlInPool(payloadText), { maxBytes });
  return { alg, header, payload, signingInput: Buffer.from(`${headerText}.${payloadText}`, 'latin1'), signature };
}

function checkHeader(header: JsonObject): string {
  if ('crit' in header) throw new ReadError<JwsRule>('crit_present', 'a token must not have a crit header');
  for (const name of ['b64', 'zip', 'enc', 'cty']) {
    if (name in header) throw new ReadError<JwsRule>('unsupported_header', `a token must not have a ${name} header`);
  }
  const alg = header['alg'];
  if (typeof alg !== 'string')
    throw new ReadError<JwsRule>('bad_alg', 'a token must have an alg header that is a text');
  return alg;
}
