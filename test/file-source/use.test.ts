import { join } from 'node:path';
import { createX509FileSource, type X509FileSource } from 'svidkit/file-source';
import { exactly } from 'svidkit/id';
import { createIssuer } from 'svidkit/issuer';
import { createHttpsAgent, createHttpsServer, getPeer } from 'svidkit/tls';
import type { X509Svid } from 'svidkit/x509-svid';
import { expect, it, onTestFinished } from 'vitest';
import { call, listen } from '../support/connections.js';
import { switchAtAStroke, temporaryFolder, writeOneByOne, x509Files } from '../support/credential-files.js';
import { CLIENT, SERVER } from '../support/mtls.js';
import { runProgram } from '../support/programs.js';
import { until } from '../support/until.js';

const serialOf = (svid: X509Svid): string => svid.certificates[0]?.serialNumber ?? '';

it('mutual TLS goes on through rotations of SVIDs and authorities, each end from its own files', async () => {
  const issuer = await createIssuer({ trustDomain: 'example.org' });
  const [clientFolder, serverFolder] = [temporaryFolder(), temporaryFolder()];
  const issue = () => Promise.all([issuer.issueX509Svid(CLIENT), issuer.issueX509Svid(SERVER)]);
  const write = ([client, server]: readonly [X509Svid, X509Svid]): void => {
    const bundle = issuer.bundle.x509.toPem();
    writeOneByOne(clientFolder, x509Files(client, bundle));
    switchAtAStroke(serverFolder, x509Files(server, bundle));
  };
  const sourceOf = (folder: string): X509FileSource => {
    const [certificates, privateKey] = [join(folder, 'tls.crt'), join(folder, 'tls.key')];
    const bundles = { 'example.org': join(folder, 'ca.crt') };
    const source = createX509FileSource({ certificates, privateKey, bundles, pollMs: 50, quietMs: 10 });
    onTestFinished(() => source.close());
    return source;
  };

  write(await issue());
  const [client, server] = [sourceOf(clientFolder), sourceOf(serverFolder)];
  await Promise.all([client.ready(), server.ready()]);
  const options = { svid: server, bundles: server, authorize: exactly(CLIENT) };
  const port = await listen(
    createHttpsServer(options, (request, response) => void response.end(getPeer(request).leaf.serialNumber)),
  );
  const towardsServer = { svid: client, bundles: client, authorize: exactly(SERVER) };
  const agent = createHttpsAgent(towardsServer, { keepAlive: true, maxSockets: 4 });
  // A kept connection goes on showing the server's SVID of its handshake; a new one shows the newest.
  const fresh = createHttpsAgent(towardsServer, { keepAlive: false });
  onTestFinished(() => agent.destroy());

  const serials = new Set<string>();
  for (let round = 0; round < 4; round += 1) {
    if (round === 2) {
      await issuer.rotateX509Authority();
      // Both must know the new authority before either presents what it signed.
      write([client.getX509Svid(), server.getX509Svid()]);
      for (const source of [client, server]) {
        await until(
          () => source.current.bundles.getX509Bundle(source.current.svid.id.trustDomain)?.authorities.length,
        ).toBe(2);
      }
    }
    const next = await issue();
    write(next);
    const [nextClient, nextServer] = next;
    // Requests are made all the time, also while one end has rotated and the other has not.
    while (
      serialOf(client.getX509Svid()) !== serialOf(nextClient) ||
      serialOf(server.getX509Svid()) !== serialOf(nextServer)
    ) {
      const presented = serialOf(client.getX509Svid());
      const { status, body } = await call(agent, port);
      expect(status).toBe(200);
      expect([presented, serialOf(client.getX509Svid())]).toContain(body);
    }
    await until(() => client.health.connected && server.health.connected).toBe(true);
    const { body, socket } = await call(fresh, port);
    expect(body).toBe(serialOf(nextClient));
    expect(getPeer(socket).leaf.serialNumber).toBe(serialOf(nextServer));
    serials.add(body);
  }
  expect(serials.size).toBe(4);
});

it('an open source lets a process end, unless somebody waits or keepProcessAlive says otherwise', async () => {
  const issuer = await createIssuer({ trustDomain: 'example.org' });
  const svid = await issuer.issueX509Svid(CLIENT);
  const folder = temporaryFolder();
  const [credentials, bundle] = [join(folder, 'credentials.pem'), join(folder, 'ca.crt')];
  writeOneByOne(folder, {
    'credentials.pem': `${svid.privateKeyPkcs8Pem()}${svid.certificatesPem()}`,
    'ca.crt': issuer.bundle.x509.toPem(),
  });
  const run = (...parameters: readonly string[]) =>
    runProgram(join(import.meta.dirname, 'idle-process.ts'), { parameters }).done;
  const [idle, keep, wait] = await Promise.all([
    run('idle', credentials, bundle),
    run('keep', credentials, bundle),
    run('wait', join(folder, 'nowhere.pem'), bundle),
  ]);
  expect(idle, 'with its files watched').toEqual({ code: 0, output: `${CLIENT}\n` });
  expect(keep, 'with keepProcessAlive').toEqual({ code: 0, output: `${CLIENT}\nstill here\n` });
  expect(wait, 'waiting for ready()').toEqual({ code: 0, output: 'timeout\n' });
}, 60_000);
