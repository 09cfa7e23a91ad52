import type { RequestListener } from 'node:http';
import type { Http2SecureServer, SecureServerOptions } from 'node:http2';
import type { Agent, AgentOptions, Server, ServerOptions } from 'node:https';
import type { TLSSocket, TlsOptions, Server as TlsServer } from 'node:tls';
import type { JwtBundleSource, WitBundleSource, X509BundleSource } from './bundle/index.js';
import { WorkloadApiError } from './errors/index.js';
import {
  createProvingFetch,
  type ExpectedResponses,
  type SignatureFetchOptions,
  type WptFetchOptions,
} from './http/index.js';
import type { Authorizer, SpiffeId, WorkloadIdLike } from './id/index.js';
import type { JwtSvid } from './jwt-svid/index.js';
import {
  type AcceptingOptions,
  type ConnectingOptions,
  connectTls,
  createHttp2Server,
  createHttp2SessionPool,
  createHttpsAgent,
  createHttpsServer,
  createMtlsFetch,
  createTlsServer,
  type DrainOptions,
  type Http2RequestListener,
  type Http2SessionPool,
  type Http2SessionPoolOptions,
  type MtlsFetch,
  type SpiffeClients,
  type SpiffeServers,
  type TlsConnectOptions,
} from './tls/index.js';
import {
  createJwtSource,
  createWitSource,
  createWorkloadApiClient,
  createX509Source,
  type JwtSource,
  type WitSource,
  type WorkloadApiClient,
  type X509Source,
} from './workload-api/index.js';
import type { X509Svid } from './x509-svid/index.js';

/** How {@link Workload.connect} finds the endpoint and what the workload's own `fetch` does. */
export type WorkloadOptions = WorkloadConnectOptions & (WorkloadTokenProofs | WorkloadSignatureProofs);

/** A Workload Proof Token with each request. The older draft can stand beside a bearer token. The default. */
export type WorkloadTokenProofs = Pick<WptFetchOptions, 'mechanism' | 'draft'>;

/** A signature of each request, which binds the body as well. */
export type WorkloadSignatureProofs = Pick<SignatureFetchOptions, 'mechanism' | 'draft'> & {
  /** As in {@link SignatureFetchOptions}; the bundles default to those of the workload. */
  readonly responses?: (Omit<ExpectedResponses, 'bundles'> & Partial<ExpectedResponses>) | undefined;
};

/** Where the endpoint is, and with whom `fetch` talks. */
export interface WorkloadConnectOptions {
  /** Where the Workload API is, as `unix:///path` or `tcp://IP:port`. Default: the environment variable `SPIFFE_ENDPOINT_SOCKET`. */
  readonly address?: string | undefined;
  /** How long to wait for the first identity, in milliseconds. Default 30,000. The sources keep trying meanwhile. */
  readonly timeoutMs?: number | undefined;
  /** Gives up waiting for the first identity. */
  readonly signal?: AbortSignal | undefined;
  /** Which of several delivered identities to use, by the hint its operator gave it. Default: the first one delivered. */
  readonly hint?: string | undefined;
  /**
   * Which servers `fetch` may talk to, by SPIFFE identity over mutual TLS. Needs the package `undici`. Without it,
   * `fetch` verifies https servers by the web's certificate authorities, as the global one does.
   */
  readonly servers?: Authorizer | undefined;
  /** The audience of the proof for a target. Default: the URL without query and fragment (draft-ietf-wimse-wpt section 2). */
  readonly audience?: ((url: string) => string) | undefined;
  /** Keeps the process running while the workload is open. Default false: an idle workload lets the process end. */
  readonly keepProcessAlive?: boolean | undefined;
}

/** Who may be at the other end of a connection that the workload's own identity is used for. */
export type PeerOptions = Omit<SpiffeServers & ConnectingOptions, 'svid' | 'bundles'>;

