import type { Reason } from './reasons.js';

/** What a vector file of one suite holds, see conformance/README.md. */
export interface VectorFile<C> {
  readonly suite: string;
  readonly version: string;
  readonly license: string;
  readonly documents: readonly string[];
  /** What a case holds to where it says nothing else. */
  readonly defaults: object;
  /** Private JWKs by name: those that `signedWith` names. */
  readonly keys: Readonly<Record<string, object>>;
  /** JWK Sets by origin, by the name that `trust` of a case refers to. */
  readonly trust: Readonly<Record<string, Readonly<Record<string, object>>>>;
  readonly cases: readonly C[];
}

export interface Refused {
  readonly verdict: 'refuse';
  /** What is at fault: the Workload Identity Token, or the proof and how both travel. */
  readonly part: 'wit' | 'proof';
  readonly reason: Reason;
}

export type HeaderList = readonly (readonly [name: string, value: string])[];

/** What a verifier of Workload Identity Tokens is set to. */
export interface WitSettings {
  /** Seconds since the epoch. */
  readonly now: number;
  readonly leewaySeconds: number;
  /** The longest token that is looked at. */
  readonly maxBytes: number;
}

/** What a verifier of proofs is set to. */
export interface ProofSettings {
  readonly now: number;
  readonly audiences: readonly string[];
  readonly drafts: readonly string[];
  readonly witLeewaySeconds: number;
  readonly proofLeewaySeconds: number;
  readonly maxLifetimeSeconds: number;
  readonly maxBytes: number;
}

/** What a case sets itself. */
export type Given<Setting> = { readonly [Name in keyof Setting]?: Setting[Name] | undefined };

/** Those of a verifier of proofs that are numbers, but for its clock. */
export type ProofLimits = Given<Omit<ProofSettings, 'now' | 'audiences' | 'drafts'>>;

interface CommonCase {
  readonly name: string;
  /** The clause that decides. */
  readonly clause: string;
  /**
   * `must`: the clause leaves no choice. `should`: it recommends so. `stricter`: it leaves the choice, and this suite
   * asks for the safer reading.
   */
  readonly requirement: 'must' | 'should' | 'stricter';
  readonly trust?: string | undefined;
}

export interface WitCase extends CommonCase, Given<WitSettings> {
  readonly profile: 'spiffe' | 'wimse';
  readonly token: string;
  readonly expected: WitAccepted | Refused;
  /** The key of a positive that signs byte for byte the same again; only where the algorithm is deterministic. */
  readonly signedWith?: string | undefined;
}

export interface WitAccepted {
  readonly verdict: 'accept';
  readonly subject: string;
  /** `cnf.jwk.alg`. */
  readonly alg: string;
  /** RFC 7638, of the key in `cnf`. */
  readonly thumbprint: string;
  /** What `wth` of a proof has to be. */
  readonly wth: string;
}

interface ProofCase extends CommonCase, Given<ProofSettings> {
  /** The identifiers that may call. Absent: all. */
  readonly authorized?: readonly string[] | undefined;
  /** Cases whose requests the same verifier, with the same memory of used proofs, has seen before. */
  readonly after?: readonly string[] | undefined;
  readonly signedWith?: string | undefined;
}

export interface WptCase extends ProofCase {
  readonly otherTokens?: readonly string[] | undefined;
  readonly headers: HeaderList;
  readonly expected: WptAccepted | Refused;
}

export interface WptAccepted {
  readonly verdict: 'accept';
  readonly identity: string;
  readonly thumbprint: string;
  readonly draft: string;
  readonly audience: string;
  readonly jti: string;
  readonly covered: {
    readonly accessToken: boolean;
    readonly txnToken: boolean;
    readonly otherTokens: readonly string[];
  };
}

export interface RequestVector {
  readonly method: string;
  readonly target: string;
  readonly headers: HeaderList;
  /** Base64; `null` for none. */
  readonly body: string | null;
}

export interface ResponseVector {
  readonly status: number;
  readonly headers: HeaderList;
  readonly body: string | null;
}

export interface HttpCase extends ProofCase {
  readonly request: RequestVector;
  /** Absent: the request is what is verified. Present: the response is, by the client that sent the request. */
  readonly response?: ResponseVector | undefined;
  readonly expected: HttpAccepted | Refused;
  /** What was signed, for cases in which it can be told. */
  readonly signatureBase?: string | undefined;
  readonly label?: string | undefined;
}

export interface HttpAccepted {
  readonly verdict: 'accept';
  readonly identity: string;
  readonly thumbprint: string;
  readonly draft: string;
  readonly nonce: string;
  /** Of requests. */
  readonly audience?: string | undefined;
  readonly signResponse?: boolean | undefined;
}
