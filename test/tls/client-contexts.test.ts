import { createServer, type TLSSocket } from 'node:tls';
import { connectTls, createHttpsAgent, createHttpsServer, createTlsServer, getPeer } from 'svidkit/tls';
import { X509Svid } from 'svidkit/x509-svid';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { encodePem } from '../../src/internal/pem.js';
import { call, listen } from '../support/connections.js';
import { web, webProfile } from '../support/federated-domain.js';
import { CLIENT, ourSvid, ours, SERVER, Side } from '../support/mtls.js';
import { until } from '../support/until.js';

let client: Side;
let server: Side;
let callers: string[];
let readKeys: () => number;

beforeEach(() => {
  client = new Side(ourSvid(CLIENT));
  server = new Side(ourSvid(SERVER));
  callers = [];
  const reading = vi.spyOn(X509Svid.prototype, 'privateKeyPkcs8Pem');
  onTestFinished(() => reading.mockRestore());
  readKeys = () => reading.mock.contexts.filter((svid) => svid === client.current).length;
});

/** A server that notes the serial number of each client. */
function noting(): Promise<number> {
  return listen(createTlsServer(server, (socket) => void callers.push(getPeer(socket).leaf.serialNumber)));
}

async function open(port: number, more: object = {}): Promise<TLSSocket> {
  const socket = await connectTls({ ...client, clock: client.clock }, { host: '127.0.0.1', port, ...more });
  onTestFinished(() => void socket.destroy());
  return socket;
}

describe('connections that present the same SVID', () => {
  it('read its key once, whoever makes them', async () => {
    const port = await noting();
    await open(port);
    await open(port);
    const answering = createHttpsServer(server, (_request, response) => void response.end());
    await call(createHttpsAgent(client), await listen(answering));
    expect(readKeys()).toBe(1);
  });

  it('are each tuned for themselves', async () => {
    const port = await noting();
    const versions: unknown[] = [];
    for (const more of [{}, { maxVersion: 'TLSv1.2' }, {}]) versions.push((await open(port, more)).getProtocol());
    expect(versions).toEqual(['TLSv1.3', 'TLSv1.2', 'TLSv1.3']);
    expect(readKeys()).toBe(2);
  });

  it('have another one to present as soon as that is the current one', async () => {
    const port = await noting();
    const serials: unknown[] = [];
    for (const svid of [ourSvid(CLIENT), ourSvid(CLIENT)]) {
      client.current = svid;
      serials.push(svid.certificates[0]?.serialNumber);
      await open(port);
      expect(readKeys()).toBe(1);
    }
    await until(() => callers).toEqual(serials);
    expect(new Set(serials).size).toBe(2);
  });

  it('trust no authority that another connection has Node trust', async () => {
    const port = await noting();
    const webPort = await listen(createServer(web));
    const { svid, clock } = client;
    const toWeb = async (ca: string): Promise<void> => {
      const server = { host: 'localhost', port: webPort };
      (await connectTls({ svid, clock, servers: 'web-pki', ca }, server)).destroy();
    };
    for (let turn = 0; turn < 2; turn += 1) {
      await open(port);
      await toWeb(String(webProfile.ca));
      await expect(toWeb(encodePem('CERTIFICATE', ours.der))).rejects.toMatchObject({ code: 'peer_refused' });
    }
  });
});
