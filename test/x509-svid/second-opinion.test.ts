import 'reflect-metadata';
import * as peculiar from '@peculiar/x509';
import { parseX509Bundle } from 'svidkit/bundle';
import { verifyX509Svid } from 'svidkit/x509-svid';
import { beforeAll, describe, expect, it } from 'vitest';
import { codeOf } from '../support/refusals.js';
import * as x509 from '../support/x509.js';

const ID = 'spiffe://example.org/agents/planner';
const { keyUsages, validity } = {
  keyUsages: peculiar.KeyUsageFlags,
  validity: { notBefore: new Date(x509.NOW - 60_000), notAfter: new Date(x509.NOW + 60_000) },
};
const ALGORITHMS = {
  'P-256': { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
  'P-384': { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' },
  'RSA PKCS#1': {
    name: 'RSASSA-PKCS1-v1_5',
    hash: 'SHA-256',
    modulusLength: 2048,
    publicExponent: new Uint8Array([1, 0, 1]),
  },
  'RSA-PSS': {
    name: 'RSA-PSS',
    hash: 'SHA-256',
    saltLength: 32,
    modulusLength: 2048,
    publicExponent: new Uint8Array([1, 0, 1]),
  },
} as const;

beforeAll(() => peculiar.cryptoProvider.set(globalThis.crypto));

describe('@peculiar/x509', () => {
  it.each(Object.entries(ALGORITHMS))('issues chains that verify here: %s', async (_, algorithm) => {
    const make = async (of: typeof algorithm) =>
      (await crypto.subtle.generateKey(of, true, ['sign', 'verify'])) as CryptoKeyPair;
    const [authority, workload] = [await make(algorithm), await make(ALGORITHMS['P-256'])];
    const root = await peculiar.X509CertificateGenerator.createSelfSigned({
      ...validity,
      name: 'O=Example, CN=root',
      keys: authority,
      signingAlgorithm: algorithm,
      extensions: [
        new peculiar.BasicConstraintsExtension(true, 0, true),
        new peculiar.KeyUsagesExtension(keyUsages.keyCertSign | keyUsages.cRLSign, true),
        new peculiar.SubjectAlternativeNameExtension([{ type: 'url', value: 'spiffe://example.org' }]),
        await peculiar.SubjectKeyIdentifierExtension.create(authority.publicKey),
      ],
    });
    const leaf = await peculiar.X509CertificateGenerator.create({
      ...validity,
      issuer: root.subject,
      publicKey: workload.publicKey,
      signingKey: authority.privateKey,
      signingAlgorithm: algorithm,
      extensions: [
        new peculiar.KeyUsagesExtension(keyUsages.digitalSignature, true),
        new peculiar.ExtendedKeyUsageExtension([
          peculiar.ExtendedKeyUsage.serverAuth,
          peculiar.ExtendedKeyUsage.clientAuth,
        ]),
        new peculiar.SubjectAlternativeNameExtension([{ type: 'url', value: ID }], true),
        await peculiar.AuthorityKeyIdentifierExtension.create(authority.publicKey),
      ],
    });
    const bundles = x509.sourceOf(parseX509Bundle('example.org', new Uint8Array(root.rawData)));
    const verified = verifyX509Svid([new Uint8Array(leaf.rawData)], bundles, { clock: x509.clock });
    expect(verified.id.toString()).toBe(ID);
    expect(verified.path.map((certificate) => certificate.subject)).toEqual(['(no name)', 'O=Example, CN=root']);
    expect(verified.expiresAt).toEqual(validity.notAfter);
  });

  it('agrees on which signatures are good and which are not', async () => {
    const [root, twin] = [
      x509.makeAuthority('root'),
      x509.makeAuthority('root', { keys: x509.makeAuthority('twin').keys }),
    ];
    const leaf = x509.makeLeaf(root, ID);
    for (const authority of [root, twin]) {
      const publicKey = new peculiar.X509Certificate(authority.der).publicKey;
      const theirs = await new peculiar.X509Certificate(leaf.der).verify({ publicKey, date: new Date(x509.NOW) });
      const bundles = x509.sourceOf(x509.bundleOf('example.org', authority));
      const ours = codeOf(() => verifyX509Svid([leaf.der], bundles, { clock: x509.clock }));
      expect(ours === 'accepted').toBe(theirs);
      expect(theirs).toBe(authority === root);
    }
  });
});
