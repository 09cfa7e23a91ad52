import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FileSourceError } from 'svidkit/errors';
import { createX509FileSource, type X509FileSource } from 'svidkit/file-source';
import { verifyX509Svid } from 'svidkit/x509-svid';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { encodePem } from '../../src/internal/pem.js';
import { temporaryFolder, writeOneByOne, x509Files } from '../support/credential-files.js';
import * as der from '../support/der-writer.js';
import { CLIENT, ourBundle, ourSvid, ours, theirs } from '../support/mtls.js';
import { codeOf } from '../support/refusals.js';
import { rejectionOf } from '../support/rejections.js';
import { makeList, revokedEntry } from '../support/revocation-lists.js';
import { until } from '../support/until.js';
import { clock, type Made } from '../support/x509.js';

const SERIAL = der.integer(0x1234);
const svid = ourSvid(CLIENT, { serial: SERIAL });
const pem = (issuer: Made, ...serials: readonly der.Der[]): string =>
  encodePem('X509 CRL', makeList(issuer, { entries: serials.map((serial) => revokedEntry(serial)) }));

let folder: string;
let heard: FileSourceError[];

beforeEach(() => {
  folder = temporaryFolder();
  heard = [];
  writeOneByOne(folder, x509Files(svid, ourBundle.toPem()));
});

const at = (name: string): string => join(folder, name);
const write = (name: string, text: string): void => writeFileSync(at(name), text);
const codes = (): string[] => heard.map(({ code }) => code);

function start(crls?: string | readonly string[]): X509FileSource {
  const source = createX509FileSource({
    ...{ certificates: at('tls.crt'), privateKey: at('tls.key'), bundles: at('ca.crt'), crls, clock },
    ...{ pollMs: 20, quietMs: 5, settleMs: 60, onError: (error: FileSourceError) => heard.push(error) },
  });
  onTestFinished(() => source.close());
  return source;
}

const sizes = (source: X509FileSource): number[] => source.getX509Crls().map(({ size }) => size);
const verdict = (source: X509FileSource): string =>
  codeOf(() => verifyX509Svid(svid.certificates, source, { clock, crls: source.getX509Crls() }));

describe('revocation lists in files', () => {
  it('are none where none is named, and not ready before the rest is', async () => {
    const source = start();
    expect(codeOf(() => source.getX509Crls())).toBe('not_ready');
    await source.ready();
    expect(source.getX509Crls()).toEqual([]);
  });

  it('are followed, several files and several in one', async () => {
    write('a.pem', pem(theirs) + pem(ours));
    write('b.pem', pem(theirs, der.integer(1)));
    const source = start([at('a.pem'), at('b.pem')]);
    await source.ready();
    expect([sizes(source), verdict(source)]).toEqual([[0, 0, 1], 'accepted']);
    const [kept] = source.getX509Crls().slice(-1);
    write('a.pem', pem(ours, SERIAL));
    await until(() => sizes(source)).toEqual([1, 1]);
    expect(verdict(source)).toBe('revoked');
    expect(source.getX509Crls()[1], 'what did not change is not read again').toBe(kept);
    expect(source.current.crls).toBe(source.getX509Crls());
  });

  it.each([
    ['spoilt', 'nothing'],
    ['empty', ''],
    ['of something else', encodePem('CERTIFICATE', ours.der)],
    ['of another kind', encodePem('X509 CRL', makeList(ours, { version: der.integer(0) }))],
  ])('are kept where their file becomes one that is %s', async (_, text) => {
    write('a.pem', pem(ours, SERIAL));
    const source = start(at('a.pem'));
    await source.ready();
    write('a.pem', text);
    await until(codes).toContain('bad_crl');
    expect(verdict(source)).toBe('revoked');
    write('a.pem', pem(ours));
    await until(() => verdict(source)).toBe('accepted');
  });

  it('are kept where their file goes away', async () => {
    write('a.pem', pem(ours, SERIAL));
    const source = start(at('a.pem'));
    await source.ready();
    rmSync(at('a.pem'));
    await until(codes).toContain('file_missing');
    expect(verdict(source)).toBe('revoked');
  });

  it('must be there before the source is ready', async () => {
    const source = start(at('a.pem'));
    expect(await rejectionOf(source.ready({ timeoutMs: 200 }))).toBe('timeout');
    write('a.pem', pem(ours));
    await source.ready({ timeoutMs: 5_000 });
    expect(sizes(source)).toEqual([0]);
  });
});
