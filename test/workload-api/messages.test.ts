import { generateKeyPairSync } from 'node:crypto';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { BundleSet } from 'svidkit/bundle';
import { WorkloadApiError } from 'svidkit/errors';
import { parseSpiffeId, parseTrustDomain } from 'svidkit/id';
import { createIssuer, type Issuer } from 'svidkit/issuer';
import type { WitSvid } from 'svidkit/wit';
import type { X509Svid } from 'svidkit/x509-svid';
import { beforeAll, describe, expect, it } from 'vitest';
import { sameBundles } from '../../src/workload-api/delivered.js';
import {
  JWTBundlesResponseSchema,
  JWTSVIDResponseSchema,
  ValidateJWTSVIDResponseSchema,
  WITBundlesResponseSchema,
  WITSVIDResponseSchema,
  X509BundlesResponseSchema,
  X509SVIDResponseSchema,
} from '../../src/workload-api/gen/workloadapi_pb.js';
import { readJwtBundles, readJwtSvids, readValidatedJwtSvid } from '../../src/workload-api/jwt-messages.js';
import { jwtSvidQuery, queryKey } from '../../src/workload-api/jwt-svid-query.js';
import { readWitBundles, readWitSvids, sameWitSvids } from '../../src/workload-api/wit-context.js';
import { readX509Bundles, readX509Context, sameX509Context } from '../../src/workload-api/x509-context.js';
import {
  jwtBundlesMessage,
  witBundlesMessage,
  witMessage,
  x509BundlesMessage,
  x509Entry,
  x509Message,
} from '../support/delivered-messages.js';
import { codeOf } from '../support/refusals.js';

const PLANNER = 'spiffe://example.org/agents/planner';
const WRITER = 'spiffe://example.org/agents/writer';
const HOME = parseTrustDomain('example.org');
const AWAY = parseTrustDomain('b.example');

let home: Issuer;
let away: Issuer;
let planner: X509Svid;
let writer: X509Svid;

beforeAll(async () => {
  home = await createIssuer({ trustDomain: 'example.org' });
  away = await createIssuer({ trustDomain: 'b.example' });
  planner = await home.issueX509Svid(PLANNER);
  writer = await home.issueX509Svid(WRITER);
});

const pkcs8 = (): Buffer =>
  generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'der', type: 'pkcs8' });

