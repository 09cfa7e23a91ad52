import { isIPv6 } from 'node:net';

/** What grpc-js says about the server of a channel. */
interface GrpcTarget {
  readonly scheme?: string | undefined;
  readonly path: string;
}

/** The channel options that touch on the server's name. */
interface GrpcNameOptions {
  readonly 'grpc.ssl_target_name_override'?: string | undefined;
  readonly 'grpc.http_connect_target'?: string | undefined;
}

/** The name or address of the server that a channel connects to, as grpc-js derives it for its own TLS. */
export function serverNameOf({ scheme, path }: GrpcTarget, options: GrpcNameOptions): string {
  const override = options['grpc.ssl_target_name_override'];
  if (override) return override;
  // Behind an HTTP proxy the target is the proxy.
  const proxied = options['grpc.http_connect_target'];
  if (proxied !== undefined) return hostOf(proxied.replace(/^(?:dns:)?(?:\/\/[^/]*\/)?/, ''));
  return scheme?.startsWith('unix') ? 'localhost' : hostOf(path.split(',')[0] ?? '');
}

function hostOf(place: string): string {
  if (isIPv6(place)) return place;
  return /^\[([^\]]*)\](?::\d*)?$/.exec(place)?.[1] ?? place.replace(/:\d*$/, '');
}
