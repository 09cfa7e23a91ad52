import { type JwtBundle, parseJwtBundle } from '../bundle/index.js';
import { FileSourceError, isSvidkitError } from '../errors/index.js';
import { parseTrustDomain } from '../id/index.js';
import { BUNDLE_LIMITS, type JsonValue, readJsonObject } from '../internal/json.js';
import { quote } from '../internal/quote.js';
import type { FileTexts } from './file-texts.js';

export interface JwtBundleMap {
  readonly bundles: readonly JwtBundle[];
  readonly problems: readonly FileSourceError[];
}

/**
 * Reads the file that spiffe-helper calls its JWT bundle: an object with, for each trust domain by name, a JWK Set in
 * base64; at most 1 MiB, as every bundle. An entry that cannot be read stays as it is held, or is left out; a file that
 * cannot be read leaves everything as it is held, and is refused where nothing is.
 */
export function readJwtBundleMap(files: FileTexts, path: string, held: readonly JwtBundle[]): JwtBundleMap {
  const problems: FileSourceError[] = [];
  const bundles: JwtBundle[] = [];
  let entries: readonly (readonly [string, JsonValue])[];
  try {
    entries = files.read(path, 'bad_bundle', 'the map of JWT bundles', (text) =>
      Object.entries(readJsonObject(text, BUNDLE_LIMITS)),
    );
  } catch (error) {
    if (held.length === 0 || !(error instanceof FileSourceError)) throw error;
    return { bundles: held, problems: [error] };
  }
  for (const [name, encoded] of entries) {
    try {
      bundles.push(readEntry(name, encoded));
    } catch (cause) {
      if (!isSvidkitError(cause)) throw cause;
      bundles.push(...held.filter(({ trustDomain }) => trustDomain.name === name));
      const message = `the JWT bundle of ${quote(name)} in ${path}: ${cause.message}`;
      problems.push(new FileSourceError('bad_bundle', message, { cause }));
    }
  }
  const [first] = problems;
  if (bundles.length === 0) {
    throw first ?? new FileSourceError('bad_bundle', `the map of JWT bundles in ${path} has no entries`);
  }
  return { bundles, problems };
}

function readEntry(name: string, encoded: JsonValue): JwtBundle {
  const trustDomain = parseTrustDomain(name);
  const jwks = typeof encoded === 'string' ? Buffer.from(encoded, 'base64') : undefined;
  if (jwks === undefined || jwks.toString('base64') !== encoded) {
    throw new FileSourceError('bad_bundle', 'it is not base64');
  }
  return parseJwtBundle(trustDomain, jwks);
}
