import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:net';
import type { FederationError } from 'svidkit/errors';
import type { HttpsSpiffeProfile, HttpsWebProfile } from 'svidkit/federation';
import { createIssuer, type Issuer } from 'svidkit/issuer';
import { encodePem } from '../../src/internal/pem.js';
import { EndpointServer, pemOf } from './bundle-endpoint.js';
import { type PemIdentity, pemIdentity } from './mtls.js';
import { dns, ip, makeAuthority, makeLeaf } from './x509.js';

/** Node judges the web PKI by the time of day. */
const VALID = { notBefore: new Date(Date.now() - 3_600_000), notAfter: new Date(Date.now() + 3_600_000) };
const webRoot = makeAuthority('web root', VALID);

/** A server certificate of a private web PKI, for 127.0.0.1 and localhost. */
export const web: PemIdentity = pemIdentity(
  makeLeaf(webRoot, '', { names: [ip(127, 0, 0, 1), dns('localhost')], ...VALID }),
);
/** More names than anybody wants to read in an error. */
export const manyNames: PemIdentity = pemIdentity(
  makeLeaf(webRoot, '', { names: Array.from({ length: 200 }, (_, index) => dns(`name-${index}.example`)), ...VALID }),
);
export const otherName: PemIdentity = pemIdentity(makeLeaf(webRoot, '', { names: [dns('other.example')], ...VALID }));
export const webProfile: HttpsWebProfile = { kind: 'https_web', ca: encodePem('CERTIFICATE', webRoot.der) };

export const ENDPOINT_ID = 'spiffe://b.test/bundle-endpoint';

/** A trust domain `b.test` whose bundle is served with `https_spiffe` by one of its own workloads. */
export class FederatedDomain implements AsyncDisposable {
  readonly issuer: Issuer;
  readonly server: EndpointServer;

  private constructor(issuer: Issuer, server: EndpointServer) {
    this.issuer = issuer;
    this.server = server;
  }

  static async start(): Promise<FederatedDomain> {
    const issuer = await createIssuer({ trustDomain: 'b.test' });
    const identity = pemOf(await issuer.issueX509Svid(ENDPOINT_ID));
    return new FederatedDomain(
      issuer,
      await EndpointServer.start(identity, (_request, response) => send(response, issuer.bundle.serialize())),
    );
  }

  /** With the bundle of this moment as bootstrap. */
  profile(): HttpsSpiffeProfile {
    return { kind: 'https_spiffe', endpointId: ENDPOINT_ID, bootstrap: this.issuer.bundle };
  }

  /** Presents a fresh SVID of the authority that signs now. */
  async presentAnew(id: string = ENDPOINT_ID): Promise<void> {
    this.server.present(pemOf(await this.issuer.issueX509Svid(id)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
  }
}

export function send(response: ServerResponse, body: string, headers: Readonly<Record<string, string>> = {}): void {
  response.writeHead(200, { 'Content-Type': 'application/json', ...headers }).end(body);
}

/** A document without keys. */
export function emptyDocument(sequence?: number, hint?: number): string {
  return JSON.stringify({ spiffe_sequence: sequence, spiffe_refresh_hint: hint, keys: [] });
}

export interface HeardFederation {
  readonly codes: string[];
  readonly onError: (error: FederationError) => void;
}

export function hearFederation(): HeardFederation {
  const codes: string[] = [];
  return { codes, onError: ({ code }) => void codes.push(code) };
}

/** A TCP server that accepts and then says nothing. */
export async function startSilent(): Promise<Server> {
  const server = createServer((socket) => void socket.on('error', () => {}).unref());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}
