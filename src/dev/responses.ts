import type { MessageInitShape } from '@bufbuild/protobuf';
import type { JwtBundle, SpiffeBundle, WitBundle } from '../bundle/index.js';
import type { SpiffeId } from '../id/index.js';
import type {
  JWTBundlesResponseSchema,
  WITBundlesResponseSchema,
  WITSVIDResponseSchema,
  X509BundlesResponseSchema,
  X509SVIDResponseSchema,
} from './grpc.js';
import type { IdentitySet } from './identity-set.js';
import type { Trust } from './trust.js';

/** Workload API section 5.2.1: the default identity first, keys as PKCS#8, bundles as concatenated DER. */
export function x509SvidResponse(set: IdentitySet, trust: Trust): MessageInitShape<typeof X509SVIDResponseSchema> {
  const bundle = trust.own.x509.toDer();
  return {
    svids: set.x509.map((svid) => ({
      spiffeId: svid.id.toString(),
      x509Svid: Buffer.concat(svid.certificates.map(({ der }) => der)),
      x509SvidKey: svid.privateKey.export({ format: 'der', type: 'pkcs8' }),
      bundle,
      hint: svid.hint ?? '',
    })),
    federatedBundles: x509Bundles(trust.federated),
    crl: crls(trust),
  };
}

/** Workload API section 5.2.2. */
export function x509BundlesResponse(trust: Trust): MessageInitShape<typeof X509BundlesResponseSchema> {
  return { bundles: x509Bundles([trust.own, ...trust.federated]), crl: crls(trust) };
}

/** Workload API section 6.2.2. */
export function jwtBundlesResponse(trust: Trust): MessageInitShape<typeof JWTBundlesResponseSchema> {
  const bundles = [trust.own, ...trust.federated].map(({ trustDomain, jwt }) => {
    return [trustDomain.toString(), Buffer.from(jwks(jwt))] as const;
  });
  return { bundles: Object.fromEntries(bundles) };
}

/** Workload API section 7.2.1: of one identity or of all. The key is a private JWK. */
export function witSvidResponse(
  set: IdentitySet,
  id: SpiffeId | undefined,
): MessageInitShape<typeof WITSVIDResponseSchema> {
  const svids = set.wit.filter((svid) => id === undefined || svid.id.equals(id));
  return {
    svids: svids.map((svid) => ({
      spiffeId: svid.id.toString(),
      witSvid: svid.token,
      witSvidKey: JSON.stringify(svid.privateKey.export({ format: 'jwk' })),
      hint: svid.hint ?? '',
    })),
  };
}

/** Workload API section 7.2.2. */
export function witBundlesResponse(trust: Trust): MessageInitShape<typeof WITBundlesResponseSchema> {
  const bundles = [trust.own, ...trust.federated].map(({ trustDomain, wit }) => {
    return [trustDomain.toString(), jwks(wit)] as const;
  });
  return { bundles: Object.fromEntries(bundles) };
}

function crls(trust: Trust): Uint8Array[] {
  return trust.crls.map(({ der }) => der);
}

/** A bundle without an authority is left out: a mandatory field must not be empty (section 4.5). */
function x509Bundles(bundles: readonly SpiffeBundle[]): Record<string, Uint8Array> {
  const filled = bundles.filter(({ x509 }) => x509.authorities.length > 0);
  return Object.fromEntries(filled.map(({ trustDomain, x509 }) => [trustDomain.toString(), x509.toDer()]));
}

/**
 * A JWK Set with `kid` and without `use`, as SPIRE sends it. A key without `kid`, which only a foreign bundle can hold,
 * is left out: most clients would refuse the whole set for it.
 */
function jwks(bundle: JwtBundle | WitBundle): string {
  const keys = bundle.keys
    .filter(({ kid }) => kid !== undefined)
    .map(({ kid, publicKey }) => ({ ...publicKey.key.export({ format: 'jwk' }), kid }));
  return JSON.stringify({ keys });
}
