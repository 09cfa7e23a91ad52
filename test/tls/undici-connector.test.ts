import { createServer as createHttpServer } from 'node:http';
import { setImmediate } from 'node:timers/promises';
import { TlsError } from 'svidkit/errors';
import { createHttpsServer, createUndiciConnector, getPeer, type MtlsOptions } from 'svidkit/tls';
import { Agent, type buildConnector, fetch } from 'undici';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { listen } from '../support/connections.js';
import { CLIENT, ourSvid, SERVER, Side, theirBundle } from '../support/mtls.js';
import { until } from '../support/until.js';
import { NOW, sourceOf } from '../support/x509.js';

const HOUR = 3_600_000;

let client: Side;
let server: Side;
let connections: number;
let handled: string[];
let onRequest: () => void;

beforeEach(() => {
  client = new Side(ourSvid(CLIENT));
  server = new Side(ourSvid(SERVER));
  connections = 0;
  handled = [];
  onRequest = () => undefined;
});

async function serve(): Promise<string> {
  const listening = createHttpsServer(server, (request, response) => {
    handled.push(request.url ?? '');
    onRequest();
    response.end(`${getPeer(request).id} ${getPeer(request).leaf.serialNumber}`);
  });
  listening.on('secureConnection', () => {
    connections += 1;
  });
  return `https://127.0.0.1:${await listen(listening)}/`;
}

function dispatcher(options: MtlsOptions = client): Agent {
  const agent = new Agent({
    connections: 1,
    connect: createUndiciConnector(options) satisfies buildConnector.connector,
  });
  onTestFinished(() => agent.destroy());
  return agent;
}

async function get(url: string, agent: Agent): Promise<string> {
  const answer = await fetch(url, { dispatcher: agent });
  expect(answer.status).toBe(200);
  return answer.text();
}

/** Why a fetch failed: the cause of the TypeError that it rejects with. */
async function refusalOf(url: string, agent: Agent): Promise<TlsError> {
  const failure: unknown = await fetch(url, { dispatcher: agent }).catch((error: unknown) => error);
  if (!(failure instanceof TypeError) || !(failure.cause instanceof TlsError)) throw failure;
  return failure.cause;
}

const serial = (side: Side): string => {
  if (side.current instanceof Error) throw side.current;
  return side.current.certificates[0]?.serialNumber ?? '';
};

describe('fetch over undici', () => {
  it('presents our SVID and keeps the connection', async () => {
    const [url, agent] = [await serve(), dispatcher()];
    expect(await get(url, agent)).toBe(`${CLIENT} ${serial(client)}`);
    expect(await get(url, agent)).toBe(`${CLIENT} ${serial(client)}`);
    expect(connections).toBe(1);
  });

  it.each([
    ['not_authorized', () => (client.decide = () => false)],
    ['peer_refused', () => (client.bundleSource = sourceOf(theirBundle))],
    ['no_identity', () => (client.current = new Error('withdrawn'))],
    ['identity_expired', () => (client.now = NOW + HOUR)],
  ] as const)('rejects with %s before a request is sent', async (code, change) => {
    const url = await serve();
    change();
    expect((await refusalOf(url, dispatcher())).code).toBe(code);
    expect(handled).toEqual([]);
  });

  it.each([
    ['not_authorized', () => (client.decide = () => false)],
    ['peer_refused', () => (client.bundleSource = sourceOf(theirBundle))],
    ['no_identity', () => (client.current = new Error('withdrawn'))],
  ] as const)('rejects with %s instead of using an idle connection', async (code, change) => {
    const [url, agent] = [await serve(), dispatcher()];
    await get(url, agent);
    await setImmediate();
    change();
    expect((await refusalOf(url, agent)).code).toBe(code);
    expect(handled).toHaveLength(1);
  });

  it('presents a rotated SVID on a new connection and loses no request', async () => {
    const [url, agent] = [await serve(), dispatcher()];
    await get(url, agent);
    for (let round = 2; round < 5; round += 1) {
      await setImmediate();
      client.current = ourSvid(CLIENT);
      const answers = await Promise.all([get(url, agent), get(url, agent)]);
      expect(answers).toEqual(Array(2).fill(`${CLIENT} ${serial(client)}`));
    }
  });

  it('sends nothing more to a busy peer that is no longer admitted', async () => {
    const [url, agent] = [await serve(), dispatcher()];
    onRequest = () => {
      client.decide = () => false;
    };
    const answers = await Promise.all([get(`${url}first`, agent), refusalOf(`${url}second`, agent)]);
    expect(answers).toMatchObject([`${CLIENT} ${serial(client)}`, { code: 'not_authorized' }]);
    expect(handled).toEqual(['/first']);
  });

  it('closes a connection when the certificate at either end expires', async () => {
    client.current = ourSvid(CLIENT, { notAfter: new Date(NOW + 1000) });
    client.now = NOW + 950;
    const [url, agent] = [await serve(), dispatcher()];
    await get(url, agent);
    const connected = (): unknown => Object.values(agent.stats).some((stats) => Boolean(stats.connected));
    expect(connected()).toBe(true);
    client.now = NOW + 1000;
    await until(() => connected()).toBe(false);
  });

  it('refuses plain text', async () => {
    const port = await listen(createHttpServer((_, response) => response.end()));
    expect((await refusalOf(`http://127.0.0.1:${port}/`, dispatcher())).code).toBe('not_tls');
  });

  it('threat 33: needs an authorizer', () => {
    expect(() => createUndiciConnector({ svid: client.svid, bundles: client.bundles } as MtlsOptions)).toThrow(
      TypeError,
    );
  });
});
