import { once } from 'node:events';
import { join } from 'node:path';
import { connectTls, createHttpsAgent, createHttpsServer, createTlsServer, getPeer } from 'svidkit/tls';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { call, listen } from '../support/connections.js';
import { CLIENT, ourSvid, ours, pemIdentity, SERVER, Side } from '../support/mtls.js';
import { makeLeaf, sourceOf } from '../support/x509.js';
import { BAD_LEAVES } from '../tls-matrix/support/presented.js';
import { refusalIn, ruleOf } from '../tls-matrix/support/refusal-in.js';
import {
  type ClientRun,
  type OpensslVersion,
  runClient,
  scratchFolder,
  sessionOf,
  startServer,
} from './support/openssl.js';

const GET = 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
const VERSIONS: readonly OpensslVersion[] = ['-tls1_2', '-tls1_3'];
const BAD = Object.entries(BAD_LEAVES).map(([what, { rule, leaf }]) => [what, `peer_refused/${rule}`, leaf] as const);
const client = pemIdentity(makeLeaf(ours, CLIENT));

let side: Side;
let handled: number;
let folder: string;

beforeEach(() => {
  folder = scratchFolder();
  handled = 0;
});

describe.each(VERSIONS)('openssl s_client %s', (version) => {
  beforeEach(() => {
    side = new Side(ourSvid(SERVER));
  });

  const https = () =>
    createHttpsServer(side, (request, response) => {
      handled += 1;
      response.end(`you are ${getPeer(request).id}`);
    });
  const visit = (port: number, run: Partial<ClientRun> = {}): Promise<string> =>
    runClient(folder, { port, version, identity: client, text: GET, ...run });

  it('is let in to an https server, and to a raw one', async () => {
    expect(await visit(await listen(https()))).toContain(`you are ${CLIENT}`);
    const raw = createTlsServer(side, (socket) => socket.on('data', () => socket.end(`you are ${getPeer(socket).id}`)));
    expect(await visit(await listen(raw), { text: 'hello\n' })).toContain(`you are ${CLIENT}`);
    expect(side.refused).toEqual([]);
  });

  it('is refused without a certificate', async () => {
    expect(await visit(await listen(https()), { identity: undefined })).not.toContain('you are');
    expect([handled, side.refused.map(ruleOf)]).toEqual([0, ['no_certificate']]);
  });

  it.each(BAD)('is refused with a certificate that is bad: %s', async (_, rule, leaf) => {
    expect(await visit(await listen(https()), { identity: pemIdentity(leaf()) })).not.toContain('you are');
    expect([handled, side.refused.map(ruleOf)]).toEqual([0, [rule]]);
  });

  it('cannot resume its session', async () => {
    const port = await listen(https());
    const session = join(folder, 'session.pem');
    expect(sessionOf(await visit(port, { more: ['-sess_out', session] }))).toBe('new');
    const again = await visit(port, { more: ['-sess_in', session] });
    expect(sessionOf(again)).toBe('new');
    expect(again).toContain(`you are ${CLIENT}`);
  });

  it('is verified again where an application lets it resume its session', async () => {
    const server = https();
    const port = await listen(server);
    await visit(port);
    // Now that the server has a context, one with session tickets takes its place.
    server.setSecureContext(pemIdentity(makeLeaf(ours, SERVER)));
    const session = join(folder, 'session.pem');
    const saved = { more: ['-sess_in', session] };
    await visit(port, { more: ['-sess_out', session] });
    const admitted = await visit(port, saved);
    expect([sessionOf(admitted), admitted.includes(`you are ${CLIENT}`)]).toEqual(['reused', true]);

    side.bundleSource = sourceOf();
    const refused = await visit(port, saved);
    expect([sessionOf(refused), refused.includes('you are')]).toEqual(['reused', false]);
    expect([handled, side.refused.map(ruleOf)]).toEqual([3, ['peer_refused/unknown_trust_domain']]);
  });
});

describe.each(VERSIONS)('openssl s_server %s', (version) => {
  beforeEach(() => {
    side = new Side(ourSvid(CLIENT));
  });

  const serve = (identity = pemIdentity(makeLeaf(ours, SERVER)), ...more: string[]): Promise<number> =>
    startServer(folder, version, identity, ...more);

  it('is let in as an https server, and never resumes a session with us', async () => {
    const port = await serve(undefined, '-www');
    const agent = createHttpsAgent(side);
    for (let visits = 0; visits < 3; visits += 1) {
      const { status, body } = await call(agent, port);
      expect([status, sessionOf(body)]).toEqual([200, 'new']);
    }
  });

  it('is let in as a raw server', async () => {
    const socket = await connectTls(side, { host: '127.0.0.1', port: await serve(undefined, '-rev') });
    onTestFinished(() => void socket.destroy());
    socket.write('drawer\n');
    const [answer] = await once(socket, 'data');
    expect(String(answer)).toBe('reward\n');
    expect(`${getPeer(socket).id}`).toBe(SERVER);
  });

  it('is refused where somebody else is expected', async () => {
    side.decide = () => false;
    const failure: unknown = await call(createHttpsAgent(side), await serve(undefined, '-www')).catch((error) => error);
    expect(refusalIn(failure)).toBe('not_authorized');
  });

  it.each(BAD)('is refused with a certificate that is bad: %s', async (_, rule, leaf) => {
    const port = await serve(pemIdentity(leaf()), '-www');
    const failure: unknown = await call(createHttpsAgent(side), port).catch((error: unknown) => error);
    expect(refusalIn(failure)).toBe(rule);
  });
});
