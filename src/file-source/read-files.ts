import { constants } from 'node:fs';
import { type FileHandle, open, readlink, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { FileSourceError } from '../errors/index.js';

/** One file as it was read, or why it could not be. */
export interface FileReading {
  readonly path: string;
  readonly bytes: Uint8Array;
  /** Permission bits, 0 where there was no file. */
  readonly mode: number;
  /** Identity and times: equal as long as nobody has touched the file. */
  readonly stamp: string;
  /** When the file was last touched, in milliseconds since the epoch; 0 where that does not matter. */
  readonly touchedAt: number;
  readonly error: FileSourceError | undefined;
}

/**
 * Reads several files so that they belong to one moment.
 *
 * Folders are resolved once, so all files of a folder come from the same version of it where the folder itself, or the
 * `..data` link that Kubernetes volumes have in it, is switched from one version to the next. For other files the stamps
 * tell {@link sameStamps} whether one was touched between then and a later look.
 */
export async function readFiles(paths: readonly string[], maxBytes: number): Promise<readonly FileReading[]> {
  const resolve = resolver();
  const opened = await Promise.all(paths.map(async (path) => await openFile(path, resolve)));
  try {
    return await Promise.all(opened.map(async (file) => await readOne(file, maxBytes)));
  } finally {
    await Promise.all(opened.map(async ({ handle }) => await handle?.close()));
  }
}

/** Whether the files, resolved anew, are the ones that were read, untouched. */
export async function sameStamps(readings: readonly FileReading[]): Promise<boolean> {
  const resolve = resolver();
  const same = await Promise.all(
    readings.map(async ({ path, stamp }) => stamp === SWITCHED || (await stampAt(path, resolve)) === stamp),
  );
  return same.every(Boolean);
}

interface Resolved {
  readonly path: string;
  /** Behind a `..data` link: its version of the folder is never written to again. */
  readonly switched: boolean;
}

type Resolve = (path: string) => Promise<Resolved>;

type OpenedFile =
  | { readonly path: string; readonly switched: boolean; readonly handle: FileHandle }
  | { readonly path: string; readonly handle: undefined; readonly reading: FileReading };

const DATA_LINK = '..data';
const SWITCHED = 'switched';
const PERMISSION_BITS = 0o777;
/** Opening a pipe must not wait for a writer. */
const FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/** Resolves the folders of one read, each of them once. */
function resolver(): Resolve {
  const folders = new Map<string, Promise<string>>();
  const once = (path: string): Promise<string> => {
    const known = folders.get(path) ?? realpath(path);
    folders.set(path, known);
    return known;
  };
  return async (path) => {
    const folder = await once(dirname(path));
    const file = join(folder, basename(path));
    const target = await readlink(file).catch(() => '');
    if (!target.startsWith(`${DATA_LINK}/`)) return { path: file, switched: false };
    const version = await once(join(folder, DATA_LINK));
    return { path: join(version, target.slice(DATA_LINK.length)), switched: true };
  };
}

async function openFile(path: string, resolve: Resolve): Promise<OpenedFile> {
  try {
    const resolved = await resolve(path);
    return { path, switched: resolved.switched, handle: await open(resolved.path, FLAGS) };
  } catch (failure) {
    const [stamp, error] = [await stampAt(path, resolve), await openError(path, failure)];
    return { path, handle: undefined, reading: { path, bytes: new Uint8Array(), mode: 0, stamp, touchedAt: 0, error } };
  }
}

async function readOne(file: OpenedFile, maxBytes: number): Promise<FileReading> {
  if (file.handle === undefined) return file.reading;
  const { path, handle, switched } = file;
  let stamp = '';
  try {
    const status = await handle.stat({ bigint: true });
    const mode = Number(status.mode) & PERMISSION_BITS;
    stamp = switched ? SWITCHED : stampOf(status);
    const touchedAt = switched ? 0 : Number(status.ctimeMs);
    const refused = (error: FileSourceError) => ({ path, bytes: new Uint8Array(), mode, stamp, touchedAt, error });
    if (!status.isFile()) return refused(new FileSourceError('not_a_file', `${path} is not a regular file`));
    const bytes = await readAtMost(handle, maxBytes + 1);
    if (bytes.length <= maxBytes) return { path, bytes, mode, stamp, touchedAt, error: undefined };
    return refused(new FileSourceError('too_large', `${path} has more than ${maxBytes} bytes`));
  } catch (cause) {
    const error = new FileSourceError('read_failed', `${path} could not be read`, { cause });
    return { path, bytes: new Uint8Array(), mode: 0, stamp, touchedAt: 0, error };
  }
}

async function readAtMost(handle: FileHandle, most: number): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let length = 0;
  while (length < most) {
    const chunk = Buffer.alloc(Math.min(most - length, 65_536));
    const { bytesRead } = await handle.read(chunk, 0, chunk.length, length);
    if (bytesRead === 0) break;
    chunks.push(chunk.subarray(0, bytesRead));
    length += bytesRead;
  }
  return Buffer.concat(chunks);
}

interface Stamped {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
}

function stampOf({ dev, ino, size, mtimeNs, ctimeNs }: Stamped): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join(':');
}

async function stampAt(path: string, resolve: Resolve): Promise<string> {
  try {
    return stampOf(await stat((await resolve(path)).path, { bigint: true }));
  } catch (error) {
    return `no file: ${codeOf(error)}`;
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
}

async function openError(path: string, cause: unknown): Promise<FileSourceError> {
  switch (codeOf(cause)) {
    case 'ENOENT':
    case 'ENOTDIR':
      return new FileSourceError('file_missing', `there is no file at ${path}`, { cause });
    case 'EACCES':
    case 'EPERM':
      return new FileSourceError('access_denied', `${path} may not be read by ${await whoMayRead(path)}`, {
        cause,
      });
    case 'EISDIR':
    case 'ENXIO':
      return new FileSourceError('not_a_file', `${path} is not a regular file`, { cause });
    default:
      return new FileSourceError('read_failed', `${path} could not be opened`, { cause });
  }
}

/** A hint for whoever has to set the permissions right. */
async function whoMayRead(path: string): Promise<string> {
  const self = `this process (uid ${process.geteuid?.() ?? 'unknown'}, gid ${process.getegid?.() ?? 'unknown'})`;
  try {
    const { uid, gid, mode } = await stat(path);
    return `${self}: it belongs to uid ${uid}, gid ${gid} and has mode ${(mode & PERMISSION_BITS).toString(8)}`;
  } catch {
    return `${self}: a folder above it is closed to it`;
  }
}
