import { type CertificateRevocationList, fieldsOfCertificateList, readCertificateList } from './certificate-list.js';
import { ReadError } from './read-error.js';

/** What one delivery of revocation lists comes to. */
export interface ReadCertificateLists {
  /** To be applied from now on. The same array as before while the same lists are in it. */
  readonly lists: readonly CertificateRevocationList[];
  /** Why lists of the delivery could not be read. */
  readonly refused: readonly ReadError[];
}

const NONE: readonly CertificateRevocationList[] = Object.freeze([]);

/**
 * The revocation lists of a source, over its deliveries. Each list is read once, however often it comes again, so that
 * what was found out about its signature is not lost.
 *
 * A delivery replaces the one before. But leaving out a list that cannot be read would bring back to life what the list
 * before it had revoked: the lists of the last delivery that could be read as a whole then stay beside those that can
 * be. They count as long as any list does, until their nextUpdate.
 */
export class HeldCertificateLists {
  #lists = NONE;
  #whole = NONE;

  read(delivered: readonly Uint8Array[]): ReadCertificateLists {
    const refused: ReadError[] = [];
    const read: CertificateRevocationList[] = [];
    for (const der of delivered) {
      try {
        const known = [...read, ...this.#lists].find((list) => hasBytes(list, der));
        const list = known ?? readCertificateList(der);
        if (!read.includes(list)) read.push(list);
      } catch (error) {
        if (!(error instanceof ReadError)) throw error;
        refused.push(error);
      }
    }
    const lists = refused.length === 0 ? read : [...new Set([...read, ...this.#whole])];
    if (!sameLists(lists, this.#lists)) this.#lists = Object.freeze(lists);
    if (refused.length === 0) this.#whole = this.#lists;
    return { lists: this.#lists, refused };
  }
}

/** Whether two arrays hold the same lists, the very same objects, in the same order. */
export function sameLists(
  some: readonly CertificateRevocationList[],
  others: readonly CertificateRevocationList[],
): boolean {
  return some === others || (some.length === others.length && some.every((list, i) => list === others[i]));
}

function hasBytes(list: CertificateRevocationList, der: Uint8Array): boolean {
  return Buffer.compare(fieldsOfCertificateList(list).der, der) === 0;
}