describe('the answer of FetchX509SVID (SPIFFE_Workload_API section 5.2.1)', () => {
  type Init = MessageInitShape<typeof X509SVIDResponseSchema>;
  const read = (init: Init) => readX509Context(create(X509SVIDResponseSchema, init));
  const entry = (svid: X509Svid, changes: object = {}) => ({ ...x509Entry(svid, home.bundle), ...changes });

  it('keeps the order, and the first one is the default', () => {
    const context = read(x509Message([writer, planner], home.bundle));
    expect(context.svids.map((svid) => `${svid.id}`)).toEqual([WRITER, PLANNER]);
    expect(`${context.defaultSvid.id}`).toBe(WRITER);
    expect(Object.isFrozen(context) && Object.isFrozen(context.svids)).toBe(true);
  });

  it('of SVIDs with the same hint keeps the first; empty hints are none', () => {
    const context = read({
      svids: [
        entry(planner, { hint: 'a' }),
        entry(writer, { hint: 'a' }),
        entry(writer),
        entry(planner, { hint: 'b' }),
        entry(planner),
      ],
    });
    expect(context.svids.map((svid) => [`${svid.id}`, svid.hint])).toEqual([
      [PLANNER, 'a'],
      [WRITER, undefined],
      [PLANNER, 'b'],
      [PLANNER, undefined],
    ]);
  });

  it('passes revocation lists on as they came', () => {
    const context = read({ ...x509Message([planner], home.bundle), crl: [Uint8Array.of(1), Uint8Array.of()] });
    expect(context.crls).toEqual([Uint8Array.of(1), Uint8Array.of()]);
  });

  it('keys federated bundles by their trust domain, an empty one included', () => {
    const context = read({
      ...x509Message([planner], home.bundle),
      federatedBundles: { 'spiffe://b.example': away.bundle.x509.toDer(), 'spiffe://c.example': new Uint8Array() },
    });
    expect(context.bundles.getX509Bundle(AWAY)?.equals(away.bundle.x509)).toBe(true);
    expect(context.bundles.getX509Bundle(parseTrustDomain('c.example'))?.authorities).toEqual([]);
    expect(context.bundles.getX509Bundle(HOME)?.equals(home.bundle.x509)).toBe(true);
    expect(context.refusedBundles).toEqual([]);
  });

  it.each<[string, () => Init, string]>([
    ['no SVID', () => ({}), 'empty_field'],
    ['no SPIFFE ID', () => ({ svids: [entry(planner, { spiffeId: '' })] }), 'empty_field'],
    ['no certificate', () => ({ svids: [entry(planner, { x509Svid: Buffer.of() })] }), 'empty_field'],
    ['no key', () => ({ svids: [entry(planner, { x509SvidKey: Buffer.of() })] }), 'empty_field'],
    ['no bundle', () => ({ svids: [entry(planner, { bundle: Buffer.of() })] }), 'empty_field'],
    [
      'a second SVID without key',
      () => ({ svids: [entry(planner), entry(writer, { x509SvidKey: Buffer.of() })] }),
      'empty_field',
    ],
    ['another SPIFFE ID', () => ({ svids: [entry(planner, { spiffeId: WRITER })] }), 'bad_identity'],
    [
      'the ID of another domain',
      () => ({ svids: [entry(planner, { spiffeId: 'spiffe://b.example/agents/planner' })] }),
      'bad_identity',
    ],
    ['an ID that is none', () => ({ svids: [entry(planner, { spiffeId: `${PLANNER}/` })] }), 'bad_identity'],
    ['a key of another', () => ({ svids: [entry(planner, { x509SvidKey: pkcs8() })] }), 'bad_identity'],
    ['a key that is none', () => ({ svids: [entry(planner, { x509SvidKey: Buffer.from('key') })] }), 'bad_identity'],
    [
      'certificates that are none',
      () => ({ svids: [entry(planner, { x509Svid: Buffer.from('cert') })] }),
      'bad_identity',
    ],
    [
      'a chain that does not link',
      () => ({
        svids: [
          entry(planner, {
            x509Svid: Buffer.concat([planner.certificates[0]?.der ?? Buffer.of(), away.bundle.x509.toDer()]),
          }),
        ],
      }),
      'bad_identity',
    ],
    [
      'an authority as SVID',
      () => ({ svids: [entry(planner, { x509Svid: home.bundle.x509.toDer() })] }),
      'bad_identity',
    ],
    ['a bundle that is none', () => ({ svids: [entry(planner, { bundle: Buffer.from('bundle') })] }), 'bad_bundle'],
    [
      'a leaf as bundle',
      () => ({ svids: [entry(planner, { bundle: planner.certificates[0]?.der ?? Buffer.of() })] }),
      'bad_bundle',
    ],
    [
      'two bundles for one domain',
      () => ({ svids: [entry(planner), entry(writer, { bundle: away.bundle.x509.toDer() })] }),
      'bad_bundle',
    ],
  ])('is refused as a whole for %s', (_what, message, code) => {
    expect(codeOf(() => read(message()))).toBe(code);
  });

  it('leaves a foreign bundle out that cannot be read, and says why', () => {
    const context = read({
      ...x509Message([planner], home.bundle),
      federatedBundles: {
        'spiffe://b.example': Buffer.from('bundle'),
        'spiffe://c.example/path': away.bundle.x509.toDer(),
        'd.example': away.bundle.x509.toDer(),
        'wimse://e.example': away.bundle.x509.toDer(),
        'spiffe://example.org': away.bundle.x509.toDer(),
        'spiffe://f.example': away.bundle.x509.toDer(),
      },
    });
    expect(context.bundles.trustDomains().map(String).sort()).toEqual(['spiffe://example.org', 'spiffe://f.example']);
    expect(context.bundles.getX509Bundle(HOME)?.equals(home.bundle.x509)).toBe(true);
    expect(context.refusedBundles.map(({ code }) => code)).toEqual(Array(5).fill('bad_bundle'));
    expect(context.refusedBundles.every((error) => error instanceof WorkloadApiError)).toBe(true);
  });

  it('threat 7: a foreign bundle under the key of the own domain adds no authority to it', () => {
    const context = read({
      ...x509Message([planner], home.bundle),
      federatedBundles: { 'spiffe://example.org': away.bundle.x509.toDer() },
    });
    expect(context.bundles.getX509Bundle(HOME)?.equals(home.bundle.x509)).toBe(true);
    expect(context.refusedBundles).toHaveLength(1);
  });

  it('is compared by meaning', async () => {
    const message = x509Message([planner, writer], home.bundle);
    const same = (other: Init) => sameX509Context(read(message), read(other));
    expect(same(message)).toBe(true);
    expect(same({ ...message, federatedBundles: { 'spiffe://example.org': home.bundle.x509.toDer() } })).toBe(true);
    expect(same(x509Message([writer, planner], home.bundle))).toBe(false);
    expect(same(x509Message([planner], home.bundle))).toBe(false);
    expect(same({ svids: [entry(planner, { hint: 'x' }), entry(writer)] })).toBe(false);
    expect(same(x509Message([await home.issueX509Svid(PLANNER), writer], home.bundle))).toBe(false);
    expect(same({ ...message, crl: [Uint8Array.of(1)] })).toBe(false);
    expect(same({ ...message, federatedBundles: { 'spiffe://b.example': away.bundle.x509.toDer() } })).toBe(false);
  });
});

