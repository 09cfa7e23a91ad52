import type { BundleSet, X509Bundle, X509BundleSource } from '../bundle/index.js';
import {
  parseSpiffeId,
  parseTrustDomain,
  type SpiffeId,
  type TrustDomain,
  type TrustDomainLike,
  type WorkloadIdLike,
} from '../id/index.js';
import { sameLists } from '../internal/held-certificate-lists.js';
import type { CertificateRevocationList, X509CrlSource, X509Svid, X509SvidSource } from '../x509-svid/index.js';
import { type BundleFile, bundleFiles, bundleSetOf, present, readBundleFiles } from './bundle-files.js';
import { crlFiles } from './crl-files.js';
import { FileSource, pathOption } from './file-source.js';
import type { FileFeed } from './file-watch.js';
import type { BundlePaths, FileSourceOptions } from './options.js';
import { parseX509BundleFile, readX509SvidFiles } from './x509-files.js';

export interface X509FileSourceOptions extends FileSourceOptions {
  /** Path of the certificates in PEM: the leaf, then intermediates. Other blocks in the file are not looked at. */
  readonly certificates: string;
  /**
   * Path of the private key in PEM, not encrypted. Default: the file of the certificates, which then has both, as the
   * credential bundle of a Kubernetes pod certificate does.
   */
  readonly privateKey?: string | undefined;
  /**
   * Where the X.509 bundles are: a path for each trust domain, or one path for `trustDomain`. Each file has PEM or a
   * SPIFFE bundle document, and the authorities of one trust domain alone: those of several in one file would each
   * speak for all of them.
   */
  readonly bundles: string | BundlePaths;
  /**
   * Paths of revocation lists in PEM, blocks labelled `X509 CRL`, for `getX509Crls()`. A file that can no longer be read
   * keeps the lists that it had. Default: none.
   */
  readonly crls?: string | readonly string[] | undefined;
  /** The trust domain of the one path in `bundles`. Default: that of the SVID. */
  readonly trustDomain?: TrustDomainLike | undefined;
  /** The identifier that the certificate must have. Default: whichever SPIFFE ID it has. */
  readonly id?: WorkloadIdLike | undefined;
  /** What the SVID is for, as the source's `X509Svid` will say. Default: nothing. */
  readonly hint?: string | undefined;
}

/** An X.509-SVID with the bundles that were in the files at the same time. Immutable. */
export interface X509FileContext {
  readonly svid: X509Svid;
  /** One X.509 bundle for each trust domain that was named. */
  readonly bundles: BundleSet;
  /** Of all files with revocation lists. */
  readonly crls: readonly CertificateRevocationList[];
}

/**
 * The X.509-SVID, the bundles and the revocation lists in some files, kept fresh. Made by
 * {@link createX509FileSource}.
 */
export class X509FileSource
  extends FileSource<X509FileContext>
  implements X509SvidSource, X509BundleSource, X509CrlSource
{
  /** @internal */
  constructor(options: X509FileSourceOptions) {
    super(feedOf(options), options);
  }

  /**
   * The X.509-SVID to present now.
   *
   * @throws `FileSourceError` `not_ready`, `expired` or `closed`.
   */
  getX509Svid(): X509Svid {
    return this.current.svid;
  }

  /**
   * The X.509 bundle of a trust domain as it was read last; `undefined` where none was named, so that its SVIDs are
   * refused. It outlives the SVID beside it.
   *
   * @throws `FileSourceError` `not_ready` or `closed`.
   */
  getX509Bundle(trustDomain: TrustDomain): X509Bundle | undefined {
    return this.held().bundles.getX509Bundle(trustDomain);
  }

  /**
   * The revocation lists as they were read last; none where no file was named.
   *
   * @throws `FileSourceError` `not_ready` or `closed`.
   */
  getX509Crls(): readonly CertificateRevocationList[] {
    return this.held().crls;
  }
}

/**
 * Makes a source and starts reading at once; `ready()` tells when certificate, key and every bundle are there and
 * belong together. The source follows every way in which files are rotated: one after the other, renamed, or behind the
 * `..data` link of a Kubernetes volume. It keeps what it has while the files are missing or make no sense, and stops
 * presenting an identity when that expires.
 */
export function createX509FileSource(options: X509FileSourceOptions): X509FileSource {
  return new X509FileSource(options);
}

function feedOf(options: X509FileSourceOptions): FileFeed<X509FileContext> {
  const { hint } = options;
  const certificates = pathOption('certificates', options.certificates);
  const privateKey = options.privateKey === undefined ? certificates : pathOption('privateKey', options.privateKey);
  const id = options.id === undefined ? undefined : parseSpiffeId(options.id);
  const { paths, filesFor } = bundlesOption(options.bundles, options.trustDomain);
  const lists = crlFiles(options.crls);
  return {
    paths: [...new Set([certificates, privateKey, ...paths, ...lists.paths])],
    secretPaths: [privateKey],
    convert: (files, held) => {
      const svid = readX509SvidFiles(files, { certificates, privateKey }, { id, hint });
      const read = readBundleFiles(files, filesFor(svid.id), (trustDomain) =>
        present(held?.bundles.getX509Bundle(trustDomain)),
      );
      const { crls, problems } = lists.read(files);
      const value = Object.freeze({ svid, bundles: bundleSetOf(read.bundles), crls });
      return { value, problems: [...read.problems, ...problems] };
    },
    same: (one, other) =>
      one.svid.equals(other.svid) && one.bundles.equals(other.bundles) && sameLists(one.crls, other.crls),
    expiresAt: ({ svid }) => svid.expiresAt,
  };
}

interface BundlesOption {
  readonly paths: readonly string[];
  /** The bundle files, now that it is known whose identity is presented. */
  filesFor(id: SpiffeId): readonly BundleFile<X509Bundle>[];
}

function bundlesOption(bundles: string | BundlePaths, trustDomain: TrustDomainLike | undefined): BundlesOption {
  if (typeof bundles !== 'string') {
    if (trustDomain !== undefined) throw new TypeError('trustDomain belongs to a single path in bundles');
    const files = bundleFiles('bundles', bundles, parseX509BundleFile);
    return { paths: files.map(({ path }) => path), filesFor: () => files };
  }
  const path = pathOption('bundles', bundles);
  const named = trustDomain === undefined ? undefined : parseTrustDomain(trustDomain);
  return {
    paths: [path],
    filesFor: (id) => [{ trustDomain: named ?? id.trustDomain, path, parse: parseX509BundleFile }],
  };
}
