import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { type ClientHttp2Session, connect, constants } from 'node:http2';
import { request as httpsRequest } from 'node:https';
import { buffer } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';

export type Field = readonly [name: string, value: string];

export interface Sent {
  readonly method: string;
  readonly target: string;
  readonly fields: readonly Field[];
  /** In pieces of unannounced length; `null` for none. */
  readonly body: Uint8Array | null;
  readonly trailers?: Readonly<Record<string, string>>;
  /** Default `x`. */
  readonly host?: string;
}

export interface Received {
  readonly status: number;
  /** Names and values in turn, in lower case, without pseudo-header fields. */
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
  readonly trailers: object;
}

/** Sends one request over a protocol. */
export type Exchange = (port: number, sent: Sent) => Promise<Received>;

/** HTTP/1.1, chunked. */
export const overHttp1: Exchange = (port, sent) => http1(httpRequest, port, sent);
export const overHttps: Exchange = (port, sent) => http1(httpsRequest, port, sent);
export const overHttp2: Exchange = (port, sent) => http2(connect(`http://127.0.0.1:${port}`), sent);
export const overHttp2Tls: Exchange = (port, sent) =>
  http2(connect(`https://127.0.0.1:${port}`, { rejectUnauthorized: false }), sent);

async function http1(request: typeof httpRequest | typeof httpsRequest, port: number, sent: Sent): Promise<Received> {
  const { method, target: path, fields, body, trailers, host = 'x' } = sent;
  const headers = ['Host', host, 'Connection', 'close', ...fields.flat()];
  if (body !== null) headers.push('Transfer-Encoding', 'chunked');
  const outgoing = request({ host: '127.0.0.1', port, method, path, headers, rejectUnauthorized: false });
  // An answer that comes before the body has been sent closes the connection under it.
  outgoing.on('error', () => undefined);
  for (const half of halves(body)) outgoing.write(half);
  if (trailers !== undefined) outgoing.addTrailers(trailers);
  outgoing.end();
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
  const rawHeaders = incoming.rawHeaders.map((text, index) => (index % 2 === 0 ? text.toLowerCase() : text));
  const received = await buffer(incoming);
  return { status: incoming.statusCode ?? 0, rawHeaders, body: received, trailers: incoming.trailers };
}

async function http2(session: ClientHttp2Session, sent: Sent): Promise<Received> {
  onTestFinished(() => session.destroy());
  // Whoever waits for the answer hears of it by the stream.
  session.on('error', () => undefined);
  const { method, target, fields, body, trailers, host = 'x' } = sent;
  const pseudo = { ':method': method, ':path': target, ':authority': host };
  const headers: Record<string, string | string[]> = { ...pseudo };
  for (const [name, value] of fields) {
    const key = name.toLowerCase();
    const before = headers[key];
    headers[key] = before === undefined ? value : [...(Array.isArray(before) ? before : [before]), value];
  }
  const stream = session.request(headers, { endStream: body === null, waitForTrailers: trailers !== undefined });
  stream.on('wantTrailers', () => stream.sendTrailers(trailers ?? {}));
  stream.on('error', () => undefined);
  let ending: object = {};
  stream.on('trailers', (received) => {
    ending = received;
  });
  if (body !== null) {
    for (const half of halves(body)) stream.write(half);
    stream.end();
  }
  const [head] = (await once(stream, 'response')) as [Record<string, string | string[]>];
  const received = await buffer(stream);
  session.close();
  const rawHeaders = Object.entries(head).flatMap(([name, value]) =>
    name.startsWith(':') ? [] : (Array.isArray(value) ? value : [value]).flatMap((one) => [name, `${one}`]),
  );
  return { status: Number(head[constants.HTTP2_HEADER_STATUS]), rawHeaders, body: received, trailers: ending };
}

function halves(body: Uint8Array | null): Uint8Array[] {
  if (body === null) return [];
  const middle = Math.ceil(body.length / 2);
  return [body.subarray(0, middle), body.subarray(middle)].filter(({ length }) => length > 0);
}
