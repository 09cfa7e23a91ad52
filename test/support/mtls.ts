import type { X509Bundle } from 'svidkit/bundle';
import type { TlsError } from 'svidkit/errors';
import { anyId } from 'svidkit/id';
import type { MtlsOptions } from 'svidkit/tls';
import { parseX509Svid, type X509Svid } from 'svidkit/x509-svid';
import { encodePem } from '../../src/internal/pem.js';
import { keyPair } from './key-pairs.js';
import { bundleOf, clock, type LeafSpec, type Made, makeAuthority, makeLeaf, sourceOf } from './x509.js';

/** The two authorities of the tests, each with a trust domain of its own. */
export const ours: Made = makeAuthority('our authority');
export const theirs: Made = makeAuthority('their authority');
export const ourBundle: X509Bundle = bundleOf('example.org', ours);
export const theirBundle: X509Bundle = bundleOf('other.example', theirs);
const bothBundles: ReturnType<typeof sourceOf> = sourceOf(ourBundle, theirBundle);

/** A key and a certificate chain as Node takes them, for peers that svidkit would not let happen. */
export interface PemIdentity {
  readonly key: string;
  readonly cert: string;
}

export function pemIdentity(leaf: Made, ...intermediates: readonly Made[]): PemIdentity {
  return {
    key: leaf.keys.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
    cert: [leaf, ...intermediates].map(({ der }) => encodePem('CERTIFICATE', der)).join(''),
  };
}

export function svidOf(leaf: Made, ...intermediates: readonly Made[]): X509Svid {
  const certificates = Buffer.concat([leaf, ...intermediates].map(({ der }) => der));
  return parseX509Svid({ certificates, privateKey: leaf.keys.privateKey });
}

/** An SVID of example.org with a key of its own. */
export function ourSvid(id: string, spec: LeafSpec = {}): X509Svid {
  return svidOf(makeLeaf(ours, id, { keys: keyPair('P-256', id), ...spec }));
}

export const CLIENT = 'spiffe://example.org/client';
export const SERVER = 'spiffe://example.org/server';

/** A source whose SVID, bundles and clock a test can change, and which keeps what is refused. */
export class Side implements MtlsOptions {
  current: X509Svid | Error;
  bundleSource: MtlsOptions['bundles'] = bothBundles;
  decide: MtlsOptions['authorize'] = anyId();
  now: number = clock();
  readonly refused: TlsError[] = [];

  constructor(svid: X509Svid | Error) {
    this.current = svid;
  }

  readonly svid: MtlsOptions['svid'] = {
    getX509Svid: () => {
      if (this.current instanceof Error) throw this.current;
      return this.current;
    },
  };
  readonly bundles: MtlsOptions['bundles'] = {
    getX509Bundle: (trustDomain) => this.bundleSource.getX509Bundle(trustDomain),
  };
  readonly authorize: MtlsOptions['authorize'] = (id) => this.decide(id);
  readonly clock = (): number => this.now;
  readonly onRefused = (error: TlsError): void => void this.refused.push(error);
}
