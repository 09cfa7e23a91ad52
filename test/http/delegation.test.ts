import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { RequestAuthenticationError } from 'svidkit/errors';
import {
  type AuthenticatableRequest,
  authenticateMessage,
  type Caller,
  createRequestAuthenticator,
  type ProofMechanism,
  proveMessage,
  type RequestAuthenticatorOptions,
  refusalOf,
  type SubjectTokenVerifier,
} from 'svidkit/http';
import { signRequest } from 'svidkit/http-signature';
import { anyId, exactly } from 'svidkit/id';
import { createMemoryReplayStore, type ReplayStore } from 'svidkit/replay';
import { proveRequest, type WptDraft } from 'svidkit/wpt';
import { describe, expect, it } from 'vitest';
import { svid, WIT } from '../support/http-signatures.js';
import { WIT as PROVEN_WIT, wpt } from '../support/proofs.js';
import { rejectionOf } from '../support/rejections.js';
import { visibleForms } from '../support/visible-forms.js';
import { bundles, clock, NOW, SUBJECT } from '../support/wit-domain.js';

const AUDIENCE = 'https://tools.example.org/orders';
const sha256 = (text: string): string => createHash('sha256').update(text).digest('base64url');

interface Tokens {
  readonly accessToken?: string;
  readonly txnToken?: string;
  readonly user?: string;
}

type Prove = (tokens: Tokens) => Promise<AuthenticatableRequest>;

function fieldsOf({ accessToken, txnToken, user }: Tokens, scheme = 'Bearer'): string[] {
  return [
    ...(accessToken === undefined ? [] : ['Authorization', `${scheme} ${accessToken}`]),
    ...(txnToken === undefined ? [] : ['Txn-Token', txnToken]),
    ...(user === undefined ? [] : ['X-End-User', user]),
  ];
}

const byToken =
  (draft: WptDraft): Prove =>
  async ({ user, ...tokens }) => {
    const otherTokens = user === undefined ? {} : { 'X-End-User': user };
    const fields = await proveRequest(svid, { audience: AUDIENCE, draft, clock, ...tokens, otherTokens });
    return {
      method: 'GET',
      url: '/orders',
      rawHeaders: [...fieldsOf({ ...tokens, ...(user === undefined ? {} : { user }) }), ...fields.flat()],
    };
  };

const bySignature = async (tokens: Tokens, scheme?: string): Promise<AuthenticatableRequest> => {
  const rawHeaders = fieldsOf(tokens, scheme);
  const components = tokens.user === undefined ? [] : ['x-end-user'];
  const request = { method: 'GET', target: '/orders', rawHeaders, body: null };
  const signed = await signRequest(svid, request, { audience: AUDIENCE, clock, components });
  return { method: 'GET', url: '/orders', rawHeaders: [...rawHeaders, ...signed.fields.flat()] };
};

const MECHANISMS: readonly [mechanism: ProofMechanism, draft: string, prove: Prove][] = [
  ['wpt', 'draft-ietf-wimse-wpt-01', byToken('draft-ietf-wimse-wpt-01')],
  ['http-signature', 'draft-ietf-wimse-http-signature-07', (tokens) => bySignature(tokens)],
];

type Options = Partial<RequestAuthenticatorOptions<ProofMechanism>>;

function authenticator(
  changes: Options = {},
): (request: AuthenticatableRequest, signal?: AbortSignal) => Promise<Caller<ProofMechanism>> {
  const authenticate = createRequestAuthenticator<ProofMechanism>({
    ...{ bundles, audiences: AUDIENCE, authorize: anyId(), replay: createMemoryReplayStore({ clock }), clock },
    ...{ mechanisms: ['wpt', 'http-signature'], otherTokens: ['X-End-User'] },
    ...changes,
  });
  return (request, signal) => authenticate(request, { body: null, signal });
}

