import {
  type AuthenticateMessageOptions,
  authenticateMessage,
  createRequestAuthenticator,
  type MessageHeaders,
  proveMessage,
  type RequestAuthenticatorOptions,
} from 'svidkit/http';
import { anyId, exactly } from 'svidkit/id';
import { createMemoryReplayStore } from 'svidkit/replay';
import type { MintWptOptions } from 'svidkit/wpt';
import { describe, expect, it } from 'vitest';
import { WIT } from '../support/proofs.js';
import { rejectionOf } from '../support/rejections.js';
import { bundles, clock, NOW, SUBJECT, workload } from '../support/wit-domain.js';

const QUEUE = 'urn:queue:orders';
const credential = { token: WIT, key: workload, alg: 'ES256', expiresAt: new Date((NOW + 3600) * 1000) } as const;

const prove = (content?: string | Uint8Array, changes: Partial<MintWptOptions> = {}): Promise<Record<string, string>> =>
  proveMessage(credential, { audience: QUEUE, clock, content, ...changes });

function authenticatorWith(changes: Partial<RequestAuthenticatorOptions> = {}) {
  const replay = createMemoryReplayStore({ clock });
  const otherTokens = ['Content-Digest'];
  return createRequestAuthenticator({
    ...{ bundles, audiences: QUEUE, authorize: anyId(), replay, otherTokens, clock, ...changes },
  });
}

const outcome = (
  headers: MessageHeaders,
  options: AuthenticateMessageOptions = {},
  authenticate = authenticatorWith(),
) => rejectionOf(authenticateMessage(authenticate, headers, options));

describe('a message', () => {
  it('tells who sent it, with its content covered', async () => {
    const content = Buffer.from('{"tea":1}');
    const caller = await authenticateMessage(authenticatorWith(), await prove(content), { content });
    expect(caller.id.toString()).toBe(SUBJECT);
    expect(caller.proof.audience).toBe(QUEUE);
    expect(caller.covered.otherTokens).toEqual(['content-digest']);
    expect(await outcome(await prove('tea'), { content: 'tea' })).toBe('accepted');
  });

  it('tells it without content, and in the form of either draft', async () => {
    for (const draft of ['draft-ietf-wimse-wpt-01', 'draft-ietf-wimse-wpt-02'] as const) {
      expect(await outcome(await prove(undefined, { draft }))).toBe('accepted');
    }
  });

  it('brings tokens of others, which its proof covers and the sender is the actor of', async () => {
    const authenticate = authenticatorWith({ otherTokens: ['Content-Digest', 'X-End-User'] });
    const tokens = { txnToken: 'tt-1', otherTokens: { 'x-end-user': 'alice' } };
    const brought = { 'Txn-Token': 'tt-1', 'X-End-User': 'alice' };
    const newer = { ...(await prove('tea', tokens)), ...brought };
    const { delegation } = await authenticateMessage(authenticate, newer, { content: 'tea' });
    expect([delegation.actor, ...delegation.subjects.map(({ field }) => field)]).toEqual([
      ...[SUBJECT, 'txn-token', 'x-end-user'],
    ]);
    const draft = 'draft-ietf-wimse-wpt-01';
    const older = { ...(await prove(undefined, { ...tokens, draft, accessToken: 'at-1' })), ...brought };
    const headers = { ...older, Authorization: 'Bearer at-1' };
    const { covered } = await authenticateMessage(authenticate, headers);
    expect(covered).toEqual({ accessToken: true, txnToken: true, otherTokens: ['x-end-user'] });
  });

  it('threat 16: is refused with tokens that its proof does not cover, and with others than it covers', async () => {
    const draft = 'draft-ietf-wimse-wpt-01';
    expect(await outcome({ ...(await prove('tea')), 'Txn-Token': 'tt-1' }, { content: 'tea' })).toBe('missing_tth');
    expect(await outcome({ ...(await prove(undefined, { draft })), Authorization: 'Bearer at-1' })).toBe('missing_ath');
    expect(await outcome(await prove(undefined, { txnToken: 'tt-1' }))).toBe('tth_without_token');
    expect(await outcome({ ...(await prove(undefined, { txnToken: 'tt-1' })), 'Txn-Token': 'tt-2' })).toBe(
      'tth_mismatch',
    );
  });

  it('may have its headers as bytes, in lists and in any case', async () => {
    const headers = Object.entries(await prove('tea')).map(([name, value], index) => [
      name.toUpperCase(),
      index === 0 ? [Buffer.from(value)] : Buffer.from(value),
    ]);
    expect(await outcome({ ...Object.fromEntries(headers), 'x-other': undefined }, { content: 'tea' })).toBe(
      'accepted',
    );
  });

  it('is refused with another content, another digest, none, or one that the proof does not cover', async () => {
    const [headers, others] = [await prove('tea'), await prove('coffee')];
    const { 'Content-Digest': digest = '', ...bare } = headers;
    expect(await outcome(headers, { content: 'coffee' })).toBe('content_mismatch');
    expect(await outcome(bare, { content: 'tea' })).toBe('content_mismatch');
    expect(await outcome({ ...(await prove()), 'Content-Digest': digest }, { content: 'tea' })).toBe(
      'content_mismatch',
    );
    const swapped = { ...headers, 'Content-Digest': others['Content-Digest'] };
    expect(await outcome(swapped, { content: 'coffee' })).toBe('oth_mismatch');
    expect(await outcome({ ...headers, 'content-digest': digest }, { content: 'tea' })).toBe('duplicate_header');
    expect(await outcome(headers, { content: 'tea' }, authenticatorWith({ otherTokens: [] }))).toBe(
      'oth_without_token',
    );
  });

  it('threat 12: is refused when it was proven for another queue', async () => {
    expect(await outcome(await prove(undefined, { audience: 'urn:queue:refunds' }))).toBe('wrong_audience');
  });

  it('threat 17: is refused when it is delivered again', async () => {
    const [authenticate, headers] = [authenticatorWith(), await prove()];
    const answers = await Promise.all([outcome(headers, {}, authenticate), outcome(headers, {}, authenticate)]);
    expect(answers).toEqual(['accepted', 'replayed']);
  });

  it('threat 30: is refused with a token twice, in a list or in two cases', async () => {
    const headers = await prove();
    expect(await outcome({ ...headers, 'Workload-Identity-Token': [WIT, WIT] })).toBe('duplicate_header');
    expect(await outcome({ ...headers, 'workload-identity-token': WIT })).toBe('duplicate_header');
    expect(await outcome({ ...headers, 'Workload-Identity-Token': `${WIT}, ${WIT}` })).toBe('bad_header');
    expect(await outcome({ ...headers, 'Workload-Identity-Token': Uint8Array.of(0xff) })).toBe('bad_header');
  });

  it('threat 11: is refused without a proof, and threat 33: by the authorizer', async () => {
    expect(await outcome({ 'Workload-Identity-Token': WIT })).toBe('no_credentials');
    expect(await outcome({})).toBe('no_credentials');
    const authorize = exactly('spiffe://example.org/agents/other');
    expect(await outcome(await prove(), {}, authenticatorWith({ authorize }))).toBe('not_authorized');
  });

  it('is given up with its signal', async () => {
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(authenticateMessage(authenticatorWith(), await prove(), { signal })).rejects.toThrow('enough');
  });
});
