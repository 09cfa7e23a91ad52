import { FileSourceError, isSvidkitError } from '../errors/index.js';
import { ReadError } from '../internal/read-error.js';
import type { FileReading } from './read-files.js';

/** What is said of contents that are not used. */
type ContentsRule = 'bad_identity' | 'bad_bundle' | 'bad_crl';

/** The contents of files that were read together. */
export class FileTexts {
  readonly #readings: ReadonlyMap<string, FileReading>;

  constructor(readings: readonly FileReading[]) {
    this.#readings = new Map(readings.map((reading) => [reading.path, reading]));
  }

  /** Reads a file in UTF-8, and reports what its reader refuses under a code of this room. */
  read<T>(path: string, code: ContentsRule, what: string, reader: (text: string) => T): T {
    const text = this.#text(path, code);
    try {
      return reader(text);
    } catch (error) {
      if (error instanceof FileSourceError || (!isSvidkitError(error) && !(error instanceof ReadError))) throw error;
      throw new FileSourceError(code, `${what} in ${path}: ${error.message}`, { cause: error });
    }
  }

  #text(path: string, code: ContentsRule): string {
    const reading = this.#readings.get(path);
    if (reading === undefined) throw new FileSourceError('file_missing', `${path} was not read`);
    if (reading.error !== undefined) throw reading.error;
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(reading.bytes);
    } catch {
      throw new FileSourceError(code, `${path} is not a text in UTF-8`);
    }
  }
}
