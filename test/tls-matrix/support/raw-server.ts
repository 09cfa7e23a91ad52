import { createTlsServer, getPeer } from 'svidkit/tls';
import { counting } from './servers.js';
import { describeCaller, type TlsServer } from './speech.js';

/** Says `bye` on a socket that is to be left, where a client can tell it from an answer. */
export const rawTlsServer: TlsServer = {
  name: 'tls',
  protocols: ['lines'],
  listen: (options) =>
    counting((answered) =>
      createTlsServer({ ...options, onDrain: (socket) => void socket.write('bye\n') }, (socket) => {
        socket.on('error', () => undefined);
        socket.on('data', () => {
          answered();
          socket.write(`${JSON.stringify(describeCaller(getPeer(socket), socket))}\n`);
        });
      }),
    ),
};
