import { parseJwtBundle } from '../bundle/index.js';
import { WorkloadApiError } from '../errors/index.js';
import { parseSpiffeId, type SpiffeId } from '../id/index.js';
import { type JsonObject, readJsonObject } from '../internal/json.js';
import { type JwtSvid, parseJwtSvid } from '../jwt-svid/index.js';
import {
  type DeliveredBundles,
  firstOfEachHint,
  readDeliveredBundles,
  readHint,
  readPart,
  requireField,
} from './delivered.js';
import type { JWTBundlesResponse, JWTSVID, ValidateJWTSVIDResponse } from './gen/workloadapi_pb.js';
import type { JwtSvidQuery } from './jwt-svid-query.js';

/** A JWT-SVID as the Workload API and the Broker API deliver it. */
type JwtSvidMessage = Pick<JWTSVID, 'spiffeId' | 'svid' | 'hint'>;

/** The answer that carries JWT-SVIDs. */
export interface JwtSvidsMessage {
  readonly svids: readonly JwtSvidMessage[];
}

/** The answer that carries JWT bundles. */
export type JwtBundlesMessage = Pick<JWTBundlesResponse, 'bundles'>;

/** What the endpoint found a JWT-SVID to say. */
export interface ValidatedJwtSvid {
  readonly id: SpiffeId;
  /** The claims the endpoint chose to pass on (SPIFFE_Workload_API section 6.2.3). */
  readonly claims: JsonObject;
}

/**
 * Reads the answer of FetchJWTSVID (SPIFFE_Workload_API section 6.2.1). A token that is not of the delivered or the
 * requested identifier, or not meant for every requested audience, refuses the message.
 *
 * @throws `WorkloadApiError` `empty_field` or `bad_identity`.
 */
export function readJwtSvids(message: JwtSvidsMessage, query: JwtSvidQuery): readonly JwtSvid[] {
  requireField('JWTSVIDResponse', 'svids', message.svids);
  const svids = firstOfEachHint(message.svids).map(readSvid);
  for (const svid of svids) {
    if (query.id !== undefined && !svid.id.equals(query.id)) {
      throw new WorkloadApiError('bad_identity', `asked for ${query.id}, the endpoint answered with ${svid.id}`);
    }
    if (!query.audience.every((audience) => svid.audience.includes(audience))) {
      throw new WorkloadApiError('bad_identity', 'a JWT-SVID was delivered that lacks a requested audience');
    }
  }
  return Object.freeze(svids);
}

/** Reads the answer of FetchJWTBundles. SPIRE leaves `use` out of its keys, so it is not asked for here. */
export function readJwtBundles(message: JwtBundlesMessage): DeliveredBundles {
  return readDeliveredBundles('JWTBundlesResponse', message.bundles, (trustDomain, jwks) =>
    parseJwtBundle(trustDomain, jwks),
  );
}

/**
 * Reads the answer of ValidateJWTSVID (SPIFFE_Workload_API section 6.2.3).
 *
 * @throws `WorkloadApiError` `empty_field` or `bad_message`.
 */
export function readValidatedJwtSvid(message: ValidateJWTSVIDResponse): ValidatedJwtSvid {
  requireField('ValidateJWTSVIDResponse', 'spiffe_id', message.spiffeId);
  const { claims } = message;
  if (claims === undefined) {
    throw new WorkloadApiError('empty_field', 'ValidateJWTSVIDResponse came without its mandatory claims');
  }
  const id = readPart('bad_message', 'the validated identifier', () => parseSpiffeId(message.spiffeId));
  return Object.freeze({
    id,
    claims: readPart('bad_message', 'the claims', () => readJsonObject(JSON.stringify(claims))),
  });
}

function readSvid(entry: JwtSvidMessage): JwtSvid {
  requireField('a JWTSVID', 'spiffe_id', entry.spiffeId);
  requireField('a JWTSVID', 'svid', entry.svid);
  return readPart('bad_identity', 'a JWT-SVID was delivered that does not hold together', () =>
    parseJwtSvid(entry.svid, { id: parseSpiffeId(entry.spiffeId), hint: readHint(entry.hint) }),
  );
}
