import { once } from 'node:events';
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  createSecureServer,
  type Http2SecureServer,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type SecureClientSessionOptions,
  type SecureServerOptions,
} from 'node:http2';
import { onTestFinished } from 'vitest';
import { listen } from './connections.js';
import type { PemIdentity } from './mtls.js';

export interface Http2Answer {
  readonly status: number;
  readonly body: string;
  readonly stream: ClientHttp2Stream;
}

/** Makes one request on a session and reads the answer until the stream is closed. */
export async function ask(
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders = {},
  sent?: string,
): Promise<Http2Answer> {
  const stream = session.request(headers);
  stream.end(sent);
  const closed = once(stream, 'close');
  const unanswered = closed.then(() => Promise.reject(new Error('the stream closed without an answer')));
  unanswered.catch(() => undefined);
  const [answer] = (await Promise.race([once(stream, 'response'), unanswered])) as [IncomingHttpHeaders];
  stream.setEncoding('utf8');
  let body = '';
  for await (const chunk of stream) body += chunk;
  await closed;
  return { status: Number(answer[':status']), body, stream };
}

/** A session as any client can make one, with no verification of its own. It is destroyed when the test is over. */
export function plainSession(port: number, options: SecureClientSessionOptions): ClientHttp2Session {
  const session = connect(`https://127.0.0.1:${port}`, { rejectUnauthorized: false, ...options });
  onTestFinished(() => session.destroy());
  return session.on('error', () => undefined);
}

/** A server of Node's own that svidkit would not let happen, which keeps what it is asked for. */
export async function plainServer(
  identity: PemIdentity,
  handled: string[],
  options: SecureServerOptions = {},
): Promise<{ readonly port: number; readonly server: Http2SecureServer }> {
  const server = createSecureServer(
    { ...identity, requestCert: true, rejectUnauthorized: false, ...options },
    (request, response) => {
      handled.push(request.url);
      response.end();
    },
  );
  return { port: await listen(server), server };
}

export const urlOf = (port: number): string => `https://127.0.0.1:${port}`;
