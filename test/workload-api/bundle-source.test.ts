import { parseTrustDomain } from 'svidkit/id';
import { createIssuer, type Issuer } from 'svidkit/issuer';
import { type BundleSource, createBundleSource } from 'svidkit/workload-api';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { GrpcStatus } from '../../src/workload-api/grpc-status.js';
import { jwtBundlesMessage, witBundlesMessage, x509BundlesMessage } from '../support/delivered-messages.js';
import { type Heard, hear } from '../support/hear.js';
import { codeOf } from '../support/refusals.js';
import { rejectionOf } from '../support/rejections.js';
import { ScriptedEndpoint } from '../support/scripted-endpoint.js';
import { until } from '../support/until.js';

const HOME = parseTrustDomain('example.org');
const AWAY = parseTrustDomain('b.example');

describe('a BundleSource', () => {
  let home: Issuer;
  let away: Issuer;
  let endpoint: ScriptedEndpoint;
  let source: BundleSource;
  let heard: Heard;

  beforeAll(async () => {
    home = await createIssuer({ trustDomain: 'example.org' });
    away = await createIssuer({ trustDomain: 'b.example' });
  });

  beforeEach(async () => {
    heard = hear();
    endpoint = await ScriptedEndpoint.start();
    endpoint.x509Bundles.opening = { send: x509BundlesMessage(home.bundle) };
    endpoint.jwtBundles.opening = { send: jwtBundlesMessage(home.bundle, away.bundle) };
    endpoint.witBundles.opening = { send: witBundlesMessage(home.bundle) };
  });

  afterEach(async () => {
    await source.close();
    await endpoint.stop();
  });

  const start = (): BundleSource => {
    source = createBundleSource({ address: endpoint.address, ...heard });
    return source;
  };

  it('has the bundles of every kind, each for its own use', async () => {
    await start().ready();
    expect(source.getX509Bundle(HOME)?.equals(home.bundle.x509)).toBe(true);
    expect(source.getJwtBundle(HOME)?.equals(home.bundle.jwt)).toBe(true);
    expect(source.getWitBundle(HOME)?.equals(home.bundle.wit)).toBe(true);
    expect(source.getJwtBundle(AWAY)?.equals(away.bundle.jwt)).toBe(true);
    expect([source.getX509Bundle(AWAY), source.getWitBundle(AWAY)]).toEqual([undefined, undefined]);
    expect(source.current.trustDomains().map(String).sort()).toEqual(['spiffe://b.example', 'spiffe://example.org']);
    expect(source.current.getJwtBundle(HOME)).toBe(source.getJwtBundle(HOME));
    expect(source.health).toEqual({ connected: true, lastError: undefined, expiresAt: undefined });
  });

  it('waits for every kind that is served', async () => {
    endpoint.jwtBundles.opening = 'hang';
    start();
    await until(() => codeOf(() => source.getX509Bundle(HOME))).toBe('accepted');
    expect(codeOf(() => source.getJwtBundle(HOME))).toBe('not_ready');
    expect(codeOf(() => source.current)).toBe('not_ready');
    endpoint.jwtBundles.push(jwtBundlesMessage(home.bundle));
    await source.ready();
  });

  it('does without WIT bundles where the profile is not served', async () => {
    endpoint.witBundles.opening = { refuse: GrpcStatus.unimplemented };
    await start().ready();
    expect(source.getWitBundle(HOME)).toBeUndefined();
    expect(source.current.getWitBundle(HOME)).toBeUndefined();
    expect(source.getJwtBundle(HOME)).toBeDefined();
    expect(source.health).toMatchObject({ connected: true, lastError: undefined });
    expect(heard.codes).toEqual(['unimplemented']);
    expect(endpoint.witBundles.opened).toBe(1);
  });

  it('is never ready where no profile is served, or where a call is called wrong', async () => {
    for (const stream of [endpoint.x509Bundles, endpoint.jwtBundles, endpoint.witBundles]) {
      stream.opening = { refuse: GrpcStatus.unimplemented };
    }
    start();
    expect(await rejectionOf(source.ready())).toBe('unimplemented');
    expect(source.health).toMatchObject({ connected: false, lastError: { code: 'unimplemented' } });
    await source.close();
    endpoint.x509Bundles.opening = { refuse: GrpcStatus.invalidArgument };
    expect(await rejectionOf(start().ready())).toBe('invalid_argument');
  });

  it('drops a trust domain that is no longer delivered', async () => {
    await start().ready();
    const updates = source.updates()[Symbol.asyncIterator]();
    await updates.next();
    const next = updates.next();
    endpoint.jwtBundles.push(jwtBundlesMessage(home.bundle));
    expect((await next).value.trustDomains().map(String)).toEqual(['spiffe://example.org']);
    expect(source.getJwtBundle(AWAY)).toBeUndefined();
    await updates.return?.();
  });

  it('withdraws one kind on PermissionDenied, keeps all while the endpoint is away', async () => {
    await start().ready();
    endpoint.x509Bundles.opening = { refuse: GrpcStatus.permissionDenied };
    endpoint.x509Bundles.end(GrpcStatus.permissionDenied);
    await until(() => codeOf(() => source.getX509Bundle(HOME))).toBe('withdrawn');
    expect(source.getJwtBundle(HOME)).toBeDefined();
    await endpoint.stop();
    await until(() => heard.codes).toContain('unavailable');
    expect(source.getJwtBundle(HOME)).toBeDefined();
    await source[Symbol.asyncDispose]();
    expect(codeOf(() => source.getJwtBundle(HOME))).toBe('closed');
  });
});
