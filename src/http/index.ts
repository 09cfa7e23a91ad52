export type {
  DelegatedSubject,
  DelegationContext,
  SubjectTokenContext,
  SubjectTokenKind,
  SubjectTokenVerifier,
} from '../wpt/index.js';
export type { AnswerSigningOptions, RequireCallerOptions } from './admission.js';
export { type ExpressMiddleware, requireCallerExpress } from './express.js';
export {
  type FastifyHook,
  type FastifyReplyLike,
  type FastifyRequestLike,
  requireCallerFastify,
} from './fastify.js';
export { type FetchCallerHandler, requireCallerFetch } from './fetch-exchange.js';
export { type ReadFetchRequest, readFetchRequest } from './fetch-request.js';
export {
  createProvingChannelFactory,
  type GrpcClientModule,
  type ProvingChannelFactory,
  type ProvingChannelOptions,
} from './grpc-client.js';
export { type GrpcServerModule, type RequireCallerGrpcOptions, requireCallerGrpc } from './grpc-server.js';
export {
  type HonoContextLike,
  type HonoMiddleware,
  requireCallerHono,
} from './hono.js';
export {
  type AuthenticateMessageOptions,
  authenticateMessage,
  type MessageContent,
  type MessageHeaders,
  type ProveMessageOptions,
  proveMessage,
} from './message.js';
export type { NodeResponse } from './node-exchange.js';
export type { ProofMechanism } from './proof-mechanism.js';
export {
  type CommonFetchOptions,
  createProvingFetch,
  type ProvingFetchOptions,
  type SignatureFetchOptions,
  type WptFetchOptions,
} from './proving-fetch.js';
export { type Refusal, refusalOf } from './refusal.js';
export {
  type AuthenticatableRequest,
  type AuthenticateOptions,
  type AuthenticateRequestOptions,
  type Caller,
  createRequestAuthenticator,
  type RequestAuthenticator,
  type RequestAuthenticatorOptions,
  type SignatureCaller,
  type WptCaller,
} from './request-authenticator.js';
export { type CallerHandler, requireCaller } from './require-caller.js';
export type { ExpectedResponses } from './signed-exchange.js';
export { type AuthenticatedRequest, getCaller } from './verified-caller.js';
