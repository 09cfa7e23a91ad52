import { RequestAuthenticationError } from 'svidkit/errors';
import { type Caller, createRequestAuthenticator, type RequestAuthenticatorOptions, requireCaller } from 'svidkit/http';
import { anyId, exactly } from 'svidkit/id';
import { createMemoryReplayStore } from 'svidkit/replay';
import { type MintWptOptions, mintWpt, type WptDraft } from 'svidkit/wpt';
import { beforeEach, describe, expect, it } from 'vitest';
import { tokenHash } from '../../src/internal/token-hash.js';
import { keyPair } from '../support/key-pairs.js';
import { type RawAnswer, sendRaw, serveHttp } from '../support/raw-http.js';
import { signedToken } from '../support/signed-token.js';
import { visibleForms } from '../support/visible-forms.js';
import { bundles, clock, NOW, SUBJECT, wit, workload } from '../support/wit-domain.js';

const ORIGIN = 'https://tools.example.org';
const TARGET = `${ORIGIN}/orders`;
const BEARER = 'Authorization: Bearer at-1';
const TOKEN = wit();
const WPT_02 = 'draft-ietf-wimse-wpt-02' as const;
const WPT_01 = 'draft-ietf-wimse-wpt-01' as const;

let asked: string[];
let refusals: RequestAuthenticationError[];
let callers: Caller[];

beforeEach(() => {
  [asked, refusals, callers] = [[], [], []];
});

function optionsWith(changes: Partial<RequestAuthenticatorOptions> = {}): RequestAuthenticatorOptions {
  const authorize = (id: { toString(): string }): boolean => asked.push(id.toString()) > 0;
  return { bundles, audiences: ORIGIN, authorize, replay: createMemoryReplayStore({ clock }), clock, ...changes };
}

function serve(changes: Partial<RequestAuthenticatorOptions> = {}): Promise<number> {
  return serveHttp(
    requireCaller(
      createRequestAuthenticator(optionsWith(changes)),
      (_, response, caller) => {
        callers.push(caller);
        response.end(`${caller.id}`);
      },
      { onRefused: (error) => refusals.push(error as RequestAuthenticationError) },
    ),
  );
}

const credential = (token = TOKEN) =>
  ({ token, key: workload, alg: 'ES256', expiresAt: new Date((NOW + 3600) * 1000) }) as const;

function proof(changes: Partial<MintWptOptions> = {}): Promise<string> {
  return mintWpt(credential(), { audience: TARGET, clock, ...changes });
}

const witField = (token = TOKEN): string => `Workload-Identity-Token: ${token}`;
/** The fields of a good request. */
const good02 = async (): Promise<string[]> => [witField(), `Authorization: WPT ${await proof()}`];
const good01 = async (changes: Partial<MintWptOptions> = {}): Promise<string[]> => [
  witField(),
  `Workload-Proof-Token: ${await proof({ draft: WPT_01, ...changes })}`,
];

const send = (
  port: number,
  fields: readonly string[],
  line = 'GET /orders HTTP/1.1',
  host = 'Host: x',
): Promise<RawAnswer> => sendRaw(port, line, [host, ...fields]);

/** Status and rule of a request that is refused; nobody was let through, and the answer tells no rule. */
async function refused(
  port: number,
  fields: readonly string[],
  line?: string,
  host?: string,
): Promise<[number, string]> {
  const { status, head, body } = await send(port, fields, line, host);
  const refusal = refusals.at(-1);
  if (refusal === undefined) throw new Error(`the request was answered with ${status}`);
  expect(refusal).toBeInstanceOf(RequestAuthenticationError);
  expect(refusal.status).toBe(status);
  expect(callers).toEqual([]);
  expect(head + body).not.toContain(refusal.code);
  return [status, refusal.code];
}

