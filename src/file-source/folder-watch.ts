import { type FSWatcher, watch } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Notifications about the folders of some files, where the operating system gives any. Polling must do without. */
export class FolderWatch {
  readonly #folders: readonly string[];
  readonly #onChange: () => void;
  readonly #watched = new Map<string, { readonly inode: string; readonly watcher: FSWatcher }>();
  #closed = false;

  constructor(paths: readonly string[], onChange: () => void) {
    this.#folders = [...new Set(paths.map((path) => dirname(path)))];
    this.#onChange = onChange;
  }

  /** Watches folders that have appeared, and those that were replaced by others of the same name. */
  async renew(): Promise<void> {
    await Promise.all(this.#folders.map(async (folder) => await this.#renewOne(folder)));
  }

  close(): void {
    this.#closed = true;
    for (const folder of this.#folders) this.#forget(folder);
  }

  async #renewOne(folder: string): Promise<void> {
    const inode = await inodeOf(folder);
    if (this.#closed || this.#watched.get(folder)?.inode === inode) return;
    this.#forget(folder);
    if (inode === undefined) return;
    try {
      const watcher = watch(folder, { persistent: false }, () => this.#onChange());
      // Watching ends, and is tried again at the next look.
      watcher.on('error', () => this.#forget(folder));
      this.#watched.set(folder, { inode, watcher });
    } catch {
      // Out of watches, or a file system without them.
    }
  }

  #forget(folder: string): void {
    this.#watched.get(folder)?.watcher.close();
    this.#watched.delete(folder);
  }
}

async function inodeOf(folder: string): Promise<string | undefined> {
  try {
    const { dev, ino } = await stat(folder, { bigint: true });
    return `${dev}:${ino}`;
  } catch {
    return undefined;
  }
}
