import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { WitBundle, WitBundleSource } from 'svidkit/bundle';
import { RequestAuthenticationError } from 'svidkit/errors';
import { createRequestAuthenticator, refusalOf } from 'svidkit/http';
import type { Authorizer } from 'svidkit/id';
import { createMemoryReplayStore } from 'svidkit/replay';

export interface ProofServiceOptions {
  readonly bundles: WitBundleSource;
  readonly audience: string;
  readonly authorize: Authorizer;
}

/** A service that says who proved the request, or refuses it. */
export interface ProofService extends AsyncDisposable {
  readonly url: string;
  /** Codes of the refusals so far. */
  readonly refusals: readonly string[];
}

/** One bundle as a source of bundles. */
export function bundlesOf(bundle: WitBundle): WitBundleSource {
  return { getWitBundle: (trustDomain) => (trustDomain.equals(bundle.trustDomain) ? bundle : undefined) };
}

export async function startProofService(options: ProofServiceOptions): Promise<ProofService> {
  const { bundles, audience, authorize } = options;
  const replay = createMemoryReplayStore();
  const authenticate = createRequestAuthenticator({ bundles, audiences: [audience], authorize, replay });
  const refusals: string[] = [];
  const server: Server = createServer(async (request, response) => {
    try {
      const caller = await authenticate(request);
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ id: caller.id }));
    } catch (error) {
      refusals.push(error instanceof RequestAuthenticationError ? error.code : String(error));
      const { status, headers, body } = refusalOf(error);
      response.writeHead(status, headers).end(body);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not bound to a port');
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  return { url: `http://127.0.0.1:${address.port}/orders`, refusals, [Symbol.asyncDispose]: close };
}
