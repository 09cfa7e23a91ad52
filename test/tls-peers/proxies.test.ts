import { once } from 'node:events';
import { get as getPlain, type IncomingMessage } from 'node:http';
import { get, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TLSSocket } from 'node:tls';
import type { TlsError } from 'svidkit/errors';
import { exactly } from 'svidkit/id';
import { createHttpsAgent, createHttpsServer, getPeer } from 'svidkit/tls';
import type { X509Source } from 'svidkit/workload-api';
import { beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { useSpire } from '../spire/support/use-spire.js';
import { ownUser } from '../spire/support/users.js';
import { waitFor } from '../spire/support/wait-for.js';
import { refusalIn, ruleOf } from '../tls-matrix/support/refusal-in.js';
import { type Caller, describeCaller, plainSerial } from '../tls-matrix/support/speech.js';
import { PROXIES, type ProxyKind, type StartedProxy, startProxy } from './support/proxies.js';
import { StaticFiles } from './support/static-files.js';
import { sourceOf } from './support/workloads.js';

const DNS_NAME = 'orders.example.org';
const ROTATIONS = 3;
// A lifetime of 20 s is renewed about every 6 s.
const TTL_SECONDS = 20;

describe('a proxy with an SVID in files, on both sides of us', () => {
  const spire = useSpire();
  let edgeId: string;
  let ours: X509Source;
  let edge: X509Source;
  let refused: TlsError[];
  let authorize: (id: string) => boolean;

  beforeAll(async () => {
    const { commands } = spire();
    const shared = { uid: ownUser(), x509TtlSeconds: TTL_SECONDS };
    edgeId = commands.id('/proxies/edge');
    await commands.createEntry({ ...shared, path: '/services/orders', dnsNames: [DNS_NAME] });
    await commands.createEntry({ ...shared, path: '/proxies/edge' });
  });

  beforeEach(async () => {
    ours = await sourceOf(spire().address, spire().commands.id('/services/orders'));
    edge = await sourceOf(spire().address, edgeId);
    refused = [];
    authorize = (id) => id === edgeId;
  });

  async function serve(): Promise<number> {
    const options = {
      ...{ svid: ours, bundles: ours, authorize: (id: unknown) => authorize(`${id}`) },
      onRefused: (error: TlsError) => void refused.push(error),
    };
    const server: Server = createHttpsServer(options, (request, response) =>
      response.end(JSON.stringify(describeCaller(getPeer(request), request.socket as TLSSocket))),
    );
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close().closeAllConnections());
    return (server.address() as AddressInfo).port;
  }

  async function start(kind: ProxyKind): Promise<{ proxy: StartedProxy; files: StaticFiles; serial: string }> {
    const files = new StaticFiles();
    const serial = files.write(edge);
    const proxy = await startProxy(kind, { files, origin: { port: await serve(), dnsName: DNS_NAME } });
    onTestFinished(async () => {
      await proxy[Symbol.asyncDispose]();
      files[Symbol.dispose]();
    });
    return { proxy, files, serial };
  }

  /** We are the client. What the proxy has seen, and the serial number of what it has shown. */
  async function askProxy({ serverPort }: StartedProxy, expected = edgeId): Promise<{ said: string; serial: string }> {
    const agent = createHttpsAgent({ svid: ours, bundles: ours, authorize: exactly(expected) });
    const outgoing = get({ host: '127.0.0.1', port: serverPort, agent, signal: AbortSignal.timeout(10_000) });
    const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
    const { leaf } = getPeer(incoming);
    const said = await text(incoming);
    if (incoming.statusCode !== 200) throw new Error(`the proxy answered ${incoming.statusCode}: ${said}`);
    return { said, serial: plainSerial(leaf.serialNumber) };
  }

  /** We are the server. */
  async function askThroughProxy({ passingPort }: StartedProxy): Promise<Caller> {
    const outgoing = getPlain({
      host: '127.0.0.1',
      port: passingPort,
      agent: false,
      signal: AbortSignal.timeout(10_000),
    });
    const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
    const said = await text(incoming);
    if (incoming.statusCode !== 200) throw new Error(`the proxy answered ${incoming.statusCode}`);
    return JSON.parse(said);
  }

  it.each(PROXIES)(
    '$name: is verified, verifies us, and follows rotations of its files without a failed request',
    async (kind) => {
      const { proxy, files, serial: first } = await start(kind);
      const failures: unknown[] = [];
      const serials = { shown: new Set<string>(), presented: new Set<string>() };
      let requests = 0;
      let going = true;
      const steadily = async (ask: () => Promise<void>): Promise<void> => {
        for (; going; await sleep(25)) {
          requests += 1;
          await ask().catch((error: unknown) => failures.push(error));
        }
      };
      const traffic = [
        steadily(async () => {
          const { said, serial } = await askProxy(proxy);
          serials.shown.add(serial);
          // Neither resumed, nor anything but the newest TLS.
          expect(said).toMatch(/^\S+ [.0] TLSv1.3$/);
        }),
        steadily(async () => {
          const { id, serial, tls } = await askThroughProxy(proxy);
          serials.presented.add(serial);
          expect([id, tls?.resumed]).toEqual([edgeId, false]);
        }),
      ];
      await waitFor('the proxy with its first SVID', () => serials.shown.has(first) && serials.presented.has(first));
      const written = new Set([first]);
      while (written.size <= ROTATIONS) {
        const serial = await waitFor('a rotation', () => {
          const now = plainSerial(edge.getX509Svid().certificates[0]?.serialNumber ?? '');
          return written.has(now) ? undefined : files.write(edge);
        });
        written.add(serial);
        proxy.reload();
        await waitFor('the proxy with its new SVID', () => serials.shown.has(serial) && serials.presented.has(serial));
      }
      going = false;
      await Promise.all(traffic);
      console.log(`${kind.name}: ${requests} requests, ${written.size} SVIDs of the proxy in each direction`);
      expect(failures).toEqual([]);
      expect(refused).toEqual([]);
      expect(serials.shown).toEqual(written);
      expect(serials.presented).toEqual(written);
    },
  );

  it.each(PROXIES)('$name: is refused where somebody else is expected', async (kind) => {
    const { proxy } = await start(kind);
    const failure: unknown = await askProxy(proxy, `${edgeId}/else`).catch((error: unknown) => error);
    expect(refusalIn(failure)).toBe('not_authorized');
    authorize = () => false;
    await expect(askThroughProxy(proxy)).rejects.toThrow(/answered 50[23]/);
    expect([...new Set(refused.map(({ code }) => code))]).toEqual(['not_authorized']);
  });

  it('both are refused once nobody renews their files and the SVID in them has expired', async () => {
    const started = await Promise.all(PROXIES.map(start));
    for (const { proxy } of started) {
      await askProxy(proxy);
      await askThroughProxy(proxy);
    }
    await sleep(edge.getX509Svid().expiresAt.getTime() - Date.now() + 1_000);
    for (const { proxy } of started) {
      const failure: unknown = await askProxy(proxy).catch((error: unknown) => error);
      expect(refusalIn(failure)).toBe('peer_refused/expired');
      refused = [];
      await expect(askThroughProxy(proxy)).rejects.toThrow(/answered 50[23]/);
      expect([...new Set(refused.map(ruleOf))]).toEqual(['peer_refused/expired']);
    }
  });
});
