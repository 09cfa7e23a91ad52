import { FileSourceError, X509SvidError } from '../errors/index.js';
import { HeldCertificateLists } from '../internal/held-certificate-lists.js';
import { decodePem } from '../internal/pem.js';
import { type CertificateRevocationList, parseCertificateList } from '../x509-svid/index.js';
import { pathOption } from './file-source.js';
import type { FileTexts } from './file-texts.js';

/** The revocation lists of all files together. */
interface ReadCrls {
  readonly crls: readonly CertificateRevocationList[];
  readonly problems: readonly FileSourceError[];
}

export interface CrlFiles {
  readonly paths: readonly string[];
  /**
   * Reads the lists. A file that cannot be read keeps those that it had, so that nothing revoked comes back; where it
   * had none, everything is refused, as with bundles. A list that did not change stays the object that it was.
   */
  read(files: FileTexts): ReadCrls;
}

/** The files that the option `crls` names. */
export function crlFiles(option: string | readonly string[] = []): CrlFiles {
  const paths = (typeof option === 'string' ? [option] : option).map((path) => pathOption('crls', path));
  const delivered = new Map<string, readonly Uint8Array[]>();
  const held = new HeldCertificateLists();
  return {
    paths,
    read: (files) => {
      const problems: FileSourceError[] = [];
      for (const path of paths) {
        try {
          delivered.set(path, files.read(path, 'bad_crl', 'the revocation lists', readLists));
        } catch (error) {
          if (!(error instanceof FileSourceError) || !delivered.has(path)) throw error;
          problems.push(error);
        }
      }
      return { crls: held.read([...delivered.values()].flat()).lists, problems };
    },
  };
}

/** At least one: no CA publishes an empty file, but one whose writing has just begun is. */
function readLists(text: string): readonly Uint8Array[] {
  const lists = decodePem(text).filter(({ label }) => label === 'X509 CRL');
  if (lists.length === 0) throw new X509SvidError('bad_crl', 'there is no block labelled X509 CRL');
  return lists.map(({ der }) => parseCertificateList(der).der);
}
