import { createHash } from 'node:crypto';
import { FileSourceError } from '../errors/index.js';
import { onAbort, sleep } from '../internal/abort.js';
import { FileTexts } from './file-texts.js';
import { FolderWatch } from './folder-watch.js';
import { type FileReading, readFiles, sameStamps } from './read-files.js';

/** What is watched: some files, and what they mean together. */
export interface FileFeed<T> {
  /** Absolute paths, each once. */
  readonly paths: readonly string[];
  /** Those of them that hold private keys. */
  readonly secretPaths: readonly string[];
  /** Reads the files; throws a `FileSourceError` to refuse them. `held` is what is in use. */
  convert(files: FileTexts, held: T | undefined): Converted<T>;
  /** Whether two values mean the same. */
  same(one: T, other: T): boolean;
  /** When what is presented of the value expires; `undefined` where nothing does. */
  expiresAt(value: T): Date | undefined;
}

export interface Converted<T> {
  readonly value: T;
  /** What of the files was left out, or kept as it was. */
  readonly problems: readonly FileSourceError[];
}

export interface FileWatchOptions {
  readonly pollMs: number;
  readonly quietMs: number;
  readonly settleMs: number;
  readonly maxFileBytes: number;
  readonly clock: () => number;
  /** Told of every new failure, and of exposed keys. */
  readonly onError: (error: FileSourceError) => void;
  /** Told when {@link FileWatch.read} gives something else. */
  readonly onChange: () => void;
}

/** What became of one look at the files. */
type Outcome<T> =
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'refused'; readonly digest: string; readonly error: FileSourceError }
  | { readonly kind: 'converted'; readonly digest: string; readonly converted: Converted<T> };

const RETRY_MS = 10;
/** Notifications come in swarms: one look for all of them. */
const DEBOUNCE_MS = 10;
/** Files that were touched this long ago are not being written. */
const LATELY_MS = 2_000;
const READABLE_BY_OTHERS = 0o004;

/** Watches files for as long as it is not closed, and keeps the newest value that was sound. Never throws by itself. */
export class FileWatch<T> {
  readonly #feed: FileFeed<T>;
  readonly #options: FileWatchOptions;
  readonly #closing = new AbortController();
  readonly #folders: FolderWatch;
  readonly #exposed = new Set<string>();
  readonly #ended: Promise<void>;
  #held: T | undefined;
  #connected = false;
  #lastError: FileSourceError | undefined;
  /** Of the contents that were dealt with last, accepted or refused. */
  #digest = '';
  #changed = false;
  #wake = (): void => {};

