import { createTlsServer, getPeer } from 'svidkit/tls';
import { counting } from './servers.js';
import { describeCaller, type TlsServer } from './speech.js';

export const rawTlsServer: TlsServer = {
  name: 'tls',
  protocols: ['lines'],
  listen: (options) =>
    counting((answered) =>
      createTlsServer(options, (socket) => {
        socket.on('error', () => undefined);
        socket.on('data', () => {
          answered();
          socket.write(`${JSON.stringify(describeCaller(getPeer(socket), socket))}\n`);
        });
      }),
    ),
};
