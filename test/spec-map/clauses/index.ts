import type { SpecDocument } from '../spec-map.js';
import { brokerApi } from './broker-api.js';
import { brokerEndpoint } from './broker-endpoint.js';
import { federation } from './federation.js';
import { httpSignature } from './http-signature.js';
import { jwtSvid } from './jwt-svid.js';
import { mutualTls } from './mutual-tls.js';
import { rfc5280Revocation } from './rfc5280-revocation.js';
import { rfc9421 } from './rfc9421.js';
import { rfc9530 } from './rfc9530.js';
import { spiffeId } from './spiffe-id.js';
import { threats } from './threats.js';
import { trustDomainAndBundle } from './trust-domain-and-bundle.js';
import { wimseIdentifier } from './wimse-identifier.js';
import { witSvid } from './wit-svid.js';
import { workloadApi } from './workload-api.js';
import { workloadCreds } from './workload-creds.js';
import { workloadEndpoint } from './workload-endpoint.js';
import { wpt } from './wpt.js';
import { x509Svid } from './x509-svid.js';

/** In the order of SPEC-MAP.md. */
export const documents: readonly SpecDocument[] = [
  spiffeId,
  x509Svid,
  jwtSvid,
  witSvid,
  trustDomainAndBundle,
  federation,
  workloadEndpoint,
  workloadApi,
  brokerEndpoint,
  brokerApi,
  wimseIdentifier,
  workloadCreds,
  wpt,
  httpSignature,
  mutualTls,
  rfc5280Revocation,
  rfc9421,
  rfc9530,
  threats,
];
