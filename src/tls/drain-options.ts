import type { TLSSocket } from 'node:tls';
import type { Connection } from './connection.js';

/** What only the application can know of the protocol that it speaks on a socket. */
export interface DrainOptions {
  /**
   * Told once of a socket that should carry nothing new, and be ended by the application when what it carries has ended:
   * after a rotation with `rotation: 'drain'`, and in any case shortly before a certificate at either end expires. What
   * it throws is not caught. Default: nobody is told, and the socket is destroyed when its time is up. Of HTTP's sockets,
   * those that were upgraded.
   */
  readonly onDrain?: ((socket: TLSSocket) => void) | undefined;
}

/** @throws `TypeError` when it is no function. */
export function readOnDrain({ onDrain }: DrainOptions): DrainOptions['onDrain'] {
  if (onDrain !== undefined && typeof onDrain !== 'function') throw new TypeError('onDrain must be a function');
  return onDrain;
}

/** Leaves a connection to the application, which alone knows whether a socket is idle. */
export function useRaw(connection: Connection, onDrain: DrainOptions['onDrain']): void {
  const drain = (): void => {
    // Later, so that what it throws does not keep the other connections from being looked at.
    if (onDrain !== undefined) process.nextTick(onDrain, connection.socket);
  };
  connection.use({ isIdle: () => false, drain });
}
