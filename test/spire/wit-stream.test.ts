import { setTimeout as sleep } from 'node:timers/promises';
import { createProvingFetch } from 'svidkit/http';
import { oneOf, parseTrustDomain } from 'svidkit/id';
import { parseWitSvid } from 'svidkit/wit';
import { createWitSource, type WitContext, type WitSource } from 'svidkit/workload-api';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ProofService, startProofService } from './support/proof-service.js';
import type { MintedWit, SpireCommands } from './support/spire-commands.js';
import { useSpire } from './support/use-spire.js';
import { waitFor } from './support/wait-for.js';
import { type ServedWit, WitServer } from './support/wit-server.js';

const AUDIENCE = 'https://tools.example.org/orders';
const PATH = '/agents/planner';
const PLANNER = `spiffe://example.org${PATH}`;
const PARTNER = `spiffe://partner.test${PATH}`;
const UNIMPLEMENTED = 12;
const FAILED_PRECONDITION = 9;
const PERMISSION_DENIED = 7;

describe('a WitSource on streams of WIT-SVIDs that a real SPIRE server minted', () => {
  const spire = useSpire();
  const partner = useSpire({ trustDomain: 'partner.test' });
  let server: WitServer;
  let source: WitSource;
  let errors: string[];
  let service: ProofService;

  const open = (): WitSource => {
    errors = [];
    source = createWitSource({
      address: server.address,
      backoff: { initialMs: 50, maxMs: 200 },
      onError: ({ code }) => errors.push(code),
    });
    return source;
  };

  /** Proves a request with what the source presents; gives what the service, which trusts the same source, says. */
  const prove = async (wit: { getWitSvid: WitSource['getWitSvid'] } = source): Promise<unknown> => {
    const provingFetch = createProvingFetch({ wit, audience: () => AUDIENCE, allowPlaintext: true });
    const answer = await provingFetch(service.url, { method: 'POST', body: '{"item":"book"}' });
    return answer.ok ? await answer.json() : answer.status;
  };

  beforeEach(async () => {
    server = await WitServer.start();
    const ownBundle = await spire().commands.witJwks();
    await server.order({
      svids: [await mint(spire().commands, PLANNER)],
      bundles: { 'spiffe://example.org': ownBundle },
    });
    open();
    service = await startProofService({ bundles: source, audience: AUDIENCE, authorize: oneOf([PLANNER, PARTNER]) });
  });

  afterEach(async () => {
    await service[Symbol.asyncDispose]();
    await source.close();
    await server[Symbol.asyncDispose]();
  });

  it('gives the first one, and it proves a request', async () => {
    await source.ready({ timeoutMs: 10_000 });
    expect(source.getWitSvid()).toMatchObject({ alg: 'ES256' });
    expect(await prove()).toEqual({ id: PLANNER });
    expect(source.health).toMatchObject({ connected: true, lastError: undefined });
    expect(await server.order({})).toEqual({ svidStreams: 1, bundleStreams: 1 });
  });

  it('announces every rotation once, and proves requests with the newest', async () => {
    await source.ready({ timeoutMs: 10_000 });
    const announced: WitContext[] = [];
    const reading = (async () => {
      for await (const update of source.updates()) announced.push(update);
    })();
    const tokens = [source.getWitSvid().token];
    for (const key of [{ keyType: 'ec-p384', signingAlgorithm: 'ES384' }, {}] as const) {
      const next = await mint(spire().commands, PLANNER, key);
      await server.order({ svids: [next] });
      await waitFor('the rotated WIT-SVID', () => source.getWitSvid().token === next.token);
      expect(await prove()).toEqual({ id: PLANNER });
      tokens.push(next.token);
      // The server repeats itself after every order; that is no news.
      await server.order({});
      await server.order({});
    }
    await source.close();
    await reading;
    expect(announced.map(({ defaultSvid }) => defaultSvid.token)).toEqual(tokens);
    expect(errors).toEqual([]);
  });

  it('follows the bundles: a foreign trust domain is believed while it is delivered, and no longer', async () => {
    await source.ready({ timeoutMs: 10_000 });
    const foreign = await mint(partner().commands, PARTNER);
    const svid = parseWitSvid({ token: foreign.token, privateKey: foreign.key });
    const asPartner = { getWitSvid: () => svid };
    const own = { 'spiffe://example.org': await spire().commands.witJwks() };
    const theirs = { 'spiffe://partner.test': await partner().commands.witJwks() };
    const known = (): boolean => source.getWitBundle(parseTrustDomain('partner.test')) !== undefined;

    expect(await prove(asPartner)).toBe(401);
    await server.order({ bundles: { ...own, ...theirs } });
    await waitFor('the bundle of the partner', known);
    expect(await prove(asPartner)).toEqual({ id: PARTNER });
    expect(await prove()).toEqual({ id: PLANNER });

    await server.order({ bundles: own });
    await waitFor('the end of the bundle of the partner', () => !known());
    expect(await prove(asPartner)).toBe(401);
    expect(await prove()).toEqual({ id: PLANNER });
  });

  it('refuses a key that is not the one in cnf, keeps the last good SVID, and takes the next good one', async () => {
    await source.ready({ timeoutMs: 10_000 });
    const before = source.getWitSvid();
    const [one, other] = [await mint(spire().commands, PLANNER), await mint(spire().commands, PLANNER)];
    await server.order({ svids: [{ ...one, key: other.key }] });
    await waitFor('a refused message', () => errors.includes('bad_identity'));
    expect(source.getWitSvid().equals(before)).toBe(true);
    expect(source.health).toMatchObject({ connected: true, lastError: { code: 'bad_identity' } });
    expect(await prove()).toEqual({ id: PLANNER });

    await server.order({ svids: [other] });
    await waitFor('the next good one', () => source.getWitSvid().token === other.token);
    expect(source.health.lastError).toBeUndefined();
    expect(await prove()).toEqual({ id: PLANNER });
    expect((await server.order({})).svidStreams).toBe(1);
  });

  it('presents nothing while the identity is denied, and proves requests again afterwards', async () => {
    await source.ready({ timeoutMs: 10_000 });
    await server.order({ refuse: PERMISSION_DENIED });
    await waitFor('a withdrawn identity', () => codeOf(() => source.getWitSvid()) === 'withdrawn');
    await expect(prove()).rejects.toMatchObject({ code: 'withdrawn' });
    await server.order({ refuse: 0 });
    await waitFor('the identity', () => codeOf(() => source.current) === undefined);
    expect(await prove()).toEqual({ id: PLANNER });
  });

  it.each([UNIMPLEMENTED, FAILED_PRECONDITION])(
    'gives up at once where status %i answers every call',
    async (refuse) => {
      await source.close();
      const before = await server.order({ refuse });
      await expect(open().ready({ timeoutMs: 10_000 })).rejects.toMatchObject({
        code: 'unimplemented',
        grpcStatus: refuse,
      });
      expect(codeOf(() => source.getWitSvid())).toBe('unimplemented');
      await sleep(1_000);
      const after = await server.order({ refuse: 0 });
      expect(after.svidStreams - before.svidStreams).toBe(1);
      expect(after.bundleStreams - before.bundleStreams).toBeLessThanOrEqual(1);
    },
  );

  it.each([UNIMPLEMENTED, FAILED_PRECONDITION])('asks no more once status %i ends its streams', async (refuse) => {
    await source.ready({ timeoutMs: 10_000 });
    const before = await server.order({ refuse });
    await waitFor('a source that knows', () => !source.health.connected);
    await sleep(1_000);
    expect(await server.order({ refuse: 0 })).toEqual(before);
    // What was granted is not withdrawn by that; it ends with its own lifetime.
    expect(source.getWitSvid().id.toString()).toBe(PLANNER);
  });
});

async function mint(
  commands: SpireCommands,
  spiffeId: string,
  options: Parameters<SpireCommands['mintWit']>[1] = {},
): Promise<ServedWit> {
  const { token, privateKey }: MintedWit = await commands.mintWit(PATH, options);
  return { spiffeId, token, key: privateKey };
}

function codeOf(action: () => unknown): unknown {
  try {
    action();
    return undefined;
  } catch (error) {
    return error instanceof Error && 'code' in error ? error.code : error;
  }
}
