import 'reflect-metadata';
import {
  AuthorityKeyIdentifierExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509Crl,
} from '@peculiar/x509';
import { createIssuer, type Issuer } from 'svidkit/issuer';
import { describe, expect, it } from 'vitest';

/** The key that each list names, and the keys of the authorities, as another implementation reads them. */
function keysOf(issuer: Issuer): { readonly named: unknown[]; readonly held: unknown[] } {
  return {
    named: issuer.getX509Crls().map(({ der }) => new X509Crl(der).getExtension(AuthorityKeyIdentifierExtension)?.keyId),
    held: issuer.bundle.x509.authorities.map(
      ({ der }) => new X509Certificate(der).getExtension(SubjectKeyIdentifierExtension)?.keyId,
    ),
  };
}

describe('RFC 5280 section 5.2, of the lists that an issuer makes', () => {
  it('section 5.2.1: each names the key of its authority, before and after a rotation', async () => {
    const issuer = await createIssuer({ trustDomain: 'example.org' });
    await issuer.rotateX509Authority();
    const { named, held } = keysOf(issuer);
    expect(named).toEqual(held);
    expect(new Set(named).size).toBe(2);
    expect(named).not.toContain(undefined);
  });

  it('sections 5.2.1, 5.2.3: neither the key nor the number is critical', async () => {
    const issuer = await createIssuer({ trustDomain: 'example.org' });
    await issuer.revokeX509Svid(await issuer.issueX509Svid('spiffe://example.org/agent'));
    const extensions = issuer.getX509Crls().flatMap(({ der }) => new X509Crl(der).extensions);
    expect(extensions.map(({ type, critical }) => [type, critical])).toEqual([
      ['2.5.29.35', false],
      ['2.5.29.20', false],
    ]);
  });
});
