import {
  type BundleSet,
  type JwtBundle,
  type JwtBundleSource,
  parseJwtBundle,
  parseSpiffeBundle,
  parseWitBundle,
  parseX509BundlePem,
  type WitBundle,
  type WitBundleSource,
  type X509Bundle,
  type X509BundleSource,
} from '../bundle/index.js';
import type { TrustDomain } from '../id/index.js';
import { bundleFiles, bundleSetOf, present, readBundleFiles } from './bundle-files.js';
import { FileSource } from './file-source.js';
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
  return {
    paths: [...new Set(all.map(({ path }) => path))],
    secretPaths: [],
    convert: (files, held) => {
      const heldX509 = (trustDomain: TrustDomain) => present(held?.getX509Bundle(trustDomain));
      const heldJwt = (trustDomain: TrustDomain) => present(held?.getJwtBundle(trustDomain));
      const heldWit = (trustDomain: TrustDomain) => present(held?.getWitBundle(trustDomain));
      const reads = [
        readBundleFiles(files, x509, heldX509),
        readBundleFiles(files, jwt, heldJwt),
        readBundleFiles(files, wit, heldWit),
        readBundleFiles(files, spiffe, (trustDomain) => [
          ...heldX509(trustDomain),
          ...heldJwt(trustDomain),
          ...heldWit(trustDomain),
        ]),
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
