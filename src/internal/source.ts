export interface ReadyOptions {
  /** Ends the waiting with the reason of the abort. The source goes on. */
  readonly signal?: AbortSignal | undefined;
  /** Longest time to wait, in milliseconds; then `timeout`, with the last failure as `cause`. Default: no limit. */
  readonly timeoutMs?: number | undefined;
}

export interface UpdatesOptions {
  /** Ends the iteration with the reason of the abort. The source goes on. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Called when there is a change and nothing to give: what was held was withdrawn, or has expired. Default: nobody is
   * told, and the iteration waits for the next snapshot.
   */
  readonly onLost?: (() => void) | undefined;
}

/** How a source is doing. A snapshot: read it again for news. */
export interface HealthOf<E extends Error> {
  /** Whether the source has what its origin gives now: every stream is open and has delivered, every file was read. */
  readonly connected: boolean;
  /** The newest failure since the last delivery that had none. */
  readonly lastError: E | undefined;
  /** When what the source presents expires; `undefined` when it presents nothing, or nothing that expires. */
  readonly expiresAt: Date | undefined;
}

/** What every source can do besides giving what it holds. `Health` is a {@link HealthOf} with the error of its room. */
export interface SourceOf<T, Health> extends AsyncDisposable {
  /**
   * What is held now, as one consistent snapshot.
   *
   * @throws the error of the room: `not_ready`, `expired`, `no_identity`, `closed`; of a source on the Workload API also
   * `withdrawn`, or why the endpoint is not asked any more: `unimplemented`, `invalid_argument`.
   */
  readonly current: T;
  readonly health: Health;
  /**
   * Resolves as soon as {@link current} can be read.
   *
   * @throws the error of the room: `timeout`, `closed`, `unimplemented` or `invalid_argument`; or the reason of an abort.
   */
  ready(options?: ReadyOptions): Promise<void>;
  /**
   * The current snapshot, then each newer one that means something else. A slow reader skips what was replaced in the
   * meantime. `break` frees the iterator, closing the source ends it, and it throws when the origin is not asked any
   * more. Waiting for an update does not keep the process alive; `keepProcessAlive` does.
   */
  updates(options?: UpdatesOptions): AsyncIterable<T>;
  /** Ends every stream, watch and timer; whoever waits gets `closed`. May be called again. */
  close(): Promise<void>;
}
