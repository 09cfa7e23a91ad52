import type { X509Certificate } from 'node:crypto';
import type { DetailedPeerCertificate, PeerCertificate, TLSSocket } from 'node:tls';

/**
 * What the peer presented, leaf first, in ever wider views: Node has no call that simply gives it, and the wider the
 * view, the more it costs. Each is empty when the peer presented nothing.
 */
export const PRESENTED_VIEWS: ReadonlyArray<(socket: TLSSocket) => Uint8Array[]> = [
  readLeaf,
  readChainByName,
  readWholeChain,
];

/** No honest peer presents more; path building has its own, tighter bounds. */
const MAX_CERTIFICATES = 32;

/** Enough where the bundle holds the issuer of leaves, and a twentieth of the cost of the whole chain. */
function readLeaf(socket: TLSSocket): Uint8Array[] {
  const { raw }: Partial<PeerCertificate> = socket.getPeerCertificate(false) ?? {};
  return raw === undefined ? [] : [raw];
}

/**
 * The leaf, then at each step the first presented certificate whose subject is the issuer wanted: a second certificate
 * of the same subject (a cross-sign) is left out. Where nothing fits, Node completes the chain from the `ca` of our own
 * context, which svidkit keeps empty. A self-signed certificate links to itself.
 */
function readChainByName(socket: TLSSocket): Uint8Array[] {
  const chain: Uint8Array[] = [];
  const seen = new Set<object>();
  let link: Partial<DetailedPeerCertificate> | undefined = socket.getPeerCertificate(true) ?? undefined;
  while (link?.raw !== undefined && !seen.has(link) && chain.length < MAX_CERTIFICATES) {
    seen.add(link);
    chain.push(link.raw);
    link = link.issuerCertificate;
  }
  return chain;
}

/**
 * Every certificate in the order it was presented. Before Node 26 building these links takes the certificates out of the
 * connection: afterwards `getPeerCertificate()` knows less (a server) or nothing (a client). Hence the last resort.
 */
function readWholeChain(socket: TLSSocket): Uint8Array[] {
  const chain: Uint8Array[] = [];
  let link: X509Certificate | undefined = socket.getPeerX509Certificate();
  while (link !== undefined && chain.length < MAX_CERTIFICATES) {
    chain.push(link.raw);
    link = link.issuerCertificate;
  }
  return chain;
}
