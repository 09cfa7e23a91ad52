import { type BundleSet, type JwtBundle, type JwtBundleSource, parseJwtBundle } from '../bundle/index.js';
import { FileSourceError } from '../errors/index.js';
import { parseSpiffeId, type TrustDomain, type WorkloadIdLike } from '../id/index.js';
import { type Clock, systemClock } from '../internal/clock.js';
import { type JwtSvid, parseJwtSvid } from '../jwt-svid/index.js';
import { bundleFiles, bundleSetOf, present, readBundleFiles } from './bundle-files.js';
import { FileSource, pathOption } from './file-source.js';
import type { FileTexts } from './file-texts.js';
import type { FileFeed } from './file-watch.js';
import { type JwtBundleMap, readJwtBundleMap } from './jwt-bundle-map.js';
import type { BundlePaths, FileSourceOptions } from './options.js';

export interface JwtFileSourceOptions extends FileSourceOptions {
  /** Paths of JWT-SVIDs, one token in each file. Default: none, for services that only verify. */
  readonly tokens?: string | readonly string[] | undefined;
  /** Where the JWT bundles are: for each trust domain the path of a JWK Set. Default: none. */
  readonly bundles?: BundlePaths | undefined;
  /**
   * Path of the JWT bundles of several trust domains in one file of at most 1 MiB, as spiffe-helper writes them. Default:
   * none.
   */
  readonly bundleMap?: string | undefined;
}

/** The JWT-SVIDs and JWT bundles that were in the files at the same time. Immutable. */
export interface JwtFileContext {
  /** In the order of the paths; also those that have expired. */
  readonly svids: readonly JwtSvid[];
  readonly bundles: BundleSet;
}

/** What a JWT-SVID is wanted for. */
export interface FileJwtSvidRequest {
  /** Who is to receive it. The token must name every one of them. */
  readonly audience: string | readonly string[];
  /** Whose it is to be. Default: whoever's. */
  readonly id?: WorkloadIdLike | undefined;
}

/** The JWT-SVIDs and JWT bundles in some files, kept fresh. Made by {@link createJwtFileSource}. */
export class JwtFileSource extends FileSource<JwtFileContext> implements JwtBundleSource {
  readonly #clock: Clock;

  /** @internal */
  constructor(options: JwtFileSourceOptions) {
    super(feedOf(options), options);
    this.#clock = options.clock ?? systemClock;
  }

  /**
   * The JWT-SVID in the files that fits: of several the one with the fewest audiences, then the one that expires last.
   * Does not wait for {@link ready}.
   *
   * @throws `FileSourceError` `no_identity`, `expired` where one that would fit has expired, `not_ready` or `closed`.
   */
  async fetchJwtSvid(request: FileJwtSvidRequest): Promise<JwtSvid> {
    const wanted = typeof request.audience === 'string' ? [request.audience] : request.audience;
    if (wanted.length === 0) throw new TypeError('a JWT-SVID is for at least one audience');
    const id = request.id === undefined ? undefined : parseSpiffeId(request.id);
    const fitting = this.held()
      .svids.filter((svid) => wanted.every((audience) => svid.audience.includes(audience)))
      .filter((svid) => id === undefined || svid.id.equals(id))
      .sort((one, other) => byFit(one, other));
    const now = this.#clock();
    const best = fitting.find((svid) => now < svid.expiresAt.getTime());
    if (best !== undefined) return best;
    const [expired] = fitting;
    this.checkUnexpired(expired?.expiresAt);
    throw new FileSourceError('no_identity', 'none of the files has a JWT-SVID for this audience and identifier');
  }

  /**
   * The JWT bundle of a trust domain as it was read last; `undefined` where there was none, so that its tokens are
   * refused.
   *
   * @throws `FileSourceError` `not_ready` or `closed`.
   */
  getJwtBundle(trustDomain: TrustDomain): JwtBundle | undefined {
    return this.held().bundles.getJwtBundle(trustDomain);
  }
}

/** Makes a source and starts reading at once; `ready()` tells when every file is there and makes sense. */
export function createJwtFileSource(options: JwtFileSourceOptions): JwtFileSource {
  return new JwtFileSource(options);
}

function feedOf(options: JwtFileSourceOptions): FileFeed<JwtFileContext> {
  const { tokens = [] } = options;
  const tokenPaths = (typeof tokens === 'string' ? [tokens] : tokens).map((path) => pathOption('tokens', path));
  const entries = bundleFiles('bundles', options.bundles, parseJwtBundle);
  const mapPaths = present(options.bundleMap).map((path) => pathOption('bundleMap', path));
  const named = new Set(entries.map(({ trustDomain }) => trustDomain.toString()));
  return {
    paths: [...new Set([...tokenPaths, ...entries.map(({ path }) => path), ...mapPaths])],
    secretPaths: [],
    convert: (files, held) => {
      const heldOf = (trustDomain: TrustDomain) => present(held?.bundles.getJwtBundle(trustDomain));
      const svids = tokenPaths.map((path, i) => readToken(files, path, held?.svids[i]));
      const read = readBundleFiles(files, entries, heldOf);
      const others = held?.bundles.trustDomains().filter((trustDomain) => !named.has(trustDomain.toString())) ?? [];
      const maps = mapPaths.map((path) => readJwtBundleMap(files, path, others.flatMap(heldOf)));
      return {
        value: Object.freeze({
          svids: Object.freeze(svids.map(({ svid }) => svid)),
          bundles: bundleSetOf([...read.bundles, ...maps.flatMap(({ bundles }: JwtBundleMap) => bundles)]),
        }),
        problems: [
          ...svids.flatMap(({ problem }) => present(problem)),
          ...read.problems,
          ...maps.flatMap(({ problems }) => problems),
        ],
      };
    },
    same: (one, other) =>
      one.svids.length === other.svids.length &&
      one.svids.every((svid, i) => svid.token === other.svids[i]?.token) &&
      one.bundles.equals(other.bundles),
    expiresAt: () => undefined,
  };
}

/** Tokens for different audiences have nothing to do with one another: one that cannot be read stays as it is held. */
function readToken(
  files: FileTexts,
  path: string,
  held: JwtSvid | undefined,
): { readonly svid: JwtSvid; readonly problem?: FileSourceError } {
  try {
    return { svid: files.read(path, 'bad_identity', 'the JWT-SVID', (text) => parseJwtSvid(text.trim())) };
  } catch (error) {
    if (held === undefined || !(error instanceof FileSourceError)) throw error;
    return { svid: held, problem: error };
  }
}

function byFit(one: JwtSvid, other: JwtSvid): number {
  return one.audience.length - other.audience.length || other.expiresAt.getTime() - one.expiresAt.getTime();
}
