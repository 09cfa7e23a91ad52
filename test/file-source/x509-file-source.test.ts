import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type FileSourceError, X509SvidError } from 'svidkit/errors';
import { createX509FileSource, type X509FileSource, type X509FileSourceOptions } from 'svidkit/file-source';
import { parseTrustDomain } from 'svidkit/id';
import type { X509Svid } from 'svidkit/x509-svid';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import {
  type Files,
  faultsIn,
  renameOneByOne,
  switchAtAStroke,
  temporaryFolder,
  writeOneByOne,
  x509Files,
} from '../support/credential-files.js';
import { keyPair } from '../support/key-pairs.js';
import { CLIENT, ourBundle, ourSvid, ours, theirBundle } from '../support/mtls.js';
import { codeOf } from '../support/refusals.js';
import { rejectionOf } from '../support/rejections.js';
import { until } from '../support/until.js';
import { visibleForms } from '../support/visible-forms.js';
import { bundleOf, clock, makeAuthority, NOW } from '../support/x509.js';

const HOME = parseTrustDomain('example.org');
const AWAY = parseTrustDomain('other.example');
const first = ourSvid(CLIENT);
const second = ourSvid(CLIENT, { keys: keyPair('P-256', 'second') });

let folder: string;
let heard: FileSourceError[];

beforeEach(() => {
  folder = temporaryFolder();
  heard = [];
});

const codes = (): string[] => faultsIn(heard).map(({ code }) => code);
const filesOf = (svid: X509Svid, bundle = ourBundle): Files => x509Files(svid, bundle.toPem());

function start(options: Partial<X509FileSourceOptions> = {}): X509FileSource {
  const source = createX509FileSource({
    certificates: join(folder, 'tls.crt'),
    privateKey: join(folder, 'tls.key'),
    bundles: join(folder, 'ca.crt'),
    pollMs: 20,
    quietMs: 5,
    settleMs: 60,
    clock,
    onError: (error) => heard.push(error),
    ...options,
  });
  onTestFinished(() => source.close());
  return source;
}

async function started(options: Partial<X509FileSourceOptions> = {}): Promise<X509FileSource> {
  const source = start(options);
  await source.ready({ timeoutMs: 5_000 });
  return source;
}

const serialOf = (svid: X509Svid): string | undefined => svid.certificates[0]?.serialNumber;

