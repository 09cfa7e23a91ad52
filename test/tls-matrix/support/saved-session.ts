import assert from 'node:assert/strict';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { closeOf } from '../../support/connections.js';
import { CLIENT, ourSvid, ours, pemIdentity, SERVER } from '../../support/mtls.js';
import { makeLeaf } from '../../support/x509.js';
import { FollowedSide } from './followed-side.js';
import { ruleOf } from './refusal-in.js';
import type { TlsServer } from './speech.js';

/** The name of the row: a client that is not svidkit's, and that keeps its TLS sessions. */
export const PLAIN_CLIENT = 'plain Node';

const identity = pemIdentity(makeLeaf(ours, CLIENT));

/**
 * A client with a saved session comes back: svidkit's servers do not resume it. Where an application has given its server
 * session tickets all the same, the session is resumed, and the client is verified like any other: admitted, then refused
 * by the authorizer, then for want of its trust domain's bundle.
 */
export async function comeBackWithSession(server: TlsServer): Promise<string> {
  const side = new FollowedSide(ourSvid(SERVER));
  await using listening = await server.listen(side);
  const options: ConnectionOptions = {
    ...identity,
    host: '127.0.0.1',
    port: listening.port,
    rejectUnauthorized: false,
    ALPNProtocols: [...(server.alpn ?? [])],
  };
  const first = await visit(options, 250);
  const again = await visit({ ...options, session: first.session }, 0);
  assert.deepEqual([first.resumed, again.resumed, side.refused], [false, false, []]);
  if (listening.issueTickets === undefined) return 'not resumed (no tickets to be had)';

  listening.issueTickets(pemIdentity(makeLeaf(ours, SERVER)));
  const ticketed = async (): Promise<ConnectionOptions> => ({ ...options, session: (await visit(options)).session });
  const admitted = await visit(await ticketed(), 0);
  assert.deepEqual([admitted.resumed, side.refused], [true, []]);

  const [forAuthorizer, forBundle] = [await ticketed(), await ticketed()];
  side.decide = () => false;
  assert.equal((await visit(forAuthorizer, 'closed')).resumed, true);
  side.decide = () => true;
  side.withdraw();
  assert.equal((await visit(forBundle, 'closed')).resumed, true);
  assert.deepEqual(side.refused.map(ruleOf), ['not_authorized', 'peer_refused/unknown_trust_domain']);
  assert.equal(listening.answered(), 0);
  return 'not resumed; with tickets of the application resumed, verified again and refused';
}

/**
 * One connection, which lasts until it has a session to come back with.
 *
 * @param until `closed`: until the server ends it; a number: so many milliseconds, for a session that may never come.
 */
async function visit(
  options: ConnectionOptions,
  until: 'session' | 'closed' | number = 'session',
): Promise<{ readonly resumed: boolean; readonly session: Buffer | undefined }> {
  const socket: TLSSocket = connect(options);
  let session: Buffer | undefined;
  const closed = closeOf(socket);
  const saved = new Promise<void>((resolve) => {
    socket.on('session', (later) => {
      session = later;
      resolve();
    });
  });
  await once(socket, 'secureConnect');
  const resumed = socket.isSessionReused();
  socket.on('error', () => undefined).resume();
  if (until === 'closed') await closed;
  else await Promise.race([saved, closed, ...(until === 'session' ? [] : [sleep(until)])]);
  const visited = { resumed, session: session ?? socket.getSession() };
  socket.destroy();
  return visited;
}
