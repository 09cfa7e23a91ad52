import type { FileSourceError } from '../errors/index.js';
import type { Clock } from '../internal/clock.js';
import type { HealthOf, ReadyOptions, SourceOf, UpdatesOptions } from '../internal/source.js';

export type { ReadyOptions, UpdatesOptions };

/**
 * Options that every source has. Paths are taken relative to the working directory at the time of the call. A time of
 * more than 24 days (2^31 - 1 ms), which timers do not hold, is a `TypeError`.
 */
export interface FileSourceOptions {
  /**
   * How often the files are looked at without being told of a change, in milliseconds. Default 5,000. Notifications of
   * the operating system come sooner, but not on every file system.
   */
  readonly pollMs?: number | undefined;
  /**
   * For how long files that were written lately must stay the same before they are used, in milliseconds. Default 50. A
   * file may be whole as a text and yet lack its second half. Files behind a `..data` link are exempt: they are replaced
   * at a stroke.
   */
  readonly quietMs?: number | undefined;
  /**
   * How long to read again when the files do not belong together or are missing, in milliseconds, before that is
   * reported. Default 1,000. A program that writes one file after the other needs some time in between.
   */
  readonly settleMs?: number | undefined;
  /** Largest file that is read, in bytes. Default 1,048,576. */
  readonly maxFileBytes?: number | undefined;
  /** Whether the open source keeps the process alive. Default false: a process with nothing else to do ends. */
  readonly keepProcessAlive?: boolean | undefined;
  /** The time, by which identities expire. Default the system's. */
  readonly clock?: Clock | undefined;
  /**
   * Told of every new failure, and of a private key that all users of the machine may read. What it throws is ignored.
   * Default: nobody is told, but `health.lastError` has the newest failure.
   */
  readonly onError?: ((error: FileSourceError) => void) | undefined;
}

/**
 * How a source is doing. A snapshot: read it again for news. It is `connected` when what the files hold now is what the
 * source holds.
 */
export interface FileSourceHealth extends HealthOf<FileSourceError> {}

/** Where the bundles of several trust domains are: the name of each, such as `example.org`, and a path. */
export type BundlePaths = Readonly<Record<string, string>>;

/** What every source can do besides giving what it holds. */
export interface Source<T> extends SourceOf<T, FileSourceHealth> {}
