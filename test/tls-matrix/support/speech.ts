import type { TLSSocket } from 'node:tls';
import type { MtlsClientOptions, MtlsServerOptions } from 'svidkit/tls';
import type { VerifiedX509Svid } from 'svidkit/x509-svid';

/** What is spoken above TLS. `lines` is a question and an answer, each of one line. */
export type Protocol = 'HTTP/1.1' | 'HTTP/2' | 'gRPC' | 'WebSocket' | 'lines';

/** What a server says about whoever asked: what it verified of the caller, and the connection under the question. */
export interface Caller {
  readonly id: string;
  readonly serial: string;
  readonly expiresAt: number;
  /** The port that the caller connected from, which names the connection. */
  readonly port: number;
  /** Absent where the server shows no socket to its handlers. */
  readonly tls?: { readonly version: string | null; readonly resumed: boolean; readonly serverSerial: string };
}

/** A serial number as everybody writes it: Node leaves out a zero in front and writes capitals. */
export function plainSerial(serialNumber: string): string {
  return serialNumber.toLowerCase().replace(/^0+/, '');
}

export function describeCaller({ id, leaf, expiresAt }: VerifiedX509Svid, socket: TLSSocket): Caller {
  const own = socket.getCertificate();
  return {
    id: id.toString(),
    serial: plainSerial(leaf.serialNumber),
    expiresAt: expiresAt.getTime(),
    port: socket.remotePort ?? 0,
    tls: {
      version: socket.getProtocol(),
      resumed: socket.isSessionReused(),
      serverSerial: own !== null && 'serialNumber' in own ? plainSerial(own.serialNumber) : '',
    },
  };
}

/** A client with its connections. */
export interface Conversation extends AsyncDisposable {
  /** Asks who is asking. Rejects when there is no answer, or another one than that. */
  ask(): Promise<Caller>;
}

export interface OpenOptions {
  readonly port: number;
  readonly speaks: Protocol;
  /** Whether every question goes over a connection of its own; otherwise the client keeps what it may. */
  readonly fresh?: boolean;
}

/** One way for a program to speak with a server over mutual TLS. */
export interface TlsClient {
  readonly name: string;
  /** The first that a server speaks too is spoken. */
  readonly protocols: readonly Protocol[];
  /** Whether requests that a server has refused unseen are whoever uses the client's to repeat. */
  readonly leavesRefused?: boolean;
  open(options: MtlsClientOptions, target: OpenOptions): Conversation;
}

/** A server that listens until it is disposed of. */
export interface Listening extends AsyncDisposable {
  readonly port: number;
  /** What it was asked and has answered. */
  readonly answered: () => number;
  /**
   * Has it resume sessions with tickets, which svidkit's servers do not, as an application can that touches the TLS
   * context; `undefined` where an application cannot reach it.
   */
  readonly issueTickets: ((identity: { readonly key: string; readonly cert: string }) => void) | undefined;
}

/** One way for a program to serve over mutual TLS. */
export interface TlsServer {
  readonly name: string;
  readonly protocols: readonly Protocol[];
  /** What a client that speaks no application protocol offers by ALPN to get as far as TLS goes. */
  readonly alpn?: readonly string[];
  listen(options: MtlsServerOptions): Promise<Listening>;
}
