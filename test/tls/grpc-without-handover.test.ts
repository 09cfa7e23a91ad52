import type { TLSSocket } from 'node:tls';
import * as grpc from '@grpc/grpc-js';
import { createGrpcCredentials, createGrpcListener } from 'svidkit/tls';
import { expect, it, vi } from 'vitest';
import { listening, openChat, ordersClient, ordersServer, place } from '../support/grpc-orders.js';
import { CLIENT, ourSvid, SERVER, Side, theirBundle } from '../support/mtls.js';
import { sourceOf } from '../support/x509.js';

// As if a later Node kept its HTTP/2 sessions elsewhere.
vi.mock('../../src/tls/grpc-handover.js', () => ({ leaveConnection: () => false }));

it('a channel that cannot leave its connection uses it until the server is refused, and then cuts it', async () => {
  const [client, server] = [new Side(ourSvid(CLIENT)), new Side(ourSvid(SERVER))];
  const listener = createGrpcListener(
    grpc,
    ordersServer(() => 'served'),
    server,
  );
  const sockets: TLSSocket[] = [];
  listener.on('secureConnection', (socket) => sockets.push(socket));
  const calling = ordersClient(await listening(listener), createGrpcCredentials(grpc, client));
  const chat = openChat(calling);
  expect(await chat.next()).toBe('served');
  client.current = ourSvid(CLIENT);
  expect(await place(calling)).toBe('served');
  expect(sockets).toHaveLength(1);
  client.bundleSource = sourceOf(theirBundle);
  expect(await place(calling)).toMatch(/^UNAVAILABLE: .*peer_refused \(unknown_trust_domain\)/);
  expect(await chat.next()).toMatch(/^UNAVAILABLE: peer_refused/);
});
