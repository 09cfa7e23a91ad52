import { FederationError, type FederationErrorCode } from '../errors/index.js';
import { quote } from '../internal/quote.js';

/**
 * Reads the URL of a bundle endpoint: scheme `https`, no user information, otherwise free (SPIFFE_Federation sections
 * 5.2.1.1 and 5.2.2.1).
 *
 * @throws `FederationError` `bad_url`.
 */
export function parseEndpointUrl(text: string): URL {
  if (typeof text !== 'string') throw new TypeError('the url of a bundle endpoint must be a string');
  return read(text, undefined, 'bad_url');
}

/**
 * Reads where a redirect leads, which must be a bundle endpoint URL too (sections 5.2.1.4 and 5.2.2.4).
 *
 * @throws `FederationError` `bad_redirect`.
 */
export function parseRedirect(location: string | undefined, from: URL): URL {
  if (location === undefined) {
    throw new FederationError('bad_redirect', `${quote(from.host)} redirects without saying where to`);
  }
  return read(location, from, 'bad_redirect');
}

/** What `URL` passes over or takes for a slash, so that an eye and a machine read two different places. */
const FORGIVEN = /[\s\\\p{Cc}]/u;
/** Scheme, if any, and authority. */
const AUTHORITY = /^(?:[a-z][a-z0-9+.-]*:)?\/\/([^/?#]+)/i;

function read(text: string, base: URL | undefined, code: FederationErrorCode): URL {
  // Not `cause`: Node's error quotes the whole text, which may hold a password.
  if (!URL.canParse(text, base?.href)) throw new FederationError(code, 'the URL of the bundle endpoint cannot be read');
  const url = new URL(text, base?.href);
  const authority = AUTHORITY.exec(text)?.[1];
  const relative = base !== undefined && !/^(?:https:|\/\/)/i.test(text);
  if (FORGIVEN.test(text) || (authority === undefined && !relative)) {
    throw new FederationError(code, 'the URL of a bundle endpoint is written plainly, https:// and its host first');
  }
  if (url.protocol !== 'https:') {
    throw new FederationError(code, `a bundle endpoint is an https URL, not one of ${quote(url.protocol)}`);
  }
  // Also where it is empty, which `URL` does not show.
  if (url.username !== '' || url.password !== '' || authority?.includes('@')) {
    throw new FederationError(code, 'the URL of a bundle endpoint has no user information');
  }
  return url;
}