describe('a request is authenticated', () => {
  it('in the form of draft-ietf-wimse-wpt-02', async () => {
    const answer = await send(await serve(), await good02());
    expect(answer).toMatchObject({ status: 200, body: SUBJECT });
    expect(callers[0]).toMatchObject({
      proof: { kind: 'wpt', draft: WPT_02, audience: TARGET },
      covered: { accessToken: false },
    });
  });

  it('in the form of draft-ietf-wimse-wpt-01, next to a bearer token that the proof covers', async () => {
    const port = await serve();
    expect((await send(port, await good01())).status).toBe(200);
    expect((await send(port, [...(await good01({ accessToken: 'at-1' })), BEARER])).status).toBe(200);
    expect(callers.map(({ covered }) => covered.accessToken)).toEqual([false, true]);
  });

  it('with field names and the scheme in any case', async () => {
    const fields = [`workload-IDENTITY-token:\t${TOKEN} `, `AUTHORIZATION: wpt ${await proof()}`];
    expect((await send(await serve(), fields)).status).toBe(200);
  });

  it('for the target of the request under a configured origin, query left out', async () => {
    const port = await serve({ audiences: ['urn:tools', 'https://TOOLS.example.org:443'] });
    const send02 = async (audience: string, target: string): Promise<number> => {
      const fields = [witField(), `Authorization: WPT ${await proof({ audience })}`];
      return (await send(port, fields, `GET ${target} HTTP/1.1`)).status;
    };
    expect(await send02(`${TARGET}?a=1`, '/orders?b=2')).toBe(200);
    expect(await send02(ORIGIN, '/orders')).toBe(200);
    expect(await send02(`${ORIGIN}/`, '/orders')).toBe(200);
    expect(await send02('urn:tools', '/orders')).toBe(200);
    expect(await send02(TARGET, '/invoices')).toBe(401);
    expect(await send02(TARGET, '/orders/1')).toBe(401);
    expect(await send02(TARGET, '/%6Frders')).toBe(401);
    expect(await send02('https://billing.example.org/orders', '/orders')).toBe(401);
  });

  it('for the target before a framework rewrote it', async () => {
    const authenticate = createRequestAuthenticator(optionsWith());
    const rawHeaders = (await good02()).flatMap((field) => field.split(': '));
    const caller = await authenticate({ rawHeaders, url: '/', originalUrl: '/orders?x' });
    expect(caller.proof.audience).toBe(TARGET);
  });

  it('only with a configured audience where that has a path', async () => {
    const port = await serve({ audiences: TARGET });
    expect((await send(port, await good02(), 'GET /elsewhere HTTP/1.1')).status).toBe(200);
    const other = [witField(), `Authorization: WPT ${await proof({ audience: `${ORIGIN}/elsewhere` })}`];
    expect((await send(port, other, 'GET /elsewhere HTTP/1.1')).status).toBe(401);
    expect(refusals.map(({ code }) => code)).toEqual(['wrong_audience']);
  });

  it('with further tokens that are named, and only those', async () => {
    const port = await serve({ otherTokens: ['X-End-User'] });
    const covered = async (otherTokens: Record<string, string>): Promise<string[]> => [
      witField(),
      `Authorization: WPT ${await proof({ otherTokens })}`,
    ];
    const fields = [...(await covered({ 'x-end-user': 'alice' })), 'X-End-User: alice'];
    expect((await send(port, fields)).status).toBe(200);
    expect(callers[0]?.covered.otherTokens).toEqual(['x-end-user']);
    callers = [];
    expect(await refused(port, [...(await covered({ 'x-tenant': 'a' })), 'X-Tenant: a'])).toEqual([
      401,
      'oth_without_token',
    ]);
  });
});

