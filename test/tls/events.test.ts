import { createHttpsAgent, createHttpsServer, TLS_CHANNELS, type TlsEvents } from 'svidkit/tls';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { call, listen } from '../support/connections.js';
import { type HeardEvents, hearEvents } from '../support/heard-events.js';
import { CLIENT, ourSvid, SERVER, Side, theirBundle } from '../support/mtls.js';
import { until } from '../support/until.js';
import { visibleForms } from '../support/visible-forms.js';
import { sourceOf } from '../support/x509.js';

let client: Side;
let server: Side;

beforeEach(() => {
  client = new Side(ourSvid(CLIENT));
  server = new Side(ourSvid(SERVER));
});

const hearTls = (): HeardEvents<TlsEvents> => hearEvents(...Object.values(TLS_CHANNELS));

async function connect(): Promise<void> {
  const port = await listen(createHttpsServer(server, (_request, response) => void response.end()));
  const agent = createHttpsAgent(client);
  onTestFinished(() => agent.destroy());
  await call(agent, port).catch(() => undefined);
}

describe('the events of mutual TLS', () => {
  it('tell on both sides who was let in', async () => {
    const events = hearTls();
    await connect();
    expect(events.kinds).toEqual(['accept', 'accept']);
    const bySide = Object.fromEntries(events.on('svidkit:tls:accept').map(({ side, peerId }) => [side, peerId]));
    expect(bySide).toEqual({ client: SERVER, server: CLIENT });
    expect(events.on('svidkit:tls:accept').every(({ peerExpiresAt }) => peerExpiresAt.getTime() > client.now)).toBe(
      true,
    );
  });

  it('tell who was refused, by which rule', async () => {
    const events = hearTls();
    server.bundleSource = sourceOf(theirBundle);
    await connect();
    await until(() => events.on('svidkit:tls:refuse').length).toBe(1);
    expect(events.on('svidkit:tls:refuse')[0]).toMatchObject({
      side: 'server',
      code: 'peer_refused',
      rule: 'unknown_trust_domain',
      claimedId: CLIENT,
    });
  });

  it('tell what we could not present, on either side', async () => {
    const events = hearTls();
    client.current = new Error('none');
    await connect();
    expect(events.all).toMatchObject([{ side: 'client', code: 'no_identity', rule: undefined }]);
    client.current = ourSvid(CLIENT);
    server.current = new Error('none');
    await connect();
    await until(() => events.all.length).toBe(2);
    expect(events.all[1]).toMatchObject({ side: 'server', code: 'no_identity' });
  });

  it('hold no key and cannot be changed', async () => {
    const events = hearTls();
    await connect();
    server.decide = () => false;
    await connect();
    await until(() => events.on('svidkit:tls:refuse').length).toBeGreaterThan(0);
    const shown = events.all.flatMap((event) => visibleForms(event)).join('\n');
    for (const side of [client, server]) {
      if (side.current instanceof Error) throw side.current;
      expect(shown).not.toContain(side.current.privateKey.export({ format: 'jwk' }).d);
    }
    expect(shown).not.toContain('PRIVATE KEY');
    expect(events.all.every((event) => Object.isFrozen(event))).toBe(true);
  });
});