describe('an X509FileSource', () => {
  it.each([
    ['overwritten one after the other', writeOneByOne],
    ['renamed one after the other', renameOneByOne],
    ['switched at a stroke behind ..data', switchAtAStroke],
  ])('follows files that are %s', async (_, write) => {
    write(folder, filesOf(first));
    const source = await started({ settleMs: 10_000 });
    expect(source.getX509Svid().equals(first)).toBe(true);
    expect(source.getX509Bundle(HOME)?.equals(ourBundle)).toBe(true);

    const both = bundleOf('example.org', ours, makeAuthority('next'));
    write(folder, filesOf(second, both));
    await until(() => serialOf(source.getX509Svid())).toBe(serialOf(second));
    await until(() => source.getX509Bundle(HOME)?.equals(both)).toBe(true);
    await until(() => source.health.connected).toBe(true);
    expect(source.health).toEqual({ connected: true, lastError: undefined, expiresAt: second.expiresAt });
    expect(heard).toEqual([]);
  });

  it.each([
    ['by notification alone', 600_000],
    ['by polling alone', 20],
  ])('notices a change %s', async (_, pollMs) => {
    // Nothing is notified where the folder is replaced: what was watched is the old one.
    const [real, link] = [join(folder, 'v1'), join(folder, 'current')];
    mkdirSync(real);
    writeOneByOne(real, filesOf(first));
    symlinkSync('v1', link);
    const at = (name: string) => join(link, name);
    const paths = { certificates: at('tls.crt'), privateKey: at('tls.key'), bundles: at('ca.crt') };
    const source = await started({ ...paths, pollMs });
    if (pollMs > 1_000) writeOneByOne(real, filesOf(second));
    else {
      mkdirSync(join(folder, 'v2'));
      writeOneByOne(join(folder, 'v2'), filesOf(second));
      unlinkSync(link);
      symlinkSync('v2', link);
    }
    await until(() => serialOf(source.getX509Svid())).toBe(serialOf(second));
  });

  it('reads key and chain from one file, as pod certificates come', async () => {
    const credentialBundle = (svid: X509Svid) => `${svid.privateKeyPkcs8Pem()}${svid.certificatesPem()}`;
    const write = (svid: X509Svid) =>
      switchAtAStroke(folder, { 'credentials.pem': credentialBundle(svid), 'ca.crt': ourBundle.toPem() });
    write(first);
    const source = await started({ certificates: join(folder, 'credentials.pem'), privateKey: undefined });
    expect(source.getX509Svid().equals(first)).toBe(true);
    write(second);
    await until(() => serialOf(source.getX509Svid())).toBe(serialOf(second));
  });

  it.each(['sec1', 'pkcs8'] as const)('reads a private key in %s', async (type) => {
    const key = first.privateKey.export({ format: 'pem', type }).toString();
    writeOneByOne(folder, { ...filesOf(first), 'tls.key': key });
    expect((await started()).getX509Svid().equals(first)).toBe(true);
  });

  it('has a bundle for each trust domain that is named, in PEM or as a SPIFFE bundle document, and for no other', async () => {
    const document = JSON.stringify({
      keys: [
        {
          ...theirBundle.authorities[0]?.publicKey.export({ format: 'jwk' }),
          use: 'x509-svid',
          x5c: [Buffer.from(theirBundle.toDer()).toString('base64')],
        },
      ],
    });
    writeOneByOne(folder, { ...filesOf(first), 'their.json': document });
    const source = await started({
      bundles: { 'example.org': join(folder, 'ca.crt'), 'other.example': join(folder, 'their.json') },
    });
    expect(source.getX509Bundle(HOME)?.equals(ourBundle)).toBe(true);
    expect(source.getX509Bundle(AWAY)?.equals(theirBundle)).toBe(true);
    expect(source.getX509Bundle(parseTrustDomain('third.example'))).toBeUndefined();
  });

  it('gives one bundle to the trust domain that was named for it, not to that of the SVID', async () => {
    writeOneByOne(folder, filesOf(first, theirBundle));
    const source = await started({ trustDomain: 'other.example' });
    expect(source.getX509Bundle(HOME)).toBeUndefined();
    expect(source.getX509Bundle(AWAY)?.authorities).toHaveLength(1);
  });

  it('announces what means something else, once, and nothing that means the same', async () => {
    writeOneByOne(folder, filesOf(first));
    const source = await started();
    const seen: (string | undefined)[] = [];
    const reading = (async () => {
      for await (const { svid } of source.updates()) seen.push(serialOf(svid));
    })();
    await until(() => seen.length).toBe(1);
    writeOneByOne(folder, filesOf(first));
    const comment = `a comment that is no certificate\n${first.certificatesPem()}`;
    writeOneByOne(folder, { 'tls.crt': comment });
    renameOneByOne(folder, filesOf(second));
    await until(() => seen.length).toBe(2);
    await source.close();
    await reading;
    expect(seen).toEqual([serialOf(first), serialOf(second)]);
  });

  it('waits in ready() for files that are still to be written, and says what is missing when it has waited enough', async () => {
    const source = start();
    await until(codes).toEqual(['file_missing']);
    const refused = source.ready({ timeoutMs: 200 });
    await expect(refused).rejects.toMatchObject({ code: 'timeout', cause: { code: 'not_ready' } });
    expect(codeOf(() => source.getX509Svid())).toBe('not_ready');
    expect(codeOf(() => source.getX509Bundle(HOME))).toBe('not_ready');
    expect(codes()).toEqual(['file_missing']);
    expect(source.health).toMatchObject({
      connected: false,
      lastError: { code: 'file_missing' },
      expiresAt: undefined,
    });
    const ready = source.ready();
    writeOneByOne(folder, { 'tls.crt': first.certificatesPem(), 'tls.key': first.privateKeyPkcs8Pem() });
    writeOneByOne(folder, { 'ca.crt': ourBundle.toPem() });
    await ready;
    expect(source.current.svid.equals(first)).toBe(true);
  });

  it('starts without its folder', async () => {
    folder = join(folder, 'later');
    const source = start();
    await until(codes).toEqual(['file_missing']);
    mkdirSync(folder);
    writeOneByOne(folder, filesOf(first));
    await source.ready({ timeoutMs: 5_000 });
  });
});