async function refusalBy(changes: Options, request: AuthenticatableRequest): Promise<RequestAuthenticationError> {
  const error = await authenticator(changes)(request).catch((reason: unknown) => reason);
  if (error instanceof RequestAuthenticationError) return error;
  throw new Error('it was not refused', { cause: error });
}

const TOKENS = { accessToken: 'at-1', txnToken: 'tt-1', user: 'eyJ.user.token' };

describe.each(MECHANISMS)('the delegation context of %s', (mechanism, draft, prove) => {
  it('says who speaks for itself, by what proof, when', async () => {
    const { delegation, thumbprint } = await authenticator()(await prove({}));
    const [issuedAt, expiresAt] = [new Date(NOW * 1000), new Date((NOW + 60) * 1000)];
    expect(delegation).toEqual({
      mode: 'direct',
      actor: SUBJECT,
      subjects: [],
      proof: { kind: mechanism, draft, issuedAt: mechanism === 'wpt' ? undefined : issuedAt, expiresAt },
      wit: {
        ...{ thumbprint: sha256(WIT), keyThumbprint: thumbprint },
        ...{ issuedAt, expiresAt: new Date((NOW + 3600) * 1000) },
      },
      receivedAt: new Date(NOW * 1000),
    });
    expect(JSON.parse(JSON.stringify(delegation)).receivedAt).toBe('2025-06-15T15:06:40.000Z');
    for (const part of [delegation, delegation.subjects, delegation.proof, delegation.wit]) {
      expect(Object.isFrozen(part)).toBe(true);
    }
  });

  it('names the tokens that the proof binds, and tells no claims that nobody verified', async () => {
    const { delegation } = await authenticator()(await prove(TOKENS));
    expect(delegation.mode).toBe('delegated');
    expect(delegation.subjects).toEqual([
      { kind: 'access_token', field: 'authorization', thumbprint: sha256('at-1') },
      { kind: 'txn_token', field: 'txn-token', thumbprint: sha256('tt-1') },
      { kind: 'other_token', field: 'x-end-user', thumbprint: sha256('eyJ.user.token') },
    ]);
    expect(delegation.subjects.some((subject) => 'claims' in subject)).toBe(false);
  });

  it("has the claims that the service's verifier gave, as they were when it gave them", async () => {
    const asked: unknown[] = [];
    const given = { sub: 'alice', act: { sub: 'bob' }, roles: ['buyer'] };
    const verifySubjectToken: SubjectTokenVerifier = async (token, { kind, field, actor }) => {
      asked.push([token, kind, field, actor.toString()]);
      return kind === 'access_token' ? given : { kind };
    };
    const { delegation } = await authenticator({ verifySubjectToken })(await prove(TOKENS));
    expect(asked).toEqual([
      ['at-1', 'access_token', 'authorization', SUBJECT],
      ['tt-1', 'txn_token', 'txn-token', SUBJECT],
      ['eyJ.user.token', 'other_token', 'x-end-user', SUBJECT],
    ]);
    given.act.sub = given.sub = 'mallory';
    const [first, ...others] = delegation.subjects.map(({ claims }) => claims);
    expect(first).toEqual({ sub: 'alice', act: { sub: 'bob' }, roles: ['buyer'] });
    expect(Object.isFrozen(first?.['act'])).toBe(true);
    expect(others).toEqual([{ kind: 'txn_token' }, { kind: 'other_token' }]);
  });

  it('threat 16: neither asks about nor tells of a token that the proof does not cover', async () => {
    const { rawHeaders, ...request } = await prove({});
    const asked: string[] = [];
    const verifySubjectToken: SubjectTokenVerifier = (token) => ({ asked: asked.push(token) });
    const received = { ...request, rawHeaders: [...rawHeaders, 'X-End-User', 'mallory', 'X-Other', 'token'] };
    const { delegation } = await authenticator({ verifySubjectToken })(received);
    expect([delegation.mode, delegation.subjects, asked]).toEqual(['direct', [], []]);
  });

  it('threat 44: asks about a token once the proof binds it and its caller is admitted, before the replay store', async () => {
    const order: string[] = [];
    const insert = async () => (order.push('replay') > 0 ? 'fresh' : 'full');
    const replay: ReplayStore = { insert };
    const verifySubjectToken: SubjectTokenVerifier = () => ({ at: order.push('token') });
    const authorize = () => order.push('authorizer') > 0;
    const choices = { replay, verifySubjectToken, authorize };
    await authenticator(choices)(await prove({ accessToken: 'at-1' }));
    expect(order).toEqual(['authorizer', 'token', 'replay']);
    order.length = 0;
    const changes: ((fields: readonly string[]) => readonly string[])[] = [
      (fields) => fields.map((text) => text.replace('Bearer at-1', 'Bearer at-2')),
      (fields) => fields.filter((text, index) => text !== 'Authorization' && fields[index - 1] !== 'Authorization'),
    ];
    for (const change of changes) {
      const { rawHeaders, ...request } = await prove({ accessToken: 'at-1' });
      await refusalBy(choices, { ...request, rawHeaders: change(rawHeaders) });
    }
    await refusalBy({ ...choices, audiences: 'https://other.example.org' }, await prove({ accessToken: 'at-1' }));
    await refusalBy({ ...choices, clock: () => (NOW + 1000) * 1000 }, await prove({ accessToken: 'at-1' }));
    expect(order).toEqual([]);
  });

  it('threat 44: refuses with 401 what the verifier does not accept, and uses up no proof for it', async () => {
    const reason = new Error('revoked');
    let accepts = false;
    const verifySubjectToken: SubjectTokenVerifier = () => {
      if (!accepts) throw reason;
      return { sub: 'alice' };
    };
    const authenticate = authenticator({ verifySubjectToken });
    const request = await prove({ accessToken: 'at-1' });
    const error = await authenticate(request).catch((refused: unknown) => refused);
    expect(error).toMatchObject({ code: 'subject_token_refused', status: 401, cause: { cause: reason } });
    const { status, headers, body } = refusalOf(error);
    expect([status, headers['WWW-Authenticate'], body]).toEqual([401, 'Bearer', undefined]);
    accepts = true;
    expect(await rejectionOf(authenticate(request))).toBe('accepted');
    expect(await rejectionOf(authenticate(request))).toBe('replayed');
  });

  it('threat 44: refuses an answer that is not the claims of a token', async () => {
    const cyclic: Record<string, unknown> = {};
    cyclic['self'] = cyclic;
    const answers = [undefined, null, true, 'claims', 7, ['sub'], cyclic, { big: 1n }, { toJSON: () => undefined }];
    for (const answer of answers) {
      const verifySubjectToken = (() => answer) as unknown as SubjectTokenVerifier;
      expect((await refusalBy({ verifySubjectToken }, await prove({ accessToken: 'at-1' }))).code).toBe(
        'subject_token_refused',
      );
    }
  });

  it('no longer waits for a verifier when the signal says so', async () => {
    const enough = new AbortController();
    const verifySubjectToken: SubjectTokenVerifier = (_, { signal }) => {
      setImmediate(() => enough.abort(new Error('enough')));
      expect(signal).toBe(enough.signal);
      return new Promise(() => {});
    };
    const waiting = authenticator({ verifySubjectToken })(await prove({ accessToken: 'at-1' }), enough.signal);
    await expect(waiting).rejects.toThrow('enough');
  });

  it('threat 46: shows no token, in any form, of who was admitted and of who was refused', async () => {
    const secret = fc.stringMatching(/^[A-Za-z0-9]{24,60}$/);
    await fc.assert(
      fc.asyncProperty(secret, secret, secret, async (accessToken, txnToken, user) => {
        const tokens = { accessToken, txnToken, user };
        const caller = await authenticator({ verifySubjectToken: () => ({ sub: 'alice' }) })(await prove(tokens));
        const refused = await refusalBy({ authorize: exactly('spiffe://example.org/other') }, await prove(tokens));
        const failing = () => {
          throw new Error('not accepted');
        };
        const error = await refusalBy({ verifySubjectToken: failing }, await prove(tokens));
        const forms = [caller, caller.delegation, refused, error, error.cause].flatMap(visibleForms).join('\n');
        for (const token of [accessToken, txnToken, user, ...WIT.split('.')]) expect(forms).not.toContain(token);
      }),
      { numRuns: 10 },
    );
  });
});

