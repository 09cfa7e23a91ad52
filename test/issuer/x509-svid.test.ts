import 'reflect-metadata';
import { createPrivateKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { inspect } from 'node:util';
import { Crypto } from '@peculiar/webcrypto';
import * as x509 from '@peculiar/x509';
import { BundleSet } from 'svidkit/bundle';
import { IdError, IssuerError, X509SvidError } from 'svidkit/errors';
import { createIssuer, type KeyType } from 'svidkit/issuer';
import { parseX509Svid, verifyX509Svid } from 'svidkit/x509-svid';
import { describe, expect, it } from 'vitest';

const ID = 'spiffe://example.org/agents/planner';
const provider = new Crypto();

function chainOf(certificates: readonly { readonly der: Uint8Array }[]): X509Certificate[] {
  return certificates.map(({ der }) => new X509Certificate(der));
}

describe('X.509-SVIDs of an issuer', () => {
  it.each<KeyType>(['ec-p256', 'ec-p384', 'rsa-2048', 'ed25519'])('verify with a %s key', async (keyType) => {
    const issuer = await createIssuer({ trustDomain: 'example.org' });
    const svid = await issuer.issueX509Svid(ID, { keyType });
    const verified = verifyX509Svid(svid.certificates, new BundleSet([issuer.bundle]));
    expect(verified.id.toString()).toBe(ID);
    expect(verified.expiresAt).toEqual(svid.expiresAt);
  });

  it.each(['ec-p256', 'ec-p384', 'rsa-2048'] as const)('verify under a %s authority', async (keyType) => {
    const issuer = await createIssuer({ trustDomain: 'example.org', keyType });
    const svid = await issuer.issueX509Svid(ID);
    expect(verifyX509Svid(svid.certificates, new BundleSet([issuer.bundle])).id.toString()).toBe(ID);
  });

  it.each([false, true])('satisfy Node and @peculiar/x509 as well (intermediate: %s)', async (intermediate) => {
    const issuer = await createIssuer({ trustDomain: 'example.org', intermediate });
    const svid = await issuer.issueX509Svid(ID, { dnsNames: ['planner.example.org'] });
    const chain = chainOf([...svid.certificates, ...issuer.bundle.x509.authorities]);
    expect(chain).toHaveLength(intermediate ? 3 : 2);
    chain.forEach((certificate, index) => {
      const above = chain[index + 1] ?? certificate;
      expect(certificate.checkIssued(above)).toBe(true);
      expect(certificate.verify(above.publicKey)).toBe(true);
      expect(certificate.ca).toBe(index > 0);
    });
    expect(chain[0]?.checkPrivateKey(svid.privateKey)).toBe(true);
    expect(chain[0]?.subjectAltName).toBe(`URI:${ID}, DNS:planner.example.org`);
    expect(chain.slice(1).map((certificate) => certificate.subjectAltName)).toEqual(
      chain.slice(1).map(() => 'URI:spiffe://example.org'),
    );

    const parsed = chain.map(({ raw }) => new x509.X509Certificate(raw));
    for (const [index, certificate] of parsed.entries()) {
      const above = parsed[index + 1] ?? certificate;
      expect(await certificate.verify({ publicKey: above.publicKey }, provider)).toBe(true);
    }
    expect(verifyX509Svid(svid.certificates, new BundleSet([issuer.bundle])).path).toHaveLength(chain.length);
  });

  it('carry the fields of X509-SVID appendix A', async () => {
    const now = Date.parse('2026-11-21T10:00:00.900Z');
    const issuer = await createIssuer({ trustDomain: 'example.org', clock: () => now });
    const svid = await issuer.issueX509Svid(ID, { ttlSeconds: 600, dnsNames: ['a.example.org', '*.b.example.org'] });
    const [leaf] = svid.certificates;
    expect(leaf?.uriSans).toEqual([ID]);
    expect(leaf?.dnsSans).toEqual(['a.example.org', '*.b.example.org']);
    expect(leaf?.isCa).toBe(false);
    expect([...(leaf?.keyUsage ?? [])]).toEqual(['digitalSignature']);
    expect(leaf?.extendedKeyUsage).toEqual(['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
    expect(leaf?.notBefore.toISOString()).toBe('2026-11-21T09:59:50.000Z');
    expect(leaf?.notAfter.toISOString()).toBe('2026-11-21T10:10:00.000Z');
    expect(leaf?.serialNumber).toMatch(/^[0-9a-f]{32}$/i);

    const extensions = new x509.X509Certificate(leaf?.der ?? new Uint8Array()).extensions;
    const critical = extensions.filter((extension) => extension.critical).map((extension) => extension.type);
    expect(critical.sort()).toEqual(['2.5.29.15', '2.5.29.19']);
    const [root] = issuer.bundle.x509.authorities;
    const authorityKeyId = new x509.X509Certificate(leaf?.der ?? new Uint8Array()).getExtension(
      x509.AuthorityKeyIdentifierExtension,
    )?.keyId;
    expect(authorityKeyId).toBe(issuer.authorities.x509[0]?.id);
    expect([...(root?.keyUsage ?? [])].sort()).toEqual(['cRLSign', 'keyCertSign']);
    expect(root?.uriSans).toEqual(['spiffe://example.org']);
  });

  it('X509-SVID section 4: every certificate of the chain has critical constraints and key usage', async () => {
    const issuer = await createIssuer({ trustDomain: 'example.org', intermediate: true });
    const { certificates } = await issuer.issueX509Svid(ID);
    const chain = [...certificates, ...issuer.bundle.x509.authorities];
    expect(chain.map(({ isCa }) => isCa)).toEqual([false, true, true]);
    expect(chain.map(({ keyUsage }) => keyUsage?.has('keyCertSign'))).toEqual([false, true, true]);
    for (const { der } of chain) {
      const { extensions } = new x509.X509Certificate(der);
      const critical = extensions.filter((extension) => extension.critical).map((extension) => extension.type);
      expect(critical).toEqual(expect.arrayContaining(['2.5.29.15', '2.5.29.19']));
    }
  });

  it('X509-SVID section 3.1: there is always a subject, so alternative names need not be critical', async () => {
    const issuer = await createIssuer({ trustDomain: 'example.org', intermediate: true });
    const plain = await issuer.issueX509Svid(ID);
    const named = await issuer.issueX509Svid(ID, { dnsNames: [`${'a'.repeat(60)}.example.org`] });
    for (const { der } of [...plain.certificates, ...named.certificates, ...issuer.bundle.x509.authorities]) {
      expect(new X509Certificate(der).subject).not.toBe('');
    }
  });

  it('have a fresh key and serial number each time', async () => {
    const issuer = await createIssuer({ trustDomain: 'example.org' });
    const [one, two] = await Promise.all([issuer.issueX509Svid(ID), issuer.issueX509Svid(ID)]);
    expect(one.certificates[0]?.serialNumber).not.toBe(two.certificates[0]?.serialNumber);
    expect(one.certificates[0]?.publicKey.equals(two.certificates[0]?.publicKey ?? one.privateKey)).toBe(false);
  });

  it('do not take a key of another type, and the refusal leaves no trace on the next one', async () => {
    const issuer = await createIssuer({ trustDomain: 'example.org' });
    const svid = await issuer.issueX509Svid(ID, { keyType: 'ec-p384' });
    const [leaf] = svid.certificates;
    const certificates = leaf?.der ?? new Uint8Array();
    const { privateKey: other } = generateKeyPairSync('ed25519');
    const key = svid.privateKey.export({ format: 'der', type: 'pkcs8' });
    expect(() => parseX509Svid({ certificates, privateKey: other })).toThrow(X509SvidError);
    expect(createPrivateKey({ key, format: 'der', type: 'pkcs8' }).equals(svid.privateKey)).toBe(true);
  });

  it('end no later than their authority', async () => {
    const issuer = await createIssuer({ trustDomain: 'example.org', caTtlSeconds: 100 });
    const svid = await issuer.issueX509Svid(ID, { ttlSeconds: 1000 });
    expect(svid.expiresAt).toEqual(issuer.bundle.x509.authorities[0]?.notAfter);
  });

  it('are told apart by their hint', async () => {
    const issuer = await createIssuer({ trustDomain: 'example.org' });
    expect((await issuer.issueX509Svid(ID, { hint: 'internal' })).hint).toBe('internal');
    expect((await issuer.issueX509Svid(ID)).hint).toBeUndefined();
  });

  it.each([
    ['spiffe://other.example/agents/planner', IssuerError, 'foreign_trust_domain'],
    ['wimse://example.org/agents/planner', IdError, 'wrong_scheme'],
    ['spiffe://example.org', IssuerError, 'no_path'],
    ['spiffe://example.org/a//b', IdError, 'empty_segment'],
  ])('are not issued for %s', async (id, kind, code) => {
    const issuer = await createIssuer({ trustDomain: 'example.org' });
    for (const issue of [
      () => issuer.issueX509Svid(id),
      () => issuer.issueJwtSvid(id, { audience: 'a' }),
      () => issuer.issueWitSvid(id),
    ]) {
      await expect(issue()).rejects.toThrow(kind);
      await expect(issue()).rejects.toMatchObject({ code });
    }
  });

  it.each([
    '',
    'a b',
    'a..b',
    '-a.example',
    'a.example,URI:spiffe://x/y',
    'a\0b',
    `${'a'.repeat(64)}.example`,
    'x.*.y',
  ])('are not issued for the DNS name %j', async (name) => {
    const issuer = await createIssuer({ trustDomain: 'example.org' });
    await expect(issuer.issueX509Svid(ID, { dnsNames: [name] })).rejects.toMatchObject({ code: 'bad_dns_name' });
  });

  it('are issued with a DNS name too long for a common name', async () => {
    const issuer = await createIssuer({ trustDomain: 'example.org' });
    const name = `${'a'.repeat(60)}.example.org`;
    const svid = await issuer.issueX509Svid(ID, { dnsNames: [name] });
    expect(svid.certificates[0]?.dnsSans).toEqual([name]);
    expect(new X509Certificate(svid.certificates[0]?.der ?? '').subject).not.toContain('CN=');
  });

  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('do not live %d seconds', async (ttlSeconds) => {
    const issuer = await createIssuer({ trustDomain: 'example.org' });
    await expect(issuer.issueX509Svid(ID, { ttlSeconds })).rejects.toThrow(TypeError);
    await expect(issuer.issueJwtSvid(ID, { audience: 'a', ttlSeconds })).rejects.toThrow(TypeError);
    await expect(issuer.issueWitSvid(ID, { ttlSeconds })).rejects.toThrow(TypeError);
    await expect(createIssuer({ trustDomain: 'example.org', caTtlSeconds: ttlSeconds })).rejects.toThrow(TypeError);
  });
});

describe('an issuer', () => {
  it('is for SPIFFE trust domains and known keys', async () => {
    await expect(createIssuer({ trustDomain: 'wimse://example.org' })).rejects.toThrow(TypeError);
    await expect(createIssuer({ trustDomain: 'Example.org' })).rejects.toThrow(IdError);
    const keyType = 'ed25519' as 'ec-p256';
    await expect(createIssuer({ trustDomain: 'example.org', keyType })).rejects.toThrow(TypeError);
  });

  it('shows no key to whoever looks at it', async () => {
    const issuer = await createIssuer({ trustDomain: 'example.org' });
    const shown = `${inspect(issuer, { depth: Number.POSITIVE_INFINITY, showHidden: true })}${JSON.stringify(issuer)}`;
    expect(shown).not.toMatch(/PrivateKeyObject|PRIVATE KEY|"d"/);
  });
});
