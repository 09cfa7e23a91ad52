import { mkdirSync, mkdtempSync, readlinkSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FileSourceError } from 'svidkit/errors';
import type { X509Svid } from 'svidkit/x509-svid';
import { onTestFinished } from 'vitest';

/** Contents of files by name. */
export type Files = Readonly<Record<string, string>>;

/** An empty folder until the test is over. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'svidkit-files-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** What a source on files was told went wrong, without what says only that a look took longer than `settleMs` here. */
export function faultsIn(heard: readonly FileSourceError[]): FileSourceError[] {
  return heard.filter(({ code }) => code !== 'unsettled');
}

/** As the files of cert-manager are called. */
export function x509Files(svid: X509Svid, bundlePem: string): Files {
  return { 'tls.crt': svid.certificatesPem(), 'tls.key': svid.privateKeyPkcs8Pem(), 'ca.crt': bundlePem };
}

/** Overwrites one file after the other, as spiffe-helper does. */
export function writeOneByOne(folder: string, files: Files): void {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text, { mode: 0o600 });
}

/** Replaces each file by another one. */
export function renameOneByOne(folder: string, files: Files): void {
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(folder, `${name}.new`), text, { mode: 0o600 });
    renameSync(join(folder, `${name}.new`), join(folder, name));
  }
}

let versions = 0;

/** Switches all files at a stroke, as volumes of Kubernetes are updated: links through `..data` to the newest version. */
export function switchAtAStroke(folder: string, files: Files): void {
  versions += 1;
  const version = `..version-${versions}`;
  mkdirSync(join(folder, version));
  writeOneByOne(join(folder, version), files);
  const before = linkOf(join(folder, '..data'));
  symlinkSync(version, join(folder, '..data_tmp'));
  renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
  if (before === undefined) {
    for (const name of Object.keys(files)) symlinkSync(join('..data', name), join(folder, name));
  } else rmSync(join(folder, before), { recursive: true });
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
