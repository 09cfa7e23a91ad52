import { createIssuer, type Issuer } from 'svidkit/issuer';
import { createWitSource, createX509Source, type WitSource, type X509Source } from 'svidkit/workload-api';
import type { CertificateRevocationList, X509Svid } from 'svidkit/x509-svid';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { GrpcStatus } from '../../src/workload-api/grpc-status.js';
import { refuseExpired } from '../../src/workload-api/refuse-expired.js';
import { witBundlesMessage, witMessage, x509Message } from '../support/delivered-messages.js';
import { type Heard, hear } from '../support/hear.js';
import { codeOf } from '../support/refusals.js';
import { ScriptedEndpoint } from '../support/scripted-endpoint.js';
import { until } from '../support/until.js';

const PLANNER = 'spiffe://example.org/agents/planner';
const WRITER = 'spiffe://example.org/agents/writer';

/** When the endpoint's clock and ours agree, and when the SVIDs end that were issued then. */
const NOW = Date.UTC(2026, 10, 21, 12);
const HOUR = 3_600_000;

let issuerTime = NOW;
let issuer: Issuer;
let other: Issuer;
let crl: CertificateRevocationList | undefined;
let good: X509Svid;
let writer: X509Svid;
let stale: X509Svid;
let ahead: X509Svid;

beforeAll(async () => {
  const clock = () => issuerTime;
  [issuer, other] = [
    await createIssuer({ trustDomain: 'example.org', clock }),
    await createIssuer({ trustDomain: 'b.example', clock }),
  ];
  [crl] = issuer.getX509Crls();
  good = await issuer.issueX509Svid(PLANNER);
  writer = await issuer.issueX509Svid(WRITER, { ttlSeconds: 7200, hint: 'writer' });
  issuerTime = NOW - 3 * HOUR;
  stale = await issuer.issueX509Svid(PLANNER);
  issuerTime = NOW + 3 * HOUR;
  ahead = await issuer.issueX509Svid(PLANNER);
});

describe('an SVID that has expired when it comes', () => {
  let now: number;
  let endpoint: ScriptedEndpoint;
  let heard: Heard;

  beforeEach(async () => {
    now = NOW;
    heard = hear();
    endpoint = await ScriptedEndpoint.start();
  });

  afterEach(() => endpoint.stop());

  describe('from FetchX509SVID', () => {
    let source: X509Source;

    afterEach(() => source.close());

    const message = (...svids: X509Svid[]) => x509Message(svids, issuer.bundle);
    const start = async (...svids: X509Svid[]): Promise<void> => {
      endpoint.x509.opening = { send: message(...svids) };
      source = createX509Source({ address: endpoint.address, clock: () => now, ...heard });
      await until(() => source.health.connected).toBe(true);
    };
    const presented = (): X509Svid => source.getX509Svid();

    it('is refused and reported, and the good one is presented until it expires by itself', async () => {
      await start(good);
      endpoint.x509.push(message(stale));
      await until(() => heard.codes).toEqual(['expired']);
      expect(presented().equals(good)).toBe(true);
      expect(source.current.svids.map((svid) => svid.equals(good))).toEqual([true]);
      expect(source.current.defaultSvid).toBe(presented());
      expect(source.health).toMatchObject({
        connected: true,
        expiresAt: good.expiresAt,
        lastError: { code: 'expired' },
      });
      expect(source.health.lastError?.message).toContain(stale.expiresAt.toISOString());
      now = good.expiresAt.getTime();
      expect(codeOf(presented)).toBe('expired');
    });

    it('is refused however often it comes, and makes way for what is newer', async () => {
      await start(good);
      for (const codes of [['expired'], ['expired', 'expired']]) {
        endpoint.x509.push(message(stale));
        await until(() => heard.codes).toEqual(codes);
        expect(presented().equals(good)).toBe(true);
      }
      const newer = await issuer.issueX509Svid(PLANNER);
      endpoint.x509.push(message(newer));
      await until(() => presented().equals(newer)).toBe(true);
      expect(source.health.lastError).toBeUndefined();
    });

    it('does not keep the bundles and revocation lists of its message from taking effect', async () => {
      await start(good);
      const federatedBundles = { 'spiffe://b.example': other.bundle.x509.toDer() };
      endpoint.x509.push({ ...message(stale), federatedBundles, crl: [crl?.der ?? Uint8Array.of()] });
      await until(() => source.getX509Bundle(other.trustDomain)?.equals(other.bundle.x509)).toBe(true);
      expect(source.getX509Crls()).toHaveLength(1);
      expect(presented().equals(good)).toBe(true);
      endpoint.x509.push(message(stale));
      await until(() => source.getX509Bundle(other.trustDomain)).toBeUndefined();
    });

    it('is presented as expired where nothing is held, and reported', async () => {
      await start(stale);
      expect(codeOf(presented)).toBe('expired');
      expect(heard.codes).toEqual(['expired']);
      endpoint.x509.push(message(good));
      await until(() => codeOf(presented)).toBe('accepted');
      endpoint.x509.opening = { refuse: GrpcStatus.permissionDenied };
      endpoint.x509.end(GrpcStatus.permissionDenied);
      await until(() => codeOf(presented)).toBe('withdrawn');
      endpoint.x509.opening = { send: message(stale) };
      await until(() => codeOf(presented)).toBe('expired');
    });

    it('keeps nothing of what its message no longer has', async () => {
      await start(good, writer);
      endpoint.x509.push(message(stale));
      await until(() => source.current.svids.length).toBe(1);
      expect(presented().equals(good)).toBe(true);
      endpoint.x509.push(message(writer));
      await until(() => source.current.svids.map(({ id }) => `${id}`)).toEqual([WRITER]);
      endpoint.x509.push(message(stale));
      await until(() => codeOf(presented)).toBe('expired');
    });

    it('does not hold back the others of its message', async () => {
      await start(good, writer);
      const newer = await issuer.issueX509Svid(WRITER, { hint: 'writer' });
      endpoint.x509.push(message(stale, newer));
      await until(() => source.current.svids.map((svid) => svid.equals(good) || svid.equals(newer))).toEqual([
        true,
        true,
      ]);
    });

    it('is not one whose time has not come, which is taken as it was delivered', async () => {
      await start(good);
      endpoint.x509.push(message(ahead));
      await until(() => presented().equals(ahead)).toBe(true);
      expect(heard.codes).toEqual([]);
    });
  });

  describe('from FetchWITSVID', () => {
    let source: WitSource;

    afterEach(() => source.close());

    it('is refused and reported, and the good one is presented until it expires by itself', async () => {
      issuerTime = NOW;
      const held = await issuer.issueWitSvid(PLANNER);
      issuerTime = NOW - 3 * HOUR;
      const old = await issuer.issueWitSvid(PLANNER);
      endpoint.wit.opening = { send: witMessage([held]) };
      endpoint.witBundles.opening = { send: witBundlesMessage(issuer.bundle) };
      source = createWitSource({ address: endpoint.address, clock: () => now, ...heard });
      await source.ready();
      endpoint.wit.push(witMessage([old]));
      await until(() => heard.codes).toEqual(['expired']);
      expect(source.getWitSvid().equals(held)).toBe(true);
      expect(source.current.svids.map((svid) => svid.equals(held))).toEqual([true]);
      expect(source.health.lastError?.code).toBe('expired');
      now = held.expiresAt.getTime();
      expect(codeOf(() => source.getWitSvid())).toBe('expired');
    });
  });
});

