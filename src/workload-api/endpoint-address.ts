import { isIPv4, isIPv6 } from 'node:net';
import { type EndpointAddressRule, WorkloadApiError } from '../errors/index.js';

/** Where an endpoint listens: a Unix domain socket, or a TCP port. */
export type EndpointAddress =
  | {
      readonly transport: 'unix';
      /** Absolute path of the socket, with percent-encoding undone. */
      readonly path: string;
    }
  | {
      readonly transport: 'tcp';
      /** IPv4 or IPv6 address, the latter without brackets. Of a Broker API endpoint also a DNS name. */
      readonly host: string;
      /** 1 to 65535. */
      readonly port: number;
    };

/** What the address of one kind of endpoint looks like. */
export interface EndpointKind {
  /** The variable that names the endpoint where no address is given. */
  readonly variable: string;
  /** Whether the host may be a DNS name. Only for endpoints that prove who they are. */
  readonly dnsNames: boolean;
}

/** SPIFFE_Workload_Endpoint section 4. */
const WORKLOAD_ENDPOINT: EndpointKind = { variable: 'SPIFFE_ENDPOINT_SOCKET', dnsNames: false };

/**
 * Reads the address of a Workload API endpoint: `unix:///absolute/path`, which may also be spelled
 * `unix:/absolute/path`, or `tcp://127.0.0.1:8000`, `tcp://[::1]:8000` (SPIFFE_Workload_Endpoint section 4). The scheme
 * may be in either case. Nothing is resolved or trimmed; percent-encoding in a path is undone.
 *
 * @throws `WorkloadApiError` with one of the address rules as code.
 */
export function parseEndpointAddress(text: string): EndpointAddress {
  return readEndpointAddress(text, WORKLOAD_ENDPOINT);
}

/** As {@link parseEndpointAddress}, for any kind of endpoint. */
function readEndpointAddress(text: string, endpoint: EndpointKind): EndpointAddress {
  if (typeof text !== 'string') throw new TypeError('an endpoint address must be a string');
  if (text === '') throw refuse('address_empty', 'the endpoint address is empty');
  if (!URI_CHARACTERS.test(text)) {
    throw refuse('bad_address', `${quote(text)} holds a character that a URI must not hold; percent-encode it`);
  }
  const parts = URI.exec(text);
  if (parts === null) {
    throw refuse('bad_address', `${quote(text)} is not a URI such as unix:///run/spire/agent.sock`);
  }
  const [, scheme = '', authority, path = '', query, fragment] = parts;
  const kind = scheme.toLowerCase();
  if (kind !== 'unix' && kind !== 'tcp') {
    throw refuse('bad_address_scheme', `${quote(text)} must begin with unix: or tcp:`);
  }
  if (query !== undefined || fragment !== undefined) {
    throw refuse('extra_address_part', `${quote(text)} must have neither a query nor a fragment`);
  }
  if (authority?.includes('@')) {
    throw refuse('extra_address_part', `${quote(text)} must not have user information`);
  }
  return kind === 'unix' ? readUnix(text, authority, path) : readTcp(text, authority, path, endpoint);
}

/** Writes an address in the form that {@link parseEndpointAddress} reads, percent-encoding what a URI must not hold. */
export function formatEndpointAddress(address: EndpointAddress): string {
  if (address.transport === 'tcp') {
    const host = isIPv6(address.host) ? `[${address.host}]` : address.host;
    return `tcp://${host}:${address.port}`;
  }
  return `unix://${address.path.split('/').map(encodeURIComponent).join('/')}`;
}

/**
 * The address to use: the one given, else the one in the environment.
 *
 * @throws `WorkloadApiError` `address_unset` when there is neither.
 */
export function resolveEndpointAddress(
  address: string | undefined,
  environment: Readonly<Record<string, string | undefined>> = process.env,
  kind: EndpointKind = WORKLOAD_ENDPOINT,
): EndpointAddress {
  const text = address ?? environment[kind.variable];
  if (text === undefined) {
    throw refuse('address_unset', `no endpoint address: give one, or set ${kind.variable}`);
  }
  if (address === undefined && text === '') {
    throw refuse('address_empty', `${kind.variable} is set to the empty string`);
  }
  return readEndpointAddress(text, kind);
}

