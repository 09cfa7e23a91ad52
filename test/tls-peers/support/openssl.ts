import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { ManagedProcess } from '../../spire/support/processes.js';
import { waitFor } from '../../spire/support/wait-for.js';
import { closeOf } from '../../support/connections.js';
import { freePort } from '../../support/free-port.js';
import type { PemIdentity } from '../../support/mtls.js';

export type OpensslVersion = '-tls1_2' | '-tls1_3';

/** A folder for the files of OpenSSL, until the test is over. */
export function scratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'svidkit-openssl-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function identityFlags(folder: string, identity: PemIdentity | undefined): string[] {
  if (identity === undefined) return [];
  const path = join(folder, 'identity.pem');
  writeFileSync(path, identity.cert + identity.key, { mode: 0o600 });
  return ['-cert', path, '-cert_chain', path, '-key', path];
}

export interface ClientRun {
  readonly port: number;
  readonly version: OpensslVersion;
  /** Nothing is presented without. */
  readonly identity?: PemIdentity | undefined;
  /** What is sent after the handshake. */
  readonly text: string;
  readonly more?: readonly string[];
}

/** Runs `openssl s_client` until the connection ends; gives what it wrote: about the session, and what was received. */
export async function runClient(
  folder: string,
  { port, version, identity, text, more = [] }: ClientRun,
): Promise<string> {
  const flags = ['s_client', '-connect', `127.0.0.1:${port}`, version, '-ign_eof', ...identityFlags(folder, identity)];
  const child = spawn('openssl', [...flags, ...more], { stdio: ['pipe', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (part: string) => {
      output += part;
    });
  }
  child.stdin.on('error', () => undefined).write(text);
  const timer = setTimeout(() => child.kill('SIGKILL'), 15_000);
  await closeOf(child);
  clearTimeout(timer);
  return output;
}

/** Whether OpenSSL says that it has resumed a session, or has not; neither when there was no handshake. */
export function sessionOf(output: string): 'reused' | 'new' | 'none' {
  if (/^(?:---\s*)?Reused, /m.test(output)) return 'reused';
  return /^(?:---\s*)?New, TLS/m.test(output) ? 'new' : 'none';
}

/** Runs `openssl s_server`, which wants a certificate of its client and believes any, until the test is over. */
export async function startServer(
  folder: string,
  version: OpensslVersion,
  identity: PemIdentity,
  ...more: readonly string[]
): Promise<number> {
  const port = await freePort();
  const flags = [
    's_server',
    '-accept',
    `127.0.0.1:${port}`,
    version,
    '-Verify',
    '1',
    ...identityFlags(folder, identity),
  ];
  const server = new ManagedProcess('s_server', 'openssl', [...flags, ...more]);
  onTestFinished(() => server.end('SIGTERM', 2_000));
  await waitFor('s_server', () => {
    if (!server.running) throw new Error(`s_server ended:\n${server.lines.join('\n')}`);
    return server.lines.includes('ACCEPT');
  });
  return port;
}