/** {@link PeerOptions} for a server. */
export type ServerPeerOptions = Omit<SpiffeClients & AcceptingOptions, 'bundles'>;

/**
 * The identity of this process and what it can do with it: a thin composition of the sources of
 * `svidkit/workload-api`, the TLS of `svidkit/tls` and the proving `fetch` of `svidkit/http`.
 *
 * ```ts
 * await using workload = await Workload.connect();
 * const answer = await workload.fetch('https://tools.example.org/orders');
 * ```
 */
export class Workload implements AsyncDisposable {
  /** X.509-SVIDs and X.509 bundles, kept fresh. */
  readonly x509: X509Source;
  /** JWT-SVIDs and JWT bundles, kept fresh. */
  readonly jwt: JwtSource;
  /** WIT-SVIDs and WIT bundles, kept fresh. Where the endpoint does not serve the profile, using it says so. */
  readonly wit: WitSource;
  /** The bundles of every trust domain this workload trusts, for verifiers. */
  readonly bundles: X509BundleSource & JwtBundleSource & WitBundleSource;
  /**
   * `fetch` with a Workload Identity Token and a fresh proof of possession on every request.
   *
   * @throws `WorkloadApiError` `unimplemented` when the endpoint serves no WIT-SVIDs.
   */
  readonly fetch: typeof globalThis.fetch;
  readonly #sources: Sources;
  readonly #mtlsFetch: MtlsFetch | undefined;

  private constructor(sources: Sources, options: WorkloadOptions) {
    this.#sources = sources;
    this.x509 = sources.x509;
    this.jwt = sources.jwt;
    this.wit = sources.wit;
    this.bundles = {
      getX509Bundle: (trustDomain) => this.x509.getX509Bundle(trustDomain),
      getJwtBundle: (trustDomain) => this.jwt.getJwtBundle(trustDomain),
      getWitBundle: (trustDomain) => this.wit.getWitBundle(trustDomain),
    };
    const { servers: authorize } = options;
    this.#mtlsFetch = authorize && createMtlsFetch({ svid: this.x509, bundles: this.x509, authorize });
    this.fetch = createProvingFetch({
      ...proofsOf(options, this.bundles),
      wit: this.wit,
      audience: options.audience,
      fetch: this.#mtlsFetch?.fetch,
    });
  }

  /**
   * Connects to the Workload API and resolves when the first identity is here. Identities rotate by themselves from
   * then on, and the connection is re-established whenever it is lost.
   *
   * @throws `WorkloadApiError` a rule of the address such as `address_unset`; `timeout`, with the last failure as
   * cause; `invalid_argument` or `unimplemented` at once. `TypeError` when an option is wrong; whatever was opened is
   * closed again.
   */
  static async connect(options: WorkloadOptions = {}): Promise<Workload> {
    const sources = openSources(options);
    try {
      const workload = new Workload(sources, options);
      const waiting = { signal: options.signal, timeoutMs: options.timeoutMs ?? 30_000 };
      await Promise.all([
        sources.x509.ready(waiting),
        sources.jwt.ready(waiting).catch(unlessUnimplemented),
        sources.wit.ready(waiting).catch(unlessUnimplemented),
      ]);
      return workload;
    } catch (error) {
      await closeSources(sources);
      throw error;
    }
  }

  /** The SPIFFE ID of the current X.509-SVID. */
  get id(): SpiffeId {
    return this.svid.id;
  }

  /**
   * The X.509-SVID to present now.
   *
   * @throws `WorkloadApiError` `withdrawn`, `expired` or `closed` when there is none to present.
   */
  get svid(): X509Svid {
    return this.x509.getX509Svid();
  }

  /** A JWT-SVID for an audience, from the cache while it is younger than half its life. */
  fetchJwtSvid(
    audience: string | readonly string[],
    options: { readonly id?: WorkloadIdLike | undefined; readonly signal?: AbortSignal | undefined } = {},
  ): Promise<JwtSvid> {
    return this.jwt.fetchJwtSvid({ audience, ...options });
  }

