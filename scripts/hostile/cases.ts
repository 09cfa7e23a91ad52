import { parseJwtBundle, parseSpiffeBundle, parseX509Bundle, parseX509BundlePem } from 'svidkit/bundle';
import { parseSpiffeId } from 'svidkit/id';
import { verifyJwtSvid } from 'svidkit/jwt-svid';
import { verifyWit } from 'svidkit/wit';
import { readWptRequest, verifyWpt } from 'svidkit/wpt';
import { parseCertificateList, parseX509Svid, verifyX509Svid } from 'svidkit/x509-svid';
import { splitTarget } from '../../src/http-signature/message.js';
import { readDictionary } from '../../src/http-signature/structured-fields.js';
import { jwkEntry, jwkSet } from '../../test/support/bundle-documents.js';
import * as der from '../../test/support/der-writer.js';
import { keyPair } from '../../test/support/key-pairs.js';
import { options, presentation, unproven, WIT, wpt } from '../../test/support/proofs.js';
import { makeList, revokedEntry } from '../../test/support/revocation-lists.js';
import { bundles } from '../../test/support/wit-domain.js';
import * as x509 from '../../test/support/x509.js';

export interface HostileCase {
  readonly name: string;
  /** The code that must refuse, or `accepted` for what is the most that is let through. */
  readonly expected: string;
  /** Makes the input, and gives what is to be measured. */
  readonly prepare: () => () => unknown;
}

const ID = 'spiffe://example.org/agents/planner';
const MEGABYTE = 1_000_000;
const root = x509.makeAuthority('root');
const leaf = x509.makeLeaf(root, ID);
const { clock } = x509;

const verify = (chain: readonly Uint8Array[], ...authorities: readonly x509.Made[]) => {
  const source = x509.sourceOf(x509.bundleOf('example.org', ...authorities));
  return () => verifyX509Svid(chain, source, { clock });
};
const token = (payload: string) => `${Buffer.from('{"alg":"ES256"}').toString('base64url')}.${payload}.AA`;
const jwtBundle = parseJwtBundle('example.org', jwkSet([jwkEntry(keyPair('P-256').publicKey, { kid: 'a' })]));
const jwt = (text: string, maxBytes?: number) => () =>
  verifyJwtSvid(text, { getJwtBundle: () => jwtBundle }, { audience: 'a', maxBytes });

const chains: readonly HostileCase[] = [
  {
    name: 'a chain of 10,000 certificates',
    expected: 'chain_too_long',
    prepare: () => verify([leaf.der, ...Array(9_999).fill(root.der)], root),
  },
  {
    name: "one's own chain of 10,000 certificates in DER",
    expected: 'too_large',
    prepare: () => {
      const certificates = Buffer.concat([leaf.der, ...Array(9_999).fill(root.der)]);
      return () => parseX509Svid({ certificates, privateKey: leaf.keys.privateKey });
    },
  },
  {
    name: '15 CAs of one name, each signed by another',
    expected: 'too_much_work',
    prepare: () => {
      const [last, ...others] = meshOf(15);
      return verify(
        [x509.makeLeaf(last ?? root, ID).der, ...[last ?? root, ...others].map((made) => made.der).reverse()],
        root,
      );
    },
  },
  {
    name: '5 doubled levels under 40 authorities that fit none',
    expected: 'too_much_work',
    prepare: () => {
      const chain: x509.Made[] = [];
      let issuer = x509.makeAuthority('level 0');
      for (let level = 1; level <= 5; level += 1) {
        const keys = keyPair('Ed25519', `level ${level}`);
        const pair = [0, 1].map(() => x509.makeAuthority(`level ${level}`, { issuer, keys }));
        chain.push(...pair);
        issuer = pair[0] ?? issuer;
      }
      const anchors = Array.from({ length: 40 }, () => x509.makeAuthority('level 0', { pathLength: 0 }));
      return verify([x509.makeLeaf(issuer, ID).der, ...chain.map((made) => made.der)], ...anchors);
    },
  },
  {
    name: '1,000 authorities of one name, none of which signed',
    expected: 'too_much_work',
    prepare: () => {
      const many = Array.from({ length: 1000 }, (_, index) =>
        x509.makeAuthority('same', { keys: keyPair('Ed25519', `same ${index}`) }),
      );
      const stranger = x509.makeAuthority('same', { keys: keyPair('P-256', 'stranger') });
      return verify([x509.makeLeaf(stranger, ID).der], ...many);
    },
  },
  {
    name: 'a leaf with 1,024 names under 1,024 name constraints',
    expected: 'name_not_permitted',
    prepare: () => {
      const names = Array.from({ length: 1023 }, (_, index) => x509.dns(`${'a.'.repeat(10)}${index}.example`));
      const constraints = Array.from({ length: 1024 }, (_, index) => x509.dns(`${'b.'.repeat(5)}${index}.example`));
      const bound = x509.makeAuthority('bound', { more: [x509.nameConstraints([], constraints)] });
      const last = x509.dns(`x.${'b.'.repeat(5)}1023.example`);
      const wide = x509.makeLeaf(bound, ID, { names: [x509.uri(ID), ...names.slice(0, 1000), last] });
      return verify([wide.der], bound);
    },
  },
  {
    name: 'a leaf of 64 KiB, as large as is read',
    expected: 'accepted',
    prepare: () =>
      verify([x509.makeLeaf(root, ID, { more: [x509.extension('1.2.3', false, new Uint8Array(64_000))] }).der], root),
  },
];

