// What verifying an X.509-SVID costs beyond its signatures: `tsx bench/x509-svid.ts`.
import { type KeyObject, verify, X509Certificate } from 'node:crypto';
import { parseX509Bundle } from 'svidkit/bundle';
import { parseCertificateList, verifyX509Svid } from 'svidkit/x509-svid';
import { fieldsOf, parseCertificate } from '../src/internal/certificate.js';
import * as der from '../test/support/der-writer.js';
import { makeList, revokedEntry } from '../test/support/revocation-lists.js';
import * as x509 from '../test/support/x509.js';
import { compare } from './rounds.js';

const ID = 'spiffe://example.org/agents/planner';
const root = x509.makeAuthority('root', { uri: 'spiffe://example.org' });
const middle = x509.makeAuthority('middle', { issuer: root });
const [short, nested] = [[x509.makeLeaf(root, ID).der], [x509.makeLeaf(middle, ID).der, middle.der]];
const bundles = x509.sourceOf(parseX509Bundle('example.org', root.der));
const { clock } = x509;
const crls = [root, middle].map((issuer) =>
  parseCertificateList(
    makeList(issuer, {
      entries: Array.from({ length: 1000 }, (_, index) => revokedEntry(der.integer(0x10000 + index))),
    }),
  ),
);

/** As many bare verifications as the path has steps, with keys that are there already. */
const bare = (...steps: readonly (readonly [certificate: Uint8Array, issuer: KeyObject])[]) => {
  const inputs = steps.map(([bytes, key]) => ({ ...fieldsOf(parseCertificate(bytes)), key }));
  return () => inputs.every(({ tbs, signature, key }) => verify('sha256', tbs, key, signature));
};
const [leaf = root.der] = nested;

await compare('leaf under an authority', [
  { name: 'one bare P-256 verification', run: bare([short[0] ?? root.der, root.keys.publicKey]) },
  { name: 'verifyX509Svid', run: () => verifyX509Svid(short, bundles, { clock }) },
  { name: 'verifyX509Svid with CRLs of 1000 entries', run: () => verifyX509Svid(short, bundles, { clock, crls }) },
  { name: 'new X509Certificate, nothing verified', run: () => new X509Certificate(short[0] ?? root.der) },
]);

await compare('leaf and intermediate (nested SPIRE)', [
  {
    name: 'two bare P-256 verifications',
    run: bare([leaf, middle.keys.publicKey], [middle.der, root.keys.publicKey]),
  },
  { name: 'verifyX509Svid', run: () => verifyX509Svid(nested, bundles, { clock }) },
  { name: 'verifyX509Svid with CRLs of 1000 entries', run: () => verifyX509Svid(nested, bundles, { clock, crls }) },
  { name: 'two X509Certificate.verify after new', run: nodeOnly },
]);

/** What Node offers by itself, without any rule of SPIFFE or RFC 5280. */
function nodeOnly(): boolean {
  const [first, second] = nested.map((bytes) => new X509Certificate(bytes));
  return (
    first !== undefined && second !== undefined && first.verify(second.publicKey) && second.verify(root.keys.publicKey)
  );
}
