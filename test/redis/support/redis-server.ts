import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from 'redis';
import { onTestFinished } from 'vitest';
import { folderUntilExit, ManagedProcess } from '../../spire/support/processes.js';
import { waitFor } from '../../spire/support/wait-for.js';
import { freePort } from '../../support/free-port.js';
import { REDIS_SERVER } from './require-redis.js';

/** What the server remembers over a restart: every write it answered, those up to a second ago, or nothing. */
export type Persistence = 'always' | 'everysec' | 'none';

export interface RedisServerOptions {
  readonly persistence?: Persistence;
  /** Further settings, as on the command line. */
  readonly settings?: readonly string[];
}

/** A server of its own on a free port, with a folder of its own, for one test. */
export class RedisServer {
  readonly port: number;
  readonly #args: readonly string[];
  #process: ManagedProcess;

  private constructor(port: number, args: readonly string[]) {
    this.port = port;
    this.#args = args;
    this.#process = new ManagedProcess('redis', REDIS_SERVER, args);
  }

  static async start({ persistence = 'none', settings = [] }: RedisServerOptions = {}): Promise<RedisServer> {
    const port = await freePort();
    const folder = mkdtempSync(join(tmpdir(), 'svidkit-redis-'));
    const removeFolder = folderUntilExit(folder);
    const appendOnly = persistence === 'none' ? ['no'] : ['yes', '--appendfsync', persistence];
    const server = new RedisServer(port, [
      ...['--port', `${port}`, '--bind', '127.0.0.1', '--dir', folder, '--save', ''],
      ...['--appendonly', ...appendOnly, ...settings],
    ]);
    onTestFinished(async () => {
      await server.kill();
      removeFolder();
    });
    await server.#answers();
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  async kill(): Promise<void> {
    await this.#process.end('SIGKILL');
  }

  /** Kills the server and starts it again on the same port and folder. */
  async restart(): Promise<void> {
    await this.kill();
    this.#process = new ManagedProcess('redis', REDIS_SERVER, this.#args);
    await this.#answers();
  }

  /** Sends one command over a connection of its own. */
  async command(...args: string[]): Promise<unknown> {
    const client = createClient({ url: this.url, socket: { reconnectStrategy: false } });
    client.on('error', () => undefined);
    await client.connect();
    try {
      return await client.sendCommand(args);
    } finally {
      client.destroy();
    }
  }

  async #answers(): Promise<void> {
    await waitFor('an answer to PING', async () => (await this.command('PING')) === 'PONG', { everyMs: 20 });
  }
}
