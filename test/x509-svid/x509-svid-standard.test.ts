import { parseX509Svid, verifyX509Svid } from 'svidkit/x509-svid';
import { describe, expect, it } from 'vitest';
import { codeOf } from '../support/refusals.js';
import * as x509 from '../support/x509.js';

describe('X509-SVID', () => {
  const ID = 'spiffe://example.org/agents/planner';
  const codeUnder = (authority: x509.Made): string =>
    codeOf(() =>
      verifyX509Svid([x509.makeLeaf(authority, ID).der], x509.sourceOf(x509.bundleOf('example.org', authority)), {
        clock: x509.clock,
      }),
    );

  it('section 3.2: an authority of the bundle has no path in its SPIFFE ID either', () => {
    expect(codeUnder(x509.makeAuthority('root', { uri: 'spiffe://example.org' }))).toBe('accepted');
    for (const uri of ['spiffe://example.org/ca', 'spiffe://example.org/', 'spiffe://other.org/ca']) {
      expect(codeUnder(x509.makeAuthority('root', { uri })), uri).toBe('ca_with_path');
    }
  });

  it('SPIFFE_Workload_API section 5.1: a private key is not encrypted', () => {
    const leaf = x509.makeLeaf(x509.makeAuthority('root'), ID);
    const { privateKey } = leaf.keys;
    const code = (key: Uint8Array) => codeOf(() => parseX509Svid({ certificates: leaf.der, privateKey: key }));
    const form = { format: 'der', type: 'pkcs8' } as const;
    expect(code(privateKey.export(form))).toBe('accepted');
    expect(code(privateKey.export({ ...form, cipher: 'aes-256-cbc', passphrase: 'x' }))).toBe('bad_private_key');
    expect(code(privateKey.export({ ...form, cipher: 'aes-256-cbc', passphrase: '' }))).toBe('bad_private_key');
  });

  it('SPIFFE-ID section 2.1: a trust domain that is an IPv4 address, or no DNS name, is one like any other', () => {
    for (const name of ['1.2.3.4', '127.0.0.1', 'under_score', '-', '..', 'a..b', '1', 'localhost', 'x'.repeat(255)]) {
      const authority = x509.makeAuthority('root', { uri: `spiffe://${name}` });
      const bundles = x509.sourceOf(x509.bundleOf(name, authority));
      const leaf = x509.makeLeaf(authority, `spiffe://${name}/w`);
      const { id } = verifyX509Svid([leaf.der], bundles, { clock: x509.clock });
      expect([id.trustDomain.name, id.path]).toEqual([name, '/w']);
    }
  });
});
