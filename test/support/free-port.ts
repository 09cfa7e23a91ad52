import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below the ports that Linux gives out by itself, so that no connection of anybody takes one in the meantime. */
const FIRST = 16_000;
const COUNT = 16_000;

/** Test files run in processes of their own, several at a time, and each worker has its own part of the ports. */
const LANES = 16;
const lane = Number(process.env['VITEST_POOL_ID'] ?? 0) % LANES;
let turn = Math.floor(Math.random() * (COUNT / LANES));

/** A TCP port of 127.0.0.1 that was free a moment ago, and another one each time; SPIRE refuses port 0. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < COUNT / LANES; tries += 1) {
    turn = (turn + 1) % (COUNT / LANES);
    const port = FIRST + turn * LANES + lane;
    if (await isFree(port)) return port;
  }
  throw new Error(`every port of 127.0.0.1 from ${FIRST} to ${FIRST + COUNT} is in use`);
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  server.listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}