describe('a request without credentials', () => {
  it.each([
    ['nothing at all', []],
    ['a bearer token', [BEARER]],
    ['a WIT alone', [witField()]],
    ['a WIT as bearer token', [`Authorization: Bearer ${TOKEN}`]],
    ['a WIT twice over', [witField(), `Authorization: Bearer ${TOKEN}`]],
  ])('threat 11: %s is no credential', async (_, fields) => {
    const port = await serve();
    expect(await refused(port, fields)).toEqual([401, 'no_credentials']);
    expect(asked).toEqual([]);
  });

  it('threat 45: a WIT in the query or in a trailer is no credential', async () => {
    const port = await serve();
    const wpt = await proof();
    expect(await refused(port, [], `GET /orders?Workload-Identity-Token=${TOKEN} HTTP/1.1`)).toEqual([
      401,
      'no_credentials',
    ]);
    const trailer = [
      'Connection: close',
      'Transfer-Encoding: chunked',
      'Trailer: Workload-Identity-Token',
      `Authorization: WPT ${wpt}`,
      '',
      '0',
      witField(),
    ];
    expect(await refused(port, trailer, 'POST /orders HTTP/1.1')).toEqual([401, 'missing_wit']);
  });

  it('is answered in the words of the drafts that are accepted', async () => {
    const both = await send(await serve(), []);
    expect(both).toMatchObject({ status: 401, body: '' });
    expect(both.head).toMatch(/^WWW-Authenticate: WPT$/m);
    const older = await send(await serve({ drafts: [WPT_01] }), []);
    expect(older.status).toBe(400);
    expect(older.head).not.toMatch(/^WWW-Authenticate:/im);
    expect(older.head).toMatch(/^Content-Type: application\/problem\+json$/m);
    expect(JSON.parse(older.body)).toEqual({ type: 'about:blank', title: 'Bad Request', status: 400 });
  });
});

