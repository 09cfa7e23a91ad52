import { type ClientRequest, type IncomingMessage, request as startRequest } from 'node:http';
import { isIP } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import { FederationError } from '../errors/index.js';
import { onAbort } from '../internal/abort.js';
import { quote } from '../internal/quote.js';
import { parseRedirect } from './endpoint-url.js';
import type { ServerCheck } from './profile.js';

export interface GetOptions {
  /** Ends everything, with the signal's reason. */
  readonly signal: AbortSignal;
  /** Longest body that is read. */
  readonly maxBytes: number;
  /** How many redirects in a row are followed. */
  readonly maxRedirects: number;
}

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/**
 * Gets what the endpoint serves. Redirects are followed, each on a connection of its own whose server is held to the
 * same check, and remembered by nobody (SPIFFE_Federation sections 5.2.1.4 and 5.2.2.4). No connection, and no session
 * of one, is used twice: a server is verified as often as it is asked. The socket does not keep the process alive.
 */
export async function httpsGet(url: URL, check: ServerCheck, options: GetOptions): Promise<Uint8Array> {
  let place = url;
  for (let redirects = 0; redirects <= options.maxRedirects; redirects += 1) {
    const answer = await getOnce(place, check, options);
    if (answer instanceof Uint8Array) return answer;
    place = answer;
  }
  throw new FederationError(
    'too_many_redirects',
    `${quote(url.host)} redirects more than ${options.maxRedirects} times`,
  );
}

/** The body, or where it is said to be. */
async function getOnce(url: URL, check: ServerCheck, options: GetOptions): Promise<Uint8Array | URL> {
  const { signal } = options;
  signal.throwIfAborted();
  const socket = open(url, check);
  const release = onAbort(signal, () => socket.destroy());
  try {
    await handshake(socket, url);
    check.verify(socket);
    return await exchange(socket, url, options);
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    release();
    socket.destroy();
  }
}

function open(url: URL, check: ServerCheck): TLSSocket {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const socket = connect({
    ...check.tls,
    host,
    port: url.port === '' ? 443 : Number(url.port),
    servername: isIP(host) === 0 ? host : '',
    ALPNProtocols: ['http/1.1'],
    minVersion: 'TLSv1.2',
  });
  const unref = (): void => void socket.unref();
  // Trying one address after the other, Node makes a new handle each time.
  socket.on('connectionAttempt', unref).on('connect', unref).on('error', ignore);
  return socket.unref();
}

async function handshake(socket: TLSSocket, url: URL): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    socket.once('secureConnect', resolve).once('error', reject);
    socket.once('close', () => reject(new Error('the connection was closed during the handshake')));
  }).catch((cause: unknown) => {
    // Node destroys the socket for it, and keeps the verdict here.
    const untrusted: unknown = socket.authorizationError;
    const code = untrusted === undefined || untrusted === null ? 'connection_failed' : 'endpoint_untrusted';
    throw new FederationError(code, `no connection to ${quote(url.host)}: ${messageOf(cause)}`, { cause });
  });
}

async function exchange(socket: TLSSocket, url: URL, options: GetOptions): Promise<Uint8Array | URL> {
  const request = startRequest({
    createConnection: () => socket,
    method: 'GET',
    path: `${url.pathname}${url.search}`,
    headers: { Host: url.host, Accept: 'application/json', 'Accept-Encoding': 'identity', Connection: 'close' },
  });
  try {
    const response = await answerTo(request);
    const status = response.statusCode ?? 0;
    if (REDIRECTS.has(status)) return parseRedirect(response.headers.location, url);
    if (status !== 200) throw new FederationError('bad_status', `${quote(url.host)} answers with status ${status}`);
    return await readBody(response, url, options.maxBytes);
  } catch (cause) {
    if (cause instanceof FederationError) throw cause;
    throw new FederationError('bad_response', `the answer of ${quote(url.host)} broke off: ${messageOf(cause)}`, {
      cause,
    });
  } finally {
    request.on('error', ignore).destroy();
  }
}

/** A switch of protocols that nobody asked for is an answer too: unheard, it would leave the request without any. */
function answerTo(request: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.once('response', resolve).once('upgrade', resolve).once('error', reject).end();
  });
}

async function readBody(response: IncomingMessage, url: URL, maxBytes: number): Promise<Uint8Array> {
  const encoding = response.headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') {
    throw new FederationError('bad_response', `${quote(url.host)} answers in the encoding ${quote(encoding)}`);
  }
  const chunks: Buffer[] = [];
  let length = Number(response.headers['content-length'] ?? 0);
  const checkLength = (): void => {
    if (length <= maxBytes) return;
    throw new FederationError('too_large', `${quote(url.host)} answers with more than ${maxBytes} bytes`);
  };
  checkLength();
  length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.byteLength;
    checkLength();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Node puts what the server sent into some of its messages, a certificate's names for example. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return 'no reason was given';
  return error.message.slice(0, 200).replaceAll(/\p{Cc}/gu, ' ');
}

function ignore(): void {}
