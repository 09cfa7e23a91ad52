import { BundleSet, type JwtBundle, type SpiffeBundle, type WitBundle, type X509Bundle } from '../bundle/index.js';
import { BundleError, FileSourceError } from '../errors/index.js';
import { parseTrustDomain, type TrustDomain } from '../id/index.js';
import { pathOption } from './file-source.js';
import type { FileTexts } from './file-texts.js';
import type { BundlePaths } from './options.js';

export type AnyBundle = X509Bundle | JwtBundle | WitBundle | SpiffeBundle;

/** A file with the bundle of one trust domain. */
export interface BundleFile<B extends AnyBundle> {
  readonly trustDomain: TrustDomain;
  readonly path: string;
  parse(trustDomain: TrustDomain, text: string): B;
}

export interface ReadBundles {
  readonly bundles: readonly AnyBundle[];
  readonly problems: readonly FileSourceError[];
}

/** The files that an option names. */
export function bundleFiles<B extends AnyBundle>(
  name: string,
  paths: BundlePaths | undefined,
  parse: (trustDomain: TrustDomain, text: string) => B,
): readonly BundleFile<B>[] {
  return Object.entries(paths ?? {}).map(([key, path]) => ({
    trustDomain: parseTrustDomain(key),
    path: pathOption(`${name}[${JSON.stringify(key)}]`, path),
    parse,
  }));
}

/**
 * Reads bundles. One that cannot be read stays as it is held, so that it does not keep the others from being renewed;
 * where none is held, everything is refused, so that nobody starts with half of the trust.
 */
export function readBundleFiles<B extends AnyBundle>(
  files: FileTexts,
  entries: readonly BundleFile<B>[],
  held: (trustDomain: TrustDomain) => readonly AnyBundle[],
): ReadBundles {
  const bundles: AnyBundle[] = [];
  const problems: FileSourceError[] = [];
  for (const { trustDomain, path, parse } of entries) {
    try {
      bundles.push(
        files.read(path, 'bad_bundle', `the bundle of ${trustDomain}`, (text) =>
          parse(trustDomain, notEmpty(path, text)),
        ),
      );
    } catch (error) {
      const known = held(trustDomain);
      if (!(error instanceof FileSourceError) || known.length === 0) throw error;
      bundles.push(...known);
      problems.push(error);
    }
  }
  return { bundles, problems };
}

/** Puts bundles of several files together. */
export function bundleSetOf(bundles: Iterable<AnyBundle>): BundleSet {
  try {
    return new BundleSet(bundles);
  } catch (cause) {
    if (!(cause instanceof BundleError)) throw cause;
    throw new FileSourceError('bad_bundle', cause.message, { cause });
  }
}

/** A list without what is not there. */
export function present<T>(...values: readonly (T | undefined)[]): readonly T[] {
  return values.filter((value) => value !== undefined);
}

/** No file of a trust domain without authorities is empty, but a file whose writing has just begun is. */
function notEmpty(path: string, text: string): string {
  if (text.trim() === '') throw new FileSourceError('bad_bundle', `the trust bundle in ${path} is empty`);
  return text;
}
