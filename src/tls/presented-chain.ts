import type { X509Certificate } from 'node:crypto';
import type { PeerCertificate, TLSSocket } from 'node:tls';

/** No honest peer presents more; path building has its own, tighter bounds. */
const MAX_CERTIFICATES = 32;

/**
 * What the peer presented, as far as Node lets it through in `getPeerCertificate(true)`: the leaf, then at each step the
 * first presented certificate whose subject is the issuer wanted. A second certificate of the same subject (a
 * cross-sign) is left out, and where nothing fits Node completes the chain from the `ca` of our own context, which
 * svidkit keeps empty. A self-signed certificate links to itself. Empty when the peer presented nothing.
 */
export function readChainByName(socket: TLSSocket): Uint8Array[] {
  const chain: Uint8Array[] = [];
  const seen = new Set<object>();
  let link: Partial<ReturnType<typeof detailedPeerCertificate>> | undefined = detailedPeerCertificate(socket);
  while (link?.raw !== undefined && !seen.has(link) && chain.length < MAX_CERTIFICATES) {
    seen.add(link);
    chain.push(link.raw);
    link = link.issuerCertificate;
  }
  return chain;
}

/**
 * Everything the peer presented, in its order, by the links of `getPeerX509Certificate()`. Before Node 26 building them
 * takes the certificates out of the connection: afterwards `getPeerCertificate()` knows less (a server), or nothing (a
 * client). Hence only for a peer that {@link readChainByName} does not suffice to verify.
 */
export function readWholeChain(socket: TLSSocket): Uint8Array[] {
  const chain: Uint8Array[] = [];
  let link: X509Certificate | undefined = socket.getPeerX509Certificate();
  while (link !== undefined && chain.length < MAX_CERTIFICATES) {
    chain.push(link.raw);
    link = link.issuerCertificate;
  }
  return chain;
}

/** Node answers `{}` or `null` where the declared type promises a certificate. */
function detailedPeerCertificate(socket: TLSSocket): PeerCertificate & { issuerCertificate?: PeerCertificate } {
  return socket.getPeerCertificate(true);
}
