import { spawnSync } from 'node:child_process';
import { requireProxies } from './proxies.js';

/** Before the first test: names the programs at the other end, or says in one sentence what to install. */
export default function requirePeers(): void {
  const openssl = spawnSync('openssl', ['version'], { encoding: 'utf8' });
  if (openssl.error !== undefined) {
    throw new Error('`openssl` is not on the PATH: install it (Debian: apt-get install -y openssl).');
  }
  console.log([openssl.stdout.trim(), ...requireProxies()].join('\n'));
}
