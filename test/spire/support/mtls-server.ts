// A workload of its own, started by mtls-server-process.ts: two HTTPS servers with the identity that SPIRE gives to
// the user it runs as. One lets the expected caller in, the other somebody else. Tells its ports over the IPC channel.
import { once } from 'node:events';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { WorkloadApiError } from 'svidkit/errors';
import { exactly } from 'svidkit/id';
import { createHttpsServer, getPeer } from 'svidkit/tls';
import { createX509Source, type X509Source } from 'svidkit/workload-api';

const [address = '', uid = '', callerId = ''] = process.argv.slice(2);

// Everything is imported by now: the other user may not be able to read this checkout.
if (process.getuid?.() !== Number(uid)) {
  process.setgroups?.([]);
  process.setgid?.(Number(uid));
  process.setuid?.(Number(uid));
}
process.on('disconnect', () => process.exit(0));

const source = createX509Source({
  address,
  keepProcessAlive: true,
  backoff: { initialMs: 100, maxMs: 1_000 },
  onError,
});
await source.ready({ timeoutMs: 30_000 });
process.send?.({
  id: source.getX509Svid().id.toString(),
  port: await listen(source, callerId),
  closedPort: await listen(source, `${callerId}/somebody-else`),
});

/** Nothing can be asked of a server that is denied its own identity: the load wants to know. */
function onError({ code }: WorkloadApiError): void {
  if (code !== 'permission_denied') return;
  const deniedFrom = Date.now();
  // A source is told first, and withdraws what it holds afterwards.
  setImmediate(async () => {
    for await (const _ of source.updates()) break;
    process.send?.({ deniedFrom, deniedUntil: Date.now() });
  });
}

async function listen(x509: X509Source, allowed: string): Promise<number> {
  const server: Server = createHttpsServer({ svid: x509, bundles: x509, authorize: exactly(allowed) }, answer);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new Error('not bound to a port');
  return bound.port;
}

function answer(request: IncomingMessage, response: ServerResponse): void {
  const caller = getPeer(request);
  response.setHeader('content-type', 'application/json');
  const { serialNumber, notAfter } = caller.leaf;
  response.end(JSON.stringify({ id: caller.id.toString(), serialNumber, notAfter }));
}