const bytes: readonly HostileCase[] = [
  {
    name: 'a certificate of 20 MB',
    expected: 'too_large',
    prepare: () => verify([new Uint8Array(20 * MEGABYTE)], root),
  },
  {
    name: 'a bundle of 20 MB of empty elements',
    expected: 'too_large',
    prepare: () => {
      const empty = new Uint8Array(20 * MEGABYTE).fill(0x30);
      for (let at = 1; at < empty.length; at += 2) empty[at] = 0;
      return () => parseX509Bundle('example.org', empty);
    },
  },
  {
    name: 'a bundle of 1,000 authorities, as many as are read',
    expected: 'accepted',
    prepare: () => {
      const all = Buffer.concat(
        Array.from({ length: 1000 }, () => x509.makeAuthority('same', { keys: root.keys }).der),
      );
      return () => parseX509Bundle('example.org', all);
    },
  },
  {
    name: 'DER nested 15,000 deep',
    expected: 'too_large',
    prepare: () => {
      let nested = der.sequence();
      for (let level = 0; level < 15_000; level += 1) nested = der.sequence(nested);
      const name = der.sequence(x509.attribute('2.5.4.3', nested));
      const made = x509.makeCertificate({ subject: name, issuer: root, signature: () => der.bytes(1) });
      return verify([made.der], root);
    },
  },
  {
    name: 'PEM with 100,000 blocks',
    expected: 'bad_pem',
    prepare: () => {
      const text = '-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n'.repeat(100_000);
      return () => parseX509BundlePem('example.org', text);
    },
  },
  {
    name: 'PEM with 70,000 blocks, as much text as is read',
    expected: 'too_large',
    prepare: () => {
      const text = '-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n'.repeat(70_000);
      return () => parseX509BundlePem('example.org', text);
    },
  },
  {
    name: 'PEM of 4 million empty lines, as many as are read',
    expected: 'accepted',
    prepare: () => {
      const text = '\n'.repeat(4 * 1024 * 1024);
      return () => parseX509BundlePem('example.org', text);
    },
  },
  {
    name: 'PEM of 20 MB',
    expected: 'bad_pem',
    prepare: () => {
      const text = 'x'.repeat(20 * MEGABYTE);
      return () => parseX509BundlePem('example.org', text);
    },
  },
  {
    name: 'a CRL of 20 MB',
    expected: 'too_large',
    prepare: () => () => parseCertificateList(new Uint8Array(20 * MEGABYTE)),
  },
  {
    name: 'a CRL of 4 MiB with 182,000 entries, as large as is read',
    expected: 'accepted',
    prepare: () => {
      const entries = Array.from({ length: 182_000 }, (_, index) => revokedEntry(der.integer(0x10000 + index)));
      const list = makeList(root, { entries: [Buffer.concat(entries)] as der.Der[] });
      return () => parseCertificateList(list);
    },
  },
];