  /** An agent for `node:https` that presents the current X.509-SVID and verifies the server's identity on every connection. */
  httpsAgent(peer: PeerOptions & DrainOptions, options?: AgentOptions): Agent {
    return createHttpsAgent({ ...peer, svid: this.x509, bundles: this.x509 }, options);
  }

  /** An https server that presents the current X.509-SVID and admits verified, authorized clients only. */
  createHttpsServer(
    peer: ServerPeerOptions & DrainOptions,
    handler?: RequestListener,
    options?: ServerOptions,
  ): Server {
    return createHttpsServer({ ...peer, svid: this.x509, bundles: this.x509 }, handler, options);
  }

  /** Sessions to verified, authorized servers of HTTP/2, replaced as rotation asks for. To be closed before the workload. */
  http2SessionPool(peer: PeerOptions, options?: Http2SessionPoolOptions): Http2SessionPool {
    return createHttp2SessionPool({ ...peer, svid: this.x509, bundles: this.x509 }, options);
  }

  /** An HTTP/2 server that presents the current X.509-SVID and admits verified, authorized clients only. */
  createHttp2Server(
    peer: ServerPeerOptions & DrainOptions,
    handler?: Http2RequestListener,
    options?: SecureServerOptions,
  ): Http2SecureServer {
    return createHttp2Server({ ...peer, svid: this.x509, bundles: this.x509 }, handler, options);
  }

  /** A TLS socket to a verified, authorized server, for a protocol of the application's own. */
  connectTls(peer: PeerOptions & DrainOptions, options: TlsConnectOptions): Promise<TLSSocket> {
    return connectTls({ ...peer, svid: this.x509, bundles: this.x509 }, options);
  }

  /** A TLS server that presents the current X.509-SVID and gives the sockets of verified, authorized clients only. */
  createTlsServer(
    peer: ServerPeerOptions & DrainOptions,
    listener?: (socket: TLSSocket) => void,
    options?: TlsOptions,
  ): TlsServer {
    return createTlsServer({ ...peer, svid: this.x509, bundles: this.x509 }, listener, options);
  }

  /** Ends every stream and timer. Idempotent. */
  async close(): Promise<void> {
    // Before its sources: connections end when nothing verifies their peers any more.
    await this.#mtlsFetch?.close();
    await closeSources(this.#sources);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

interface Sources {
  readonly client: WorkloadApiClient;
  readonly x509: X509Source;
  readonly jwt: JwtSource;
  readonly wit: WitSource;
}

function openSources({ address, hint, keepProcessAlive }: WorkloadOptions): Sources {
  const client = createWorkloadApiClient({ address });
  const shared = { client, keepProcessAlive };
  const pick = <Svid extends { readonly hint: string | undefined }>(svids: readonly Svid[]): Svid | undefined =>
    hint === undefined ? svids[0] : svids.find((svid) => svid.hint === hint);
  return {
    client,
    x509: createX509Source({ ...shared, pick }),
    jwt: createJwtSource(shared),
    wit: createWitSource({ ...shared, pick }),
  };
}

async function closeSources({ client, x509, jwt, wit }: Sources): Promise<void> {
  await Promise.all([x509.close(), jwt.close(), wit.close()]);
  await client.close();
}

function proofsOf(
  options: WorkloadOptions,
  bundles: WitBundleSource,
): WorkloadTokenProofs | Omit<SignatureFetchOptions, 'wit'> {
  if (options.mechanism !== 'http-signature') return { mechanism: options.mechanism, draft: options.draft };
  const { mechanism, draft, responses } = options;
  return { mechanism, draft, responses: responses && { bundles, ...responses } };
}

function unlessUnimplemented(error: unknown): void {
  if (error instanceof WorkloadApiError && error.code === 'unimplemented') return;
  throw error;
}
