import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type NetConnectOpts, type Server, type Socket } from 'node:net';
import { manyTurns } from './turns.js';

interface Leg {
  readonly client: Socket;
  readonly target: Socket;
  dead: boolean;
}

/** A TCP port before an endpoint, whose connections can die without a word while new ones work. */
export class SilentPath implements AsyncDisposable {
  /** How many connections were accepted so far. */
  accepted = 0;
  /** How many bytes have come from clients so far, passed on or not. */
  sent = 0;
  /** Whether connections are dead from the start. */
  mute = false;
  readonly #legs = new Set<Leg>();
  readonly #server: Server;

  private constructor(target: NetConnectOpts) {
    this.#server = createServer({ allowHalfOpen: true }, (client) => this.#accept(client, connect(target)));
  }

  static async to(target: NetConnectOpts): Promise<SilentPath> {
    const path = new SilentPath(target);
    await once(path.#server.listen(0, '127.0.0.1'), 'listening');
    return path;
  }

  get address(): string {
    return `tcp://127.0.0.1:${this.port}`;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** How many connections clients have open now. */
  get open(): number {
    return this.#legs.size;
  }

  /** Lets arrive what is on its way; then the present connections pass nothing, neither way, and say nothing of it. */
  async die(): Promise<void> {
    await manyTurns();
    for (const leg of this.#legs) leg.dead = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { client, target } of this.#legs) for (const socket of [client, target]) socket.destroy();
    this.#server.close();
  }

  #accept(client: Socket, target: Socket): void {
    const leg: Leg = { client, target, dead: this.mute };
    this.accepted += 1;
    this.#legs.add(leg);
    client.on('data', (bytes) => {
      this.sent += bytes.length;
      if (!leg.dead) target.write(bytes);
    });
    target.on('data', (bytes) => {
      if (!leg.dead) client.write(bytes);
    });
    client.on('close', () => {
      this.#legs.delete(leg);
      target.destroy();
    });
    target.on('close', () => {
      if (!leg.dead) client.destroy();
    });
    for (const socket of [client, target]) socket.on('error', () => {});
    // A client that has gone is not kept waiting for the endpoint to go as well.
    client.on('end', () => client.destroy());
  }
}
