import type { ClientRequest } from 'node:http';
import { Agent, type AgentOptions, type RequestOptions } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { Connector } from './connect.js';
import { findConnection } from './connection.js';
import { type DrainOptions, readOnDrain, useRaw } from './drain-options.js';
import type { MtlsClientOptions } from './mtls-options.js';
import { readMtlsClientOptions } from './read-options.js';
import { readTuning } from './tls-context.js';

/**
 * An agent for `node:https` that presents the current X.509-SVID and lets a request out only to a server whose SVID it
 * has verified and the authorizer admits. A connection reaches the http layer after that, never before; sessions are
 * not resumed. With `keepAlive`, an idle connection is used again only while our SVID is the one it was made with, the
 * peer's certificates have not expired, the bundle still verifies them and the authorizer still admits the peer;
 * otherwise it is closed and a new one is made. A connection that was upgraded is the application's; `onDrain` is told
 * when it should end.
 *
 * The request fails with a `TlsError` when the server is refused (`peer_refused`, `no_certificate`, `not_authorized`,
 * `hostname_mismatch`, `bundle_failed`) or we have nothing to present (`no_identity`, `identity_expired`), and with
 * Node's own error when there is no connection at all. Options of a single request that touch on trust (`ca`, `cert`,
 * `rejectUnauthorized` and the like) are not regarded.
 *
 * @param agentOptions Node's own, such as `keepAlive`; those that svidkit decides (`ca`, `key`, `cert`,
 * `rejectUnauthorized`, `checkServerIdentity` and the like) are a `TypeError`.
 * @throws `TypeError` when an option is missing or wrong.
 */
export function createHttpsAgent(options: MtlsClientOptions & DrainOptions, agentOptions: AgentOptions = {}): Agent {
  const connector = new Connector(readMtlsClientOptions(options), readTuning(agentOptions));
  return new MtlsAgent(connector, readOnDrain(options), agentOptions);
}

type CreateCallback = (error: Error | null, socket?: Duplex) => void;

/** The parts of Node's agent that are not in its declared type. */
interface AgentParts {
  readonly sockets: Record<string, Socket[] | undefined>;
  readonly requests: Record<string, ClientRequest[] | undefined>;
  addRequest(request: ClientRequest, options: RequestOptions): void;
  removeSocket(socket: Socket, options: RequestOptions): void;
}

const inherited = Agent.prototype as unknown as AgentParts;

class MtlsAgent extends Agent {
  readonly #connector: Connector;
  readonly #onDrain: DrainOptions['onDrain'];

  constructor(connector: Connector, onDrain: DrainOptions['onDrain'], options: AgentOptions) {
    super({ ...options, maxCachedSessions: 0 });
    this.#connector = connector;
    this.#onDrain = onDrain;
    // Before Node's own listener, which hands a free connection straight to the next waiting request.
    this.prependListener('free', (socket: Socket) => {
      if (!this.#isReusable(socket)) socket.destroy();
    });
  }

  override createConnection(
    options: RequestOptions,
    callback?: (error: Error | null, stream: Duplex) => void,
  ): undefined {
    const done = callback as CreateCallback;
    const parts = this as unknown as AgentParts;
    const name = this.getName(options);
    const socket = this.#connector.connect(options as ConnectionOptions, (error, connection) => {
      if (socket !== undefined) remove(parts.sockets[name], socket);
      if (connection === undefined) {
        done(error);
        if (socket !== undefined) setImmediate(() => nextWaiting(parts, name, socket, options));
        return;
      }
      const isIdle = (): boolean => this.freeSockets[name]?.includes(connection.socket) === true;
      connection.use({
        isIdle,
        // One that carries a request is left alone until it is free, and then not reusable.
        drain: () => void (isIdle() && connection.socket.destroy()),
        // Node ends it when the last answer is whole, and would still tell the request.
        isDone: () => connection.socket.writableEnded,
      });
      // Upgraded, it leaves the agent; the application does not have it yet.
      connection.socket.once('agentRemove', () => {
        if (!connection.socket.destroyed) setImmediate(useRaw, connection, this.#onDrain);
      });
      done(null, connection.socket);
    });
    // Node counts a connection, and destroys it with the agent, only from the callback on: stand in until then.
    if (socket !== undefined) parts.sockets[name]?.push(socket);
  }

  addRequest(request: ClientRequest, options: RequestOptions): void {
    const place = `${options.host ?? 'localhost'}:${options.port ?? ''}:`;
    for (const [name, idle] of Object.entries(this.freeSockets)) {
      if (!name.startsWith(place)) continue;
      for (const socket of [...(idle ?? [])]) {
        // 'agentRemove' takes it out of the pool at once; 'close' would come after the choice.
        if (!this.#isReusable(socket)) socket.destroy().emit('agentRemove');
      }
    }
    inherited.addRequest.call(this as unknown as AgentParts, request, options);
  }

  #isReusable(socket: Socket): boolean {
    const connection = findConnection(socket);
    return connection !== undefined && this.#connector.isReusable(connection);
  }
}

function remove(sockets: Socket[] | undefined, socket: TLSSocket): void {
  const index = sockets?.indexOf(socket) ?? -1;
  if (index >= 0) sockets?.splice(index, 1);
}

/** Lets the next request that waits under `maxSockets` try, as Node does when a connection it had handed over closes. */
function nextWaiting(agent: AgentParts, name: string, socket: Socket, options: RequestOptions): void {
  const waiting = agent.requests[name];
  while (waiting?.[0]?.destroyed === true) waiting.shift();
  if (waiting?.length === 0) delete agent.requests[name];
  agent.removeSocket(socket, options);
}
