const HTTP_URL = /^(https?):\/\/([^/?#]*)([^?#]*)/i;
const DEFAULT_PORT: Readonly<Record<string, RegExp>> = { http: /:(?:80)?$/, https: /:(?:443)?$/ };

/**
 * The form in which audiences are compared. An `http` or `https` URL gets its scheme and host in lower case, loses its
 * default port, query and fragment, and has at least the path `/` (RFC 9110 section 4.2.3; draft-ietf-wimse-wpt-01
 * section 2, "without query or fragment parts"). Paths are left as they are: no percent-decoding, no dot segments
 * removed. Any other text is an agreed value and stays as it is.
 */
export function normalizeAudience(text: string): string {
  const [, scheme = '', authority = '', path = ''] = HTTP_URL.exec(text) ?? [];
  if (scheme === '') return text;
  const name = lowerCase(scheme);
  return `${name}://${hostOf(authority, name)}${path === '' ? '/' : path}`;
}

/** An audience as it is put into a proof: a URL without query and fragment, whatever else it is left as given. */
export function withoutQuery(audience: string): string {
  const [url] = HTTP_URL.exec(audience) ?? [];
  return url ?? audience;
}

/** ASCII letters only: no other letter folds into a host name. */
export function lowerCase(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/** Userinfo has no place in an audience and no rule to normalise it by, so it makes the authority stay as it is. */
function hostOf(authority: string, scheme: string): string {
  if (authority.includes('@')) return authority;
  return lowerCase(authority).replace(DEFAULT_PORT[scheme] ?? /$^/, '');
}
