import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { encodePem } from '../../src/internal/pem.js';
import type { Made } from './x509.js';

/** Whether the `openssl` command is there, for a second opinion. */
export const hasOpenssl: boolean = spawnSync('openssl', ['version']).status === 0;

/** What `openssl verify` says of a leaf with a revocation check of the whole path: `OK`, or the reason of its refusal. */
export function opensslVerdict(pem: {
  readonly leaf: string;
  readonly intermediates: string;
  readonly roots: string;
  readonly lists: string;
}): string {
  const folder = temporaryFolder();
  const files = Object.entries(pem).map(([name, text]) => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return [name, path] as const;
  });
  const at = Object.fromEntries(files) as Record<keyof typeof pem, string>;
  const untrusted = pem.intermediates === '' ? [] : ['-untrusted', at.intermediates];
  const checks = ['-crl_check_all', '-x509_strict', '-CAfile', at.roots, '-CRLfile', at.lists, ...untrusted];
  const { stdout, stderr } = spawnSync('openssl', ['verify', ...checks, at.leaf], { encoding: 'utf8' });
  return /: OK$/m.test(stdout) ? 'OK' : (/: (.*)$/m.exec(stderr)?.[1] ?? stderr);
}

/** A revocation list in DER that OpenSSL has made and signed; good for a day from now. */
export function opensslList(issuer: Made, serialNumbers: readonly string[]): Uint8Array {
  const folder = temporaryFolder();
  const write = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };
  const revoked = serialNumbers.map(
    (serial) => `R\t350101000000Z\t200101000000Z,keyCompromise\t${serial}\tunknown\t/CN=x\n`,
  );
  const config = [
    '[ca]',
    'default_ca = main',
    '[main]',
    `database = ${write('index.txt', revoked.join(''))}`,
    `crlnumber = ${write('number.txt', '1000\n')}`,
    'default_md = sha256',
    'default_crl_days = 1',
    'crl_extensions = extensions',
    '[extensions]',
    'authorityKeyIdentifier = keyid',
  ];
  const key = issuer.keys.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
  const keys = ['-keyfile', write('key.pem', key), '-cert', write('ca.pem', encodePem('CERTIFICATE', issuer.der))];
  const paths = ['-config', write('ca.cnf', `${config.join('\n')}\n`), '-out', join(folder, 'list.pem')];
  execFileSync('openssl', ['ca', '-gencrl', ...keys, ...paths], { stdio: 'pipe' });
  return execFileSync('openssl', ['crl', '-in', join(folder, 'list.pem'), '-outform', 'DER'], { stdio: 'pipe' });
}

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'openssl-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
