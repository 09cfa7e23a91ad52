import type { X509Svid } from 'svidkit/x509-svid';
import { CLIENT, pemIdentity, theirs } from '../../support/mtls.js';
import { REFUSED_LEAVES } from '../../support/refused-leaves.js';
import { type Made, makeLeaf, NOW } from '../../support/x509.js';

/** Presents a certificate that is no SVID, in the place of one: `parseX509Svid` would not let it happen. */
export function presenting(leaf: Made): X509Svid {
  return asSvid(pemIdentity(leaf));
}

/** Presents nothing at all. */
export const nothing: X509Svid = asSvid({ key: '', cert: '' });

/** Certificates that must be refused although they belong to the key that they are presented with, by what is wrong. */
export const BAD_LEAVES = {
  'wrong CA': { rule: 'untrusted', leaf: (): Made => makeLeaf(theirs, CLIENT) },
  expired: leafThatBreaks('expired'),
  'CA as leaf': leafThatBreaks('leaf_is_ca'),
  'two URIs': leafThatBreaks('several_uri_sans'),
} as const;

function leafThatBreaks(rule: string): { readonly rule: string; readonly leaf: () => Made } {
  const [, , leaf] = REFUSED_LEAVES.find(([, broken]) => broken === rule) ?? [];
  if (leaf === undefined) throw new Error(`no leaf breaks ${rule}`);
  return { rule, leaf };
}

function asSvid({ key, cert }: { readonly key: string; readonly cert: string }): X509Svid {
  const stand = {
    certificates: [],
    hint: undefined,
    notBefore: new Date(NOW - 1_000),
    expiresAt: new Date(NOW + 3_600_000),
    privateKeyPkcs8Pem: () => key,
    certificatesPem: () => cert,
    equals: (other: unknown): boolean => other === stand,
  };
  return stand as unknown as X509Svid;
}
