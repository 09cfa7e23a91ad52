import type { TrustDomain, TrustDomainLike } from '../id/index.js';
import type { JwtBundle } from './jwt-bundle.js';
import type { WitBundle } from './wit-bundle.js';
import type { X509Bundle } from './x509-bundle.js';

export interface SpiffeBundleContents {
  readonly x509?: X509Bundle | undefined;
  readonly jwt?: JwtBundle | undefined;
  readonly wit?: WitBundle | undefined;
  readonly sequence?: bigint | number | undefined;
  readonly refreshHintSeconds?: number | undefined;
}

export class SpiffeBundle {
  declare readonly trustDomain: TrustDomain;
  declare readonly x509: X509Bundle;
  declare readonly jwt: JwtBundle;
  declare readonly wit: WitBundle;
  declare readonly sequence: bigint | undefined;
  declare readonly refreshHintSeconds: number | undefined;
  constructor(trustDomain: TrustDomainLike, contents: SpiffeBundleContents = {}) {
    throw new TypeError(`${trustDomain}${contents}`);
  }
  equals(other: SpiffeBundle): boolean {
    return this === other;
  }
  serialize(): string {
    return '';
  }
}

export function parseSpiffeBundle(trustDomain: TrustDomainLike, json: string | Uint8Array): SpiffeBundle {
  throw new TypeError(`${trustDomain}${json}`);
}