/** RFC 3986 section 2: unreserved, reserved and well-formed percent-encoding. */
const URI_CHARACTERS = /^(?:[A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})*$/;
/** RFC 3986 section 3: scheme, authority, path, query, fragment. */
const URI = /^([A-Za-z][A-Za-z0-9+.-]*):(?:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/;
const PORT = /^[1-9][0-9]{0,4}$/;
/** RFC 1123 section 2.1: labels of letters, digits and dashes. The last one is no number, so it is no IPv4 address. */
const DNS_NAME =
  /^(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*(?![0-9]+$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i;
/** `sun_path` holds 108 bytes on Linux and 104 on macOS, the last of them NUL; some systems cut longer ones silently. */
const MAX_UNIX_PATH_BYTES = process.platform === 'darwin' ? 103 : 107;

function readUnix(text: string, authority: string | undefined, path: string): EndpointAddress {
  if (authority !== undefined && authority !== '') {
    throw refuse(
      'bad_address_host',
      `${quote(text)} has an authority; a socket path needs three slashes: unix:///path`,
    );
  }
  if (!path.startsWith('/')) {
    throw refuse('bad_address_path', `${quote(text)} must have an absolute path, as in unix:///run/spire/agent.sock`);
  }
  const decoded = decodePath(text, path);
  if (Buffer.byteLength(decoded) > MAX_UNIX_PATH_BYTES) {
    throw refuse(
      'bad_address_path',
      `${quote(text)} is longer than the ${MAX_UNIX_PATH_BYTES} bytes a socket path may have`,
    );
  }
  return Object.freeze({ transport: 'unix', path: decoded });
}

function decodePath(text: string, path: string): string {
  let decoded: string;
  try {
    decoded = decodeURIComponent(path);
  } catch (cause) {
    throw refuse('bad_address', `${quote(text)} has percent-encoding that is not UTF-8`, cause);
  }
  for (const character of decoded) {
    const point = character.codePointAt(0) ?? 0;
    if (point < 0x20 || point === 0x7f) throw refuse('bad_address', `${quote(text)} encodes a control character`);
  }
  return decoded;
}

function readTcp(text: string, authority: string | undefined, path: string, kind: EndpointKind): EndpointAddress {
  if (authority === undefined || authority === '') {
    throw refuse('bad_address_host', `${quote(text)} must have ${nounOf(kind)} and port, as in tcp://127.0.0.1:8000`);
  }
  if (path !== '') throw refuse('extra_address_part', `${quote(text)} must not have a path`);
  const colon = authority.lastIndexOf(':');
  const unbracketed = colon < 0 || authority.endsWith(']');
  const hostText = unbracketed ? authority : authority.slice(0, colon);
  const host = hostText.startsWith('[') && hostText.endsWith(']') ? hostText.slice(1, -1) : undefined;
  const isName = kind.dnsNames && DNS_NAME.test(hostText);
  if (host === undefined ? !isIPv4(hostText) && !isName : !isIPv6(host) || host.includes('%')) {
    throw refuse('bad_address_host', `${quote(text)} must name the host by ${nounOf(kind)}, an IPv6 one in brackets`);
  }
  const port = unbracketed ? '' : authority.slice(colon + 1);
  if (!PORT.test(port) || Number(port) > 65535) {
    throw refuse('bad_address_port', `${quote(text)} must have a port from 1 to 65535`);
  }
  return Object.freeze({ transport: 'tcp', host: host ?? hostText, port: Number(port) });
}

function nounOf(kind: EndpointKind): string {
  return kind.dnsNames ? 'DNS name or IP address' : 'IP address';
}

function refuse(rule: EndpointAddressRule, message: string, cause?: unknown): WorkloadApiError {
  return new WorkloadApiError(rule, message, cause === undefined ? {} : { cause });
}

/** An address is no secret, and most of one says little: 200 characters are shown. */
function quote(text: string): string {
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text);
}
