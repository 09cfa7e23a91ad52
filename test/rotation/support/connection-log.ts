import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';

/** When each connection to a server of this process was accepted, whichever library serves. */
export class ConnectionLog implements Disposable {
  readonly #acceptedAt = new Map<string, number>();
  readonly #hear = (message: unknown): void => {
    const { localPort, remotePort } = (message as { readonly socket: Socket }).socket;
    this.#acceptedAt.set(`${localPort} ${remotePort}`, Date.now());
  };

  constructor() {
    subscribe('net.server.socket', this.#hear);
  }

  /** In milliseconds since the epoch. */
  acceptedAt(serverPort: number, clientPort: number): number {
    const at = this.#acceptedAt.get(`${serverPort} ${clientPort}`);
    if (at === undefined) throw new Error(`no connection from port ${clientPort} to port ${serverPort} was accepted`);
    return at;
  }

  [Symbol.dispose](): void {
    unsubscribe('net.server.socket', this.#hear);
  }
}
