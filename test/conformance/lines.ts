import type {
  HttpAccepted,
  HttpCase,
  ProofSettings,
  WitAccepted,
  WitCase,
  WitSettings,
  WptAccepted,
  WptCase,
} from '../../scripts/conformance/vectors.js';

/** What conformance/run.mjs tells a verifier about a case: what the file and the case say, and the keys. */
interface LineOf<Suite extends string> {
  readonly id: string;
  readonly suite: Suite;
  /** One memory of used proofs for each. */
  readonly remember: string;
  /** JWK Sets by origin. */
  readonly trust: Readonly<Record<string, object>>;
}

export type WitLine = LineOf<'wit'> & Required<WitSettings> & Pick<WitCase, 'profile' | 'token'>;
export type WptLine = LineOf<'wpt'> &
  Required<ProofSettings> &
  Pick<WptCase, 'headers' | 'authorized'> & { readonly otherTokens: readonly string[] };
export type HttpLine = LineOf<'http-signature'> &
  Required<ProofSettings> &
  Pick<HttpCase, 'request' | 'response' | 'authorized'>;
export type Line = WitLine | WptLine | HttpLine;

/** What is understood of an accepted case. */
export type Understood = WithoutVerdict<WitAccepted> | WithoutVerdict<WptAccepted> | WithoutVerdict<HttpAccepted>;
type WithoutVerdict<Accepted> = Omit<Accepted, 'verdict'>;
