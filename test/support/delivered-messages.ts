import type { MessageInitShape } from '@bufbuild/protobuf';
import type { SpiffeBundle } from 'svidkit/bundle';
import type { WitSvid } from 'svidkit/wit';
import type { X509Svid } from 'svidkit/x509-svid';
import type { WITBundlesResponseSchema, WITSVIDResponseSchema } from '../../src/workload-api/gen/workloadapi_pb.js';

/** One X.509-SVID, as the Workload API and the Broker API deliver it. */
export interface X509Entry {
  readonly spiffeId: string;
  readonly x509Svid: Uint8Array;
  readonly x509SvidKey: Uint8Array;
  readonly bundle: Uint8Array;
  readonly hint: string;
}

/** One identity as FetchX509SVID delivers it. */
export function x509Entry(svid: X509Svid, bundle: SpiffeBundle): X509Entry {
  return {
    spiffeId: svid.id.toString(),
    x509Svid: Buffer.concat(svid.certificates.map((certificate) => certificate.der)),
    x509SvidKey: svid.privateKey.export({ format: 'der', type: 'pkcs8' }),
    bundle: bundle.x509.toDer(),
    hint: svid.hint ?? '',
  };
}

/** The answer of FetchX509SVID. */
export function x509Message(svids: readonly X509Svid[], bundle: SpiffeBundle): { svids: X509Entry[] } {
  return { svids: svids.map((svid) => x509Entry(svid, bundle)) };
}

/** The answer of FetchX509Bundles. */
export function x509BundlesMessage(...bundles: SpiffeBundle[]): { bundles: Record<string, Uint8Array> } {
  return {
    bundles: Object.fromEntries(bundles.map(({ trustDomain, x509 }) => [trustDomain.toString(), x509.toDer()])),
  };
}

/** The answer of FetchJWTBundles. */
export function jwtBundlesMessage(...bundles: SpiffeBundle[]): { bundles: Record<string, Uint8Array> } {
  const entry = ({ trustDomain, jwt }: SpiffeBundle) =>
    [trustDomain.toString(), Buffer.from(JSON.stringify(jwt.toJwks()))] as const;
  return { bundles: Object.fromEntries(bundles.map(entry)) };
}

/** The answer of FetchWITSVID. */
export function witMessage(svids: readonly WitSvid[]): MessageInitShape<typeof WITSVIDResponseSchema> {
  return {
    svids: svids.map((svid) => ({
      spiffeId: svid.id.toString(),
      witSvid: svid.token,
      witSvidKey: JSON.stringify(svid.privateKey.export({ format: 'jwk' })),
      hint: svid.hint ?? '',
    })),
  };
}

/** The answer of FetchWITBundles. */
export function witBundlesMessage(...bundles: SpiffeBundle[]): MessageInitShape<typeof WITBundlesResponseSchema> {
  const entry = ({ trustDomain, wit }: SpiffeBundle) => [trustDomain.toString(), JSON.stringify(wit.toJwks())] as const;
  return { bundles: Object.fromEntries(bundles.map(entry)) };
}
