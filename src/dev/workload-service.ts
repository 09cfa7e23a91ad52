import { create, type DescMessage, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { isSvidkitError } from '../errors/index.js';
import { parseSpiffeId, type SpiffeId } from '../id/index.js';
import type { Clock } from '../internal/clock.js';
import type { Issuer } from '../issuer/index.js';
import { verifyJwtSvid } from '../jwt-svid/index.js';
import {
  type GrpcHandlers,
  type GrpcServerCall,
  GrpcStatus,
  GrpcStatusError,
  JWTBundlesResponseSchema,
  type SpiffeWorkloadAPI,
  WITBundlesResponseSchema,
  WITSVIDResponseSchema,
  X509BundlesResponseSchema,
  X509SVIDResponseSchema,
} from './grpc.js';
import type { IdentitySet } from './identity-set.js';
import {
  jwtBundlesResponse,
  witBundlesResponse,
  witSvidResponse,
  x509BundlesResponse,
  x509SvidResponse,
} from './responses.js';
import type { ServedState, ServedWorkload } from './served-workload.js';
import type { Trust } from './trust.js';

/** What the service of one workload needs. */
export interface WorkloadServiceInit {
  readonly served: ServedWorkload;
  readonly issuer: Issuer;
  readonly clock: Clock;
  readonly jwtTtlSeconds: number | undefined;
  /** Whether the optional WIT-SVID profile is served. */
  readonly wit: boolean;
}

type Handlers = GrpcHandlers<(typeof SpiffeWorkloadAPI)['method']>;

/**
 * Refuses a call without the security header, which must be there exactly once and be `true`
 * (SPIFFE_Workload_Endpoint section 3).
 */
export function admit(call: GrpcServerCall): void {
  const values = call.metadata('workload.spiffe.io');
  if (values.length !== 1 || values[0] !== 'true') throw invalidArgument('security header missing from request');
}

/** The RPCs of the Workload API for one workload. Every stream serves the same state, from its first message on. */
export function createWorkloadService(init: WorkloadServiceInit): Handlers {
  const { served } = init;
  const stream = <D extends DescMessage>(
    call: GrpcServerCall,
    schema: D,
    respond: (set: IdentitySet, trust: Trust) => MessageInitShape<D>,
  ): AsyncIterable<MessageInitShape<D>> => streamState(served, call, schema, respond);

  return {
    fetchX509SVID: (_request, call) => stream(call, X509SVIDResponseSchema, x509SvidResponse),
    fetchX509Bundles: (_request, call) =>
      stream(call, X509BundlesResponseSchema, (_set, trust) => x509BundlesResponse(trust)),
    fetchJWTSVID: async ({ audience, spiffeId }) => {
      if (audience.length === 0 || audience.includes('')) throw invalidArgument('audience must be specified');
      const svids = entitled(served.state.current, readId(spiffeId));
      return { svids: await Promise.all(svids.map((svid) => issueJwt(init, svid, audience))) };
    },
    fetchJWTBundles: (_request, call) =>
      stream(call, JWTBundlesResponseSchema, (_set, trust) => jwtBundlesResponse(trust)),
    validateJWTSVID: async ({ audience, svid }) => {
      if (audience === '') throw invalidArgument('audience must be specified');
      if (svid === '') throw invalidArgument('svid must be specified');
      return await validateJwt(init, audience, svid);
    },
    fetchWITSVID: (request, call) => {
      checkWitProfile(init);
      const id = readId(request.spiffeId);
      return stream(call, WITSVIDResponseSchema, (set) => {
        const response = witSvidResponse(set, id);
        if (response.svids?.length === 0) throw permissionDenied();
        return response;
      });
    },
    fetchWITBundles: (_request, call) => {
      checkWitProfile(init);
      return stream(call, WITBundlesResponseSchema, (_set, trust) => witBundlesResponse(trust));
    },
  };
}

/** The current state at once, then every change that makes another message, until the entitlement ends. */
async function* streamState<D extends DescMessage>(
  served: ServedWorkload,
  call: GrpcServerCall,
  schema: D,
  respond: (set: IdentitySet, trust: Trust) => MessageInitShape<D>,
): AsyncGenerator<MessageInitShape<D>, void, undefined> {
  const { grant } = served.state.current;
  let sent: Uint8Array | undefined;
  for await (const state of served.state.values({ signal: call.signal })) {
    if (state.identities === undefined || state.grant !== grant) throw permissionDenied();
    const message = create(schema, respond(state.identities, state.trust));
    const bytes = toBinary(schema, message);
    if (sent !== undefined && Buffer.compare(sent, bytes) === 0) continue;
    sent = bytes;
    yield message;
  }
}

interface EntitledIdentity {
  readonly id: SpiffeId;
  readonly hint: string | undefined;
}

function entitled({ identities }: ServedState, id: SpiffeId | undefined): readonly EntitledIdentity[] {
  const all = identities?.x509 ?? [];
  const wanted = all.filter((svid) => id === undefined || svid.id.equals(id));
  if (wanted.length === 0) throw permissionDenied();
  return wanted;
}

async function issueJwt(
  { issuer, jwtTtlSeconds }: WorkloadServiceInit,
  { id, hint }: EntitledIdentity,
  audience: readonly string[],
): Promise<{ readonly spiffeId: string; readonly svid: string; readonly hint: string }> {
  const svid = await issuer.issueJwtSvid(id, { audience, ttlSeconds: jwtTtlSeconds });
  return { spiffeId: id.toString(), svid, hint: hint ?? '' };
}

/** Needs no identity, as in SPIRE: the bundles decide. */
async function validateJwt({ served, clock }: WorkloadServiceInit, audience: string, svid: string) {
  try {
    const verified = await verifyJwtSvid(svid, served.state.current.trust.bundles, { audience, clock });
    return { spiffeId: verified.id.toString(), claims: JSON.parse(JSON.stringify(verified.claims)) };
  } catch (error) {
    if (isSvidkitError(error)) throw invalidArgument(error.message);
    throw error;
  }
}

function checkWitProfile({ wit }: WorkloadServiceInit): void {
  if (!wit) throw new GrpcStatusError(GrpcStatus.unimplemented, 'the WIT-SVID profile is not served here');
}

function readId(text: string): SpiffeId | undefined {
  if (text === '') return undefined;
  try {
    return parseSpiffeId(text);
  } catch (error) {
    if (isSvidkitError(error)) throw invalidArgument(`invalid requested SPIFFE ID: ${error.message}`);
    throw error;
  }
}

function invalidArgument(message: string): GrpcStatusError {
  return new GrpcStatusError(GrpcStatus.invalidArgument, message);
}

function permissionDenied(): GrpcStatusError {
  return new GrpcStatusError(GrpcStatus.permissionDenied, 'no identity issued');
}
