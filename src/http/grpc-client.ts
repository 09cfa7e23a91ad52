import type * as grpc from '@grpc/grpc-js';
import { isSvidkitError, ProvingFetchError } from '../errors/index.js';
import type { Clock } from '../internal/clock.js';
import type { WitSvidSource } from '../wit/index.js';
import { proveRequest, WPT_DRAFTS, type WptDraft } from '../wpt/index.js';
import { coveredTokens } from './covered-tokens.js';

/** The application's own `@grpc/grpc-js`, 1.14 or newer, or what of it is used. */
export type GrpcClientModule = Pick<typeof grpc, 'CallCredentials' | 'Channel' | 'Metadata' | 'status'>;

export interface ProvingChannelOptions {
  /** The WIT-SVID to present, read for every attempt. */
  readonly wit: WitSvidSource;
  /**
   * Whom the proofs are for, such as `https://tools.example.org`: the path of the method, `/package.Service/Method`, is
   * put behind it. From configuration, because the name that a channel connects to is not always the service's.
   */
  readonly origin: string;
  /**
   * How the proof travels. Default `draft-ietf-wimse-wpt-02`, which takes the metadata `authorization` for itself; with
   * `draft-ietf-wimse-wpt-01` a call may have a Bearer or DPoP access token there, which the proof then covers.
   */
  readonly draft?: WptDraft | undefined;
  /** Names of metadata with further tokens; the proof covers those that a call has. Default none. */
  readonly otherTokens?: readonly string[] | undefined;
  /** How long a proof is valid, in whole seconds from 1 to 300. Default 60. */
  readonly lifetimeSeconds?: number | undefined;
  /** Milliseconds since the epoch. Default: the system clock. */
  readonly clock?: Clock | undefined;
}

/** Makes channels as `new grpc.Channel()` does, for `channelFactoryOverride` among the options of a client. */
export type ProvingChannelFactory = (
  address: string,
  credentials: grpc.ChannelCredentials,
  options?: grpc.ChannelOptions,
) => grpc.Channel;

/**
 * Has clients of grpc-js prove in every call who is calling, with a fresh proof for each attempt, so that retries are not
 * replays. The proof covers the tokens that go along: `txn-token`, the access token where the draft has room for one, and
 * `otherTokens`, whether they are metadata of the call or come from an interceptor or from call credentials.
 *
 * ```ts
 * const client = new OrdersClient('tools.example.org:443', grpc.credentials.createSsl(roots), {
 *   channelFactoryOverride: createProvingChannelFactory(grpc, { wit, origin: 'https://tools.example.org' }),
 * });
 * ```
 *
 * A proof goes out over TLS only (draft-ietf-wimse-wpt, security considerations). It is a channel that proves, and no
 * interceptor, because interceptors and call credentials cannot tell whether their channel is one of TLS.
 *
 * A call that cannot be proven is not sent. It ends with a `ServiceError`, whose `cause` is the error and whose `details`
 * name it: INVALID_ARGUMENT when the call has what no proof can stand next to, which is a `ProvingFetchError`
 * `reserved_header`, `authorization_taken`, `unsupported_authorization` or `duplicate_header`, or a `TypeError` for what is
 * not a token; UNAVAILABLE, which policies may retry, when there is no identity to prove, with what the WIT source threw.
 *
 * @throws `TypeError` when an option is missing or wrong. The factory throws `ProvingFetchError` `not_tls` when it is given
 * credentials without TLS.
 */
export function createProvingChannelFactory(
  module: GrpcClientModule,
  options: ProvingChannelOptions,
): ProvingChannelFactory {
  checkOptions(options);
  const credentialsOf = provingCredentials(module);
  class ProvingChannel extends module.Channel {
    override createCall(...call: Parameters<grpc.Channel['createCall']>): Call {
      return provingCall(super.createCall(...call), credentialsOf, module, options);
    }
  }
  return (address, credentials, channelOptions = {}) => {
    if (!credentials._isSecure()) {
      throw new ProvingFetchError(
        'not_tls',
        `the credentials for ${address} are not of TLS; a proof is not sent there`,
      );
    }
    return new ProvingChannel(address, credentials, channelOptions);
  };
}

