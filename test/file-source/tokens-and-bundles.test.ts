import { unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { JwtBundle, SpiffeBundle, serializeSpiffeBundleMap, WitBundle } from 'svidkit/bundle';
import type { FileSourceError } from 'svidkit/errors';
import {
  createBundleFileSource,
  createJwtFileSource,
  createWitFileSource,
  type FileSource,
  type JwtFileSourceOptions,
} from 'svidkit/file-source';
import { parseTrustDomain } from 'svidkit/id';
import { mintJwtSvid, verifyJwtSvid } from 'svidkit/jwt-svid';
import { verifyWit } from 'svidkit/wit';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { faultsIn, temporaryFolder } from '../support/credential-files.js';
import { keyPair } from '../support/key-pairs.js';
import { ourBundle, theirBundle } from '../support/mtls.js';
import { codeOf } from '../support/refusals.js';
import { rejectionOf } from '../support/rejections.js';
import { until } from '../support/until.js';
import { visibleForms } from '../support/visible-forms.js';
import { authority, clock, confirmation, NOW, SUBJECT, wit, workload } from '../support/wit-domain.js';

const HOME = parseTrustDomain('example.org');
const AWAY = parseTrustDomain('other.example');
const jwtBundle = new JwtBundle('example.org', [{ kid: 'k1', key: authority }]);
const nextJwtBundle = new JwtBundle('example.org', [
  { kid: 'k1', key: authority },
  { kid: 'k2', key: keyPair('P-256', 'next').publicKey },
]);
const theirJwtBundle = new JwtBundle('other.example', [{ kid: 't1', key: keyPair('P-256', 'theirs').publicKey }]);
const witBundle = new WitBundle('example.org', [{ kid: 'k1', key: authority }]);
const jwks = (bundle: JwtBundle | WitBundle): string => JSON.stringify(bundle.toJwks());
const base64 = (text: string): string => Buffer.from(text).toString('base64');

let folder: string;
let heard: FileSourceError[];
let now: number;

beforeEach(() => {
  folder = temporaryFolder();
  heard = [];
  now = clock();
});

const at = (name: string): string => join(folder, name);
const write = (name: string, text: string): void => writeFileSync(at(name), text, { mode: 0o600 });
const codes = (): string[] => faultsIn(heard).map(({ code }) => code);
const common = {
  pollMs: 20,
  quietMs: 5,
  settleMs: 60,
  clock: () => now,
  onError: (error: FileSourceError) => void heard.push(error),
};

async function ready<S extends FileSource<unknown>>(source: S): Promise<S> {
  onTestFinished(() => source.close());
  await source.ready({ timeoutMs: 5_000 });
  return source;
}

const token = (audience: string | readonly string[], ttlSeconds = 300, id = SUBJECT): Promise<string> =>
  mintJwtSvid({ id, audience, ttlSeconds }, { key: authority, kid: 'k1' }, { clock });

describe('a JwtFileSource', () => {
  const start = (options: JwtFileSourceOptions) => ready(createJwtFileSource({ ...common, ...options }));

  it('gives the token that fits the audience and identifier, the narrowest first', async () => {
    write('both', `${await token(['reports', 'orders'])}\n`);
    write('orders', await token('orders'));
    write('writer', await token('orders', 300, 'spiffe://example.org/agents/writer'));
    const source = await start({ tokens: [at('both'), at('orders'), at('writer')] });
    expect((await source.fetchJwtSvid({ audience: 'reports' })).audience).toEqual(['reports', 'orders']);
    expect((await source.fetchJwtSvid({ audience: 'orders' })).audience).toEqual(['orders']);
    expect((await source.fetchJwtSvid({ audience: ['orders', 'reports'] })).audience).toHaveLength(2);
    const id = 'spiffe://example.org/agents/writer';
    expect(`${(await source.fetchJwtSvid({ audience: 'orders', id })).id}`).toBe(id);
    expect(await rejectionOf(source.fetchJwtSvid({ audience: 'elsewhere' }))).toBe('no_identity');
    expect(await rejectionOf(source.fetchJwtSvid({ audience: 'reports', id }))).toBe('no_identity');
    await expect(source.fetchJwtSvid({ audience: [] })).rejects.toThrow(TypeError);
  });

  it('gives no expired token, the next one as soon as it is written, and its bundle throughout', async () => {
    write('token', await token('orders'));
    write('jwks.json', jwks(jwtBundle));
    const source = await start({ tokens: at('token'), bundles: { 'example.org': at('jwks.json') } });
    const svid = await source.fetchJwtSvid({ audience: 'orders' });
    expect((await verifyJwtSvid(svid.token, source, { audience: 'orders', clock })).id.toString()).toBe(SUBJECT);
    now = (NOW + 300) * 1000;
    expect(await rejectionOf(source.fetchJwtSvid({ audience: 'orders' }))).toBe('expired');
    expect(source.getJwtBundle(HOME)?.equals(jwtBundle)).toBe(true);
    write('token', await token('orders', 600));
    await until(() => source.current.svids[0]?.expiresAt.getTime()).toBe((NOW + 600) * 1000);
    expect((await source.fetchJwtSvid({ audience: 'orders' })).token).not.toBe(svid.token);
  });

  it('reads the bundles of several trust domains as spiffe-helper writes them', async () => {
    const map = (own: string) => JSON.stringify({ 'example.org': own, 'other.example': base64(jwks(theirJwtBundle)) });
    write('bundles.json', map(base64(jwks(jwtBundle))));
    const source = await start({ bundleMap: at('bundles.json') });
    expect(source.getJwtBundle(HOME)?.equals(jwtBundle)).toBe(true);
    expect(source.getJwtBundle(AWAY)?.equals(theirJwtBundle)).toBe(true);
    expect(source.getJwtBundle(parseTrustDomain('third.example'))).toBeUndefined();

    write('bundles.json', map('not base64!'));
    await until(codes).toEqual(['bad_bundle']);
    expect(source.getJwtBundle(HOME)?.equals(jwtBundle)).toBe(true);
    write('bundles.json', 'garbage');
    await until(codes).toEqual(['bad_bundle', 'bad_bundle']);
    expect(source.getJwtBundle(AWAY)?.equals(theirJwtBundle)).toBe(true);
    write('bundles.json', JSON.stringify({ 'example.org': base64(jwks(nextJwtBundle)) }));
    await until(() => source.getJwtBundle(HOME)?.equals(nextJwtBundle)).toBe(true);
    expect(source.getJwtBundle(AWAY), 'a trust domain that is not listed any more').toBeUndefined();
  });

  it('reads a map of many keys, and drops a key that a longer map does not name any more', async () => {
    const publicKey = keyPair('RSA', 'one of many').publicKey;
    const many = (names: readonly string[]) =>
      new JwtBundle(
        'example.org',
        names.map((kid) => ({ kid, key: publicKey })),
      );
    const names = Array.from({ length: 60 }, (_, index) => `key-${index}`);
    const put = (bundle: JwtBundle): number => {
      const text = JSON.stringify({ 'example.org': base64(jwks(bundle)) });
      write('bundles.json', text);
      return text.length;
    };
    put(many(['withdrawn', ...names.slice(0, 2)]));
    const source = await start({ bundleMap: at('bundles.json') });
    expect(put(many(names))).toBeGreaterThan(8192);
    await until(() => source.getJwtBundle(HOME)?.equals(many(names))).toBe(true);
    expect(source.getJwtBundle(HOME)?.candidates('withdrawn')).toEqual([]);
    const fresh = await start({ bundleMap: at('bundles.json') });
    expect(fresh.getJwtBundle(HOME)?.keys).toHaveLength(60);
    expect(codes()).toEqual([]);
  });

  it('refuses two bundles for one trust domain', async () => {
    write('jwks.json', jwks(jwtBundle));
    write('bundles.json', JSON.stringify({ 'example.org': base64(jwks(nextJwtBundle)) }));
    const options = { bundles: { 'example.org': at('jwks.json') }, bundleMap: at('bundles.json') };
    const source = createJwtFileSource({ ...common, ...options });
    onTestFinished(() => source.close());
    await until(codes).toEqual(['bad_bundle']);
    expect(codeOf(() => source.current)).toBe('not_ready');
  });

  it('keeps a token whose file turns bad, and renews the others', async () => {
    write('one', await token('orders'));
    write('two', await token('reports'));
    const source = await start({ tokens: [at('one'), at('two')] });
    const next = await token('reports', 600);
    write('one', 'garbage');
    write('two', next);
    await until(codes).toEqual(['bad_identity']);
    expect((await source.fetchJwtSvid({ audience: 'orders' })).audience).toEqual(['orders']);
    expect((await source.fetchJwtSvid({ audience: 'reports' })).expiresAt.getTime()).toBe((NOW + 600) * 1000);
  });

  it('reads at least one file', () => {
    expect(() => createJwtFileSource(common)).toThrow(TypeError);
  });
});

describe('a WitFileSource', () => {
  const jwk = (key = workload): string => JSON.stringify(key.export({ format: 'jwk' }));
  const other = keyPair('P-256', 'other workload').privateKey;
  const otherWit = (): string => wit({ claims: { cnf: confirmation(other, 'ES256') } });

  const start = async () => {
    write('token', wit());
    write('key', jwk());
    write('wit.json', jwks(witBundle));
    const options = { token: at('token'), privateKey: at('key'), bundles: { 'example.org': at('wit.json') } };
    return ready(createWitFileSource({ ...common, ...options }));
  };

  it('gives the token with its key, and the next pair when both are there', async () => {
    const source = await start();
    const before = source.getWitSvid();
    expect(before.id.toString()).toBe(SUBJECT);
    await verifyWit(before.token, source, { clock });
    write('token', otherWit());
    await until(codes).toEqual(['bad_identity']);
    expect(source.getWitSvid().equals(before), 'a token whose key is not there').toBe(true);
    write('key', jwk(other));
    await until(() => source.getWitSvid().token).not.toBe(before.token);
    expect(source.getWitSvid().privateKey.equals(other)).toBe(true);
    await until(() => source.health.lastError).toBeUndefined();
  });

  it('does not present an expired token', async () => {
    const source = await start();
    now = (NOW + 3600) * 1000;
    expect(codeOf(() => source.getWitSvid())).toBe('expired');
    expect(source.getWitBundle(HOME)?.equals(witBundle)).toBe(true);
  });

  it('gives away neither token nor key by accident', async () => {
    const source = await start();
    const { d } = workload.export({ format: 'jwk' });
    const signature = source.getWitSvid().token.split('.')[2];
    const forms = [...visibleForms(source), ...visibleForms(source.current)];
    for (const form of forms) {
      expect(form).not.toContain(d);
      expect(form).not.toContain(signature);
    }
  });

  it('keeps the key out of what it says of a bad one', async () => {
    const source = await start();
    const { d = '' } = workload.export({ format: 'jwk' });
    write('key', jwk().replace('"crv":"P-256"', '"crv":"P-999"'));
    await until(codes).toEqual(['bad_identity']);
    for (const form of visibleForms(source.health.lastError)) expect(form).not.toContain(d);
  });
});

describe('a BundleFileSource', () => {
  it('has the bundles of every kind of file', async () => {
    write('own.pem', ourBundle.toPem());
    write('own-jwt.json', jwks(jwtBundle));
    write('own-wit.json', jwks(witBundle));
    write('their.json', new SpiffeBundle('other.example', { x509: theirBundle, jwt: theirJwtBundle }).serialize());
    const source = await ready(
      createBundleFileSource({
        ...common,
        x509: { 'example.org': at('own.pem') },
        jwt: { 'example.org': at('own-jwt.json') },
        wit: { 'example.org': at('own-wit.json') },
        spiffe: { 'other.example': at('their.json') },
      }),
    );
    expect(source.getX509Bundle(HOME)?.equals(ourBundle)).toBe(true);
    expect(source.getJwtBundle(HOME)?.equals(jwtBundle)).toBe(true);
    expect(source.getWitBundle(HOME)?.equals(witBundle)).toBe(true);
    expect(source.getX509Bundle(AWAY)?.equals(theirBundle)).toBe(true);
    expect(source.getJwtBundle(AWAY)?.equals(theirJwtBundle)).toBe(true);
    expect(source.getWitBundle(AWAY)?.keys).toEqual([]);
    expect(source.current.trustDomains().map(String)).toEqual([`${HOME}`, `${AWAY}`]);
    expect(source.health).toEqual({ connected: true, lastError: undefined, expiresAt: undefined });
  });

  it('keeps what a spoilt or removed document said, whole, and follows the others', async () => {
    const document = new SpiffeBundle('other.example', { x509: theirBundle, jwt: theirJwtBundle }).serialize();
    write('their.json', document);
    write('jwks.json', jwks(jwtBundle));
    const source = await ready(
      createBundleFileSource({
        ...common,
        jwt: { 'example.org': at('jwks.json') },
        spiffe: { 'other.example': at('their.json') },
      }),
    );
    write('their.json', document.slice(0, 100));
    write('jwks.json', jwks(nextJwtBundle));
    await until(() => source.getJwtBundle(HOME)?.equals(nextJwtBundle)).toBe(true);
    unlinkSync(at('their.json'));
    await until(codes).toEqual(['bad_bundle', 'file_missing']);
    expect(source.getX509Bundle(AWAY)?.equals(theirBundle)).toBe(true);
    expect(source.getJwtBundle(AWAY)?.equals(theirJwtBundle)).toBe(true);
    expect(source.health.connected).toBe(false);
  });

  it('follows a SPIFFE bundle map, and keeps it whole where it is spoilt', async () => {
    const [home, away] = [
      new SpiffeBundle('example.org', { x509: ourBundle }),
      new SpiffeBundle('other.example', { x509: theirBundle }),
    ];
    write('map.json', serializeSpiffeBundleMap([home, away]));
    const source = await ready(createBundleFileSource({ ...common, spiffeMap: at('map.json') }));
    expect(source.getX509Bundle(HOME)?.equals(ourBundle)).toBe(true);
    write('map.json', '{"trust_domains":');
    await until(codes).toEqual(['bad_bundle']);
    expect(source.getX509Bundle(AWAY)?.equals(theirBundle)).toBe(true);
    write('map.json', serializeSpiffeBundleMap([home]));
    await until(() => source.getX509Bundle(AWAY)).toBeUndefined();
    expect(source.getX509Bundle(HOME)?.equals(ourBundle)).toBe(true);
  });

  it('refuses a private key in a bundle', async () => {
    write('jwks.json', JSON.stringify({ keys: [authority.export({ format: 'jwk' })] }));
    const source = createBundleFileSource({ ...common, jwt: { 'example.org': at('jwks.json') } });
    onTestFinished(() => source.close());
    await until(codes).toEqual(['bad_bundle']);
    expect(faultsIn(heard)[0]?.cause).toMatchObject({ code: 'private_key_member' });
  });
});
