import { BundleSet } from 'svidkit/bundle';
import { createIssuer, type Issuer, type IssuerOptions } from 'svidkit/issuer';
import { type CertificateRevocationList, parseCertificateList, verifyX509Svid, type X509Svid } from 'svidkit/x509-svid';
import { describe, expect, it } from 'vitest';
import { encodePem } from '../../src/internal/pem.js';
import { createCertificateList } from '../../src/issuer/list-factory.js';
import { keyPair } from '../support/key-pairs.js';
import { hasOpenssl, opensslVerdict } from '../support/openssl.js';
import { codeOf } from '../support/refusals.js';
import { rejectionOf } from '../support/rejections.js';

const PLANNER = 'spiffe://example.org/agents/planner';

const make = (options: Partial<IssuerOptions> = {}): Promise<Issuer> =>
  createIssuer({ trustDomain: 'example.org', ...options });

/** What verification by the issuer's own lists says, where every CA must have one. */
function verdictOn({ certificates }: X509Svid, issuer: Issuer): string {
  const crls = issuer.getX509Crls();
  return codeOf(() => verifyX509Svid(certificates, new BundleSet([issuer.bundle]), { crls, revocation: 'required' }));
}

const sizes = (issuer: Issuer): number[] => issuer.getX509Crls().map(({ size }) => size);

describe.each([{ intermediate: false }, { intermediate: true }])('revoking an X.509-SVID, %j', (shape) => {
  it('refuses it and no other, from a list with a higher number', async () => {
    const issuer = await make(shape);
    const [bad, good] = [await issuer.issueX509Svid(PLANNER), await issuer.issueX509Svid(PLANNER)];
    expect([verdictOn(bad, issuer), verdictOn(good, issuer)]).toEqual(['accepted', 'accepted']);
    const { bundle } = issuer;
    await issuer.revokeX509Svid(bad);
    expect([verdictOn(bad, issuer), verdictOn(good, issuer)]).toEqual(['revoked', 'accepted']);
    expect(issuer.getX509Crls().at(-1)?.crlNumber).toBe('02');
    expect(issuer.bundle, 'the bundle says nothing about single certificates').toBe(bundle);
  });

  it.runIf(hasOpenssl)('is revoking for OpenSSL too', async () => {
    const issuer = await make(shape);
    const [bad, good] = [await issuer.issueX509Svid(PLANNER), await issuer.issueX509Svid(PLANNER)];
    await issuer.revokeX509Svid(bad);
    const say = ({ certificates: [leaf, ...others] }: X509Svid): string =>
      opensslVerdict({
        leaf: leaf?.toPem() ?? '',
        intermediates: others.map((certificate) => certificate.toPem()).join(''),
        roots: issuer.bundle.x509.toPem(),
        lists: issuer
          .getX509Crls()
          .map(({ der }) => encodePem('X509 CRL', der))
          .join(''),
      });
    expect(say(good)).toBe('OK');
    expect(say(bad)).toMatch(/revoked/);
  });
});

describe('the revocation lists of an issuer', () => {
  it('are there for every published authority and last as long as it does', async () => {
    const issuer = await make({ intermediate: true, caTtlSeconds: 7200 });
    expect(sizes(issuer)).toEqual([0, 0]);
    await issuer.rotateX509Authority();
    expect(sizes(issuer)).toEqual([0, 0, 0, 0]);
    const ends = issuer.bundle.x509.authorities.flatMap(({ notAfter }) => [notAfter, notAfter]);
    expect(issuer.getX509Crls().map(({ nextUpdate }) => nextUpdate)).toEqual(ends);
    issuer.revokeX509Authority(issuer.authorities.x509[0]?.id ?? '');
    expect(sizes(issuer)).toEqual([0, 0]);
  });

  it('go on revoking what an older authority has signed', async () => {
    const issuer = await make();
    const old = await issuer.issueX509Svid(PLANNER);
    await issuer.rotateX509Authority();
    await issuer.revokeX509Svid(old);
    expect(verdictOn(old, issuer)).toBe('revoked');
    expect(sizes(issuer)).toEqual([1, 0]);
  });

  it('hold everything that was revoked at once, and nothing twice', async () => {
    const issuer = await make();
    const svids = await Promise.all(Array.from({ length: 5 }, () => issuer.issueX509Svid(PLANNER)));
    await Promise.all([...svids, ...svids].map((svid) => issuer.revokeX509Svid(svid)));
    expect(sizes(issuer)).toEqual([5]);
    expect(issuer.getX509Crls()[0]?.crlNumber).toBe('06');
    const lists = issuer.getX509Crls();
    await issuer.revokeX509Svid(svids[0] ?? expect.unreachable());
    expect(issuer.getX509Crls()).toBe(lists);
  });

  it.each([1, 127, 128, 255, 256, 65_535])('bear the number %i', async (number) => {
    const signer = { name: [{ type: 'CN', value: 'x' }], keyType: 'ec-p256', ...keyPair('P-256', 'x') } as const;
    const list = await createCertificateList({ number, thisUpdate: 0, nextUpdate: 1000, revoked: new Map() }, signer);
    expect(Number.parseInt(parseCertificateList(list).crlNumber ?? '', 16)).toBe(number);
  });

  it('are announced when one of them changes', async () => {
    const issuer = await make();
    const seen: (readonly CertificateRevocationList[])[] = [];
    const updates = issuer.crlUpdates();
    const next = async (): Promise<void> => void seen.push((await updates.next()).value ?? []);
    await next();
    const svid = await issuer.issueX509Svid(PLANNER);
    await issuer.revokeX509Svid(svid.certificates[0] ?? expect.unreachable());
    await next();
    await issuer.rotateJwtKey();
    await issuer.rotateX509Authority();
    await next();
    await updates.return?.();
    expect(seen.map((lists) => lists.map(({ size }) => size))).toEqual([[0], [1], [1, 0]]);
  });

  it('are not made for what the issuer has not signed', async () => {
    const [issuer, other] = [await make(), await make()];
    expect(await rejectionOf(issuer.revokeX509Svid(await other.issueX509Svid(PLANNER)))).toBe('unknown_authority');
    await expect(issuer.revokeX509Svid('01' as never)).rejects.toThrow(TypeError);
  });
});
