import { mkdtempSync, realpathSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** Of the sockets that are made in such folders, the longest path. */
const LONGEST = 'XXXXXX/pub/api.sock';
/** Linux allows 107, macOS 103. */
const MAX_PATH_BYTES = 100;

/**
 * Makes a folder for sockets under the system's temporary one; under `/tmp` where that has a path too long for sockets,
 * or is closed to the other users that workloads run as.
 */
export function makeSocketFolder(prefix: string): string {
  const parent = [tmpdir(), '/tmp'].find((path) => {
    return Buffer.byteLength(join(path, prefix + LONGEST)) <= MAX_PATH_BYTES && isOpenToAll(realpathSync(path));
  });
  return mkdtempSync(join(parent ?? tmpdir(), prefix));
}

function isOpenToAll(path: string): boolean {
  if ((statSync(path).mode & 0o001) === 0) return false;
  return dirname(path) === path || isOpenToAll(dirname(path));
}
