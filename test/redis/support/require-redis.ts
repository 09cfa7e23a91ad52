import { spawnSync } from 'node:child_process';

/** `redis-server`, or what `REDIS_SERVER` names: `valkey-server` speaks the same. */
export const REDIS_SERVER: string = process.env['REDIS_SERVER'] ?? 'redis-server';

/** Before the first test: names the server, or says in one sentence what to install. */
export default function requireRedis(): void {
  const { error, stdout } = spawnSync(REDIS_SERVER, ['--version'], { encoding: 'utf8' });
  if (error === undefined) {
    console.log(stdout.trim());
    return;
  }
  console.error(
    `test:redis cannot start: \`${REDIS_SERVER}\` is not on the PATH. Install Redis 7 (Debian: apt-get install -y redis-server), or name a Valkey server in REDIS_SERVER.`,
  );
  process.exit(1);
}
