import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { parseSpiffeBundle, type SpiffeBundle, X509Bundle } from 'svidkit/bundle';
import { createBundleEndpointHandler, createFederatedBundleSource, fetchSpiffeBundle } from 'svidkit/federation';
import { exactly, parseTrustDomain } from 'svidkit/id';
import { createIssuer, type Issuer } from 'svidkit/issuer';
import { createHttpsAgent, createHttpsServer, getPeer } from 'svidkit/tls';
import { createJwtSource, createX509Source, type X509Source } from 'svidkit/workload-api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EndpointServer, pemOf } from '../support/bundle-endpoint.js';
import { ENDPOINT_ID, hearFederation, web, webProfile } from '../support/federated-domain.js';
import { rejectionOf } from '../support/rejections.js';
import { buildGoProgram } from './support/go-programs.js';
import type { Spire } from './support/spire.js';
import { useSpire } from './support/use-spire.js';
import { ownUser } from './support/users.js';
import { waitFor } from './support/wait-for.js';

const refresh = { minMs: 100, maxMs: 200 };
const webRoots = webProfile.ca as string;

const profileOf = async (spire: Spire) => ({
  kind: 'https_spiffe' as const,
  endpointId: spire.bundleEndpoint.id,
  bootstrap: parseSpiffeBundle(spire.trustDomain, await spire.commands.bundleDocument()),
});

describe('the bundle endpoint of a real SPIRE, https_spiffe', () => {
  const spire = useSpire({ trustDomain: 'b.test' });
  const trustDomain = 'b.test';

  it('is verified with what `bundle show` prints, and held to its SPIFFE ID', async () => {
    const { url } = spire().bundleEndpoint;
    const profile = await profileOf(spire());
    const bundle = await fetchSpiffeBundle({ trustDomain, url, profile });
    expect(bundle.x509.equals(profile.bootstrap.x509)).toBe(true);
    expect(bundle.jwt.equals(profile.bootstrap.jwt)).toBe(true);
    expect(bundle.refreshHintSeconds).toBe(60);

    const stranger = { ...profile, endpointId: 'spiffe://b.test/spire/agent' };
    expect(await rejectionOf(fetchSpiffeBundle({ trustDomain, url, profile: stranger }))).toBe('endpoint_mismatch');
    const { bundle: bootstrap } = await createIssuer({ trustDomain });
    const untrusting = { ...profile, bootstrap: bootstrap.x509 };
    expect(await rejectionOf(fetchSpiffeBundle({ trustDomain, url, profile: untrusting }))).toBe('endpoint_untrusted');
    expect(await rejectionOf(fetchSpiffeBundle({ trustDomain, url, profile: webProfile }))).toBe('endpoint_untrusted');
    expect(await rejectionOf(fetchSpiffeBundle({ trustDomain, url: `${url}bundle`, profile }))).toBe('bad_status');
  });

  it('is followed through the rotation of its authorities, down to the revocation of the first', async () => {
    const { commands, bundleEndpoint } = spire();
    const profile = await profileOf(spire());
    const { codes, onError } = hearFederation();
    await using source = createFederatedBundleSource({
      trustDomain,
      url: bundleEndpoint.url,
      profile,
      refresh,
      onError,
    });
    await source.ready();
    const sizes = (): string => `${source.current.x509.authorities.length} ${source.current.jwt.keys.length}`;
    expect(sizes()).toBe('1 1');
    const first = source.current;

    const prepared = await commands.prepareAuthority('x509');
    await waitFor('the second X.509 authority', () => sizes() === '2 1');
    await commands.prepareAuthority('jwt');
    await waitFor('the second JWT authority', () => sizes() === '2 2');
    const old = await commands.activateAuthority('x509', prepared);
    await commands.taintAuthority('x509', old);
    await waitFor('a server that presents an SVID of the second authority', async () => {
      const [, second] = source.current.x509.authorities;
      if (second === undefined) return false;
      const only = { ...profile, bootstrap: new X509Bundle(trustDomain, [second]) };
      return (
        (await rejectionOf(fetchSpiffeBundle({ trustDomain, url: bundleEndpoint.url, profile: only }))) === 'accepted'
      );
    });
    await commands.revokeAuthority('x509', old);
    await waitFor('a bundle without the first authority', () => sizes() === '1 2');
    expect(source.current.x509.equals(first.x509)).toBe(false);
    const { fetchedAt } = source.health;
    await waitFor('a fetch after that', () => source.health.fetchedAt?.getTime() !== fetchedAt?.getTime());
    expect(source.health.lastError).toBeUndefined();
    expect(codes).toEqual([]);
    expect((first.sequence ?? 0n) < (source.current.sequence ?? 0n)).toBe(true);
  });
});

