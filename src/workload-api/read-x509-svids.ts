import { createHash } from 'node:crypto';
import { parseSpiffeId } from '../id/index.js';
import { parseX509Svid, type X509Svid } from '../x509-svid/index.js';
import { readHint, readPart, requireField } from './delivered.js';
import type { X509SVID } from './gen/workloadapi_pb.js';

/** An X.509-SVID as the Workload API and the Broker API deliver it. */
export type X509SvidMessage = Pick<X509SVID, 'spiffeId' | 'x509Svid' | 'x509SvidKey' | 'bundle' | 'hint'>;

/** Reads the X.509-SVIDs of a message; throws `WorkloadApiError` where one does not hold together. */
export type ReadX509Svids = (entries: readonly X509SvidMessage[]) => readonly X509Svid[];

/**
 * Gives a reader for the messages of one stream. Every message has all SVIDs, and an agent sends one for each that it
 * renews; to read a key costs a millisecond. So what the message before had as well, byte for byte, is not read again,
 * or a workload with thousands of identities would do nothing else.
 */
export function x509SvidReader(): ReadX509Svids {
  let known: ReadonlyMap<string, X509Svid> = new Map();
  return (entries) => {
    const read = new Map<string, X509Svid>();
    const svids = entries.map((entry) => {
      const digest = digestOf(entry);
      const svid = known.get(digest) ?? readSvid(entry);
      read.set(digest, svid);
      return svid;
    });
    known = read;
    return Object.freeze(svids);
  };
}

function readSvid(entry: X509SvidMessage): X509Svid {
  requireField('an X509SVID', 'spiffe_id', entry.spiffeId);
  requireField('an X509SVID', 'x509_svid', entry.x509Svid);
  requireField('an X509SVID', 'x509_svid_key', entry.x509SvidKey);
  requireField('an X509SVID', 'bundle', entry.bundle);
  return readPart('bad_identity', 'an X.509-SVID was delivered that does not hold together', () =>
    parseX509Svid({
      certificates: entry.x509Svid,
      privateKey: entry.x509SvidKey,
      hint: readHint(entry.hint),
      id: parseSpiffeId(entry.spiffeId),
    }),
  );
}

/** Of everything that is read of an entry; the bytes of the key themselves are not kept. */
function digestOf({ spiffeId, x509Svid, x509SvidKey, bundle, hint }: X509SvidMessage): string {
  const lengths = [spiffeId, hint, x509Svid, x509SvidKey].map(({ length }) => length);
  const hash = createHash('sha256').update(JSON.stringify([...lengths, bundle.length > 0]));
  return hash.update(spiffeId).update(hint).update(x509Svid).update(x509SvidKey).digest('base64');
}