  /** Starts watching and returns at once. */
  constructor(feed: FileFeed<T>, options: FileWatchOptions) {
    this.#feed = feed;
    this.#options = options;
    this.#folders = new FolderWatch(feed.paths, () => {
      this.#changed = true;
      this.#wake();
    });
    // Nothing in it throws but a clock of the caller's; then there are no further looks.
    this.#ended = this.#run().catch((error) => this.#note(asFileSourceError(error)));
  }

  /** Whether the value is what the files hold now. */
  get connected(): boolean {
    return this.#connected && !this.#closing.signal.aborted;
  }

  /** The newest failure since the last look that had none. */
  get lastError(): FileSourceError | undefined {
    return this.#lastError;
  }

  /** The newest value. @throws `FileSourceError` `not_ready`. */
  read(): T {
    if (this.#held !== undefined) return this.#held;
    const cause = this.#lastError;
    const why = cause === undefined ? '' : `: ${cause.message}`;
    throw new FileSourceError('not_ready', `the files have not given anything so far${why}`, { cause });
  }

  /** Ends every watch and timer, and waits for a look that is under way. May be called again. */
  async close(): Promise<void> {
    this.#closing.abort(new FileSourceError('closed', 'the source was closed'));
    this.#folders.close();
    await this.#ended;
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      // First the watch and then the look, so that no change falls between the two.
      await this.#folders.renew();
      this.#changed = false;
      await this.#refresh();
      await this.#nextOccasion();
    }
  }

  /** Looks until the files are sound, or have had the time to become so. */
  async #refresh(): Promise<void> {
    const { signal } = this.#closing;
    const deadline = performance.now() + this.#options.settleMs;
    while (!signal.aborted) {
      const outcome = await this.#look();
      if (signal.aborted || outcome.kind === 'unchanged') return;
      const sound = outcome.kind === 'converted' && outcome.converted.problems.length === 0;
      if (sound || performance.now() >= deadline) return this.#take(outcome);
      await this.#sleep(RETRY_MS);
    }
  }

  async #look(): Promise<Outcome<T>> {
    const readings = await readFiles(this.#feed.paths, this.#options.maxFileBytes);
    const digest = digestOf(readings);
    if (digest === this.#digest) return { kind: 'unchanged' };
    if (!(await this.#isSettled(readings))) {
      return { kind: 'refused', digest: '', error: new FileSourceError('unsettled', 'the files keep changing') };
    }
    this.#checkExposure(readings);
    try {
      return { kind: 'converted', digest, converted: this.#convert(readings) };
    } catch (error) {
      return { kind: 'refused', digest, error: asFileSourceError(error) };
    }
  }

  /** A file that was touched a moment ago may not be whole so far, whatever it looks like. */
  async #isSettled(readings: readonly FileReading[]): Promise<boolean> {
    const now = Date.now();
    const lately = readings.some(({ touchedAt }) => touchedAt > 0 && now - touchedAt < LATELY_MS);
    if (lately) await this.#sleep(this.#options.quietMs);
    return await sameStamps(readings);
  }

  #convert(readings: readonly FileReading[]): Converted<T> {
    const held = this.#held;
    const converted = this.#feed.convert(new FileTexts(readings), held);
    const expiresAt = this.#feed.expiresAt(converted.value);
    if (held === undefined || expiresAt === undefined || !this.#isOver(expiresAt)) return converted;
    const inUse = this.#feed.expiresAt(held);
    if (inUse === undefined || this.#isOver(inUse)) return converted;
    throw new FileSourceError('expired', `the identity in the files expired at ${expiresAt.toISOString()}`);
  }

  /** Written so that a broken clock (`NaN`) refuses. */
  #isOver(expiresAt: Date): boolean {
    return !(this.#options.clock() < expiresAt.getTime());
  }

  #take(outcome: Exclude<Outcome<T>, { kind: 'unchanged' }>): void {
    this.#digest = outcome.digest;
    if (outcome.kind === 'refused') {
      this.#connected = false;
      this.#note(outcome.error);
      return;
    }
    const { value, problems } = outcome.converted;
    this.#connected = problems.length === 0;
    if (problems.length === 0) this.#lastError = undefined;
    if (this.#held === undefined || !this.#feed.same(this.#held, value)) {
      this.#held = value;
      this.#options.onChange();
    }
    for (const problem of problems) this.#note(problem);
  }

  #note(error: FileSourceError): void {
    const known = this.#lastError;
    this.#lastError = error;
    if (known?.code !== error.code || known.message !== error.message) this.#options.onError(error);
  }

  /** Once for as long as it lasts. */
  #checkExposure(readings: readonly FileReading[]): void {
    for (const { path, mode, error } of readings) {
      if (error !== undefined || !this.#feed.secretPaths.includes(path)) continue;
      if ((mode & READABLE_BY_OTHERS) === 0) this.#exposed.delete(path);
      else if (!this.#exposed.has(path)) {
        this.#exposed.add(path);
        const message = `${path} holds a private key and has mode ${mode.toString(8)}: every user may read it`;
        this.#options.onError(new FileSourceError('key_exposed', message));
      }
    }
  }

  /** Waits for a notification, or for the next poll. */
  async #nextOccasion(): Promise<void> {
    if (!this.#changed) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(() => this.#wake(), this.#options.pollMs);
        timer.unref();
        const release = onAbort(this.#closing.signal, () => this.#wake());
        this.#wake = () => {
          clearTimeout(timer);
          release();
          resolve();
        };
        if (this.#closing.signal.aborted) this.#wake();
      });
      this.#wake = () => {};
    }
    if (this.#changed) await this.#sleep(DEBOUNCE_MS);
  }

  async #sleep(delayMs: number): Promise<void> {
    if (delayMs > 0) await sleep(delayMs, { signal: this.#closing.signal }).catch(() => {});
  }
}

/** Of all contents and failures together; of a key, nothing else is kept beside the key itself. */
function digestOf(readings: readonly FileReading[]): string {
  const hash = createHash('sha256');
  for (const { bytes, error } of readings) hash.update(`${error?.code} ${bytes.length}\n`).update(bytes);
  return hash.digest('base64');
}

/** The readers throw nothing else; a fault of svidkit itself must not go unnoticed. */
function asFileSourceError(error: unknown): FileSourceError {
  if (error instanceof FileSourceError) return error;
  return new FileSourceError('read_failed', 'the files could not be read', { cause: error });
}
