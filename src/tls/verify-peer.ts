import type { Http2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { TlsError } from '../errors/index.js';
import { PRESENTED_VIEWS } from '../internal/presented-chain.js';
import type { VerifiedX509Svid, X509Purpose } from '../x509-svid/index.js';
import type { MtlsSettings } from './mtls-options.js';
import { VerifiedPeer } from './verified-peer.js';

/**
 * What belongs to a connection: a socket, or what has one, such as the request in a handler or an HTTP/2 session; or a
 * stream of HTTP/2.
 */
export type Connected = Socket | Http2Stream | { readonly socket: Socket | null };

const peers: WeakMap<object, VerifiedPeer> = new WeakMap();

/** HTTP/2 shows its sockets through proxies, which pass properties on but are other keys of a map than the socket. */
const MARK = Symbol('svidkit.verified');

/**
 * The verified identity at the other end of a connection that svidkit's mutual TLS made or accepted: in a request
 * handler, `getPeer(request).id`. Never from a header, never from a certificate that was only presented.
 *
 * @throws `TypeError` when svidkit has not verified this connection.
 */
export function getPeer(connected: Connected): VerifiedX509Svid {
  const peer = findPeer(connected);
  if (peer === undefined) throw new TypeError('svidkit has not verified the peer of this connection');
  return peer.svid;
}

/** The peer of a connection, `undefined` when svidkit has not verified it. */
export function findPeer(connected: Connected): VerifiedPeer | undefined {
  const { stream, session, socket } = connected as { stream?: unknown; session?: unknown; socket?: unknown };
  for (const candidate of [connected, stream, session, socket]) {
    if (typeof candidate !== 'object' || candidate === null) continue;
    const peer = peers.get(candidate) ?? peers.get(markOf(candidate));
    if (peer !== undefined) return peer;
  }
  return undefined;
}

/** Lets {@link findPeer} find the peer by something else that belongs to its connection, also when that has ended. */
export function rememberPeer(connected: Connected, peer: VerifiedPeer): void {
  peers.set(connected, peer);
}

function markOf(candidate: object): object {
  try {
    const mark: unknown = Reflect.get(candidate, MARK);
    return typeof mark === 'object' && mark !== null ? mark : candidate;
  } catch {
    // The proxy of a session that has ended.
    return candidate;
  }
}

/**
 * Verifies the peer of a connection whose handshake has just finished, from the certificates it presented and never
 * from what Node concluded, so that a resumed session is verified like any other. Synchronous: nothing the peer sent
 * is read in between.
 *
 * @param purpose what the peer is: the `client` or the `server` of the connection.
 * @param hostname a DNS name that the peer's certificate must hold besides its identifier.
 * @throws `TlsError` with one of the peer's codes.
 */
export function verifyPeer(
  socket: TLSSocket,
  settings: MtlsSettings,
  purpose: X509Purpose,
  hostname?: string,
): VerifiedPeer {
  const peer = verifyPresented(socket, (chain) => VerifiedPeer.verify(chain, settings, purpose, hostname));
  if (peer === undefined) throw new TlsError('no_certificate', `the ${purpose} presented no certificate`);
  const mark = Object.freeze({});
  peers.set(socket, peer).set(mark, peer);
  Object.defineProperty(socket, MARK, { value: mark, configurable: true });
  return peer;
}

/** Verifies with the narrowest view of what was presented that suffices; when none does, throws what the widest gave. */
function verifyPresented(
  socket: TLSSocket,
  verify: (chain: readonly Uint8Array[]) => VerifiedPeer,
): VerifiedPeer | undefined {
  let seen = 0;
  let refusal: TlsError | undefined;
  for (const read of PRESENTED_VIEWS) {
    const chain = read(socket);
    if (chain.length <= seen) continue;
    seen = chain.length;
    try {
      return verify(chain);
    } catch (error) {
      if (!(error instanceof TlsError) || error.code !== 'peer_refused') throw error;
      refusal = error;
    }
  }
  if (refusal !== undefined) throw refusal;
  return undefined;
}
