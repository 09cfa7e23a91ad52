import { expect, it } from 'vitest';
import { CLIENT, ourSvid, SERVER } from '../support/mtls.js';
import { FollowedSide } from '../tls-matrix/support/followed-side.js';
import { grpcClient, grpcServer } from '../tls-matrix/support/grpc.js';
import { refusalIn } from '../tls-matrix/support/refusal-in.js';

it('calls made in the turn in which their connection is destroyed fail, and hold nobody up', async () => {
  const client = new FollowedSide(ourSvid(CLIENT));
  await using listening = await grpcServer.listen(new FollowedSide(ourSvid(SERVER)));
  await using conversation = grpcClient.open(client, { port: listening.port, speaks: 'gRPC' });
  await conversation.ask();
  client.withdraw();
  const calls: Promise<unknown>[] = [];
  for (let turn = 0; turn < 20; turn += 1) {
    calls.push(conversation.ask().catch(refusalIn));
    await undefined;
  }
  for (const outcome of await Promise.all(calls)) expect(outcome).toBe('peer_refused/unknown_trust_domain');
});
