import { BundleSet, parseSpiffeBundle } from 'svidkit/bundle';
import { IssuerError } from 'svidkit/errors';
import { createIssuer } from 'svidkit/issuer';
import { verifyJwtSvid } from 'svidkit/jwt-svid';
import { verifyWit } from 'svidkit/wit';
import { verifyX509Svid } from 'svidkit/x509-svid';
import { describe, expect, it } from 'vitest';

const ID = 'spiffe://example.org/agents/planner';

describe('rotation of an issuer', () => {
  it('signs with the new X.509 authority and keeps the old one until it is revoked', async () => {
    const issuer = await createIssuer({ trustDomain: 'example.org' });
    const before = issuer.bundle;
    const oldSvid = await issuer.issueX509Svid(ID);
    const [old] = issuer.authorities.x509;
    const id = await issuer.rotateX509Authority();
    expect(issuer.authorities.x509).toEqual([
      { id: old?.id, active: false },
      { id, active: true },
    ]);
    const newSvid = await issuer.issueX509Svid(ID);
    const both = new BundleSet([issuer.bundle]);
    expect(verifyX509Svid(oldSvid.certificates, both).id.toString()).toBe(ID);
    expect(verifyX509Svid(newSvid.certificates, both).id.toString()).toBe(ID);
    expect(() => verifyX509Svid(newSvid.certificates, new BundleSet([before]))).toThrow();

    issuer.revokeX509Authority(old?.id ?? '');
    const after = new BundleSet([issuer.bundle]);
    expect(() => verifyX509Svid(oldSvid.certificates, after)).toThrow();
    expect(verifyX509Svid(newSvid.certificates, after).id.toString()).toBe(ID);
  });

  it('signs with the new JWT key and keeps the old one until it is revoked', async () => {
    const issuer = await createIssuer({ trustDomain: 'example.org' });
    const verify = (token: string) => verifyJwtSvid(token, new BundleSet([issuer.bundle]), { audience: 'a' });
    const oldToken = await issuer.issueJwtSvid(ID, { audience: 'a' });
    const [old] = issuer.authorities.jwt;
    await issuer.rotateJwtKey();
    const newToken = await issuer.issueJwtSvid(ID, { audience: 'a' });
    await verify(oldToken);
    await verify(newToken);
    issuer.revokeJwtKey(old?.id ?? '');
    await expect(verify(oldToken)).rejects.toThrow();
    await verify(newToken);
  });

  it('signs with the new WIT key and keeps the old one until it is revoked', async () => {
    const issuer = await createIssuer({ trustDomain: 'example.org' });
    const verify = (token: string) => verifyWit(token, new BundleSet([issuer.bundle]));
    const oldSvid = await issuer.issueWitSvid(ID);
    const [old] = issuer.authorities.wit;
    await issuer.rotateWitKey();
    const newSvid = await issuer.issueWitSvid(ID);
    await verify(oldSvid.token);
    await verify(newSvid.token);
    issuer.revokeWitKey(old?.id ?? '');
    await expect(verify(oldSvid.token)).rejects.toThrow();
    await verify(newSvid.token);
  });

  it('revokes neither the active authority nor an unknown one', async () => {
    const issuer = await createIssuer({ trustDomain: 'example.org' });
    const { x509, jwt, wit } = issuer.authorities;
    for (const revoke of [
      (id: string) => issuer.revokeX509Authority(id),
      (id: string) => issuer.revokeJwtKey(id),
      (id: string) => issuer.revokeWitKey(id),
    ]) {
      expect(() => revoke('nobody')).toThrow(IssuerError);
      expect(() => revoke('nobody')).toThrow(expect.objectContaining({ code: 'unknown_authority' }));
    }
    const active = expect.objectContaining({ code: 'authority_active' });
    expect(() => issuer.revokeX509Authority(x509[0]?.id ?? '')).toThrow(active);
    expect(() => issuer.revokeJwtKey(jwt[0]?.id ?? '')).toThrow(active);
    expect(() => issuer.revokeWitKey(wit[0]?.id ?? '')).toThrow(active);
  });

  it('publishes immutable snapshots with a growing sequence number', async () => {
    const issuer = await createIssuer({ trustDomain: 'example.org' });
    const first = issuer.bundle;
    expect(issuer.bundle).toBe(first);
    await issuer.rotateX509Authority();
    await issuer.rotateJwtKey();
    await issuer.rotateWitKey();
    expect(first.x509.authorities).toHaveLength(1);
    expect(issuer.bundle.x509.authorities).toHaveLength(2);
    expect(issuer.bundle.jwt.keys).toHaveLength(2);
    expect(issuer.bundle.wit.keys).toHaveLength(2);
    expect(Number(issuer.bundle.sequence) - Number(first.sequence)).toBe(3);
  });

  it('SPIFFE Trust Domain and Bundle section 4.1.1: every change has a higher sequence number, revocation too', async () => {
    const issuer = await createIssuer({ trustDomain: 'example.org' });
    const { x509, jwt, wit } = issuer.authorities;
    const sequences = [issuer.bundle.sequence];
    const note = (): number => sequences.push(issuer.bundle.sequence);
    await issuer.rotateX509Authority();
    note();
    issuer.revokeX509Authority(x509[0]?.id ?? '');
    note();
    await issuer.rotateJwtKey();
    note();
    issuer.revokeJwtKey(jwt[0]?.id ?? '');
    note();
    await issuer.rotateWitKey();
    note();
    issuer.revokeWitKey(wit[0]?.id ?? '');
    note();
    const numbers = sequences.map(Number);
    expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
    expect(numbers).toHaveLength(7);
    expect(issuer.bundle.sequence).toBe(sequences.at(-1));
  });

  it('SPIFFE Trust Domain and Bundle section 4.1.2: the bundle has a refresh hint of its own accord', async () => {
    const issuer = await createIssuer({ trustDomain: 'example.org' });
    expect(JSON.parse(issuer.bundle.serialize()).spiffe_refresh_hint).toBe(300);
  });

  it('WIT-SVID section 2.1: every key has a kid of its own', async () => {
    const issuers = await Promise.all([1, 2].map(() => createIssuer({ trustDomain: 'example.org' })));
    for (const issuer of issuers) {
      for (let round = 0; round < 3; round += 1) await Promise.all([issuer.rotateWitKey(), issuer.rotateJwtKey()]);
    }
    const kids = issuers.flatMap(({ bundle }) => [...bundle.wit.keys, ...bundle.jwt.keys].map(({ kid }) => kid));
    expect(kids).toHaveLength(16);
    expect(new Set(kids).size).toBe(16);
  });

  it('survives the SPIFFE bundle document', async () => {
    const issuer = await createIssuer({ trustDomain: 'example.org', refreshHintSeconds: 60 });
    await issuer.rotateJwtKey();
    const read = parseSpiffeBundle('example.org', JSON.stringify(issuer.bundle));
    expect(read.equals(issuer.bundle)).toBe(true);
    expect(read.refreshHintSeconds).toBe(60);
    const svid = await issuer.issueX509Svid(ID);
    expect(verifyX509Svid(svid.certificates, new BundleSet([read])).id.toString()).toBe(ID);
  });

  it('renews the X.509 authority at half of its life, once for all who ask', async () => {
    let now = Date.parse('2026-11-21T10:00:00Z');
    const clock = () => now;
    const issuer = await createIssuer({ trustDomain: 'example.org', caTtlSeconds: 1000, clock });
    now += 499_000;
    await issuer.issueX509Svid(ID);
    expect(issuer.authorities.x509).toHaveLength(1);
    now += 2000;
    const svids = await Promise.all([1, 2, 3].map(() => issuer.issueX509Svid(ID, { ttlSeconds: 600 })));
    expect(issuer.authorities.x509).toHaveLength(2);
    for (const svid of svids) {
      expect(verifyX509Svid(svid.certificates, new BundleSet([issuer.bundle]), { clock }).expiresAt.getTime()).toBe(
        now + 600_000,
      );
    }
    now += 600_000;
    await issuer.issueX509Svid(ID);
    expect(issuer.bundle.x509.authorities).toHaveLength(2);
    expect(issuer.bundle.x509.authorities.every(({ notAfter }) => notAfter.getTime() > now)).toBe(true);
  });
});

