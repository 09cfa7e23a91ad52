import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { ManagedProcess } from '../../spire/support/processes.js';
import { waitFor } from '../../spire/support/wait-for.js';
import { freePort } from '../../support/free-port.js';
import type { StaticFiles } from './static-files.js';

export interface ProxyOptions {
  readonly files: StaticFiles;
  /** A server of ours, to which everything is passed on. */
  readonly origin: { readonly port: number; readonly dnsName: string };
}

/** A proxy that takes its identity from files: a server for our clients, and a client of our server. */
export interface StartedProxy extends AsyncDisposable {
  /**
   * Over mutual TLS: answers with the serial number of the client's certificate, whether the TLS session was resumed,
   * and the version of TLS.
   */
  readonly serverPort: number;
  /** In plain text: passes requests on to our server over mutual TLS. */
  readonly passingPort: number;
  /** Has it read its files again. */
  reload(): void;
}

interface Ports {
  readonly server: number;
  readonly passing: number;
}

/** How to run a proxy, and what to install where it is absent. */
export interface ProxyKind {
  readonly name: 'nginx' | 'haproxy';
  readonly debianPackage: string;
  readonly versionFlag: string;
  readonly reloadSignal: 'SIGHUP' | 'SIGUSR2';
  configuration(options: ProxyOptions, ports: Ports): string;
  arguments(folder: string, configuration: string): string[];
}

export const PROXIES: readonly ProxyKind[] = [
  {
    name: 'nginx',
    debianPackage: 'nginx-light',
    versionFlag: '-v',
    reloadSignal: 'SIGHUP',
    configuration: nginxConfiguration,
    arguments: (folder, configuration) => ['-p', folder, '-e', 'stderr', '-c', configuration],
  },
  {
    name: 'haproxy',
    debianPackage: 'haproxy',
    versionFlag: '-v',
    reloadSignal: 'SIGUSR2',
    configuration: haproxyConfiguration,
    arguments: (_, configuration) => ['-W', '-f', configuration],
  },
];

/** Says in one sentence which program is missing; gives what those that are there call themselves. */
export function requireProxies(): string[] {
  return PROXIES.map(({ name, debianPackage, versionFlag }) => {
    const { error, stdout, stderr } = spawnSync(name, [versionFlag], { encoding: 'utf8' });
    if (error === undefined) return `${stdout}${stderr}`.split('\n')[0] ?? name;
    throw new Error(
      `\`${name}\` is not on the PATH: install it (Debian: apt-get install -y --no-install-recommends ${debianPackage}).`,
    );
  });
}

export async function startProxy(kind: ProxyKind, options: ProxyOptions): Promise<StartedProxy> {
  const ports = { server: await freePort(), passing: await freePort() };
  const { folder } = options.files;
  const configuration = join(folder, `${kind.name}.conf`);
  writeFileSync(configuration, kind.configuration(options, ports));
  const running = new ManagedProcess(kind.name, kind.name, kind.arguments(folder, configuration));
  await waitFor(`a listening ${kind.name}`, async () => {
    if (!running.running) throw new Error(`${kind.name} ended:\n${running.lines.join('\n')}`);
    return (await accepts(ports.server)) && (await accepts(ports.passing));
  });
  return {
    serverPort: ports.server,
    passingPort: ports.passing,
    reload: () => void (running.pid !== undefined && process.kill(running.pid, kind.reloadSignal)),
    [Symbol.asyncDispose]: () => running.end('SIGTERM', 3_000),
  };
}

function nginxConfiguration({ files, origin }: ProxyOptions, { server, passing }: Ports): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${files.folder}/${kind};`,
  );
  return `
    daemon off;
    worker_processes 1;
    pid ${files.folder}/nginx.pid;
    events {}
    http {
      access_log off;
      ${temporary.join('\n      ')}
      ssl_protocols TLSv1.2 TLSv1.3;
      server {
        listen 127.0.0.1:${server} ssl;
        ssl_certificate ${files.certificates};
        ssl_certificate_key ${files.privateKey};
        ssl_client_certificate ${files.bundle};
        ssl_verify_client on;
        ssl_verify_depth 3;
        ssl_session_cache shared:sessions:1m;
        location / { return 200 "$ssl_client_serial $ssl_session_reused $ssl_protocol"; }
      }
      server {
        listen 127.0.0.1:${passing};
        location / {
          proxy_pass https://127.0.0.1:${origin.port};
          proxy_ssl_certificate ${files.certificates};
          proxy_ssl_certificate_key ${files.privateKey};
          proxy_ssl_trusted_certificate ${files.bundle};
          proxy_ssl_verify on;
          proxy_ssl_verify_depth 3;
          proxy_ssl_name ${origin.dnsName};
          proxy_ssl_session_reuse on;
        }
      }
    }`;
}

function haproxyConfiguration({ files, origin }: ProxyOptions, { server, passing }: Ports): string {
  const ours = `ssl crt ${files.combined} ca-file ${files.bundle} verify required`;
  return `
defaults
  mode http
  timeout connect 5s
  timeout client 10s
  timeout server 10s
frontend server
  bind 127.0.0.1:${server} ${ours}
  http-request return status 200 content-type text/plain lf-string "%[ssl_c_serial,hex] %[ssl_fc_is_resumed] %[ssl_fc_protocol]"
frontend passing
  bind 127.0.0.1:${passing}
  default_backend origin
backend origin
  http-reuse never
  server origin 127.0.0.1:${origin.port} ${ours} verifyhost ${origin.dnsName}
`;
}

async function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const settle = (accepted: boolean) => (): void => {
      socket.destroy();
      resolve(accepted);
    };
    socket.once('connect', settle(true)).once('error', settle(false));
  });
}
