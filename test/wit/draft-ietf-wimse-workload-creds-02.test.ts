import { readFileSync } from 'node:fs';
import { BundleSet, WitBundle } from 'svidkit/bundle';
import { decodeWitUnverified, parseWitSvid, type VerifyWitOptions, verifyWit } from 'svidkit/wit';
import { describe, expect, it } from 'vitest';
import { keyPair } from '../support/key-pairs.js';
import { rejectionOf } from '../support/rejections.js';
import { authority, bundles, clock, confirmation, wit } from '../support/wit-domain.js';

interface Example {
  readonly now: number;
  readonly issuerJwk: { kid: string };
  readonly workloadJwk: object;
  readonly wit: string;
}

const example = JSON.parse(
  readFileSync(new URL('../vectors/wimse-wit-wpt-draft.json', import.meta.url), 'utf8'),
) as Example;
const { d: _, ...issuerKey } = example.issuerJwk as { kid: string; d?: string };
const exampleBundles = new BundleSet([new WitBundle('wimse://example.com', [{ key: issuerKey }])]);
const SUB = 'wimse://example.org/specific-workload';
const ED25519 = keyPair('Ed25519').privateKey;

function outcome(token: string, options: VerifyWitOptions = {}, source = bundles): Promise<string> {
  return rejectionOf(verifyWit(token, source, { clock, ...options }));
}

describe('the wimse profile (draft-ietf-wimse-workload-creds-02)', () => {
  it('the published example verifies, high s and all', async () => {
    const unproven = await verifyWit(example.wit, exampleBundles, { clock: () => example.now * 1000 });
    expect(unproven.alg).toBe('EdDSA');
    expect(unproven.hash).toBe('AaYUfC34D1di2FxQLpiIJJ7Sg8VZ6o8OCdwSf9IToLg');
    expect(unproven.trustDomain.toString()).toBe('wimse://example.com');
    const half = 0x7fffffff800000007fffffffffffffffde737d56d38bcf4279dce5617e3192a8n;
    const s = Buffer.from(example.wit.split('.')[2] ?? '', 'base64url').subarray(32);
    expect(BigInt(`0x${s.toString('hex')}`)).toBeGreaterThan(half);
  });

  it('the published example expires when it says, and belongs to its own trust domain', async () => {
    const at = (now: number) => rejectionOf(verifyWit(example.wit, exampleBundles, { clock: () => now * 1000 }));
    expect(await at(1745512510 + 29)).toBe('accepted');
    expect(await at(1745512510 + 30)).toBe('expired');
    const spiffe = new BundleSet([new WitBundle('spiffe://example.com', [{ key: issuerKey }])]);
    expect(await outcome(example.wit, { clock: () => example.now * 1000 }, spiffe)).toBe('unknown_trust_domain');
  });

  it('the published example holds together with the published key', () => {
    const svid = parseWitSvid({ token: example.wit, privateKey: JSON.stringify(example.workloadJwk) });
    expect(svid.id.toString()).toBe('wimse://example.com/specific-workload');
    expect(decodeWitUnverified(example.wit).claims['jti']).toBe('x-_1CTL2cca3CSE4cwb_l');
  });

  it.each(['EdDSA', 'Ed25519'])('%s signs WITs and proofs', async (alg) => {
    const source = new BundleSet([new WitBundle('wimse://example.org', [{ kid: 'k1', key: ED25519 }])]);
    const token = wit({ header: { alg }, claims: { sub: SUB, cnf: confirmation(ED25519, alg) }, key: ED25519 });
    expect((await verifyWit(token, source, { clock })).alg).toBe(alg);
  });

  it.each(['wit+jwt', 'application/wit+jwt', 'APPLICATION/WIT+JWT', 'Wit+Jwt'])(
    'threat 10: typ %j is one',
    async (typ) => {
      expect(await outcome(wit({ header: { typ }, claims: { sub: SUB } }))).toBe('accepted');
    },
  );

  it.each(['text/wit+jwt', 'application/wit+jwt; v=1', 'application/application/wit+jwt', 'application/jwt', 'wit'])(
    'threat 10: typ %j is not',
    async (typ) => {
      expect(await outcome(wit({ header: { typ }, claims: { sub: SUB } }))).toBe('wrong_typ');
    },
  );

  it('threat 8: without kid there must be exactly one key', async () => {
    const token = wit({ header: { kid: undefined }, claims: { sub: SUB } });
    const source = (...keys: object[]) =>
      new BundleSet([
        new WitBundle(
          'wimse://example.org',
          keys.map((key) => ({ key })),
        ),
      ]);
    expect(await outcome(token)).toBe('accepted');
    expect(await outcome(token, {}, source(authority))).toBe('accepted');
    expect(await outcome(token, {}, source(authority, keyPair('RSA').publicKey))).toBe('ambiguous_key');
    expect(await outcome(token, {}, source())).toBe('ambiguous_key');
  });

  it('section 5.1.2: claims that nobody knows are passed over', async () => {
    const claims = { sub: SUB, 'example.com/role': ['a'], nested: { cnf: 1, sub: 'wimse://example.org/other' } };
    expect(await outcome(wit({ claims }))).toBe('accepted');
    expect(decodeWitUnverified(wit({ claims })).claims['sub']).toBe(SUB);
  });

  it('aud is not prohibited', async () => {
    expect(await outcome(wit({ claims: { sub: SUB, aud: 'x' } }))).toBe('accepted');
  });

  it('a subject of either scheme is accepted where wimse alone is listed, none where spiffe alone is', async () => {
    const spiffe = wit({ header: { typ: 'application/wit+jwt', kid: undefined }, claims: { aud: 'x' } });
    expect(await outcome(spiffe, { profiles: ['wimse'] })).toBe('accepted');
    expect(await outcome(spiffe, { profiles: ['wimse', 'spiffe'] })).toBe('wrong_typ');
    expect(await outcome(wit({ claims: { sub: SUB } }), { profiles: ['wimse', 'spiffe'] })).toBe('accepted');
    expect(await outcome(wit({ claims: { sub: SUB } }), { profiles: ['spiffe'] })).toBe('bad_sub');
  });
});