describe('the answers with bundles alone', () => {
  const x509 = (init: MessageInitShape<typeof X509BundlesResponseSchema>) =>
    readX509Bundles(create(X509BundlesResponseSchema, init));
  const jwt = (init: MessageInitShape<typeof JWTBundlesResponseSchema>) =>
    readJwtBundles(create(JWTBundlesResponseSchema, init));
  const wit = (init: MessageInitShape<typeof WITBundlesResponseSchema>) =>
    readWitBundles(create(WITBundlesResponseSchema, init));

  it('must have a bundle', () => {
    for (const run of [() => x509({}), () => jwt({}), () => wit({})]) expect(codeOf(run)).toBe('empty_field');
  });

  it('are refused where none can be read', () => {
    expect(codeOf(() => x509({ bundles: { 'spiffe://b.example': Buffer.from('x') } }))).toBe('bad_bundle');
    expect(codeOf(() => jwt({ bundles: { 'spiffe://b.example': Buffer.from('{}') } }))).toBe('bad_bundle');
    expect(codeOf(() => wit({ bundles: { 'spiffe://b.example': '' } }))).toBe('bad_bundle');
    expect(codeOf(() => jwt({ bundles: { 'spiffe://b.example': Buffer.of() } }))).toBe('bad_bundle');
  });

  it('keep what can be read', () => {
    const more = { 'spiffe://c.example': Buffer.from('{"keys":1}') };
    const delivered = jwt({ bundles: { ...jwtBundlesMessage(home.bundle, away.bundle).bundles, ...more } });
    expect(delivered.bundles.trustDomains().map(String).sort()).toEqual(['spiffe://b.example', 'spiffe://example.org']);
    expect(delivered.refusedBundles).toMatchObject([{ code: 'bad_bundle' }]);
  });

  it('hold each kind for itself', () => {
    const set = wit(witBundlesMessage(home.bundle)).bundles;
    expect(set.getWitBundle(HOME)?.equals(home.bundle.wit)).toBe(true);
    expect([set.getJwtBundle(HOME), set.getX509Bundle(HOME)]).toEqual([undefined, undefined]);
    expect(set).toBeInstanceOf(BundleSet);
  });

  it('are the same when only the order of keys differs, as SPIRE shuffles them', async () => {
    const rotated = await createIssuer({ trustDomain: 'example.org' });
    await rotated.rotateJwtKey();
    const { keys } = rotated.bundle.jwt.toJwks();
    const message = (list: readonly object[]) =>
      jwt({ bundles: { 'spiffe://example.org': Buffer.from(JSON.stringify({ keys: list })) } });
    expect(keys).toHaveLength(2);
    expect(sameBundles(message(keys), message([...keys].reverse()))).toBe(true);
    expect(sameBundles(message(keys), message(keys.slice(1)))).toBe(false);
    expect(sameBundles(x509(x509BundlesMessage(home.bundle)), x509(x509BundlesMessage(home.bundle, away.bundle)))).toBe(
      false,
    );
  });

  it('threat 9: a JWT bundle takes no key that is marked for another use', () => {
    const [key] = home.bundle.jwt.toJwks().keys;
    const marked = (use: string) => Buffer.from(JSON.stringify({ keys: [{ ...key, use }] }));
    const kept = (use: string) =>
      jwt({ bundles: { 'spiffe://example.org': marked(use) } }).bundles.getJwtBundle(HOME)?.keys;
    expect(kept('wit-svid')).toEqual([]);
    expect(kept('x509-svid')).toEqual([]);
    expect(kept('jwt-svid')).toHaveLength(1);
  });
});

