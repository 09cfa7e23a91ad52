import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { createHttpsAgent } from 'svidkit/tls';
import { WebSocket } from 'ws';
import type { Caller, TlsClient } from './speech.js';

export const wsClient: TlsClient = {
  name: 'ws',
  protocols: ['WebSocket'],
  open(options, { port, fresh }) {
    const bySocket = new WeakMap<object, WebSocket>();
    const asking = new WeakSet<WebSocket>();
    const left = new WeakSet<WebSocket>();
    let kept: WebSocket | undefined;
    /** Nothing new goes over the WebSocket; it is closed when nothing is asked on it. */
    const leave = (webSocket: WebSocket | undefined): void => {
      if (webSocket !== undefined) left.add(webSocket);
      if (webSocket === undefined || webSocket !== kept) return;
      kept = undefined;
      if (!asking.has(webSocket)) webSocket.close();
    };
    const agent = createHttpsAgent({ ...options, onDrain: (socket) => leave(bySocket.get(socket)) });

    async function opened(): Promise<WebSocket> {
      const webSocket = new WebSocket(`wss://127.0.0.1:${port}/`, { agent, handshakeTimeout: 10_000 });
      webSocket.once('upgrade', ({ socket }: IncomingMessage) => bySocket.set(socket, webSocket));
      await once(webSocket, 'open');
      webSocket.on('error', () => undefined);
      webSocket.on('message', (data) => void (String(data) === 'bye' && leave(webSocket)));
      return webSocket;
    }

    return {
      async ask() {
        if (kept?.readyState !== WebSocket.OPEN) kept = undefined;
        const webSocket = kept ?? (await opened());
        if (fresh !== true && !left.has(webSocket)) kept = webSocket;
        asking.add(webSocket);
        try {
          return await questionOn(webSocket);
        } finally {
          asking.delete(webSocket);
          if (webSocket !== kept) webSocket.close();
        }
      },
      async [Symbol.asyncDispose]() {
        kept?.terminate();
        agent.destroy();
      },
    };
  },
};

function questionOn(webSocket: WebSocket): Promise<Caller> {
  return new Promise((resolve, reject) => {
    const settle = (): void => void webSocket.off('close', closed).off('message', read);
    const closed = (): void => {
      settle();
      reject(new Error('the WebSocket is closed'));
    };
    const read = (data: unknown): void => {
      if (String(data) === 'bye') return;
      settle();
      resolve(JSON.parse(String(data)));
    };
    webSocket.on('close', closed).on('message', read);
    webSocket.send('who am I?');
  });
}
