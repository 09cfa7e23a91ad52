import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromBinary, type MessageInitShape } from '@bufbuild/protobuf';
import { ServerCredentials } from '@grpc/grpc-js';
import type { SpiffeBundle } from 'svidkit/bundle';
import type { X509Svid } from 'svidkit/x509-svid';
import {
  API,
  type FetchJWTSVIDRequest,
  type FetchJWTSVIDResponseSchema,
  type SubscribeToJWTBundlesResponseSchema,
  type SubscribeToX509BundlesResponseSchema,
  type SubscribeToX509SVIDResponseSchema,
  WorkloadPIDReferenceSchema,
  type WorkloadReference,
} from '../../src/broker-api/gen/brokerapi_pb.js';
import type { EndpointAddress } from '../../src/workload-api/endpoint-address.js';
import { type GrpcServer, type GrpcServerCall, serveGrpc } from '../../src/workload-api/grpc-server.js';
import { GrpcStatus } from '../../src/workload-api/grpc-status.js';
import { refusal, ScriptedStream } from './scripted-stream.js';

type JwtAnswer = MessageInitShape<typeof FetchJWTSVIDResponseSchema>;

/** What the broker endpoint does for one reference. */
export class ScriptedWorkload {
  readonly x509 = new ScriptedStream<MessageInitShape<typeof SubscribeToX509SVIDResponseSchema>>();
  readonly x509Bundles = new ScriptedStream<MessageInitShape<typeof SubscribeToX509BundlesResponseSchema>>();
  readonly jwtBundles = new ScriptedStream<MessageInitShape<typeof SubscribeToJWTBundlesResponseSchema>>();
  /** Answers FetchJWTSVID; throws GrpcStatusError to refuse. */
  jwt: (request: FetchJWTSVIDRequest, call: GrpcServerCall) => Promise<JwtAnswer> = async () => {
    throw refusal(GrpcStatus.permissionDenied);
  };
}

/** A Broker API endpoint over mutual TLS that does what a test tells it to, for each reference by itself. */
export class ScriptedBroker implements AsyncDisposable {
  readonly path: string = join(tmpdir(), `svidkit-${randomUUID().slice(0, 8)}.sock`);
  /** Every call that got as far as a handler. */
  readonly calls: GrpcServerCall[] = [];
  /** The references of those calls, as they came. */
  readonly references: (WorkloadReference | undefined)[] = [];
  readonly #identity: X509Svid;
  readonly #bundle: SpiffeBundle;
  readonly #workloads = new Map<string, ScriptedWorkload>();
  readonly #address: EndpointAddress;
  #server: GrpcServer | undefined;

  /** @param tcp whether to listen on a port of 127.0.0.1 and not on a socket. */
  constructor(identity: X509Svid, bundle: SpiffeBundle, tcp = false) {
    this.#identity = identity;
    this.#bundle = bundle;
    this.#address = tcp ? { transport: 'tcp', host: '127.0.0.1', port: 0 } : { transport: 'unix', path: this.path };
  }

  get address(): string {
    const address = this.#server?.address ?? this.#address;
    return address.transport === 'unix' ? `unix://${address.path}` : `tcp://${address.host}:${address.port}`;
  }

  /** The script of a reference: of a process by its number, of anything else by its type URL. */
  workload(key: number | string): ScriptedWorkload {
    const known = this.#workloads.get(String(key));
    if (known !== undefined) return known;
    const made = new ScriptedWorkload();
    this.#workloads.set(String(key), made);
    return made;
  }

  /** Listens, again if need be. */
  async listen(): Promise<void> {
    const key = Buffer.from(this.#identity.privateKeyPkcs8Pem());
    const chain = Buffer.from(this.#identity.certificatesPem());
    const roots = Buffer.from(this.#bundle.x509.toPem());
    const credentials = ServerCredentials.createSsl(roots, [{ private_key: key, cert_chain: chain }], true);
    const handlers: Parameters<typeof serveGrpc<typeof API.method>>[2] = {
      subscribeToX509SVID: (request, call) => this.#scriptOf(request, call).x509.serve(call),
      subscribeToX509Bundles: (request, call) => this.#scriptOf(request, call).x509Bundles.serve(call),
      subscribeToJWTBundles: (request, call) => this.#scriptOf(request, call).jwtBundles.serve(call),
      fetchJWTSVID: (request, call) => this.#scriptOf(request, call).jwt(request, call),
    };
    this.#server = await serveGrpc(this.#address, API, handlers, { credentials });
  }

  /** Ends every connection and stops listening. */
  async stop(): Promise<void> {
    await this.#server?.close();
    rmSync(this.path, { force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #scriptOf({ reference }: { reference?: WorkloadReference | undefined }, call: GrpcServerCall): ScriptedWorkload {
    this.calls.push(call);
    this.references.push(reference);
    const { typeUrl = '', value = new Uint8Array() } = reference?.reference ?? {};
    const isProcess = typeUrl.endsWith(`/${WorkloadPIDReferenceSchema.typeName}`);
    return this.workload(isProcess ? fromBinary(WorkloadPIDReferenceSchema, value).pid : typeUrl);
  }
}