function checkOptions({ wit, origin, draft, otherTokens }: ProvingChannelOptions): void {
  if (typeof wit?.getWitSvid !== 'function') throw new TypeError('wit must have a method getWitSvid()');
  if (typeof origin !== 'string' || !/^https?:\/\/[^/?#@]+$/.test(origin)) {
    throw new TypeError('origin must be scheme and authority, such as https://tools.example.org');
  }
  if (draft !== undefined && !Object.hasOwn(WPT_DRAFTS, draft)) {
    throw new TypeError('draft is none that svidkit knows');
  }
  if (otherTokens !== undefined && !Array.isArray(otherTokens)) throw new TypeError('otherTokens must be a list');
}

type Call = ReturnType<grpc.Channel['createCall']>;

/** Adds the proof of one attempt to the metadata that other credentials have given for it. */
type Prove = (path: string, added: grpc.Metadata) => Promise<grpc.Metadata>;

/** Call credentials that come after all others, so that the proof can cover the tokens that those bring. */
function provingCredentials({ CallCredentials }: GrpcClientModule) {
  class ProvingCredentials extends CallCredentials {
    readonly #prove: Prove;
    readonly #others: grpc.CallCredentials;

    constructor(prove: Prove, others: grpc.CallCredentials) {
      super();
      this.#prove = prove;
      this.#others = others;
    }

    override async generateMetadata(options: Parameters<grpc.CallCredentials['generateMetadata']>[0]) {
      return this.#prove(options.method_name, await this.#others.generateMetadata(options));
    }

    override compose(other: grpc.CallCredentials): grpc.CallCredentials {
      return new ProvingCredentials(this.#prove, this.#others.compose(other));
    }

    override _equals(other: grpc.CallCredentials): boolean {
      return this === other;
    }
  }
  return (prove: Prove, others: grpc.CallCredentials): grpc.CallCredentials => new ProvingCredentials(prove, others);
}

/** Gives the call credentials that are asked before each attempt, and remembers the metadata that it starts with. */
function provingCall(
  call: Call,
  credentialsOf: ReturnType<typeof provingCredentials>,
  { CallCredentials, status }: GrpcClientModule,
  options: ProvingChannelOptions,
): Call {
  const [start, setCredentials] = [call.start.bind(call), call.setCredentials.bind(call)];
  let others = CallCredentials.createEmpty();
  call.setCredentials = (credentials) => {
    others = credentials;
  };
  call.start = (metadata, listener) => {
    const own = metadata.clone();
    let failure: Failure | undefined;
    const prove: Prove = async (path, added) => {
      try {
        return await withProof(path, own, added, options);
      } catch (error) {
        failure = failureOf(error, status);
        const { code, details } = failure;
        // grpc-js makes another code of this one when credentials fail with it.
        if (code === status.INVALID_ARGUMENT) call.cancelWithStatus(code, details);
        throw Object.assign(new Error(details), { code });
      }
    };
    setCredentials(credentialsOf(prove, others));
    start(metadata, {
      onReceiveMetadata: (received) => listener.onReceiveMetadata(received),
      onReceiveMessage: (message: unknown) => listener.onReceiveMessage(message),
      onReceiveStatus: (received) => listener.onReceiveStatus(legible(received, failure)),
    });
  };
  return call;
}

async function withProof(
  path: string,
  own: grpc.Metadata,
  added: grpc.Metadata,
  { wit, origin, lifetimeSeconds, clock, ...coverage }: ProvingChannelOptions,
): Promise<grpc.Metadata> {
  const [sent, proven] = [own.clone(), added.clone()];
  sent.merge(added);
  const tokens = coveredTokens((name) => fieldValue(sent, name), coverage);
  const { draft } = coverage;
  const proof = await proveRequest(wit.getWitSvid(), {
    audience: origin + path,
    draft,
    lifetimeSeconds,
    clock,
    ...tokens,
  });
  for (const [name, value] of proof) proven.set(name, value);
  return proven;
}

/** The value as it travels: bytes, which metadata named `…-bin` has, as base64. */
function fieldValue(metadata: grpc.Metadata, name: string): string | null {
  const [value, ...more] = metadata.get(name);
  if (value === undefined) return null;
  if (more.length > 0) throw new ProvingFetchError('duplicate_header', `the metadata ${name} is there more than once`);
  return typeof value === 'string' ? value : value.toString('base64');
}

/** Why an attempt could not be proven. */
interface Failure {
  readonly code: grpc.status;
  readonly details: string;
  readonly cause: unknown;
}

function failureOf(cause: unknown, status: GrpcClientModule['status']): Failure {
  const isRefusal = cause instanceof ProvingFetchError || cause instanceof TypeError;
  const text = cause instanceof Error ? cause.message : 'there is no identity to prove';
  return {
    code: isRefusal ? status.INVALID_ARGUMENT : status.UNAVAILABLE,
    details: isSvidkitError(cause) ? `${cause.code}: ${text}` : text,
    cause,
  };
}

/** The status with its reason, of which grpc-js hands on the text alone; of the fields of a status it makes an error. */
function legible(received: grpc.StatusObject, failure: Failure | undefined): grpc.StatusObject {
  return failure !== undefined && received.details.endsWith(failure.details) ? { ...received, ...failure } : received;
}
