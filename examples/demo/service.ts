/** The service: an https server that presents its own identity and verifies its callers, by mutual TLS and by proof. */
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createMemoryReplayStore, createRequestAuthenticator, exactly, getPeer, memberOf, Workload } from 'svidkit';
import { refusalOf } from 'svidkit/http';
import { describe, serveSteps } from './actor.js';

const workload = await Workload.connect({ keepProcessAlive: true });
const colleagues = memberOf(workload.id.trustDomain);
const planner = process.env['DEMO_PLANNER'];
const replay = createMemoryReplayStore();
let refusal: string | undefined;

const server = workload.createHttpsServer({ authorize: colleagues, onRefused: noteRefusal }, (request, response) => {
  void (request.url === '/orders' ? orders(request, response) : whoami(request, response));
});
/** A second door, for one guest only, who never comes. */
const strict = workload.createHttpsServer(
  { authorize: exactly(`${workload.id.trustDomain}/somebody/else`), onRefused: noteRefusal },
  (_, response) => response.end(),
);
for (const listening of [server, strict]) {
  listening.listen(0, '127.0.0.1');
  await once(listening, 'listening');
}
const origin = (of: typeof server): string => `https://127.0.0.1:${(of.address() as AddressInfo).port}`;

const authenticate = createRequestAuthenticator({
  bundles: workload.bundles,
  audiences: origin(server),
  authorize: planner === undefined ? colleagues : exactly(planner),
  replay,
});

function whoami(request: IncomingMessage, response: ServerResponse): void {
  response.end(JSON.stringify({ caller: getPeer(request).id }));
}

async function orders(request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    const caller = await authenticate(request);
    response.end(JSON.stringify({ caller: caller.id, proof: caller.proof.kind, draft: caller.proof.draft }));
  } catch (error) {
    noteRefusal(error);
    const { status, headers, body } = refusalOf(error);
    response.writeHead(status, headers).end(body);
  }
}

function noteRefusal(error: unknown): void {
  refusal = describe(error);
}

serveSteps({
  identity: async () => ({
    id: workload.id.toString(),
    expiresAt: workload.svid.expiresAt.toISOString(),
    origin: origin(server),
    strictOrigin: origin(strict),
  }),
  lastRefusal: async () => {
    const found = refusal;
    refusal = undefined;
    return { rule: found };
  },
});
