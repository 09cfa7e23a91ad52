export type SourceKind = 'x509' | 'jwt' | 'wit' | 'bundle';

/** What the sources of a soak run live on. */
export interface World extends AsyncDisposable {
  /** One for each workload. Stays the same when an endpoint is taken away and comes back. */
  readonly addresses: readonly string[];
  /** The kinds of source that the endpoints serve. */
  readonly kinds: readonly SourceKind[];
  /** Breaks or changes something, waits until it is whole again, and says what it was. */
  disturb(): Promise<string>;
}