describe('the answer of FetchWITSVID (SPIFFE_Workload_API section 7.2.1)', () => {
  type Init = MessageInitShape<typeof WITSVIDResponseSchema>;
  const read = (init: Init, id?: string) =>
    readWitSvids(create(WITSVIDResponseSchema, init), id === undefined ? undefined : parseSpiffeId(id));
  let one: WitSvid;
  let two: WitSvid;

  beforeAll(async () => {
    one = await home.issueWitSvid(PLANNER);
    two = await home.issueWitSvid(WRITER);
  });

  const entry = (svid: WitSvid, changes: object = {}) => ({ ...witMessage([svid]).svids?.[0], ...changes });

  it('keeps order and hints, and the first of each hint', () => {
    const svids = read({ svids: [entry(two, { hint: 'a' }), entry(one, { hint: 'a' }), entry(one)] });
    expect(svids.map((svid) => [`${svid.id}`, svid.hint])).toEqual([
      [WRITER, 'a'],
      [PLANNER, undefined],
    ]);
  });

  it.each<[string, () => Init, string]>([
    ['no SVID', () => ({}), 'empty_field'],
    ['no SPIFFE ID', () => ({ svids: [entry(one, { spiffeId: '' })] }), 'empty_field'],
    ['no token', () => ({ svids: [entry(one, { witSvid: '' })] }), 'empty_field'],
    ['no key', () => ({ svids: [entry(one, { witSvidKey: '' })] }), 'empty_field'],
    ['another SPIFFE ID', () => ({ svids: [entry(one, { spiffeId: WRITER })] }), 'bad_identity'],
    [
      'the key of another',
      () => ({ svids: [entry(one, { witSvidKey: witMessage([two]).svids?.[0]?.witSvidKey ?? '' })] }),
      'bad_identity',
    ],
    ['a key that is none', () => ({ svids: [entry(one, { witSvidKey: '{}' })] }), 'bad_identity'],
    [
      'a public key',
      () => ({ svids: [entry(one, { witSvidKey: JSON.stringify(home.bundle.wit.keys[0]?.publicKey.jwk) })] }),
      'bad_identity',
    ],
    ['a token that is none', () => ({ svids: [entry(one, { witSvid: 'a.b.c' })] }), 'bad_identity'],
  ])('is refused as a whole for %s', (_what, message, code) => {
    expect(codeOf(() => read(message()))).toBe(code);
  });

  it('threat 10: a JWT-SVID in the place of a WIT is refused', async () => {
    const token = await home.issueJwtSvid(PLANNER, { audience: 'a' });
    expect(codeOf(() => read({ svids: [entry(one, { witSvid: token })] }))).toBe('bad_identity');
  });

  it('is refused where it is about another identity than was asked for', () => {
    expect(read({ svids: [entry(one)] }, PLANNER)).toHaveLength(1);
    expect(codeOf(() => read({ svids: [entry(one)] }, WRITER))).toBe('bad_identity');
  });

  it('is compared by meaning', () => {
    expect(sameWitSvids(read(witMessage([one, two])), read(witMessage([one, two])))).toBe(true);
    expect(sameWitSvids(read(witMessage([one, two])), read(witMessage([two, one])))).toBe(false);
    expect(sameWitSvids(read(witMessage([one])), read(witMessage([one, two])))).toBe(false);
    expect(sameWitSvids(read(witMessage([one])), read({ svids: [entry(one, { hint: 'x' })] }))).toBe(false);
  });
});

