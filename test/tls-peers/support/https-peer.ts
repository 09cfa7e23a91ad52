import { buildGoProgram } from '../../spire/support/go-programs.js';
import { OrderedProgram } from '../../spire/support/ordered-program.js';

export interface HttpsPeerOptions {
  /** Of the workload socket. */
  readonly address: string;
  /** The user to run as. */
  readonly uid: number;
  /** The only identity that is let in. */
  readonly callerId: string;
}

interface HttpsOrder {
  readonly url: string;
  /** The only identity that is called. */
  readonly server: string;
  /** Over a connection of its own. Default: over a kept one. */
  readonly fresh?: boolean;
}

interface HttpsOutcome {
  readonly error?: string;
  readonly status?: number;
  readonly body?: string;
  /** Of the certificate that the server showed. */
  readonly serial?: string;
  readonly protocol?: string;
  /** Whether the TLS session of an earlier connection was resumed. */
  readonly resumed: boolean;
}

/** A Go program with go-spiffe's TLS configuration, which serves HTTPS and requests from others. */
export interface HttpsPeer extends AsyncDisposable {
  /** What it presents. */
  readonly id: string;
  readonly port: number;
  /** Of a server that lets in somebody else only. */
  readonly closedPort: number;
  /** One at a time. */
  get(order: HttpsOrder): Promise<HttpsOutcome>;
}

/** Builds and starts the program as another user. */
export async function startHttpsPeer({ address, uid, callerId }: HttpsPeerOptions): Promise<HttpsPeer> {
  const args = ['-socket', address, '-uid', String(uid), '-client', callerId];
  const program = new OrderedProgram(await buildGoProgram('https-peer'), args);
  const announced = (await program.answer()) as Pick<HttpsPeer, 'id' | 'port' | 'closedPort'>;
  return {
    ...announced,
    get: async (order) => (await program.order(order)) as HttpsOutcome,
    [Symbol.asyncDispose]: () => program.end(),
  };
}
