import {
  type BundleSet,
  type JwtBundle,
  type JwtBundleSource,
  parseJwtBundle,
  parseSpiffeBundle,
  parseSpiffeBundleMap,
  parseWitBundle,
  parseX509BundlePem,
  type WitBundle,
  type WitBundleSource,
  type X509Bundle,
  type X509BundleSource,
} from '../bundle/index.js';
import { FileSourceError } from '../errors/index.js';
import type { TrustDomain } from '../id/index.js';
import {
  type AnyBundle,
  bundleFiles,
  bundleSetOf,
  present,
  type ReadBundles,
  readBundleFiles,
} from './bundle-files.js';
import { FileSource, pathOption } from './file-source.js';
import type { FileTexts } from './file-texts.js';
import type { FileFeed } from './file-watch.js';
import type { BundlePaths, FileSourceOptions } from './options.js';

/** Where bundles are, by what kind of file it is. A trust domain may have one bundle of each kind. */
export interface BundleFileSourceOptions extends FileSourceOptions {
  /** X.509 bundles: certificates in PEM. Default: none. */
  readonly x509?: BundlePaths | undefined;
  /** JWT bundles: a JWK Set, where a key without `use` counts. Default: none. */
  readonly jwt?: BundlePaths | undefined;
  /** WIT bundles: a JWK Set, where a key without `use` counts. Default: none. */
  readonly wit?: BundlePaths | undefined;
  /** SPIFFE bundle documents, each of which has the bundles of every kind. Default: none. */
  readonly spiffe?: BundlePaths | undefined;
  /** Path of a SPIFFE bundle map, which has the documents of several trust domains. Default: none. */
  readonly spiffeMap?: string | undefined;
}

/**
 * The bundles in some files, of all kinds, kept fresh: for services that verify others and need no identity of their
 * own. Made by {@link createBundleFileSource}.
 */
export class BundleFileSource
  extends FileSource<BundleSet>
  implements X509BundleSource, JwtBundleSource, WitBundleSource
{
  /** @internal */
  constructor(options: BundleFileSourceOptions) {
    super(feedOf(options), options);
  }

  /** As {@link BundleFileSource.getJwtBundle}, for X.509 bundles. */
  getX509Bundle(trustDomain: TrustDomain): X509Bundle | undefined {
    return this.current.getX509Bundle(trustDomain);
  }

  /**
   * The JWT bundle of a trust domain as it was read last; `undefined` where none was named, so that its tokens are
   * refused.
   *
   * @throws `FileSourceError` `not_ready` or `closed`.
   */
  getJwtBundle(trustDomain: TrustDomain): JwtBundle | undefined {
    return this.current.getJwtBundle(trustDomain);
  }

  /** As {@link BundleFileSource.getJwtBundle}, for WIT bundles. */
  getWitBundle(trustDomain: TrustDomain): WitBundle | undefined {
    return this.current.getWitBundle(trustDomain);
  }
}

/**
 * Makes a source and starts reading at once; `ready()` tells when every file is there and makes sense. From then on a
 * file that is missing or makes no sense leaves the bundle of its trust domain as it was, and is reported.
 */
export function createBundleFileSource(options: BundleFileSourceOptions): BundleFileSource {
  return new BundleFileSource(options);
}

function feedOf(options: BundleFileSourceOptions): FileFeed<BundleSet> {
  const x509 = bundleFiles('x509', options.x509, parseX509BundlePem);
  const jwt = bundleFiles('jwt', options.jwt, parseJwtBundle);
  const wit = bundleFiles('wit', options.wit, parseWitBundle);
  const spiffe = bundleFiles('spiffe', options.spiffe, parseSpiffeBundle);
  const all = [...x509, ...jwt, ...wit, ...spiffe];
  const mapPaths = present(options.spiffeMap).map((path) => pathOption('spiffeMap', path));
  const named = new Set(all.map(({ trustDomain }) => trustDomain.toString()));
  return {
    paths: [...new Set([...all.map(({ path }) => path), ...mapPaths])],
    secretPaths: [],
    convert: (files, held) => {
      const heldX509 = (trustDomain: TrustDomain) => present(held?.getX509Bundle(trustDomain));
      const heldJwt = (trustDomain: TrustDomain) => present(held?.getJwtBundle(trustDomain));
      const heldWit = (trustDomain: TrustDomain) => present(held?.getWitBundle(trustDomain));
      const heldAll = (trustDomain: TrustDomain) => [
        ...heldX509(trustDomain),
        ...heldJwt(trustDomain),
        ...heldWit(trustDomain),
      ];
      const fromMap = held?.trustDomains().filter((trustDomain) => !named.has(trustDomain.toString())) ?? [];
      const reads = [
        readBundleFiles(files, x509, heldX509),
        readBundleFiles(files, jwt, heldJwt),
        readBundleFiles(files, wit, heldWit),
        readBundleFiles(files, spiffe, heldAll),
        ...mapPaths.map((path) => readMap(files, path, fromMap.flatMap(heldAll))),
      ];
      return {
        value: bundleSetOf(reads.flatMap(({ bundles }) => bundles)),
        problems: reads.flatMap(({ problems }) => problems),
      };
    },
    same: (one, other) => one.equals(other),
    expiresAt: () => undefined,
  };
}

/** A map that cannot be read leaves everything of it as it is held, and is refused where nothing is. */
function readMap(files: FileTexts, path: string, held: readonly AnyBundle[]): ReadBundles {
  try {
    const bundles = files.read(path, 'bad_bundle', 'the SPIFFE bundle map', parseSpiffeBundleMap);
    return { bundles, problems: [] };
  } catch (error) {
    if (held.length === 0 || !(error instanceof FileSourceError)) throw error;
    return { bundles: held, problems: [error] };
  }
}
