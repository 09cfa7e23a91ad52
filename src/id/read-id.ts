import { IdError } from '../errors/index.js';
import { quote } from '../internal/quote.js';

export type IdScheme = 'spiffe' | 'wimse';

const MAX_ID_BYTES = 2048;
const MAX_NAME_BYTES = 255;
const NAME = /^[a-z0-9._-]+$/;
const SPIFFE_SEGMENT = /^[A-Za-z0-9._-]+$/;
/** RFC 3986 pchar, with percent-encoding only where RFC 3986 section 6.2.2 leaves no shorter spelling. */
const WIMSE_SEGMENT =
  /^(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%(?![2][DE]|3[0-9]|4[1-9A-F]|5[0-9A]|5F|6[1-9A-F]|7[0-9AE])[0-9A-F]{2})+$/;
const IPV4 = /^\d{1,3}(?:\.\d{1,3}){3}$/;

/** SPIFFE-ID section 2.3. */
export function checkLength(text: string): void {
  if (text.length > MAX_ID_BYTES) {
    throw new IdError('too_long', `an identifier has at most ${MAX_ID_BYTES} bytes, this one has ${text.length}`);
  }
}

export function splitScheme(text: string): { readonly scheme: IdScheme; readonly rest: string } {
  checkLength(text);
  for (const scheme of ['spiffe', 'wimse'] as const) {
    const prefix = `${scheme}://`;
    if (text.startsWith(prefix)) return { scheme, rest: text.slice(prefix.length) };
  }
  throw new IdError('wrong_scheme', `${quote(text)} must begin with spiffe:// or wimse://, in lower case`);
}

/** SPIFFE-ID section 2.1; draft-ietf-wimse-identifier-03 adds that an IP address is no trust domain. */
export function readAuthority(scheme: IdScheme, name: string): string {
  if (name === '') throw new IdError('empty_trust_domain', 'the trust domain is empty');
  if (!NAME.test(name)) {
    throw new IdError(
      'bad_trust_domain',
      `trust domain ${quote(name)} may hold only lower-case letters, digits, ".", "-" and "_"`,
    );
  }
  if (name.length > MAX_NAME_BYTES) {
    throw new IdError('too_long', `a trust domain name has at most ${MAX_NAME_BYTES} bytes`);
  }
  if (scheme === 'wimse' && IPV4.test(name)) {
    throw new IdError('bad_trust_domain', `trust domain ${quote(name)} is an IP address, which WIMSE does not allow`);
  }
  return name;
}

/** SPIFFE-ID section 2.2. `path` is empty or begins with `/`. */
export function readPath(scheme: IdScheme, path: string): string {
  if (path === '') return path;
  if (!path.startsWith('/')) throw new IdError('bad_path', `path ${quote(path)} must begin with "/"`);
  const pattern = scheme === 'spiffe' ? SPIFFE_SEGMENT : WIMSE_SEGMENT;
  for (const segment of path.slice(1).split('/')) {
    if (segment === '') throw new IdError('empty_segment', `path ${quote(path)} has an empty segment or ends in "/"`);
    if (segment === '.' || segment === '..') {
      throw new IdError('dot_segment', `path ${quote(path)} has a "." or ".." segment`);
    }
    if (!pattern.test(segment)) {
      throw new IdError('bad_path', `path ${quote(path)} holds a character that ${scheme} identifiers do not allow`);
    }
  }
  return path;
}
