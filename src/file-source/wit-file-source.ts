import { type BundleSet, parseWitBundle, type WitBundle, type WitBundleSource } from '../bundle/index.js';
import type { TrustDomain, WorkloadIdLike } from '../id/index.js';
import { parseWitSvid, type WitSvid, type WitSvidSource } from '../wit/index.js';
import { bundleFiles, bundleSetOf, present, readBundleFiles } from './bundle-files.js';
import { FileSource, pathOption } from './file-source.js';
import type { FileFeed } from './file-watch.js';
import type { BundlePaths, FileSourceOptions } from './options.js';

export interface WitFileSourceOptions extends FileSourceOptions {
  /** Path of the Workload Identity Token. */
  readonly token: string;
  /** Path of the private key of the key in the token's `cnf`: a JWK. */
  readonly privateKey: string;
  /** Where the WIT bundles are: for each trust domain the path of a JWK Set. Default: none, for who only proves. */
  readonly bundles?: BundlePaths | undefined;
  /** The identifier that the token must have. Default: whichever it has. */
  readonly id?: WorkloadIdLike | undefined;
  /** What the WIT-SVID is for, as the source's `WitSvid` will say. Default: nothing. */
  readonly hint?: string | undefined;
}

/** A WIT-SVID with the WIT bundles that were in the files at the same time. Immutable. */
export interface WitFileContext {
  readonly svid: WitSvid;
  readonly bundles: BundleSet;
}

/** The WIT-SVID and the WIT bundles in some files, kept fresh. Made by {@link createWitFileSource}. */
export class WitFileSource extends FileSource<WitFileContext> implements WitSvidSource, WitBundleSource {
  /** @internal */
  constructor(options: WitFileSourceOptions) {
    super(feedOf(options), options);
  }

  /**
   * The WIT-SVID to present now.
   *
   * @throws `FileSourceError` `not_ready`, `expired` or `closed`.
   */
  getWitSvid(): WitSvid {
    return this.current.svid;
  }

  /**
   * The WIT bundle of a trust domain as it was read last; `undefined` where none was named, so that its tokens are
   * refused. It outlives the WIT-SVID beside it.
   *
   * @throws `FileSourceError` `not_ready` or `closed`.
   */
  getWitBundle(trustDomain: TrustDomain): WitBundle | undefined {
    return this.held().bundles.getWitBundle(trustDomain);
  }
}

/**
 * Makes a source and starts reading at once; `ready()` tells when token, key and every bundle are there and belong
 * together. It keeps what it has while the files are missing or make no sense, and stops presenting an identity when
 * that expires.
 */
export function createWitFileSource(options: WitFileSourceOptions): WitFileSource {
  return new WitFileSource(options);
}

function feedOf(options: WitFileSourceOptions): FileFeed<WitFileContext> {
  const { id, hint } = options;
  const token = pathOption('token', options.token);
  const keyPath = pathOption('privateKey', options.privateKey);
  const entries = bundleFiles('bundles', options.bundles, parseWitBundle);
  return {
    paths: [...new Set([token, keyPath, ...entries.map(({ path }) => path)])],
    secretPaths: [keyPath],
    convert: (files, held) => {
      const privateKey = files.read(keyPath, 'bad_identity', 'the private key', (text) => text);
      const svid = files.read(token, 'bad_identity', 'the WIT-SVID', (text) =>
        parseWitSvid({ token: text.trim(), privateKey, id, hint }),
      );
      const read = readBundleFiles(files, entries, (trustDomain) => present(held?.bundles.getWitBundle(trustDomain)));
      return { value: Object.freeze({ svid, bundles: bundleSetOf(read.bundles) }), problems: read.problems };
    },
    same: (one, other) => one.svid.equals(other.svid) && one.bundles.equals(other.bundles),
    expiresAt: ({ svid }) => svid.expiresAt,
  };
}