describe('a trust domain of svidkit, federated with a real SPIRE in both directions', () => {
  const spire = useSpire({ webRoots });
  const planner = 'spiffe://example.org/agents/planner';
  const orders = 'spiffe://b.test/services/orders';
  const folder = mkdtempSync(join(tmpdir(), 'federation-'));
  const B = parseTrustDomain('b.test');
  const WEB = parseTrustDomain('web.test');
  let issuer: Issuer;
  let webIssuer: Issuer;
  let spiffeEndpoint: EndpointServer;
  let webEndpoint: EndpointServer;
  let source: X509Source;

  beforeAll(async () => {
    issuer = await createIssuer({ trustDomain: B });
    webIssuer = await createIssuer({ trustDomain: WEB });
    const identity = pemOf(await issuer.issueX509Svid(ENDPOINT_ID));
    spiffeEndpoint = await EndpointServer.start(identity, createBundleEndpointHandler({ bundle: () => issuer.bundle }));
    const handler = createBundleEndpointHandler({ bundle: () => webIssuer.bundle, path: '/web.json' });
    webEndpoint = await EndpointServer.start(web, handler);
    writeFileSync(join(folder, 'b.test.json'), issuer.bundle.serialize());
    writeFileSync(join(folder, 'web-roots.pem'), webRoots);
    const { commands } = spire();
    await commands.federateWith('b.test', spiffeEndpoint.url(), ENDPOINT_ID, join(folder, 'b.test.json'));
    await commands.federateWith('web.test', webEndpoint.url('/web.json'));
    await waitFor('both bundles, which an entry needs', async () => {
      await commands.refreshBundleOf('web.test');
      await commands.refreshBundleOf('b.test');
      return await commands.createEntry({
        ...{ path: '/agents/planner', uid: ownUser(), federatesWith: ['b.test', 'web.test'] },
      });
    });
    source = createX509Source({ address: spire().address });
    await source.ready({ timeoutMs: 30_000 });
  });

  afterAll(async () => {
    await source?.close();
    await spiffeEndpoint?.[Symbol.asyncDispose]();
    await webEndpoint?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  it('SPIRE hands our bundles to a workload, fetched by https_spiffe and by https_web', async () => {
    expect(spiffeEndpoint.requests).toContain('GET 127.0.0.1 /');
    expect(webEndpoint.requests).toContain('GET 127.0.0.1 /web.json');
    await waitFor('the bundles of both trust domains', () => {
      return (
        source.getX509Bundle(B)?.equals(issuer.bundle.x509) && source.getX509Bundle(WEB)?.equals(webIssuer.bundle.x509)
      );
    });
    await using jwt = createJwtSource({ address: spire().address });
    await jwt.ready({ timeoutMs: 30_000 });
    await waitFor('the JWT keys', () => jwt.getJwtBundle(B)?.equals(issuer.bundle.jwt));
  });

  it('a workload of SPIRE and one of ours call each other over mutual TLS, through our rotation', async () => {
    const profile = await profileOf(spire());
    await using bundles = createFederatedBundleSource({
      ...{ trustDomain: 'example.org', url: spire().bundleEndpoint.url, profile, refresh },
    });
    await bundles.ready();
    let svid = await issuer.issueX509Svid(orders);
    const options = { svid: { getX509Svid: () => svid }, bundles, authorize: exactly(planner) };
    const server = createHttpsServer(options, (incoming, response) => response.end(`${getPeer(incoming).id}`));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const agent = createHttpsAgent({ svid: source, bundles: source, authorize: exactly(orders) });
    const call = async (): Promise<string> => {
      const outgoing = request({ host: '127.0.0.1', port, agent });
      outgoing.end();
      const [response] = await once(outgoing, 'response');
      return await text(response);
    };
    try {
      expect(await call()).toBe(planner);

      const [first] = issuer.authorities.x509;
      await issuer.rotateX509Authority();
      await waitFor('our new authority at the workload', async () => {
        await spire().commands.refreshBundleOf('b.test');
        return source.getX509Bundle(B)?.authorities.length === 2;
      });
      const before = svid;
      svid = await issuer.issueX509Svid(orders);
      spiffeEndpoint.present(pemOf(await issuer.issueX509Svid(ENDPOINT_ID)));
      expect(await call()).toBe(planner);

      issuer.revokeX509Authority(first?.id ?? '');
      await waitFor('the revocation at the workload', async () => {
        await spire().commands.refreshBundleOf('b.test');
        return source.getX509Bundle(B)?.equals(issuer.bundle.x509);
      });
      expect(await call()).toBe(planner);
      svid = before;
      expect(await rejectionOf(call())).toBe('peer_refused');
    } finally {
      agent.destroy();
      server.close();
    }
  });

  it('go-spiffe fetches our bundles, by both profiles', async () => {
    const program = await buildGoProgram('fetch-bundle');
    const run = async (...flags: string[]): Promise<unknown> =>
      JSON.parse((await promisify(execFile)(program, flags)).stdout);
    writeFileSync(join(folder, 'b.test.json'), issuer.bundle.serialize());
    const spiffe = ['-endpoint-id', ENDPOINT_ID, '-bootstrap', join(folder, 'b.test.json')];
    expect(await run('-trust-domain', 'b.test', '-url', spiffeEndpoint.url(), ...spiffe)).toEqual(
      summaryOf(issuer.bundle),
    );
    const roots = ['-roots', join(folder, 'web-roots.pem')];
    expect(await run('-trust-domain', 'web.test', '-url', webEndpoint.url('/web.json'), ...roots)).toEqual(
      summaryOf(webIssuer.bundle),
    );
  });
});

function summaryOf({ sequence, refreshHintSeconds, x509, jwt }: SpiffeBundle): object {
  return {
    ...{ sequence: Number(sequence), hint: refreshHintSeconds },
    ...{ x509: x509.authorities.length, jwt: jwt.keys.length },
  };
}
