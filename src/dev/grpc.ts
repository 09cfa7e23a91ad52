// The one place where this room reaches past the index of workload-api, for the server side of its transport.
export {
  JWTBundlesResponseSchema,
  SpiffeWorkloadAPI,
  WITBundlesResponseSchema,
  WITSVIDResponseSchema,
  X509BundlesResponseSchema,
  X509SVIDResponseSchema,
} from '../workload-api/gen/workloadapi_pb.js';
export {
  type GrpcHandlers,
  type GrpcServer,
  type GrpcServerCall,
  type ServedService,
  servedService,
  serveGrpc,
} from '../workload-api/grpc-server.js';
export { GrpcStatus, GrpcStatusError } from '../workload-api/grpc-status.js';
