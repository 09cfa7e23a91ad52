import { BundleSet, parseSpiffeBundle } from 'svidkit/bundle';
import { isSvidkitError } from 'svidkit/errors';
import type { RequestAuthenticator } from 'svidkit/http';
import { createIssuer } from 'svidkit/issuer';
import { parseWitSvid, type WitSvid } from 'svidkit/wit';
import { mintWpt } from 'svidkit/wpt';

const TRUST_DOMAIN = 'example.org';
const PATH = '/orders';

/** Whom the proofs are for. */
export const PROOFS_ORIGIN = 'https://tools.example.org';

/** The identity of a workload in a form that goes to another process, which there is a workload like this one. */
export interface SenderMaterial {
  readonly token: string;
  /** The text of a JWK. */
  readonly privateKey: string;
}

export interface Senders {
  /** In the order of their names. */
  readonly materials: readonly SenderMaterial[];
  /** The SPIFFE bundle document that their WITs are verified with. */
  readonly bundle: string;
}

/** Workloads of a new trust domain by these names, each with a WIT of a day and a P-256 key of its own. */
export async function issueSenders(names: readonly string[], clock?: () => number): Promise<Senders> {
  const issuer = await createIssuer({ trustDomain: TRUST_DOMAIN, witTtlSeconds: 86_400, clock });
  const materials = names.map(async (name) => {
    const { token, privateKey } = await issuer.issueWitSvid(`spiffe://${TRUST_DOMAIN}/agents/${name}`);
    return { token, privateKey: JSON.stringify(privateKey.export({ format: 'jwk' })) };
  });
  return { materials: await Promise.all(materials), bundle: issuer.bundle.serialize() };
}

/** Mints one proof of a sender that is made now and lives so long. */
export type Mint = (sender: number, lifetimeSeconds: number, clock?: () => number) => Promise<string>;

/** Mints for the senders of these materials, in whatever process. */
export function openMint(materials: readonly SenderMaterial[]): Mint {
  const svids = materials.map((material) => parseWitSvid(material));
  return (sender, lifetimeSeconds, clock) =>
    mintWpt(svids[sender] as WitSvid, { audience: `${PROOFS_ORIGIN}${PATH}`, lifetimeSeconds, clock });
}

export function bundlesOf({ bundle }: Pick<Senders, 'bundle'>): BundleSet {
  return new BundleSet([parseSpiffeBundle(TRUST_DOMAIN, bundle)]);
}

/** Presents one proof of a sender in a request of its own: `accepted`, or the code of the innermost refusal. */
export async function presentProof(
  authenticate: RequestAuthenticator,
  token: string,
  proof: string,
): Promise<'accepted' | string> {
  const rawHeaders = ['Host', 'tools.example.org', 'Workload-Identity-Token', token, 'Authorization', `WPT ${proof}`];
  try {
    await authenticate({ method: 'GET', url: PATH, rawHeaders });
    return 'accepted';
  } catch (error) {
    return codeOf(error);
  }
}

function codeOf(error: unknown): string {
  if (!isSvidkitError(error)) throw error;
  return isSvidkitError(error.cause) ? codeOf(error.cause) : error.code;
}
