import { IssuerError } from '../errors/index.js';
import { quote } from '../internal/quote.js';

/**
 * The name, when it may stand in a certificate: labels of letters, digits and inner hyphens (RFC 1123 section 2.1), the
 * first of which may be `*`.
 *
 * @throws `IssuerError` `bad_dns_name`.
 */
export function checkDnsName(name: string): string {
  if (typeof name !== 'string' || name.length > 253 || !DNS_NAME.test(name)) {
    throw new IssuerError('bad_dns_name', `${quote(`${name}`)} cannot stand as a DNS name in a certificate`);
  }
  return name;
}

const DNS_NAME =
  /^(?:\*\.)?(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$/;
