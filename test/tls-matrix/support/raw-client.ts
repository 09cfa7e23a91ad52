import type { TLSSocket } from 'node:tls';
import { connectTls } from 'svidkit/tls';
import type { Caller, OpenOptions, TlsClient } from './speech.js';

/** HTTP/1.1 is written by hand; the body of every answer is one line of JSON. */
const QUESTIONS = { lines: 'who am I?\n', 'HTTP/1.1': 'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n' };

export const rawTls: TlsClient = {
  name: 'connectTls',
  protocols: ['lines', 'HTTP/1.1'],
  open(options, target) {
    let kept: TLSSocket | undefined;
    let asking = 0;
    /** A socket may be told of before it is here. */
    const left = new WeakSet<TLSSocket>();
    /** Nothing new goes over the socket; it ends when nothing is asked on it. */
    const leave = (socket: TLSSocket): void => {
      left.add(socket);
      if (socket !== kept) return;
      kept = undefined;
      if (asking === 0) socket.end();
    };
    async function connect(): Promise<TLSSocket> {
      const socket = await connectTls({ ...options, onDrain: leave }, { host: '127.0.0.1', port: target.port });
      return socket.on('error', () => undefined);
    }

    async function keptSocket(): Promise<TLSSocket> {
      if (kept !== undefined && !kept.destroyed) return kept;
      const socket = await connect();
      socket.on('data', (part: Buffer) => {
        if (/^bye$/m.test(String(part))) leave(socket);
      });
      if (!left.has(socket)) kept = socket;
      return socket;
    }

    return {
      async ask() {
        const socket = target.fresh === true ? await connect() : await keptSocket();
        asking += 1;
        try {
          return await questionOn(socket, target);
        } finally {
          asking -= 1;
          if (socket !== kept) socket.end();
        }
      },
      async [Symbol.asyncDispose]() {
        kept?.destroy();
      },
    };
  },
};

function questionOn(socket: TLSSocket, { speaks }: OpenOptions): Promise<Caller> {
  return new Promise((resolve, reject) => {
    let text = '';
    const settle = (): void => void socket.off('data', read).off('close', closed);
    const closed = (): void => {
      settle();
      reject(new Error('the connection closed'));
    };
    const read = (part: Buffer): void => {
      text += part;
      const [refusal] = /^HTTP\/1.1 (?!200)\d\d\d/.exec(text) ?? [];
      const [found] = /^\{.*\}$/m.exec(text.replaceAll('\r', '')) ?? [];
      if (refusal === undefined && found === undefined) return;
      settle();
      if (refusal === undefined) resolve(JSON.parse(found ?? ''));
      else reject(new Error(refusal));
    };
    socket.on('data', read).on('close', closed);
    socket.write(speaks === 'HTTP/1.1' ? QUESTIONS['HTTP/1.1'] : QUESTIONS.lines);
  });
}