describe('the delegation context', () => {
  it('of a proof in Authorization has a Txn-Token and others, and a refusal asks for another proof', async () => {
    const prove = byToken('draft-ietf-wimse-wpt-02');
    const { delegation } = await authenticator()(await prove({ txnToken: 'tt-1', user: 'alice' }));
    expect(delegation.subjects.map(({ kind }) => kind)).toEqual(['txn_token', 'other_token']);
    const verifySubjectToken = () => Promise.reject(new Error('no'));
    const { status, challenge } = await refusalBy({ verifySubjectToken }, await prove({ txnToken: 'tt-1' }));
    expect([status, challenge]).toEqual([401, 'WPT']);
  });

  it('says when a proof token was made, where it says so', async () => {
    const issuedAt = async (iat: unknown): Promise<Date | undefined> => {
      const rawHeaders = ['Workload-Identity-Token', PROVEN_WIT, 'Workload-Proof-Token', wpt({ claims: { iat } })];
      return (await authenticator()({ rawHeaders })).delegation.proof.issuedAt;
    };
    expect(await issuedAt(NOW - 5)).toEqual(new Date((NOW - 5) * 1000));
    expect(await issuedAt('yesterday')).toBeUndefined();
  });

  it('tells an access token from other credentials in Authorization', async () => {
    const kinds = async (scheme: string, accessToken: string) =>
      (await authenticator()(await bySignature({ accessToken }, scheme))).delegation.subjects;
    for (const scheme of ['Bearer', 'bearer', 'DPoP']) {
      expect(await kinds(scheme, 'at-1')).toMatchObject([{ kind: 'access_token', thumbprint: sha256('at-1') }]);
    }
    expect(await kinds('Basic', 'dTpw')).toMatchObject([{ kind: 'other_token', thumbprint: sha256('Basic dTpw') }]);
    expect(await kinds('Bearer', 'at-1, at-2')).toMatchObject([{ kind: 'other_token', field: 'authorization' }]);
  });

  it('threat 30: refuses a further token that is there twice', async () => {
    const { rawHeaders, ...request } = await bySignature({ user: 'alice' });
    const doubled = { ...request, rawHeaders: [...rawHeaders, 'X-End-User', 'alice'] };
    expect((await refusalBy({}, doubled)).code).toMatch(/^(?:duplicate_header|bad_signature)$/);
    const { rawHeaders: plain, ...other } = await bySignature({});
    const twice = { ...other, rawHeaders: [...plain, 'X-End-User', 'alice', 'X-End-User', 'bob'] };
    expect((await refusalBy({}, twice)).code).toBe('duplicate_header');
  });

  it('takes the digest of a message for no token', async () => {
    const authenticate = createRequestAuthenticator({
      ...{ bundles, audiences: 'urn:queue:orders', authorize: anyId(), clock, otherTokens: ['Content-Digest'] },
      replay: createMemoryReplayStore({ clock }),
      verifySubjectToken: () => {
        throw new Error('this is no token');
      },
    });
    const headers = await proveMessage(svid, { audience: 'urn:queue:orders', content: 'tea', clock });
    const { delegation, covered } = await authenticateMessage(authenticate, headers, { content: 'tea' });
    expect([delegation.mode, covered.otherTokens]).toEqual(['direct', ['content-digest']]);
  });

  it('is a TypeError with a verifier that is none', () => {
    expect(() => authenticator({ verifySubjectToken: 'jose' as unknown as SubjectTokenVerifier })).toThrow(TypeError);
  });
});
