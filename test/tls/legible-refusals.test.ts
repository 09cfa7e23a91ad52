import { createServer as createNetServer, connect as netConnect } from 'node:net';
import { connect, createServer, type SecureVersion } from 'node:tls';
import { TlsError } from 'svidkit/errors';
import { connectTls, createTlsServer } from 'svidkit/tls';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { listen, readToEnd } from '../support/connections.js';
import { CLIENT, ourSvid, ours, type PemIdentity, pemIdentity, SERVER, Side, theirs } from '../support/mtls.js';
import { until } from '../support/until.js';
import { makeLeaf, NOW, uri } from '../support/x509.js';

let client: Side;
let server: Side;

beforeEach(() => {
  client = new Side(ourSvid(CLIENT));
  server = new Side(ourSvid(SERVER));
});

const OTHER = 'spiffe://example.org/other';
const expired = { notAfter: new Date(NOW - 1) };

/** Who presents what, and what is said about it: the code, the rule beneath it, and the words. */
const refusals: ReadonlyArray<
  readonly [what: string, identity: (id: string) => Partial<PemIdentity>, code: string, rule: string | undefined]
> = [
  ['no certificate', () => ({}), 'no_certificate', undefined],
  ['a foreign authority', (id) => pemIdentity(makeLeaf(theirs, id)), 'peer_refused', 'untrusted'],
  ['an expired certificate', (id) => pemIdentity(makeLeaf(ours, id, expired)), 'peer_refused', 'expired'],
  [
    'two identifiers',
    (id) => pemIdentity(makeLeaf(ours, id, { names: [uri(id), uri(OTHER)] })),
    'peer_refused',
    'several_uri_sans',
  ],
  ['an identifier that is not admitted', () => pemIdentity(makeLeaf(ours, OTHER)), 'not_authorized', undefined],
];

describe('a refusal names the code, the rule, who the peer claims to be, and that it is', () => {
  it.each(refusals)('a client with %s', async (what, identity, code, rule) => {
    server.decide = (id) => id.toString() === CLIENT;
    const port = await listen(createTlsServer(server));
    await readToEnd(connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...identity(CLIENT) }));
    await until(() => server.refused).toMatchObject([{ code, rule }]);
    const [refusal] = server.refused;
    expect(refusal?.message).toContain('client');
    expectClaim(refusal, what, CLIENT);
  });

  it.each(refusals.filter(([what]) => what !== 'no certificate'))(
    'a server with %s',
    async (what, identity, code, rule) => {
      client.decide = (id) => id.toString() === SERVER;
      const port = await listen(createServer({ ...identity(SERVER), requestCert: true, rejectUnauthorized: false }));
      const refusal = await connectTls(client, { host: '127.0.0.1', port }).catch((error: unknown) => error);
      expect(refusal).toMatchObject({ code, rule });
      expect((refusal as TlsError).message).toContain('server');
      expectClaim(refusal as TlsError, what, SERVER);
    },
  );
});

function expectClaim(refusal: TlsError | undefined, what: string, id: string): void {
  const claims: Readonly<Record<string, string | undefined>> = {
    'no certificate': undefined,
    'two identifiers': undefined,
    'an identifier that is not admitted': OTHER,
  };
  const claim = what in claims ? claims[what] : id;
  expect(refusal?.claimedId).toBe(claim);
  if (claim !== undefined) expect(refusal?.message).toContain(claim);
}

describe('threat 46: what a refused client sees', () => {
  it.each(['TLSv1.2', 'TLSv1.3'] as const)('is the same whatever the reason, over %s', async (version) => {
    server.decide = (id) => id.toString() === CLIENT;
    const port = await listen(createTlsServer(server));
    const seen = new Map<string, string>();
    for (const [what, identity] of refusals) seen.set(what, await afterHandshake(port, identity(CLIENT), version));
    await until(() => server.refused.length).toBe(refusals.length);
    expect(new Set(seen.values())).toEqual(new Set(['']));
  });
});

/** The TLS records that come from a server once the client has sent its last message of the handshake, in words. */
async function afterHandshake(port: number, identity: Partial<PemIdentity>, version: SecureVersion): Promise<string> {
  const records: string[] = [];
  let handshakeIsOver = false;
  const tap = createNetServer((near) => {
    const far = netConnect(port, '127.0.0.1');
    near.on('error', () => far.destroy()).pipe(far);
    far
      .on('error', () => near.destroy())
      .on('data', (data) => {
        if (handshakeIsOver) records.push(data.toString('hex'));
        near.write(data);
      });
    far.on('end', () => near.end());
  });
  const tapped = await listen(tap);
  const options = { minVersion: version, maxVersion: version, rejectUnauthorized: false };
  const socket = connect({ host: '127.0.0.1', port: tapped, ...options, ...identity });
  onTestFinished(() => void socket.destroy());
  socket.on('secureConnect', () => {
    handshakeIsOver = true;
  });
  await readToEnd(socket);
  return records.join(' ');
}

it('an error shows the rule beneath it, of svidkit or of Node', () => {
  const cause = Object.assign(new Error('bad name'), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
  expect(new TlsError('peer_refused', 'x', { cause }).rule).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
  expect(new TlsError('peer_refused', 'x', { cause: new Error('plain') }).rule).toBeUndefined();
  expect(new TlsError('no_certificate', 'x').rule).toBeUndefined();
});
