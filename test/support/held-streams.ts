import type { ClientHttp2Session, Http2SecureServer, ServerHttp2Stream } from 'node:http2';
import { getPeer } from 'svidkit/tls';
import { ask, type Http2Answer } from './http2.js';
import { until } from './until.js';

/** Requests to `/wait`, which a server answers when a test says so; it answers others at once, with who called. */
export class HeldStreams {
  readonly streams: ServerHttp2Stream[] = [];

  /** Lets a server answer. */
  serve(server: Http2SecureServer): void {
    server.on('stream', (stream, headers) => {
      if (headers[':path'] === '/wait') this.streams.push(stream);
      else answer(stream);
    });
  }

  /** Begins a request that is held, and waits until it has arrived. */
  async begin(session: ClientHttp2Session): Promise<{ readonly asked: Promise<Http2Answer> }> {
    const before = this.streams.length;
    const asked = ask(session, { ':path': '/wait' });
    asked.catch(() => undefined);
    await until(() => this.streams.length).toBe(before + 1);
    return { asked };
  }

  answerAll(): void {
    for (const stream of this.streams) answer(stream);
  }
}

function answer(stream: ServerHttp2Stream): void {
  stream.respond({ ':status': 200 });
  stream.end(getPeer(stream).leaf.serialNumber);
}
