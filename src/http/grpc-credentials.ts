import type * as grpc from '@grpc/grpc-js';
import type { Clock } from '../internal/clock.js';
import type { WitSvidSource } from '../wit/index.js';
import { proveRequest, WPT_DRAFTS, type WptDraft } from '../wpt/index.js';

/** The application's own `@grpc/grpc-js`, or what of it is used. */
export type GrpcClientModule = Pick<typeof grpc, 'credentials' | 'Metadata'>;

export interface ProvingCredentialsOptions {
  /** The WIT-SVID to present, read for every attempt. */
  readonly wit: WitSvidSource;
  /**
   * Whom the proofs are for, such as `https://tools.example.org`: the path of the method, `/package.Service/Method`, is
   * put behind it. From configuration, because the name that a channel connects to is not always the service's.
   */
  readonly origin: string;
  /** How the proof travels. Default `draft-ietf-wimse-wpt-02`, which takes the metadata `authorization` for itself. */
  readonly draft?: WptDraft | undefined;
  /** How long a proof is valid, in seconds from 1 to 300. Default 60. */
  readonly lifetimeSeconds?: number | undefined;
  /** Milliseconds since the epoch. Default: the system clock. */
  readonly clock?: Clock | undefined;
}

/**
 * Call credentials for grpc-js that prove in every call who is calling, with a fresh proof for each attempt, so that
 * retries are not replays. grpc-js sends call credentials over TLS only.
 *
 * ```ts
 * const channel = grpc.credentials.combineChannelCredentials(
 *   grpc.credentials.createSsl(roots),
 *   createProvingCredentials(grpc, { wit: workload.wit, origin: 'https://tools.example.org' }),
 * );
 * ```
 *
 * @throws `TypeError` when an option is missing or wrong.
 */
export function createProvingCredentials(
  { credentials, Metadata }: GrpcClientModule,
  options: ProvingCredentialsOptions,
): grpc.CallCredentials {
  const { wit, origin, draft = 'draft-ietf-wimse-wpt-02', lifetimeSeconds, clock } = options;
  if (typeof wit?.getWitSvid !== 'function') throw new TypeError('wit must have a method getWitSvid()');
  if (typeof origin !== 'string' || !/^https?:\/\/[^/?#@]+$/.test(origin)) {
    throw new TypeError('origin must be scheme and authority, such as https://tools.example.org');
  }
  if (!Object.hasOwn(WPT_DRAFTS, draft)) throw new TypeError('draft is none that svidkit knows');
  const prove = async (path: string): Promise<grpc.Metadata> => {
    const metadata = new Metadata();
    const proof = await proveRequest(wit.getWitSvid(), { audience: origin + path, draft, lifetimeSeconds, clock });
    for (const [name, value] of proof) metadata.set(name, value);
    return metadata;
  };
  return credentials.createFromMetadataGenerator(({ method_name: path }, callback) => {
    prove(path).then((metadata) => callback(null, metadata), callback);
  });
}
