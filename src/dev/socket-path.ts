import { chmod, lstat, mkdir, mkdtemp, rm, unlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DevError } from '../errors/index.js';

/** Where the sockets of an endpoint are made. */
export interface SocketDirectory {
  readonly path: string;
  /** Removes the directory, if it was made here. */
  remove(): Promise<void>;
}

/**
 * Makes a directory that only this user can enter. Without a path: a fresh one under the system's temporary directory,
 * or under `/tmp` where that would make socket paths too long. A directory that exists already is used as it is.
 *
 * @throws `DevError` `listen_failed` when it cannot be made.
 */
export async function openSocketDirectory(directory: string | undefined): Promise<SocketDirectory> {
  try {
    if (directory === undefined) {
      const parent = [tmpdir(), '/tmp'].find((path) => isShortEnough(join(path, 'svidkit-XXXXXX', LONGEST_NAME)));
      const path = await mkdtemp(join(parent ?? tmpdir(), 'svidkit-'));
      return { path, remove: () => rm(path, { recursive: true, force: true }) };
    }
    const created = await mkdir(directory, { recursive: true, mode: 0o700 });
    const remove = async (): Promise<void> => {
      if (created !== undefined) await rm(created, { recursive: true, force: true });
    };
    return { path: directory, remove };
  } catch (cause) {
    throw new DevError('listen_failed', 'the directory for the sockets cannot be made', { cause });
  }
}

/**
 * Makes sure that a socket can be made at this path, removing one that nobody serves any more.
 *
 * @throws `DevError` `address_too_long` or `address_in_use`.
 */
export async function claimSocketPath(path: string): Promise<void> {
  if (!isShortEnough(path)) {
    throw new DevError('address_too_long', `a socket path must be under ${MAX_PATH_BYTES} bytes; choose a shorter one`);
  }
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined) return;
  if (!found.isSocket()) throw new DevError('address_in_use', 'there is something at the path that is not a socket');
  if (await answers(path)) throw new DevError('address_in_use', 'another process serves at this socket');
  await unlink(path);
}

/** Lets only this user connect. */
export async function restrictSocket(path: string): Promise<void> {
  await chmod(path, 0o600);
}

/** Removes what is left of a socket that is served no more. */
export async function removeSocket(path: string): Promise<void> {
  await rm(path, { force: true });
}

const MAX_PATH_BYTES = 100;
const LONGEST_NAME = 'workload-9999.sock';

function isShortEnough(path: string): boolean {
  return Buffer.byteLength(path) < MAX_PATH_BYTES;
}

async function answers(path: string): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