describe('what an X509FileSource keeps when files turn bad', () => {
  const faults: ReadonlyArray<readonly [what: string, code: string, spoil: () => void]> = [
    ['the certificates are removed', 'file_missing', () => unlinkSync(join(folder, 'tls.crt'))],
    ['the key is removed', 'file_missing', () => unlinkSync(join(folder, 'tls.key'))],
    ['the folder is removed', 'file_missing', () => rmSync(folder, { recursive: true })],
    ['the key is of another certificate', 'bad_identity', () => spoil('tls.key', second.privateKeyPkcs8Pem())],
    ['the certificate is of another key', 'bad_identity', () => spoil('tls.crt', second.certificatesPem())],
    ['the key is cut in half', 'bad_identity', () => spoil('tls.key', first.privateKeyPkcs8Pem().slice(0, 90))],
    ['the key is encrypted', 'bad_identity', () => spoil('tls.key', encrypted())],
    ['the certificates are empty', 'bad_identity', () => spoil('tls.crt', '')],
    ['the certificates are garbage', 'bad_identity', () => spoil('tls.crt', '\u0000\u0001 nonsense')],
    ['the certificates are not text', 'bad_identity', () => spoil('tls.crt', Buffer.from([0xff, 0xfe, 0x80]))],
    ['the certificates are huge', 'too_large', () => spoil('tls.crt', Buffer.alloc(20_000_000, '\n'))],
    ['the bundle is empty', 'bad_bundle', () => spoil('ca.crt', '')],
    ['the bundle is garbage', 'bad_bundle', () => spoil('ca.crt', '{"keys":')],
    ['the bundle is a certificate that signs nothing', 'bad_bundle', () => spoil('ca.crt', first.certificatesPem())],
    ['the bundle is removed', 'file_missing', () => unlinkSync(join(folder, 'ca.crt'))],
    ['the key is a folder', 'not_a_file', () => replaceByFolder('tls.key')],
    ['the key is a pipe', 'not_a_file', () => replaceByPipe('tls.key')],
  ];

  const spoil = (name: string, contents: string | Buffer) => writeFileSync(join(folder, name), contents);
  const replaceByFolder = (name: string) => {
    unlinkSync(join(folder, name));
    mkdirSync(join(folder, name));
  };
  const replaceByPipe = (name: string) => {
    unlinkSync(join(folder, name));
    execFileSync('mkfifo', [join(folder, name)]);
  };
  const encrypted = () =>
    first.privateKey.export({ format: 'pem', type: 'pkcs8', cipher: 'aes-128-cbc', passphrase: 'x' }).toString();

  it.each(faults)('keeps the last good SVID and bundle when %s', async (_, code, spoilIt) => {
    writeOneByOne(folder, filesOf(first));
    const source = await started();
    spoilIt();
    await until(codes).toEqual([code]);
    expect(source.health).toMatchObject({ connected: false, lastError: { code }, expiresAt: first.expiresAt });
    expect(source.getX509Svid().equals(first)).toBe(true);
    expect(source.getX509Bundle(HOME)?.equals(ourBundle)).toBe(true);

    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder);
    writeOneByOne(folder, filesOf(second));
    await until(() => serialOf(source.getX509Svid())).toBe(serialOf(second));
    await until(() => source.health.lastError).toBeUndefined();
    for (const error of heard) {
      for (const form of visibleForms(error)) expect(form).not.toContain(first.privateKeyPkcs8Pem().slice(30, 60));
    }
  });

  it('renews the SVID and the other bundles while one bundle makes no sense', async () => {
    writeOneByOne(folder, { ...filesOf(first), 'their.crt': theirBundle.toPem() });
    const source = await started({
      bundles: { 'example.org': join(folder, 'ca.crt'), 'other.example': join(folder, 'their.crt') },
    });
    const both = bundleOf('example.org', ours, makeAuthority('next'));
    writeOneByOne(folder, { ...filesOf(second, both), 'their.crt': 'garbage' });
    await until(() => serialOf(source.getX509Svid())).toBe(serialOf(second));
    expect(source.getX509Bundle(HOME)?.equals(both)).toBe(true);
    expect(source.getX509Bundle(AWAY)?.equals(theirBundle)).toBe(true);
    expect(codes()).toEqual(['bad_bundle']);
    expect(source.health.connected).toBe(false);
  });

  it('is not ready with an SVID whose bundle makes no sense', async () => {
    writeOneByOne(folder, { ...filesOf(first), 'ca.crt': 'garbage' });
    expect(await rejectionOf(start().ready({ timeoutMs: 200 }))).toBe('timeout');
  });

  it('says whose files it may not read', async () => {
    writeOneByOne(folder, filesOf(first));
    chmodSync(join(folder, 'tls.crt'), 0o000);
    chmodSync(folder, 0o755);
    asNobody();
    start();
    await until(codes).toEqual(['access_denied']);
    expect(faultsIn(heard)[0]?.message).toMatch(
      /tls\.crt may not be read by this process \(uid \d+, gid \d+\): .* mode 0$/,
    );
  });

  it('keeps the cause, with the rule that refused', async () => {
    writeOneByOne(folder, { ...filesOf(first), 'tls.key': second.privateKeyPkcs8Pem() });
    start();
    await until(codes).toEqual(['bad_identity']);
    expect(faultsIn(heard)[0]?.cause).toBeInstanceOf(X509SvidError);
    expect(faultsIn(heard)[0]?.cause).toMatchObject({ code: 'key_mismatch' });
  });
});

