import { createDevEndpoint } from 'svidkit/dev';
import { parseTrustDomain } from 'svidkit/id';
import { createIssuer, type Issuer } from 'svidkit/issuer';
import { verifyWit, type WitSvid } from 'svidkit/wit';
import { createWitSource, type WitSource, type WitSourceOptions } from 'svidkit/workload-api';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { GrpcStatus } from '../../src/workload-api/grpc-status.js';
import { witBundlesMessage, witMessage } from '../support/delivered-messages.js';
import { type Heard, hear } from '../support/hear.js';
import { codeOf } from '../support/refusals.js';
import { rejectionOf } from '../support/rejections.js';
import { ScriptedEndpoint } from '../support/scripted-endpoint.js';
import { until } from '../support/until.js';
import { visibleForms } from '../support/visible-forms.js';

const PLANNER = 'spiffe://example.org/agents/planner';
const HOME = parseTrustDomain('example.org');

describe('a WitSource', () => {
  let issuer: Issuer;
  let first: WitSvid;
  let second: WitSvid;
  let endpoint: ScriptedEndpoint;
  let source: WitSource;
  let heard: Heard;

  beforeAll(async () => {
    issuer = await createIssuer({ trustDomain: 'example.org' });
    first = await issuer.issueWitSvid(PLANNER);
    second = await issuer.issueWitSvid(PLANNER, { hint: 'second' });
  });

  beforeEach(async () => {
    heard = hear();
    endpoint = await ScriptedEndpoint.start();
    endpoint.wit.opening = { send: witMessage([first]) };
    endpoint.witBundles.opening = { send: witBundlesMessage(issuer.bundle) };
  });

  afterEach(async () => {
    await source.close();
    await endpoint.stop();
  });

  const start = (options: WitSourceOptions = {}): WitSource => {
    source = createWitSource({ address: endpoint.address, ...heard, ...options });
    return source;
  };

  it('is ready when both SVIDs and bundles are here', async () => {
    endpoint.witBundles.opening = 'hang';
    start();
    await until(() => codeOf(() => source.getWitSvid())).toBe('accepted');
    expect(codeOf(() => source.current)).toBe('not_ready');
    expect(codeOf(() => source.getWitBundle(HOME))).toBe('not_ready');
    endpoint.witBundles.push(witBundlesMessage(issuer.bundle));
    await source.ready();
    const { svids, defaultSvid, bundles } = source.current;
    expect(svids.map((svid) => `${svid.id}`)).toEqual([PLANNER]);
    expect(defaultSvid).toBe(source.getWitSvid());
    expect(bundles.getWitBundle(HOME)?.equals(issuer.bundle.wit)).toBe(true);
    expect((await verifyWit(defaultSvid.token, source)).trustDomain.equals(HOME)).toBe(true);
    expect(source.health).toEqual({ connected: true, lastError: undefined, expiresAt: first.expiresAt });
  });

  it.each([GrpcStatus.unimplemented, GrpcStatus.failedPrecondition])(
    'rejects ready() with unimplemented at once after status %i, and asks no more',
    async (refuse) => {
      endpoint.wit.opening = { refuse };
      endpoint.witBundles.opening = { refuse };
      start();
      expect(await rejectionOf(source.ready())).toBe('unimplemented');
      for (const run of [() => source.current, () => source.getWitSvid()]) expect(codeOf(run)).toBe('unimplemented');
      await until(() => codeOf(() => source.getWitBundle(HOME))).toBe('unimplemented');
      await new Promise((resolve) => setTimeout(resolve, 60));
      expect([endpoint.wit.opened, endpoint.witBundles.opened]).toEqual([1, 1]);
      expect(source.health).toMatchObject({ connected: false, lastError: { code: 'unimplemented' } });
    },
  );

  it('announces what changed in either stream, and nothing repeated', async () => {
    await start().ready();
    const updates = source.updates()[Symbol.asyncIterator]();
    await updates.next();
    const next = updates.next();
    endpoint.wit.push(witMessage([first]));
    endpoint.witBundles.push(witBundlesMessage(issuer.bundle));
    endpoint.wit.push(witMessage([second]));
    expect((await next).value.defaultSvid.equals(second)).toBe(true);
    const after = updates.next();
    const other = await createIssuer({ trustDomain: 'b.example' });
    endpoint.witBundles.push(witBundlesMessage(issuer.bundle, other.bundle));
    expect((await after).value.bundles.trustDomains()).toHaveLength(2);
    await updates.return?.();
  });

  it('keeps the last good one when an SVID does not belong to its key', async () => {
    await start().ready();
    const [bad] = witMessage([second]).svids ?? [];
    const [good] = witMessage([first]).svids ?? [];
    endpoint.wit.push({ svids: [{ ...bad, witSvidKey: good?.witSvidKey ?? '' }] });
    await until(() => heard.codes).toEqual(['bad_identity']);
    expect(source.getWitSvid().equals(first)).toBe(true);
    expect(source.health.connected).toBe(true);
  });

  it('withdraws the SVID on PermissionDenied, and the bundles on theirs', async () => {
    await start().ready();
    endpoint.wit.opening = { refuse: GrpcStatus.permissionDenied };
    endpoint.wit.end(GrpcStatus.permissionDenied);
    await until(() => codeOf(() => source.getWitSvid())).toBe('withdrawn');
    expect(codeOf(() => source.current)).toBe('withdrawn');
    expect(source.getWitBundle(HOME)).toBeDefined();
    endpoint.witBundles.opening = { refuse: GrpcStatus.permissionDenied };
    endpoint.witBundles.end(GrpcStatus.permissionDenied);
    await until(() => codeOf(() => source.getWitBundle(HOME))).toBe('withdrawn');
  });

  it('never presents an expired SVID', async () => {
    let now = first.expiresAt.getTime() - 1;
    await start({ clock: () => now }).ready();
    now += 1;
    expect(codeOf(() => source.getWitSvid())).toBe('expired');
    expect(codeOf(() => source.current)).toBe('expired');
    expect(source.getWitBundle(HOME)).toBeDefined();
  });

  it('presents the one that was picked', async () => {
    endpoint.wit.opening = { send: witMessage([first, second]) };
    await start({ pick: (svids) => svids.find(({ hint }) => hint === 'second') }).ready();
    expect(source.getWitSvid().equals(second)).toBe(true);
    endpoint.wit.push(witMessage([first]));
    await until(() => codeOf(() => source.getWitSvid())).toBe('no_identity');
  });

  it('says closed after it was closed', async () => {
    await start().ready();
    await source[Symbol.asyncDispose]();
    for (const run of [() => source.current, () => source.getWitSvid(), () => source.getWitBundle(HOME)]) {
      expect(codeOf(run)).toBe('closed');
    }
  });

  it('shows neither token nor key to whoever looks at it', async () => {
    await start().ready();
    const secrets = [first.token, `${first.privateKey.export({ format: 'jwk' }).d}`];
    const forms = [source, source.current].flatMap(visibleForms).join('\n');
    for (const secret of secrets) expect(forms).not.toContain(secret);
  });

  it('follows the rotations of the development endpoint', async () => {
    await using dev = await createDevEndpoint();
    const workload = await dev.addWorkload(PLANNER);
    await start({ address: workload.address }).ready();
    const before = source.getWitSvid();
    await workload.rotate();
    await until(() => source.getWitSvid().equals(before)).toBe(false);
    workload.withdraw();
    await until(() => codeOf(() => source.getWitSvid())).toBe('withdrawn');
    await workload.restore();
    await source.ready();
  });
});
