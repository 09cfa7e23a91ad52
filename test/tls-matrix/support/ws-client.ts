import { once } from 'node:events';
import { createHttpsAgent } from 'svidkit/tls';
import { WebSocket } from 'ws';
import type { Caller, TlsClient } from './speech.js';

export const wsClient: TlsClient = {
  name: 'ws',
  protocols: ['WebSocket'],
  open(options, { port, fresh }) {
    const agent = createHttpsAgent(options);
    let kept: WebSocket | undefined;

    async function opened(): Promise<WebSocket> {
      const webSocket = new WebSocket(`wss://127.0.0.1:${port}/`, { agent, handshakeTimeout: 10_000 });
      await once(webSocket, 'open');
      webSocket.on('error', () => undefined);
      return webSocket;
    }

    async function questionOn(webSocket: WebSocket): Promise<Caller> {
      return new Promise((resolve, reject) => {
        const closed = (): void => reject(new Error('the WebSocket is closed'));
        webSocket.once('close', closed);
        webSocket.once('message', (data) => {
          webSocket.off('close', closed);
          resolve(JSON.parse(String(data)));
        });
        webSocket.send('who am I?');
      });
    }

    return {
      async ask() {
        if (fresh !== true) {
          if (kept?.readyState !== WebSocket.OPEN) kept = await opened();
          return questionOn(kept);
        }
        const webSocket = await opened();
        try {
          return await questionOn(webSocket);
        } finally {
          webSocket.close();
        }
      },
      async [Symbol.asyncDispose]() {
        kept?.terminate();
        agent.destroy();
      },
    };
  },
};
