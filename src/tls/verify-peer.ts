import type { TLSSocket } from 'node:tls';
import { TlsError } from '../errors/index.js';
import { PRESENTED_VIEWS } from '../internal/presented-chain.js';
import type { X509Purpose } from '../x509-svid/index.js';
import type { PeerRules } from './read-options.js';
import { VerifiedPeer } from './verified-peer.js';

/**
 * Verifies the peer of a connection whose handshake has just finished, from the certificates it presented and never
 * from what Node concluded, so that a resumed session is verified like any other. Synchronous: nothing the peer sent
 * is read in between.
 *
 * @param purpose what the peer is: the `client` or the `server` of the connection.
 * @param hostname a DNS name that the peer's certificate must hold besides its identifier.
 * @throws `TlsError` with one of the peer's codes.
 */
export function verifyPeer(socket: TLSSocket, rules: PeerRules, purpose: X509Purpose, hostname?: string): VerifiedPeer {
  const peer = verifyPresented(socket, (chain) => VerifiedPeer.verify(chain, rules, purpose, hostname));
  if (peer === undefined) throw new TlsError('no_certificate', `the ${purpose} presented no certificate`);
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