describe('an X509FileSource and time', () => {
  it('does not present what has expired, and goes on giving the bundles', async () => {
    let now = NOW;
    writeOneByOne(folder, filesOf(first));
    const source = await started({ clock: () => now });
    now = first.expiresAt.getTime() - 1;
    expect(source.getX509Svid().equals(first)).toBe(true);
    now += 1;
    expect(codeOf(() => source.getX509Svid())).toBe('expired');
    expect(codeOf(() => source.current)).toBe('expired');
    expect(source.health.expiresAt).toBeUndefined();
    expect(source.getX509Bundle(HOME)?.equals(ourBundle)).toBe(true);
    now = Number.NaN;
    expect(codeOf(() => source.getX509Svid())).toBe('expired');
  });

  it('does not let an expired SVID take the place of one that is valid', async () => {
    writeOneByOne(folder, filesOf(first));
    const source = await started();
    writeOneByOne(folder, filesOf(ourSvid(CLIENT, { notAfter: new Date(NOW) })));
    await until(codes).toEqual(['expired']);
    expect(source.getX509Svid().equals(first)).toBe(true);
  });
});

describe('using an X509FileSource', () => {
  it('refuses an identity other than the one asked for', async () => {
    writeOneByOne(folder, filesOf(first));
    start({ id: 'spiffe://example.org/other' });
    await until(codes).toEqual(['bad_identity']);
  });

  it('warns once of a key that everybody may read, and uses it', async () => {
    writeOneByOne(folder, filesOf(first));
    chmodSync(join(folder, 'tls.key'), 0o644);
    const source = await started();
    writeOneByOne(folder, filesOf(second));
    await until(() => serialOf(source.getX509Svid())).toBe(serialOf(second));
    expect(codes()).toEqual(['key_exposed']);
    expect(source.health.lastError).toBeUndefined();
  });

  it('gives away no key by accident', async () => {
    writeOneByOne(folder, filesOf(first));
    const source = await started();
    const secret = first.privateKeyPkcs8Pem().split('\n')[1] ?? '';
    expect(secret.length).toBeGreaterThan(40);
    for (const form of [...visibleForms(source), ...visibleForms(source.current)]) expect(form).not.toContain(secret);
  });

  it('is closed for good, whoever waits', async () => {
    const source = start();
    const waiting = rejectionOf(source.ready());
    const updates = source.updates()[Symbol.asyncIterator]().next();
    await source.close();
    await source.close();
    expect(await waiting).toBe('closed');
    expect(await updates).toEqual({ done: true, value: undefined });
    expect(codeOf(() => source.getX509Svid())).toBe('closed');
    expect(codeOf(() => source.getX509Bundle(HOME))).toBe('closed');
    expect(source.health.connected).toBe(false);
  });

  it('does not stop because an observer throws', async () => {
    const source = start({
      onError: () => {
        throw new Error('observer');
      },
    });
    await until(() => source.health.lastError?.code).toBe('file_missing');
    writeOneByOne(folder, filesOf(first));
    await source.ready({ timeoutMs: 5_000 });
  });

  it.each([
    { certificates: '' },
    { privateKey: '' },
    { bundles: {}, trustDomain: 'example.org' },
    { bundles: { 'example.org': '' } },
    { pollMs: 0 },
    { pollMs: Number.POSITIVE_INFINITY },
    { pollMs: 2 ** 31 },
    { quietMs: -1 },
    { quietMs: 3e9 },
    { settleMs: 3e9 },
    { settleMs: Number.NaN },
    { maxFileBytes: 0 },
  ])('refuses options that cannot be meant: %o', (options) => {
    expect(() => start(options)).toThrow(TypeError);
  });
});

/** Root may read everything; for the rest of the test this process is somebody else. */
function asNobody(): void {
  if (process.geteuid?.() !== 0) return;
  process.seteuid?.(65_534);
  onTestFinished(() => process.seteuid?.(0));
}
