import { createServer, type RequestListener } from 'node:http';
import { connect } from 'node:net';
import { listen, readToEnd } from './connections.js';

export interface RawAnswer {
  readonly status: number;
  /** Everything before the body, as it came. */
  readonly head: string;
  readonly body: string;
}

/** Sends one request exactly as written, with `Connection: close`, and reads the answer. */
export async function sendRaw(
  port: number,
  requestLine: string,
  fields: readonly string[],
  body: string | Uint8Array = '',
): Promise<RawAnswer> {
  const socket = connect(port, '127.0.0.1');
  // In one piece, and a reset after the answer is none of ours: a server need not wait for a body that it does not want.
  const head = [requestLine, ...fields, 'Connection: close', '', ''].join('\r\n');
  socket.write(Buffer.concat([Buffer.from(head), Buffer.from(body)]));
  const [answered = '', ...rest] = (await readToEnd(socket)).split('\r\n\r\n');
  return { status: Number(answered.split(' ')[1]), head: answered, body: rest.join('\r\n\r\n') };
}

/** An http server on a free port, until the test is over. */
export function serveHttp(listener: RequestListener): Promise<number> {
  return listen(createServer(listener));
}
