import type { ClientHttp2Session } from 'node:http2';
import { json } from 'node:stream/consumers';
import { connectHttp2, createHttp2SessionPool } from 'svidkit/tls';
import type { Caller, TlsClient } from './speech.js';

async function questionOn(session: ClientHttp2Session): Promise<Caller> {
  const stream = session.request({ ':path': '/' }, { signal: AbortSignal.timeout(10_000) });
  stream.on('error', () => undefined);
  const status = new Promise<unknown>((resolve, reject) => {
    stream.once('response', (headers) => resolve(headers[':status']));
    stream.once('error', reject);
    stream.once('close', () => reject(new Error('the stream was closed without an answer')));
  });
  if ((await status) !== 200) {
    stream.resume();
    throw new Error(`the server answered ${await status}`);
  }
  return (await json(stream)) as Caller;
}

export const http2Session: TlsClient = {
  name: 'http2 session',
  leavesRefused: true,
  protocols: ['HTTP/2'],
  open(options, { port, fresh }) {
    let kept: ClientHttp2Session | undefined;
    async function connect(): Promise<ClientHttp2Session> {
      const session = await connectHttp2(`https://127.0.0.1:${port}`, options);
      // Node takes no request from here on, and says that the session is closed only later.
      return session.once('goaway', () => {
        if (session === kept) kept = undefined;
      });
    }
    return {
      async ask() {
        if (fresh !== true) {
          if (kept === undefined || kept.closed || kept.destroyed) kept = await connect();
          return questionOn(kept);
        }
        const session = await connect();
        try {
          return await questionOn(session);
        } finally {
          session.close();
        }
      },
      async [Symbol.asyncDispose]() {
        kept?.destroy();
      },
    };
  },
};

export const http2Pool: TlsClient = {
  name: 'http2 pool',
  protocols: ['HTTP/2'],
  open(options, { port, fresh }) {
    let pool = createHttp2SessionPool(options);
    return {
      async ask() {
        const used = pool;
        try {
          return await used.withSession(`https://127.0.0.1:${port}`, questionOn);
        } finally {
          if (fresh === true) {
            pool = createHttp2SessionPool(options);
            await used.close();
          }
        }
      },
      [Symbol.asyncDispose]: async () => void (await pool.close()),
    };
  },
};
