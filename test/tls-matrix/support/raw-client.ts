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
    const connect = (): Promise<TLSSocket> => connectTls(options, { host: '127.0.0.1', port: target.port });
    return {
      async ask() {
        if (target.fresh !== true) {
          if (kept === undefined || kept.destroyed) kept = await connect();
          return questionOn(kept, target);
        }
        const socket = await connect();
        try {
          return await questionOn(socket, target);
        } finally {
          socket.destroy();
        }
      },
      async [Symbol.asyncDispose]() {
        kept?.destroy();
      },
    };
  },
};

async function questionOn(socket: TLSSocket, { speaks }: OpenOptions): Promise<Caller> {
  socket.on('error', () => undefined);
  const end = new Promise<never>((_, reject) => socket.once('close', () => reject(new Error('the connection closed'))));
  const answer = new Promise<Caller>((resolve, reject) => {
    let text = '';
    const read = (part: Buffer): void => {
      text += part;
      if (/^HTTP\/1.1 (?!200)\d\d\d/.test(text)) reject(new Error(text.slice(0, 12)));
      const [found] = /^\{.*\}$/m.exec(text.replaceAll('\r', '')) ?? [];
      if (found === undefined) return;
      socket.off('data', read);
      resolve(JSON.parse(found));
    };
    socket.on('data', read);
  });
  end.catch(() => undefined);
  socket.write(speaks === 'HTTP/1.1' ? QUESTIONS['HTTP/1.1'] : QUESTIONS.lines);
  return Promise.race([answer, end]);
}
