import type { KeyObject } from 'node:crypto';
import type { ComponentLike, HttpMessage, HttpRequestMessage, SignatureParameters } from 'svidkit/http-signature';

/** A message as most packages want it: with the URL of the request. */
export interface PeerRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
}

export interface PeerResponse {
  readonly status: number;
  readonly headers: PeerRequest['headers'];
  readonly request?: PeerRequest;
}

/** A component by its parts and as it stands in a signature base. */
export interface PeerComponent {
  readonly name: string;
  readonly parameters: Readonly<Record<string, string | true>>;
  readonly identifier: string;
}

/** One message to sign or to verify. As JSON it is what the peers' programs read. */
export interface MessageTask {
  readonly name: string;
  readonly do: 'sign-message' | 'verify-message';
  readonly alg: string;
  /** A JWK, and the same key in PEM. */
  readonly key: object;
  readonly pem: string;
  readonly message: PeerRequest | PeerResponse;
  readonly label: string;
  readonly components: readonly PeerComponent[];
  readonly parameters: SignatureParameters;
}

export function peerMessage(message: HttpMessage): PeerRequest | PeerResponse {
  if (!('status' in message)) return peerRequest(message);
  const { status, request } = message;
  const headers = pairs(message.rawHeaders);
  return request === undefined ? { status, headers } : { status, headers, request: peerRequest(request) };
}

export function peerComponent(component: ComponentLike): PeerComponent {
  const { name, parameters = {} } = typeof component === 'string' ? { name: component } : component;
  const tail = Object.entries(parameters).map(([key, value]) => (value === true ? `;${key}` : `;${key}="${value}"`));
  return { name, parameters, identifier: `"${name}"${tail.join('')}` };
}

export function pemOf(key: KeyObject): string {
  return key.export({ type: key.type === 'private' ? 'pkcs8' : 'spki', format: 'pem' }).toString();
}

function peerRequest({ method, target, scheme, rawHeaders }: HttpRequestMessage): PeerRequest {
  const headers = pairs(rawHeaders);
  const host = headers.find(([name]) => name === 'Host')?.[1] ?? '';
  return { method, url: `${scheme}://${host}${target}`, headers };
}

function pairs(rawHeaders: readonly string[]): PeerRequest['headers'] {
  return rawHeaders.flatMap((name, index) => (index % 2 === 0 ? [[name, rawHeaders[index + 1] ?? ''] as const] : []));
}
