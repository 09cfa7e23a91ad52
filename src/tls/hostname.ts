import { isIP } from 'node:net';
import { TlsError } from '../errors/index.js';
import { quote } from '../internal/quote.js';
import type { VerifiedX509Svid } from '../x509-svid/index.js';

/**
 * Checks that a verified certificate holds the DNS name that was connected to, by RFC 9525 section 6.3: whole labels,
 * letters in either case, and `*` only as the whole of the first label. An IP address is not checked.
 *
 * @throws `TlsError` `hostname_mismatch`.
 */
export function verifyHostname(hostname: string, svid: VerifiedX509Svid): void {
  if (isIP(hostname) !== 0) return;
  const wanted = hostname.toLowerCase().replace(/\.$/, '');
  if (svid.leaf.dnsSans.some((presented) => matches(presented.toLowerCase(), wanted))) return;
  const claimedId = svid.id.toString();
  throw new TlsError('hostname_mismatch', `the certificate of ${quote(claimedId)} is not for ${quote(hostname)}`, {
    claimedId,
  });
}

function matches(presented: string, wanted: string): boolean {
  if (!presented.startsWith('*.')) return presented === wanted;
  const parent = presented.slice(1);
  const label = wanted.slice(0, -parent.length);
  return wanted.endsWith(parent) && label !== '' && !label.includes('.');
}