const texts: readonly HostileCase[] = [
  { name: 'a JWT-SVID of 20 MB', expected: 'too_large', prepare: () => jwt(token('A'.repeat(20 * MEGABYTE))) },
  {
    name: 'a WIT of 20 MB',
    expected: 'too_large',
    prepare: () => {
      const text = token('A'.repeat(20 * MEGABYTE));
      return () => verifyWit(text, bundles);
    },
  },
  {
    name: 'a WPT with a jti of 1 MB',
    expected: 'too_large',
    prepare: () => {
      const proof = wpt({ claims: { jti: 'x'.repeat(MEGABYTE) } });
      return async () => verifyWpt(presentation(proof), await unproven(), options());
    },
  },
  {
    name: 'a WPT with a jti of 5 KB',
    expected: 'bad_jti',
    prepare: () => {
      const proof = wpt({ claims: { jti: 'x'.repeat(5000) } });
      return async () => verifyWpt(presentation(proof), await unproven(), options());
    },
  },
  {
    name: 'a JWT-SVID with JSON 200,000 deep, size allowed',
    expected: 'too_deep',
    prepare: () => jwt(token(Buffer.from('['.repeat(200_000)).toString('base64url')), 10 * MEGABYTE),
  },
  {
    name: 'a JWT-SVID with 1 million members, size allowed',
    expected: 'too_many_members',
    prepare: () => {
      const members = Array.from({ length: MEGABYTE }, (_, index) => `"${index}":0`).join();
      return jwt(token(Buffer.from(`{${members}}`).toString('base64url')), 40 * MEGABYTE);
    },
  },
  {
    name: 'a JWK Set of 20 MB',
    expected: 'too_large',
    prepare: () => {
      const text = jwkSet(Array(150_000).fill(jwkEntry(keyPair('P-256').publicKey)));
      return () => parseJwtBundle('example.org', text);
    },
  },
  {
    name: 'a JWK Set nested 200,000 deep',
    expected: 'too_deep',
    prepare: () => {
      const text = `{"keys":${'['.repeat(200_000)}`;
      return () => parseJwtBundle('example.org', text);
    },
  },
  {
    name: 'a JWK Set of 830 keys, about as many as are read',
    expected: 'accepted',
    prepare: () => {
      const text = jwkSet(
        Array.from({ length: 830 }, (_, index) => jwkEntry(keyPair('P-256').publicKey, { kid: `${index}` })),
      );
      return () => parseJwtBundle('example.org', text);
    },
  },
  {
    name: 'a SPIFFE bundle of 1,600 keys that are all bad',
    expected: 'accepted',
    prepare: () => {
      const text = jwkSet(Array(1600).fill({ kty: 'EC', use: 'jwt-svid' }));
      return () => parseSpiffeBundle('example.org', text);
    },
  },
  {
    name: 'a SPIFFE ID of 20 MB',
    expected: 'too_long',
    prepare: () => {
      const text = `spiffe://example.org/${'a/'.repeat(10 * MEGABYTE)}`;
      return () => parseSpiffeId(text);
    },
  },
  {
    name: '100,000 header fields with 50,000 WITs',
    expected: 'duplicate_header',
    prepare: () => {
      const rawHeaders = Array.from({ length: 50_000 }, () => ['Workload-Identity-Token', WIT, 'X-Other', 'x']).flat();
      return () => readWptRequest(rawHeaders, { drafts: ['draft-ietf-wimse-wpt-02'] });
    },
  },
  {
    name: 'a header field with 200,000 blanks between two letters',
    expected: 'missing_wit',
    prepare: () => {
      const rawHeaders = ['X-Other', `a${' '.repeat(200_000)}a`];
      return () => readWptRequest(rawHeaders, { drafts: ['draft-ietf-wimse-wpt-02'] });
    },
  },
  {
    name: 'a target whose host has 200,000 letters',
    expected: 'missing_component',
    prepare: () => {
      const target = `http://${'a'.repeat(200_000)}#`;
      return () => splitTarget(target);
    },
  },
  {
    name: 'a structured field of 20 MB',
    expected: 'too_large',
    prepare: () => {
      const text = `a=${'('.repeat(20 * MEGABYTE)}`;
      return () => readDictionary(text);
    },
  },
];

export const cases: readonly HostileCase[] = [...chains, ...bytes, ...texts];

/** CAs of one name, the last one first, each signed by the one after it. */
function meshOf(length: number): x509.Made[] {
  const mesh = [x509.makeAuthority('same', { keys: keyPair('P-256', 'same 0') })];
  for (let index = 1; index < length; index += 1) {
    mesh.unshift(x509.makeAuthority('same', { issuer: mesh[0] ?? root, keys: keyPair('P-256', `same ${index}`) }));
  }
  return mesh;
}