describe('the answer of FetchJWTSVID (SPIFFE_Workload_API section 6.2.1)', () => {
  type Init = MessageInitShape<typeof JWTSVIDResponseSchema>;
  const read = (init: Init, request: Parameters<typeof jwtSvidQuery>[0] = { audience: 'a' }) =>
    readJwtSvids(create(JWTSVIDResponseSchema, init), jwtSvidQuery(request));
  let token: string;

  beforeAll(async () => {
    token = await home.issueJwtSvid(PLANNER, { audience: ['a', 'b'] });
  });

  it('is refused for what is missing or does not belong together', async () => {
    const svid = { spiffeId: PLANNER, svid: token };
    expect(read({ svids: [svid] })).toHaveLength(1);
    expect(codeOf(() => read({}))).toBe('empty_field');
    expect(codeOf(() => read({ svids: [{ ...svid, spiffeId: '' }] }))).toBe('empty_field');
    expect(codeOf(() => read({ svids: [{ ...svid, svid: '' }] }))).toBe('empty_field');
    expect(codeOf(() => read({ svids: [{ ...svid, spiffeId: WRITER }] }))).toBe('bad_identity');
    expect(codeOf(() => read({ svids: [{ ...svid, svid: 'a.b.c' }] }))).toBe('bad_identity');
    expect(codeOf(() => read({ svids: [svid] }, { audience: 'a', id: WRITER }))).toBe('bad_identity');
    expect(codeOf(() => read({ svids: [svid] }, { audience: ['a', 'c'] }))).toBe('bad_identity');
    const wit = await home.issueWitSvid(PLANNER);
    expect(codeOf(() => read({ svids: [{ ...svid, svid: wit.token }] }))).toBe('bad_identity');
  });

  it('never shows the token in the error', () => {
    try {
      read({ svids: [{ spiffeId: WRITER, svid: token }] });
      expect.unreachable();
    } catch (error) {
      expect(`${error}${JSON.stringify(error)}`).not.toContain(token.slice(10, 40));
    }
  });

  it('has hints, the first of each', () => {
    const svids = ['x', 'x', ''].map((hint) => ({ spiffeId: PLANNER, svid: token, hint }));
    expect(read({ svids }).map(({ hint }) => hint)).toEqual(['x', undefined]);
  });
});

describe('the answer of ValidateJWTSVID (SPIFFE_Workload_API section 6.2.3)', () => {
  const read = (init: MessageInitShape<typeof ValidateJWTSVIDResponseSchema>) =>
    readValidatedJwtSvid(create(ValidateJWTSVIDResponseSchema, init));

  it('needs both its fields', () => {
    expect(codeOf(() => read({ claims: { sub: PLANNER } }))).toBe('empty_field');
    expect(codeOf(() => read({ spiffeId: PLANNER }))).toBe('empty_field');
    expect(codeOf(() => read({ spiffeId: 'nonsense', claims: {} }))).toBe('bad_message');
  });

  it('gives claims that inherit nothing', () => {
    const { id, claims } = read({ spiffeId: PLANNER, claims: { exp: 1.5, nested: { list: [null, true] } } });
    expect(`${id}`).toBe(PLANNER);
    expect(claims).toEqual({ exp: 1.5, nested: { list: [null, true] } });
    expect(Object.getPrototypeOf(claims)).toBeNull();
  });
});

describe('a request for JWT-SVIDs', () => {
  it('is the same whatever the order and repetition of its audiences, and never the same as another', () => {
    const key = (request: Parameters<typeof jwtSvidQuery>[0]) => queryKey(jwtSvidQuery(request));
    expect(key({ audience: ['b', 'a', 'b'] })).toBe(key({ audience: ['a', 'b'] }));
    expect(key({ audience: 'a' })).toBe(key({ audience: ['a'] }));
    const different = [
      { audience: ['a', 'b'] },
      { audience: ['a|b'] },
      { audience: ['a,b'] },
      { audience: ['a","b'] },
      { audience: ['a', 'b'], id: PLANNER },
      { audience: ['a', PLANNER] },
      { audience: ['A', 'b'] },
    ];
    expect(new Set(different.map(key)).size).toBe(different.length);
  });
});
