import { parseJwtBundle } from 'svidkit/bundle';
import { JwtSvidError, WorkloadApiError } from 'svidkit/errors';
import { verifyJwtSvid } from 'svidkit/jwt-svid';
import { createJwtSource, createWorkloadApiClient, type WorkloadApiClient } from 'svidkit/workload-api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { useSpire } from './support/use-spire.js';
import { ownUser } from './support/users.js';
import { waitFor } from './support/wait-for.js';

const AUDIENCE = 'https://tools.example.org';

describe('JWT-SVIDs of a real SPIRE', () => {
  const spire = useSpire();
  let client: WorkloadApiClient;

  beforeAll(async () => {
    await spire().commands.createEntry({ path: '/agents/planner', uid: ownUser(), jwtTtlSeconds: 30 });
    client = createWorkloadApiClient({ address: spire().address });
    await waitFor('a registered identity', async () => (await client.fetchX509Context()).svids.length > 0);
  });

  afterAll(async () => {
    await client?.close();
  });

  it('are fetched, verified by our verifier and validated by the agent', async () => {
    await using source = createJwtSource({ client });
    await source.ready({ timeoutMs: 30_000 });
    const svid = await source.fetchJwtSvid({ audience: AUDIENCE });
    expect(svid.id.toString()).toBe('spiffe://example.org/agents/planner');

    const ours = await verifyJwtSvid(svid.token, source, { audience: AUDIENCE });
    expect(ours.id.toString()).toBe('spiffe://example.org/agents/planner');
    expect(ours.audience).toEqual([AUDIENCE]);

    const theirs = await client.validateJwtSvid({ audience: AUDIENCE, token: svid.token });
    expect(theirs.id.equals(ours.id)).toBe(true);
    expect(theirs.claims['exp']).toBe(ours.claims['exp']);
  });

  it('are cached: asking again does not call the agent again', async () => {
    await using source = createJwtSource({ client });
    await source.ready({ timeoutMs: 30_000 });
    const first = await source.fetchJwtSvid({ audience: AUDIENCE });
    const calls = await spire().callsOf('fetch_jwtsvid');
    const again = await Promise.all([1, 2, 3].map(() => source.fetchJwtSvid({ audience: AUDIENCE })));
    expect(again.every((svid) => svid.token === first.token)).toBe(true);
    expect(await spire().callsOf('fetch_jwtsvid')).toBe(calls);
  });

  it('are refused for another audience by both', async () => {
    await using source = createJwtSource({ client });
    await source.ready({ timeoutMs: 30_000 });
    const { token } = await source.fetchJwtSvid({ audience: AUDIENCE });
    const elsewhere = 'https://billing.example.org';
    await expect(verifyJwtSvid(token, source, { audience: elsewhere })).rejects.toBeInstanceOf(JwtSvidError);
    await expect(client.validateJwtSvid({ audience: elsewhere, token })).rejects.toMatchObject({
      name: 'WorkloadApiError',
      code: 'invalid_argument',
    });
  });

  it('minted by the server verify with its bundle document', async () => {
    const token = await spire().commands.mintJwt('/services/orders', AUDIENCE);
    const document = JSON.parse(await spire().commands.bundleDocument());
    const bundle = parseJwtBundle('example.org', JSON.stringify({ keys: document.keys }), { requireUse: true });
    const verified = await verifyJwtSvid(token, { getJwtBundle: () => bundle }, { audience: AUDIENCE });
    expect(verified.id.toString()).toBe('spiffe://example.org/services/orders');
  });

  it('are not given for an identity that the workload does not have', async () => {
    const asked = client.fetchJwtSvids({ audience: AUDIENCE, id: 'spiffe://example.org/services/orders' });
    await expect(asked).rejects.toBeInstanceOf(WorkloadApiError);
    await expect(asked).rejects.toMatchObject({ code: 'permission_denied' });
  });
});
