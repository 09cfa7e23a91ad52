/** What the standards ask of a verifier, and so of svidkit. */
export type Expected = 'accept' | 'refuse';

interface Named {
  /** Unique; explained differences refer to it. */
  readonly name: string;
  readonly expected: Expected;
}

/** An identifier, a trust domain or an endpoint address. */
export interface TextCase extends Named {
  readonly kind: 'id' | 'trust-domain' | 'address';
  readonly text: string;
}

/** A bundle document. */
export interface DocumentCase extends Named {
  readonly kind: 'x509-bundle-der' | 'x509-bundle-pem' | 'jwt-bundle' | 'wit-bundle' | 'spiffe-bundle';
  /** The trust domain. */
  readonly text: string;
  /** Base64. */
  readonly document: string;
}

/** A peer's chain, to be verified. */
export interface X509Case extends Named {
  readonly kind: 'x509';
  /** DER in base64, the leaf first. */
  readonly chain: readonly string[];
  /** DER in base64 by trust domain. */
  readonly authorities: Readonly<Record<string, readonly string[]>>;
  readonly timeMs: number;
}

/** One's own chain and private key, to be read. */
export interface X509ParseCase extends Named {
  readonly kind: 'x509-parse-der' | 'x509-parse-pem';
  /** Base64. */
  readonly certificates: string;
  /** Base64. */
  readonly key: string;
}

/** A token, to be verified. */
export interface TokenCase extends Named {
  readonly kind: 'jwt' | 'wit';
  readonly token: string;
  /** Documents in base64 by trust domain. */
  readonly bundles: Readonly<Record<string, string>>;
  /** What those documents are: JWK Sets as on the Workload API, or SPIFFE bundle documents. */
  readonly format: 'jwks' | 'spiffe';
  /** Empty for a WIT. */
  readonly audience: readonly string[];
}

/** One input that every implementation gets. As JSON it is what the peers' programs read. */
export type InteropCase = TextCase | DocumentCase | X509Case | X509ParseCase | TokenCase;

/**
 * What one implementation makes of a case: `refuse`, `unsupported`, `crash`, or `accept` with what it understood behind
 * it, so that two that accept must also understand the same.
 */
export interface Opinion {
  readonly name: string;
  readonly verdict: string;
  readonly detail?: string;
}

export type Bytes = Uint8Array | string;

/** Text or bytes as the cases carry them. */
export function base64(bytes: Bytes): string {
  return Buffer.from(bytes).toString('base64');
}

export type DocumentRow = readonly [name: string, expected: Expected, document: Bytes];

/** Documents of one kind, all for example.org. */
export function documentCases(kind: DocumentCase['kind'], rows: readonly DocumentRow[]): DocumentCase[] {
  return rows.map(([name, expected, document]) => ({
    kind,
    name: `${kind}: ${name}`,
    expected,
    text: 'example.org',
    document: base64(document),
  }));
}
