import { type KeyObject, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parseX509BundlePem } from 'svidkit/bundle';
import { parseCertificate } from '../../src/internal/certificate.js';
import { readCertificateList } from '../../src/internal/certificate-list.js';
import { checkDeeply, type DerElement, DerReader, Tag } from '../../src/internal/der.js';
import { decodePem, encodePem } from '../../src/internal/pem.js';
import * as der from '../../test/support/der-writer.js';
import { listNumber, makeList, reasonCode, revokedEntry } from '../../test/support/revocation-lists.js';
import * as x509 from '../../test/support/x509.js';
import { encodeTrees, mutateDer, mutateText, parseTrees, type Tree } from './mutate.js';
import type { Random } from './random.js';
import { expectSame, type FuzzReader, judged } from './reader.js';

const root = x509.makeAuthority('root', {
  uri: 'spiffe://example.org',
  pathLength: 1,
  more: [x509.subjectKeyId(der.bytes(1))],
});
const ID = 'spiffe://example.org/agents/planner';
const leaf = x509.makeLeaf(root, ID, {
  names: [x509.uri(ID), x509.dns('a.example'), x509.ip(127, 0, 0, 1), x509.email('a@b.example')],
  more: [x509.authorityKeyId(root), x509.extension('1.2.3', false, der.bytes(1))],
});
const constrained = x509.makeAuthority('middle', {
  issuer: root,
  more: [x509.nameConstraints([x509.dns('example.org'), x509.ip(10, 0, 0, 0, 255, 0, 0, 0)], [x509.uri('.example')])],
});
const rsa = x509.makeAuthority('rsa', { kind: 'RSA' });
const ed25519 = x509.makeLeaf(x509.makeAuthority('ed', { kind: 'Ed25519' }), ID);
const spire = JSON.parse(
  readFileSync(new URL('../../test/vectors/spire-1.15.3-x509-svids.json', import.meta.url), 'utf8'),
) as { readonly cases: readonly { readonly svid: string; readonly bundle: string }[] };
const spirePem = spire.cases.map(({ svid }) => svid);
const unsigned = (): Uint8Array => new Uint8Array(64);

const derReader: FuzzReader<Uint8Array> = {
  name: 'der',
  seeds: [der.sequence(), der.sequence(der.integer(1), der.set(der.oid('1.2.3'))), leaf.der, makeList(root)],
  generate: (random) => encodeTrees([randomTree(random, 0)]),
  mutate: mutateDer,
  judge: (bytes) =>
    judged(
      () => readWhole(bytes),
      (tree) => expectSame('elements', encodeTrees([tree]), bytes),
    ),
};

const certificate: FuzzReader<Uint8Array> = {
  name: 'certificate',
  seeds: [
    ...[root, leaf, constrained, rsa, ed25519].map((made) => made.der),
    ...spirePem.flatMap((pem) => decodePem(pem).map((block) => block.der)),
  ],
  generate: (random) =>
    x509.makeCertificate({
      subject: encodeTrees(random.list(1, () => randomTree(random, 0))) as der.Der,
      issuer: root,
      serial: der.integer(random.bytes(1 + random.index(22))),
      signature: unsigned,
      extensions: random.list(random.index(5), () => randomExtension(random)),
    }).der,
  mutate: mutateDer,
  judge: (bytes) =>
    judged(
      () => parseCertificate(bytes),
      (read) => {
        expectSame('certificates', encodeTrees(parseTrees(read.der) ?? []), bytes);
        expectSame('certificates in PEM', decodePem(read.toPem())[0]?.der, bytes);
        agreeWithNode(bytes, read);
      },
    ),
};

const certificateList: FuzzReader<Uint8Array> = {
  name: 'crl',
  seeds: [
    makeList(root),
    makeList(root, {
      entries: [revokedEntry(der.integer(1)), revokedEntry(der.integer(0x80), reasonCode(1))],
      extensions: [listNumber(5), x509.authorityKeyId(root)],
    }),
  ],
  generate: (random) =>
    makeList(root, {
      signature: unsigned,
      entries: random.list(random.index(5), () =>
        revokedEntry(
          der.integer(random.bytes(1 + random.index(22))),
          ...random.list(random.index(3), () => randomExtension(random)),
        ),
      ),
      extensions: random.list(random.index(4), () => randomExtension(random)),
    }),
  mutate: mutateDer,
  judge: (bytes) =>
    judged(
      () => readCertificateList(bytes),
      (list) => {
        expectSame('lists', encodeTrees(parseTrees(list.der) ?? []), bytes);
        if (!(list.nextUpdate >= list.thisUpdate)) throw new Error('a list ends before it begins');
      },
    ),
};

