import { expect, it } from 'vitest';
import { CLIENT, ourSvid, SERVER } from '../support/mtls.js';
import { FollowedSide } from '../tls-matrix/support/followed-side.js';
import { grpcClient, grpcServer } from '../tls-matrix/support/grpc.js';
import { refusalIn } from '../tls-matrix/support/refusal-in.js';
import { plainSerial } from '../tls-matrix/support/speech.js';

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

it('a call that waits for a connection whose identity is replaced meanwhile goes over the next one', async () => {
  const [old, current] = [ourSvid(CLIENT), ourSvid(CLIENT)];
  const client = new FollowedSide(old);
  let reads = 0;
  const svid = { getX509Svid: () => (reads++ === 0 ? old : current) };
  const options = { ...client, clock: client.clock, svid, rotation: 'drain' as const };
  await using listening = await grpcServer.listen(new FollowedSide(ourSvid(SERVER)));
  await using conversation = grpcClient.open(options, { port: listening.port, speaks: 'gRPC' });
  for (let calls = 0; calls < 3; calls += 1) {
    expect((await conversation.ask()).serial).toBe(plainSerial(current.certificates[0]?.serialNumber ?? ''));
  }
});
