import { buildGoProgram } from './go-programs.js';
import { OrderedProgram } from './ordered-program.js';

export interface GrpcPeerOptions {
  /** Of the workload socket. */
  readonly address: string;
  /** The user to run as. */
  readonly uid: number;
  /** The only identity that is let in. */
  readonly callerId: string;
}

/** A call to gRPC's health service. */
interface HealthCall {
  readonly target: string;
  /** The only identity that is called. */
  readonly server: string;
  /** Over a connection of its own. Default: over a kept one. */
  readonly fresh?: boolean;
}

interface HealthOutcome {
  /** Name of the gRPC status. */
  readonly status: string;
  readonly message?: string;
  /** What the server proved, and what it says about the caller. */
  readonly server?: string;
  readonly client?: string;
  /** How many different certificates servers have shown so far. */
  readonly certificates: number;
}

/** A Go program with go-spiffe's gRPC credentials, which serves the health service and calls that of others. */
export interface GrpcPeer extends AsyncDisposable {
  /** What it presents. */
  readonly id: string;
  readonly port: number;
  /** Of a server that lets in somebody else only. */
  readonly closedPort: number;
  /** One at a time. */
  call(order: HealthCall): Promise<HealthOutcome>;
}

/** Builds and starts the program as another user. */
export async function startGrpcPeer({ address, uid, callerId }: GrpcPeerOptions): Promise<GrpcPeer> {
  const args = ['-socket', address, '-uid', String(uid), '-client', callerId];
  const program = new OrderedProgram(await buildGoProgram('grpc-peer'), args);
  const announced = (await program.answer()) as Pick<GrpcPeer, 'id' | 'port' | 'closedPort'>;
  return {
    ...announced,
    call: async (order) => (await program.order(order)) as HealthOutcome,
    [Symbol.asyncDispose]: () => program.end(),
  };
}