describe('updates of an issuer', () => {
  it('begin with the current bundle and skip what a slow reader missed', async () => {
    const issuer = await createIssuer({ trustDomain: 'example.org' });
    const updates = issuer.updates();
    expect((await updates.next()).value).toBe(issuer.bundle);
    const next = updates.next();
    await issuer.rotateJwtKey();
    expect((await next).value).toBe(issuer.bundle);
    await issuer.rotateJwtKey();
    await issuer.rotateJwtKey();
    expect((await updates.next()).value).toBe(issuer.bundle);
    const waiting = updates.next();
    await updates.return?.();
    expect(await waiting).toEqual({ done: true, value: undefined });
  });

  it('end with the reason of an abort, also one from before', async () => {
    const issuer = await createIssuer({ trustDomain: 'example.org' });
    const abort = new AbortController();
    const updates = issuer.updates({ signal: abort.signal });
    await updates.next();
    const waiting = updates.next();
    abort.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    await expect(issuer.updates({ signal: abort.signal }).next()).rejects.toThrow('enough');
    expect(await updates.next()).toEqual({ done: true, value: undefined });
  });

  it('serve several readers and end for the one that breaks', async () => {
    const issuer = await createIssuer({ trustDomain: 'example.org' });
    const seen: number[] = [];
    const reader = async (until: number): Promise<void> => {
      for await (const bundle of issuer.updates()) {
        seen.push(bundle.jwt.keys.length);
        if (bundle.jwt.keys.length >= until) break;
      }
    };
    const readers = [reader(2), reader(3)];
    await issuer.rotateJwtKey();
    await readers[0];
    await issuer.rotateJwtKey();
    await readers[1];
    expect(seen.sort()).toEqual([1, 1, 2, 2, 3]);
  });
});