describe('a request is refused', () => {
  it('threat 12: when its audience is named by Host, forwarding headers or an absolute-form target', async () => {
    const audience = 'https://other.example.org/orders';
    const fields = async (): Promise<string[]> => [
      witField(),
      `Authorization: WPT ${await proof({ audience })}`,
      'X-Forwarded-Host: other.example.org',
      'X-Forwarded-Proto: https',
      'Forwarded: host=other.example.org;proto=https',
    ];
    const port = await serve();
    const host = 'Host: other.example.org';
    expect(await refused(port, await fields(), undefined, host)).toEqual([401, 'wrong_audience']);
    expect(await refused(port, await fields(), `GET ${audience} HTTP/1.1`, host)).toEqual([401, 'wrong_audience']);
    expect(await refused(port, await good02(), `GET ${TARGET} HTTP/1.1`, host)).toEqual([401, 'wrong_audience']);
    expect(await refused(port, await good02(), 'OPTIONS * HTTP/1.1', host)).toEqual([401, 'wrong_audience']);
  });

  it.each(['.evil.example/orders', '@evil.example/orders', ':8443/orders'])(
    'threat 12: when its target would continue the configured host: %s',
    async (target) => {
      const authenticate = createRequestAuthenticator(optionsWith());
      const fields = [witField(), `Authorization: WPT ${await proof({ audience: ORIGIN + target })}`];
      const rawHeaders = fields.flatMap((field) => field.split(': '));
      await expect(authenticate({ rawHeaders, url: target })).rejects.toMatchObject({ code: 'wrong_audience' });
    },
  );

  it('threat 15: when a token and its hash are not both there', async () => {
    const port = await serve();
    const without = await good01();
    const withHash = await good01({ accessToken: 'at-1' });
    expect(await refused(port, [...without, BEARER])).toEqual([400, 'missing_ath']);
    expect(await refused(port, withHash)).toEqual([400, 'ath_without_token']);
    expect(await refused(port, [...withHash, 'Authorization: Bearer at-2'])).toEqual([400, 'ath_mismatch']);
    expect(await refused(port, [...withHash, 'Authorization: Basic YTpi'])).toEqual([400, 'unsupported_authorization']);
    expect(await refused(port, [...withHash, BEARER, BEARER])).toEqual([400, 'duplicate_header']);
    expect(await refused(port, [...(await good02()), 'Txn-Token: tt'])).toEqual([401, 'missing_tth']);
    expect((await send(port, [...withHash, 'Authorization: DPoP at-1'])).status).toBe(200);
  });

  const PROOF = 'a.b.c';
  it.each([
    ['Workload-Identity-Token', [witField(), witField(), `Authorization: WPT ${PROOF}`]],
    ['Workload-Proof-Token', [witField(), `Workload-Proof-Token: ${PROOF}`, `Workload-Proof-Token: ${PROOF}`]],
    ['Authorization', [witField(), `Authorization: WPT ${PROOF}`, `authorization: WPT ${PROOF}`]],
    ['Authorization of two schemes', [witField(), BEARER, `Authorization: WPT ${PROOF}`]],
  ])('threat 30: when %s is there twice', async (_, fields) => {
    expect(await refused(await serve(), fields)).toEqual([400, 'duplicate_header']);
  });

  it('threat 30: when Txn-Token or a further token is there twice', async () => {
    const port = await serve({ otherTokens: ['X-End-User'] });
    for (const field of ['Txn-Token: a', 'X-End-User: a']) {
      expect(await refused(port, [...(await good02()), field, field])).toEqual([400, 'duplicate_header']);
    }
  });

  it.each([
    ['Workload-Identity-Token', [`${witField()}, ${TOKEN}`, `Authorization: WPT ${PROOF}`]],
    ['Workload-Proof-Token', [witField(), `Workload-Proof-Token: ${PROOF}, ${PROOF}`]],
    ['Authorization', [witField(), `Authorization: WPT ${PROOF}, WPT ${PROOF}`]],
  ])('threat 30: when %s holds two values', async (_, fields) => {
    expect(await refused(await serve(), fields)).toEqual([400, 'bad_header']);
  });

  it('threat 45: when it carries the forms of both drafts, or a WIMSE signature besides', async () => {
    const port = await serve();
    const [, older = ''] = await good01();
    expect(await refused(port, [...(await good02()), older])).toEqual([400, 'two_proofs']);
    const signature = 'Signature-Input: wimse=("@method");tag="wimse-workload-to-workload"';
    expect(await refused(port, [...(await good02()), signature, 'Signature: wimse=:AA==:'])).toEqual([
      400,
      'two_proofs',
    ]);
  });

  it('when its draft is not accepted', async () => {
    expect(await refused(await serve({ drafts: [WPT_02] }), await good01())).toEqual([401, 'draft_not_accepted']);
    expect(await refused(await serve({ drafts: [WPT_01] }), await good02())).toEqual([400, 'draft_not_accepted']);
  });

  it('threat 33: when the authorizer says no, with 403 in both forms', async () => {
    const port = await serve({ authorize: exactly('spiffe://other.example/agents/planner') });
    expect(await refused(port, await good02())).toEqual([403, 'not_authorized']);
    expect(await refused(port, await good01())).toEqual([403, 'not_authorized']);
  });

  it('threat 17: when its proof was used before, also at the same time', async () => {
    const port = await serve();
    const fields = await good02();
    const answers = await Promise.all(Array.from({ length: 5 }, () => send(port, fields)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 401, 401, 401, 401]);
    expect(new Set(refusals.map(({ code }) => code))).toEqual(new Set(['replayed']));
  });

  it('threat 44: before anybody is asked or anything is remembered, when WIT or proof do not hold', async () => {
    const replay = createMemoryReplayStore({ clock });
    const port = await serve({ replay });
    const stranger = keyPair('P-256', 'stranger').privateKey;
    const forged = wit({ key: stranger });
    const claims = { aud: TARGET, exp: NOW + 60, jti: 'j'.repeat(22), wth: tokenHash(TOKEN) };
    const stolen = signedToken({ alg: 'ES256', typ: 'wpt+jwt' } as { alg: string }, claims, stranger);
    const wrong: ReadonlyArray<readonly [string[], string]> = [
      [
        [witField(forged), `Authorization: WPT ${await mintWpt(credential(forged), { audience: TARGET, clock })}`],
        'bad_signature',
      ],
      [[witField(), `Authorization: WPT ${stolen}`], 'bad_signature'],
      [[witField(wit({ claims: { jti: 'another' } })), `Authorization: WPT ${await proof()}`], 'wth_mismatch'],
      [[witField(wit({ claims: { exp: NOW - 60 } })), `Authorization: WPT ${await proof()}`], 'expired'],
    ];
    for (const [fields, code] of wrong) expect(await refused(port, fields)).toEqual([401, code]);
    expect([asked, replay.size]).toEqual([[], 0]);
  });

  it('with 503 when the replay store or the bundles fail', async () => {
    const failing = async (): Promise<never> => {
      throw new Error('store is down');
    };
    expect(await refused(await serve({ replay: { insert: failing } }), await good02())).toEqual([
      503,
      'replay_store_failed',
    ]);
    expect(await refused(await serve({ replay: { insert: async () => 'full' } }), await good02())).toEqual([
      503,
      'replay_store_full',
    ]);
    const noBundles = {
      getWitBundle: () => {
        throw new Error('not ready');
      },
    };
    expect(await refused(await serve({ bundles: noBundles }), await good02())).toEqual([503, 'unavailable']);
    expect(refusals.at(-1)?.cause).toMatchObject({ message: 'not ready' });
  });

  it('threat 46: with the same answer for every rule about the credential, and none of its text in the error', async () => {
    const port = await serve();
    const secret = await proof({ audience: 'https://other.example.org/' });
    const many: string[][] = [
      [witField(), `Authorization: WPT ${secret}`],
      [witField(wit({ claims: { exp: NOW - 60 } })), `Authorization: WPT ${await proof()}`],
      [witField(wit({ header: { kid: 'k2' } })), `Authorization: WPT ${await proof()}`],
      [witField(wit({ claims: { sub: 'spiffe://unknown.example/x' } })), `Authorization: WPT ${await proof()}`],
    ];
    const answers = new Set<string>();
    for (const fields of many) {
      const { head, body } = await send(port, fields);
      answers.add(head.replace(/^Date: .*$/m, '') + body);
    }
    expect(answers.size).toBe(1);
    expect(new Set(refusals.map(({ code }) => code))).toEqual(
      new Set(['wrong_audience', 'expired', 'unknown_key', 'unknown_trust_domain']),
    );
    const shown = refusals.flatMap((refusal) => [...visibleForms(refusal), refusal.stack ?? '']).join('\n');
    for (const part of [...secret.split('.'), ...TOKEN.split('.').slice(1)]) expect(shown).not.toContain(part);
  });
});

describe('misuse', () => {
  it.each([
    { authorize: undefined },
    { authorize: true },
    { replay: undefined },
    { replay: {} },
    { audiences: undefined },
    { audiences: [] },
    { audiences: [''] },
    { bundles: undefined },
    { drafts: [] },
    { drafts: ['draft-ietf-wimse-wpt-99'] },
    { otherTokens: ['Authorization'] },
  ])('threat 33: createRequestAuthenticator with %o is a TypeError', (wrong) => {
    expect(() => createRequestAuthenticator({ ...optionsWith(), ...(wrong as object) })).toThrow(TypeError);
  });

  it('is a TypeError when the request has no rawHeaders, and the reason of a signal that was aborted', async () => {
    const authenticate = createRequestAuthenticator(optionsWith({ authorize: anyId() }));
    await expect(authenticate({} as { rawHeaders: string[] })).rejects.toThrow(TypeError);
    const reason = new Error('enough');
    await expect(authenticate({ rawHeaders: [] }, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  it('lists drafts by names that exist', () => {
    const drafts: WptDraft[] = [WPT_01, WPT_02];
    expect(createRequestAuthenticator(optionsWith({ drafts }))).toBeTypeOf('function');
  });
});
