import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { X509Svid } from 'svidkit/x509-svid';
import { freePort } from '../../support/free-port.js';
import { NGINX } from './require-nginx.js';

/** What the proxy is, and where it passes requests on to. */
export interface NginxOptions {
  /** Presented to clients and to the server. */
  readonly svid: X509Svid;
  /** Whom the server's certificate must come from: PEM. */
  readonly authorities: string;
  /** A DNS name in that certificate: nginx knows no SPIFFE IDs. */
  readonly serverName: string;
  readonly serverPort: number;
  /** Further directives by location: `proxy_pass $origin` passes requests on to the server, `grpc_pass $grpc` calls. */
  readonly locations: Readonly<Record<string, string>>;
}

export interface Nginx extends AsyncDisposable {
  readonly port: number;
}

/** An nginx that ends TLS, of HTTP/1.1 and HTTP/2, and speaks mutual TLS to a server. In the foreground, in one process, in a folder of its own. */
export async function startNginx(options: NginxOptions): Promise<Nginx> {
  const folder = mkdtempSync(join(tmpdir(), 'svidkit-nginx-'));
  const port = await freePort();
  writeFileSync(join(folder, 'proxy.pem'), options.svid.certificatesPem());
  writeFileSync(join(folder, 'proxy.key'), options.svid.privateKeyPkcs8Pem(), { mode: 0o600 });
  writeFileSync(join(folder, 'authorities.pem'), options.authorities);
  writeFileSync(join(folder, 'nginx.conf'), configuration(folder, port, options));
  const args = ['-p', folder, '-e', 'stderr', '-c', join(folder, 'nginx.conf')];
  const child = spawn(NGINX, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    log += text;
  });
  const exited = once(child, 'exit');
  const end = async (): Promise<void> => {
    if (child.exitCode === null) child.kill('SIGTERM');
    await exited;
    rmSync(folder, { recursive: true, force: true });
  };
  while (!(await accepts(port))) {
    if (child.exitCode === null) continue;
    await end();
    throw new Error(`nginx ended: ${log}`);
  }
  return { port, [Symbol.asyncDispose]: end };
}

function configuration(folder: string, port: number, { serverName, serverPort, locations }: NginxOptions): string {
  const blocks = Object.entries(locations).map(([path, directives]) => `location ${path} { ${directives} }`);
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${folder}/${kind};`,
  );
  const upstreamTls = (module: 'proxy' | 'grpc'): string => `
        ${module}_ssl_certificate ${folder}/proxy.pem;
        ${module}_ssl_certificate_key ${folder}/proxy.key;
        ${module}_ssl_verify on;
        ${module}_ssl_trusted_certificate ${folder}/authorities.pem;
        ${module}_ssl_name ${serverName};
        ${module}_ssl_server_name on;`;
  return `
    daemon off;
    master_process off;
    pid ${folder}/nginx.pid;
    events {}
    http {
      access_log off;
      ${temporary.join('\n      ')}
      proxy_cache_path ${folder}/cache keys_zone=answers:1m;
      server {
        listen 127.0.0.1:${port} ssl http2;
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_certificate ${folder}/proxy.pem;
        ssl_certificate_key ${folder}/proxy.key;
        set $origin https://127.0.0.1:${serverPort};
        set $grpc grpcs://127.0.0.1:${serverPort};
        ${upstreamTls('proxy')}
        ${upstreamTls('grpc')}
        proxy_http_version 1.1;
        proxy_set_header X-Forwarded-Host $host;
        ${blocks.join('\n        ')}
      }
    }`;
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return new Promise((resolve) => setTimeout(() => resolve(false), 20));
  } finally {
    socket.destroy();
  }
}
