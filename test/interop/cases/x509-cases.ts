import { keyPair } from '../../support/key-pairs.js';
import {
  basicConstraints,
  type CertificateSpec,
  leafExtensions,
  type Made,
  makeAuthority,
  makeCertificate,
  NOW,
} from '../../support/x509.js';
import { base64, type Expected, type X509Case } from '../support/case.js';

export const DOMAIN = 'example.org';
export const ID: string = `spiffe://${DOMAIN}/workload`;
export const HOUR = 3_600_000;

/** What a verifier is given. */
export interface Presented {
  readonly chain: readonly Uint8Array[];
  /** By trust domain. Default: the certificate of {@link root}, for example.org. */
  readonly authorities?: Readonly<Record<string, readonly Uint8Array[]>>;
  readonly timeMs?: number;
}

export type Row = readonly [name: string, expected: Expected, presented: Presented];

/** The authority of most cases. */
export const root: Made = makeAuthority('root');

/** A leaf that every implementation is content with, unless the spec changes something about it. */
export function leaf(issuer: Made = root, id: string = ID, spec: CertificateSpec = {}): Uint8Array {
  return makeCertificate({
    subject: 'workload',
    issuer,
    keys: keyPair('P-256', 'leaf'),
    extensions: [basicConstraints(false), ...leafExtensions(id)],
    ...spec,
  }).der;
}

/** A leaf and the intermediate that signed it. */
export function through(intermediate: Made): Presented {
  return { chain: [leaf(intermediate), intermediate.der] };
}

/** The authorities of the trust domain in most cases. */
export function inBundle(...authorities: readonly Made[]): Record<string, readonly Uint8Array[]> {
  return { [DOMAIN]: authorities.map((each) => each.der) };
}

export function x509Cases(prefix: string, rows: readonly Row[]): X509Case[] {
  return rows.map(([name, expected, { chain, authorities = inBundle(root), timeMs = NOW }]) => ({
    kind: 'x509',
    name: `${prefix}: ${name}`,
    expected,
    chain: chain.map(base64),
    authorities: Object.fromEntries(Object.entries(authorities).map(([domain, list]) => [domain, list.map(base64)])),
    timeMs,
  }));
}
