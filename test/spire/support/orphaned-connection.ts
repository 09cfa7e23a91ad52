import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { superviseUntilExit } from './processes.js';
import { makeSocketFolder } from './socket-folder.js';

/** A connection to an agent whose maker has died, while another process goes on with it. */
export interface OrphanedConnection extends Disposable {
  /** Whoever connects there first speaks over that connection; everybody else is turned away. */
  readonly address: string;
}

/**
 * Has a process connect to a socket, leave the connection to a child of its own, and end.
 *
 * @param socket path of the agent's socket.
 */
export async function orphanConnection(socket: string): Promise<OrphanedConnection> {
  const folder = makeSocketFolder('orphan-');
  const path = join(folder, 'api.sock');
  const args = ['-e', MAKER, socket, path, HEIR];
  const maker = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit', 'pipe'] });
  const [, announced, line] = maker.stdio;
  if (announced === null) throw new Error('the process has no standard output');
  await Promise.all([superviseUntilExit(maker), once(announced, 'data')]);
  return {
    address: `unix://${path}`,
    [Symbol.dispose]() {
      line?.destroy();
      announced.destroy();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The heir has the maker's standard output, and the line by which it hears that the test is over or has died. */
const MAKER = `
  const { connect } = require('node:net');
  const [socket, path, heir] = process.argv.slice(1);
  const connection = connect(socket);
  connection.pause();
  connection.once('connect', () => {
    const child = require('node:child_process').spawn(process.execPath, ['-e', heir, path], {
      stdio: ['ignore', 'inherit', 'inherit', 3, connection],
    });
    child.once('spawn', () => process.exit());
  });
`;

const HEIR = `
  const { createServer, Socket } = require('node:net');
  const connection = new Socket({ fd: 4 });
  connection.on('error', () => {});
  let taken = false;
  createServer((client) => {
    client.on('error', () => {});
    if (taken) return client.destroy();
    taken = true;
    client.pipe(connection).pipe(client);
  }).listen(process.argv[1], () => process.stdout.write('ready'));
  new Socket({ fd: 3 }).on('close', () => process.exit()).on('error', () => {}).resume();
`;
