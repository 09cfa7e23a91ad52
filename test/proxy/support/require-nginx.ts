import { spawnSync } from 'node:child_process';

/** `nginx`, or what `NGINX_PATH` names. */
export const NGINX: string = process.env['NGINX_PATH'] ?? 'nginx';

/** Before the first test: names the proxy, or says in one sentence what to install. */
export default function requireNginx(): void {
  const { error, stderr } = spawnSync(NGINX, ['-v'], { encoding: 'utf8' });
  if (error === undefined) {
    console.log(stderr.trim());
    return;
  }
  console.error(
    `test:proxy cannot start: \`${NGINX}\` is not on the PATH. Install nginx (Debian: apt-get install -y nginx-light), or name one in NGINX_PATH.`,
  );
  process.exit(1);
}