const PEM_WORDS = [
  '-----BEGIN CERTIFICATE-----\n',
  '-----END CERTIFICATE-----\n',
  '-----',
  '\n',
  '\r\n',
  '=',
  ' ',
  'A',
  ':',
];
const pem: FuzzReader<string> = {
  name: 'pem',
  seeds: ['', 'text\n', encodePem('CERTIFICATE', leaf.der), encodePem('PRIVATE KEY', der.sequence()), ...spirePem],
  generate: (random) =>
    random
      .list(random.index(4), () =>
        random.chance(0.7)
          ? encodePem(random.pick(['CERTIFICATE', 'X', 'PRIVATE KEY']), random.bytes(1 + random.length()))
          : random.pick(PEM_WORDS),
      )
      .join(''),
  mutate: (random, input, other) => mutateText(random, input, other, PEM_WORDS),
  judge: (text) => {
    judged(
      () => parseX509BundlePem('example.org', text),
      (bundle) => expectSame('bundles', parseX509BundlePem('example.org', bundle.toPem()).equals(bundle), true),
    );
    return judged(
      () => decodePem(text),
      (blocks) => {
        const written = blocks.map((block) => encodePem(block.label, block.der)).join('');
        const again = decodePem(written);
        expectSame('blocks', again.map(asText), blocks.map(asText));
      },
    );
  },
};

export const x509Readers: readonly (FuzzReader<Uint8Array> | FuzzReader<string>)[] = [
  derReader,
  certificate,
  certificateList,
  pem,
];

function asText(block: { readonly label: string; readonly der: Uint8Array }): string {
  return `${block.label} ${Buffer.from(block.der).toString('base64')}`;
}

/** Where OpenSSL reads the certificate too, it must have read the same. */
function agreeWithNode(bytes: Uint8Array, read: ReturnType<typeof parseCertificate>): void {
  let other: X509Certificate;
  try {
    other = new X509Certificate(bytes);
  } catch {
    return;
  }
  expectSame('serial numbers', read.serialNumber.replace(/^00$/, '0'), other.serialNumber);
  expectSame('fingerprints', read.fingerprint256, other.fingerprint256);
  // Date.parse takes years below 100 for those of another century.
  if (read.notAfter.getUTCFullYear() > 1950) {
    expectSame('ends', read.notAfter.getTime(), Date.parse(other.validTo));
  }
  judged(
    () => read.publicKey,
    (key) => expectSame('keys', spkiOf(key), spkiOf(other.publicKey)),
  );
}

function spkiOf(key: KeyObject): Uint8Array {
  return key.export({ format: 'der', type: 'spki' });
}

function readWhole(bytes: Uint8Array): Tree {
  const reader = new DerReader(new Uint8Array(bytes));
  const element = reader.any('an element');
  reader.end('an element');
  checkDeeply(element, 'an element');
  return treeOf(element);
}

function treeOf(element: DerElement): Tree {
  if ((element.tag & 0x20) === 0) return { tag: element.tag, content: element.content };
  const children: Tree[] = [];
  for (const reader = element.children('an element'); !reader.done; ) children.push(treeOf(reader.any('an element')));
  return { tag: element.tag, content: children };
}

function randomTree(random: Random, depth: number): Tree {
  if (depth < 18 && random.chance(depth === 0 ? 0.9 : 0.5)) {
    const tag = random.pick([Tag.sequence, Tag.set, 0xa0, 0xa3]);
    return { tag, content: random.list(random.index(4), () => randomTree(random, depth + 1)) };
  }
  return random.pick<Tree>([
    { tag: random.pick(Object.values(Tag)), content: random.bytes(random.length()) },
    { tag: Tag.objectIdentifier, content: Uint8Array.of(0x55, 0x04, random.index(20)) },
    { tag: Tag.utf8String, content: Buffer.from('text') },
    { tag: random.index(256), content: random.bytes(random.length()) },
  ]);
}

function randomExtension(random: Random): der.Der {
  const known = [14, 15, 17, 19, 20, 21, 24, 27, 28, 29, 30, 32, 35, 37];
  const id = random.chance(0.9) ? `2.5.29.${random.pick(known)}` : '1.2.3.4';
  const value = random.chance(0.8) ? encodeTrees([randomTree(random, 0)]) : random.bytes(random.length());
  return x509.extension(id, random.chance(0.4), value);
}
