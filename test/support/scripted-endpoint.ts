import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create, type DescMessage, type MessageInitShape, type MessageShape } from '@bufbuild/protobuf';
import {
  type JWTBundlesResponseSchema,
  type JWTSVIDRequest,
  type JWTSVIDResponseSchema,
  SpiffeWorkloadAPI,
  type ValidateJWTSVIDResponseSchema,
  type WITBundlesResponseSchema,
  type WITSVIDResponseSchema,
  type X509BundlesResponseSchema,
  type X509SVIDResponseSchema,
} from '../../src/workload-api/gen/workloadapi_pb.js';
import { type GrpcServer, type GrpcServerCall, serveGrpc } from '../../src/workload-api/grpc-server.js';
import { GrpcStatus } from '../../src/workload-api/grpc-status.js';
import { refusal, ScriptedStream } from './scripted-stream.js';

/** A Workload API endpoint that does what a test tells it to, right or wrong. */
export class ScriptedEndpoint implements AsyncDisposable {
  readonly path: string = join(tmpdir(), `svidkit-${randomUUID().slice(0, 8)}.sock`);
  readonly address: string = `unix://${this.path}`;
  readonly x509 = new ScriptedStream<MessageInitShape<typeof X509SVIDResponseSchema>>();
  readonly x509Bundles = new ScriptedStream<MessageInitShape<typeof X509BundlesResponseSchema>>();
  readonly jwtBundles = new ScriptedStream<MessageInitShape<typeof JWTBundlesResponseSchema>>();
  readonly wit = new ScriptedStream<MessageInitShape<typeof WITSVIDResponseSchema>>();
  readonly witBundles = new ScriptedStream<MessageInitShape<typeof WITBundlesResponseSchema>>();
  /** Answers FetchJWTSVID; throws GrpcStatusError to refuse. */
  jwt: (request: JWTSVIDRequest, call: GrpcServerCall) => Promise<MessageInitShape<typeof JWTSVIDResponseSchema>> =
    async () => {
      throw refusal(GrpcStatus.permissionDenied);
    };
  validate: () => Promise<MessageInitShape<typeof ValidateJWTSVIDResponseSchema>> = async () => {
    throw refusal(GrpcStatus.invalidArgument);
  };
  #server: GrpcServer | undefined;

  static async start(): Promise<ScriptedEndpoint> {
    const endpoint = new ScriptedEndpoint();
    await endpoint.listen();
    return endpoint;
  }

  /** Listens, again if need be. */
  async listen(): Promise<void> {
    this.#server = await serveGrpc({ transport: 'unix', path: this.path }, SpiffeWorkloadAPI, {
      fetchX509SVID: (_request, call) => this.x509.serve(call),
      fetchX509Bundles: (_request, call) => this.x509Bundles.serve(call),
      fetchJWTSVID: (request, call) => this.jwt(request, call),
      fetchJWTBundles: (_request, call) => this.jwtBundles.serve(call),
      validateJWTSVID: () => this.validate(),
      fetchWITSVID: (_request, call) => this.wit.serve(call),
      fetchWITBundles: (_request, call) => this.witBundles.serve(call),
    });
  }

  /** Ends every connection and stops listening, as an agent that is stopped. */
  async stop(): Promise<void> {
    await this.#server?.close();
    rmSync(this.path, { force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** A message whose bytes are none: its field 1, a message, ends before it should. */
export function undecodable<D extends DescMessage>(schema: D): MessageShape<D> {
  const message = create(schema);
  message.$unknown = [{ no: 1, wireType: 2, data: Uint8Array.of(2, 0x0a, 0x7f) }];
  return message;
}