describe('refusing expired SVIDs', () => {
  const id = (path: string) => ({ equals: (one: unknown) => `${one}` === path, toString: () => path });
  const svid = (path: string, hint: string | undefined, expiresAt: number) => ({
    id: id(path) as never,
    hint,
    expiresAt: new Date(expiresAt),
  });
  const refuse = (delivered: ReturnType<typeof svid>[], held: ReturnType<typeof svid>[]) => {
    const { svids, refusedSvids } = refuseExpired(delivered, held, 10);
    expect(refusedSvids).toHaveLength(delivered.filter(({ expiresAt }) => expiresAt.getTime() <= 10).length);
    return svids.map(({ hint, expiresAt }) => [hint, expiresAt.getTime()]);
  };

  it('tells SVIDs of one SPIFFE ID apart by hint', () => {
    const held = [svid('/a', 'one', 20), svid('/a', 'two', 30)];
    expect(refuse([svid('/a', 'two', 1), svid('/a', 'one', 2)], held)).toEqual([
      ['two', 30],
      ['one', 20],
    ]);
  });

  it('gives no hint twice, and no SVID of another SPIFFE ID', () => {
    expect(refuse([svid('/a', 'new', 1)], [svid('/a', 'old', 20)])).toEqual([['old', 20]]);
    expect(refuse([svid('/a', 'new', 1), svid('/a', 'old', 40)], [svid('/a', 'old', 20)])).toEqual([
      ['new', 1],
      ['old', 40],
    ]);
    expect(refuse([svid('/a', 'new', 1), svid('/a', 'newer', 2)], [svid('/a', 'old', 20)])).toEqual([
      ['old', 20],
      ['newer', 2],
    ]);
    expect(refuse([svid('/a', undefined, 1)], [svid('/b', undefined, 20)])).toEqual([[undefined, 1]]);
  });

  it('puts nothing that has expired in its place, nor trusts a clock that is none', () => {
    expect(refuse([svid('/a', undefined, 1)], [svid('/a', undefined, 10)])).toEqual([[undefined, 1]]);
    const { svids } = refuseExpired([svid('/a', undefined, 1)], [svid('/a', undefined, 20)], Number.NaN);
    expect(svids[0]?.expiresAt.getTime()).toBe(1);
  });
});
