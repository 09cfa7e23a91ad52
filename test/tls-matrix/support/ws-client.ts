import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { createHttpsAgent, getPeer, type MtlsClientOptions } from 'svidkit/tls';
import { WebSocket } from 'ws';
import type { Caller, TlsClient } from './speech.js';

export const wsClient: TlsClient = {
  name: 'ws',
  protocols: ['WebSocket'],
  open(options, { port, fresh }) {
    const agent = createHttpsAgent(options);
    let kept: WebSocket | undefined;
    let leaveAt = 0;
    const now = options.clock ?? Date.now;

    async function opened(): Promise<WebSocket> {
      const webSocket = new WebSocket(`wss://127.0.0.1:${port}/`, { agent, handshakeTimeout: 10_000 });
      // What carries messages of its own, only the application can leave in time: in the last part of the certificates' life.
      webSocket.once('upgrade', (response: IncomingMessage) => {
        const ends = [getPeer(response).expiresAt, ownExpiry(options)];
        leaveAt = now() + 0.8 * (Math.min(...ends.map(Number)) - now());
      });
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
          if (kept?.readyState !== WebSocket.OPEN || now() >= leaveAt) {
            kept?.close();
            kept = await opened();
          }
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

function ownExpiry({ svid }: MtlsClientOptions): Date {
  return svid === 'none' ? new Date(8.64e15) : svid.getX509Svid().expiresAt;
}
