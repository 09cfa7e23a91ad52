import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { TlsError } from '../errors/index.js';
import { PRESENTED_VIEWS } from '../internal/presented-chain.js';
import type { VerifiedX509Svid, X509Purpose } from '../x509-svid/index.js';
import type { MtlsSettings } from './mtls-options.js';
import { VerifiedPeer } from './verified-peer.js';

/** What belongs to a connection: a socket, or what has one, such as the request in a handler. */
export type Connected = Socket | { readonly socket: Socket | null };

const peers: WeakMap<object, VerifiedPeer> = new WeakMap();

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
  const direct = peers.get(connected);
  if (direct !== undefined || !('socket' in connected) || connected.socket === null) return direct;
  return peers.get(connected.socket);
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
  peers.set(socket, peer);
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
