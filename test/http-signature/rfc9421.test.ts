import { createHmac, createPrivateKey, createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  type Component,
  type ComponentLike,
  createSignatureBase,
  type HttpMessage,
  type HttpRequestMessage,
  type HttpResponseMessage,
  type HttpSignatureAlgorithm,
  readSignatures,
  type SignatureParameters,
  signMessage,
  verifyMessage,
} from 'svidkit/http-signature';
import { describe, expect, it } from 'vitest';
import { ASYMMETRIC_ALGORITHMS } from '../../src/internal/jws-algorithm.js';
import { KIND_OF, keyPair } from '../support/key-pairs.js';
import { codeOf } from '../support/refusals.js';
import { rejectionOf } from '../support/rejections.js';

interface Published {
  readonly section: string;
  readonly keyid: string;
  readonly base: string;
  readonly signatures: readonly { readonly label: string; readonly sig: string }[];
}

const published = JSON.parse(readFileSync(new URL('../vectors/rfc9421-bases.json', import.meta.url), 'utf8')) as {
  readonly keys: Readonly<Record<string, JsonWebKey>>;
  readonly sharedSecretB64: string;
  readonly vectors: readonly Published[];
};

const ALGORITHMS: Readonly<Record<string, HttpSignatureAlgorithm>> = {
  'test-key-rsa': 'rsa-v1_5-sha256',
  'test-key-rsa-pss': 'rsa-pss-sha512',
  'test-key-ecc-p256': 'ecdsa-p256-sha256',
  'test-key-ed25519': 'ed25519',
};

/** The request of section 2.4 and appendix B.2, on a host, as a server would see it. */
function request(host: string, ...more: string[]): HttpRequestMessage {
  const digest = 'sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:';
  const fields = { Host: host, Date: 'Tue, 20 Apr 2021 02:07:55 GMT', 'Content-Type': 'application/json' };
  const rawHeaders = [...Object.entries(fields).flat(), 'Content-Digest', digest, 'Content-Length', '18', ...more];
  return { method: 'POST', target: '/foo?param=Value&Pet=dog', rawHeaders };
}

/** What each published base was made of: all but what the fields of the base say themselves. */
function messageOf({ section, base }: Published): HttpMessage {
  const field = (name: string): string => new RegExp(`^"${name}": (.*)$`, 'm').exec(base)?.[1] ?? '';
  switch (section) {
    case 'HTTP Message Transformations':
      return {
        method: 'GET',
        target: '/demo?name1=Value1&Name2=value2',
        rawHeaders: ['Host', 'EXAMPLE.org', 'Accept', ' application/json\t', 'X-Other', 'x', 'accept', '*/* '],
      };
    case 'Signing Request Components in a Response Message':
    case 'Signing a Response using ecdsa-p256-sha256':
      return {
        status: section.startsWith('Signing Request') ? 503 : 200,
        rawHeaders: ['content-digest', 'content-type', 'content-length'].flatMap((name) =>
          field(name) === '' ? [] : [name.toUpperCase(), field(name)],
        ),
        request: request('example.com'),
      };
    case 'Multiple Signatures':
      return request('origin.host.internal.example', 'Forwarded', field('forwarded'));
    case 'TLS-Terminating Proxies':
      return request('service.internal.example', 'Client-Cert', field('client-cert'));
    default:
      return request('example.com');
  }
}

function signed(vector: Published, label: string, signature: string): HttpMessage {
  const message = messageOf(vector);
  const params = vector.base.split('\n').at(-1)?.slice('"@signature-params": '.length) ?? '';
  const fields = ['Signature-Input', `${label}=${params}`, 'Signature', `${label}=:${signature}:`];
  return { ...message, rawHeaders: [...message.rawHeaders, ...fields] };
}

const named = ({ name, parameters }: Component): ComponentLike => ({
  name,
  parameters: Object.fromEntries(parameters),
});
const clock = () => 1_618_884_500_000;
const privateKey = (keyid: string): KeyObject => createPrivateKey({ key: published.keys[keyid] ?? {}, format: 'jwk' });

const vectors = published.vectors.map((vector, index) => [`${index + 1}. ${vector.section}`, vector] as const);

describe('the published signature bases', () => {
  it('are twelve', () => {
    expect(vectors).toHaveLength(12);
  });
});

describe.each(vectors)('%s', (_, vector) => {
  const [{ label: first = '', sig = '' } = {}] = vector.signatures;
  const label = first === '(raw)' ? 'sig' : first;
  const message = signed(vector, label, sig);
  const [read] = readSignatures(message);
  const parameters = Object.fromEntries(
    Array.from(read?.parameters ?? [], ([name, item]) => [name, item.value as string | number]),
  );
  const components = read?.components.map(named) ?? [];

  it('has its base, byte for byte', () => {
    expect(createSignatureBase(message, components, parameters).text).toBe(vector.base);
    expect(createSignatureBase(messageOf(vector), components, parameters).text).toBe(vector.base);
  });

  it('verifies, and not when a character differs', () => {
    const key = published.keys[vector.keyid];
    if (key === undefined) {
      const mac = createHmac('sha256', Buffer.from(published.sharedSecretB64, 'base64')).update(vector.base);
      expect(mac.digest('base64')).toBe(sig);
      return;
    }
    const alg = ALGORITHMS[vector.keyid] ?? 'ed25519';
    const publicKey = createPublicKey(privateKey(vector.keyid));
    for (const { sig: each } of vector.signatures) {
      const result = verifyMessage(signed(vector, label, each), { key: publicKey, alg }, { components, clock });
      expect(result.label).toBe(label);
      const other = signed({ ...vector, base: vector.base.replace('created=161', 'created=160') }, label, each);
      expect(codeOf(() => verifyMessage(other, { key: publicKey, alg }, { components, clock }))).toBe('bad_signature');
    }
  });

  it('is signed again', async () => {
    const key = published.keys[vector.keyid];
    if (key === undefined) return;
    const alg = ALGORITHMS[vector.keyid] ?? 'ed25519';
    const fields = await signMessage(messageOf(vector), privateKey(vector.keyid), {
      label,
      components,
      parameters,
      alg,
    });
    const again = { ...messageOf(vector), rawHeaders: [...messageOf(vector).rawHeaders, ...fields.flat()] };
    const publicKey = createPublicKey(privateKey(vector.keyid));
    verifyMessage(again, { key: publicKey, alg }, { components, clock });
    expect(fields[0]).toEqual(message.rawHeaders.slice(-4, -2));
    if (alg === 'ed25519' || alg === 'rsa-v1_5-sha256') expect(fields[1]).toEqual(message.rawHeaders.slice(-2));
  });
});

const GET: HttpRequestMessage = {
  method: 'GET',
  target: '/a/b?x=1&y=two%20words&x%20y=+&e=&x=2',
  rawHeaders: ['Host', 'A.example:8080'],
};

function value(component: ComponentLike, message: HttpMessage = GET): string {
  const { text } = createSignatureBase(message, [component]);
  return text.slice(text.indexOf(': ') + 2, text.lastIndexOf('\n'));
}

const with_ = (...rawHeaders: string[]): HttpRequestMessage => ({ ...GET, rawHeaders });
const at = (target: string, more: Partial<HttpRequestMessage> = {}): HttpRequestMessage => ({
  ...GET,
  target,
  ...more,
});

describe('derived components, section 2.2', () => {
  it.each<[ComponentLike, HttpRequestMessage, string]>([
    ['@method', { ...GET, method: 'M-SEARCH' }, 'M-SEARCH'],
    ['@request-target', GET, GET.target],
    ['@request-target', at('*'), '*'],
    ['@request-target', at('a.example:443'), 'a.example:443'],
    ['@request-target', at('https://a.example/x?y'), 'https://a.example/x?y'],
    ['@path', GET, '/a/b'],
    ['@path', at('/'), '/'],
    ['@path', at('//a//%2e%2E/../b'), '//a//%2e%2E/../b'],
    ['@path', at('https://a.example/x?y'), '/x'],
    ['@path', at('https://a.example'), '/'],
    ['@query', GET, '?x=1&y=two%20words&x%20y=+&e=&x=2'],
    ['@query', at('/'), '?'],
    ['@query', at('/?'), '?'],
    ['@query', at('/?a?b'), '?a?b'],
    ['@query', at('https://a.example?q'), '?q'],
    ['@authority', GET, 'a.example:8080'],
    ['@authority', at('/', { scheme: 'https', authority: 'A.EXAMPLE:443' }), 'a.example'],
    ['@authority', at('/', { scheme: 'http', authority: 'a.example:443' }), 'a.example:443'],
    ['@authority', at('/', { scheme: 'http', authority: '[::1]:80' }), '[::1]'],
    ['@authority', at('/', { authority: 'a.example:' }), 'a.example'],
    ['@authority', at('https://B.example:443/'), 'b.example'],
    ['@scheme', at('/', { scheme: 'https' }), 'https'],
    ['@scheme', at('HTTP://a.example/'), 'http'],
    ['@target-uri', at('/x?y', { scheme: 'https' }), 'https://a.example:8080/x?y'],
    ['@target-uri', at('https://B.example/x'), 'https://B.example/x'],
    [{ name: '@query-param', parameters: { name: 'y' } }, GET, 'two%20words'],
    [{ name: '@query-param', parameters: { name: 'x%20y' } }, GET, '%20'],
    [{ name: '@query-param', parameters: { name: 'e' } }, GET, ''],
    [
      { name: '@query-param', parameters: { name: 'fa%C3%A7ade%22%3A%20' } },
      at('/?fa%c3%a7ade%22%3A%20=something'),
      'something',
    ],
    [{ name: '@query-param', parameters: { name: 'var' } }, at("/?var=it's(a)~!*%0A"), 'it%27s%28a%29%7E%21*%0A'],
  ])('%j of %j is %j', (component, message, expected) => {
    expect(value(component, message)).toBe(expected);
  });

  it.each<[string, ComponentLike, HttpMessage]>([
    ['missing_component', '@path', at('*')],
    ['missing_component', '@path', at('a.example:443')],
    ['missing_component', '@query', at('/a#b')],
    ['missing_component', '@scheme', GET],
    ['missing_component', '@target-uri', GET],
    ['missing_component', '@authority', with_()],
    ['duplicate_header', '@authority', with_('Host', 'a', 'host', 'b')],
    ['missing_component', '@authority', with_('Host', 'a.example:443')],
    ['bad_component_value', '@request-target', at('/a b')],
    ['bad_component_value', '@request-target', at('/\u00e9')],
    ['bad_component_value', '@path', at('/a\r\nb')],
    ['bad_component_value', '@method', { ...GET, method: 'GET\n"@path": /' }],
    ['bad_component_value', '@authority', with_('Host', 'a\u00e9')],
    ['missing_component', { name: '@query-param', parameters: { name: 'absent' } }, GET],
    ['missing_component', { name: '@query-param', parameters: { name: '' } }, GET],
    ['bad_component', { name: '@query-param', parameters: { name: 'x' } }, GET],
    ['bad_component_value', { name: '@query-param', parameters: { name: 'y' } }, at('/?y=%ff')],
    ['bad_component', '@query-param', GET],
    ['bad_component', '@status', GET],
    ['bad_component', '@method', { status: 200, rawHeaders: [] }],
    ['missing_component', { name: '@method', parameters: { req: true } }, { status: 200, rawHeaders: [] }],
    ['bad_component', { name: '@status', parameters: { req: true } }, { status: 200, rawHeaders: [], request: GET }],
  ])('threat 38: %s: %j of %j', (code, component, message) => {
    expect(codeOf(() => value(component, message))).toBe(code);
  });
});

describe('fields, section 2.1', () => {
  const DICTIONARY = 'a=1,  b=2;x=1.50;y=2 , c=( "x"  y );z, d';

  it.each<[ComponentLike, string[], string]>([
    ['x-a', ['X-A', ' one ', 'x-b', '', 'x-A', '\ttwo, three  '], 'one, two, three'],
    ['x-b', ['X-B', ''], ''],
    ['x-b', ['X-B', '', 'X-B', ''], ', '],
    ['x-a', ['X-A', 'a\tb  c'], 'a\tb  c'],
    [
      { name: 'x-a', parameters: { bs: true } },
      ['X-A', 'value, with, lots', 'X-A', 'of, commas'],
      ':dmFsdWUsIHdpdGgsIGxvdHM=:, :b2YsIGNvbW1hcw==:',
    ],
    [{ name: 'x-a', parameters: { bs: true } }, ['X-A', '\u00e9'], ':6Q==:'],
    [{ name: 'x-a', parameters: { key: 'a' } }, ['X-A', DICTIONARY], '1'],
    [{ name: 'x-a', parameters: { key: 'b' } }, ['X-A', DICTIONARY], '2;x=1.5;y=2'],
    [{ name: 'x-a', parameters: { key: 'c' } }, ['X-A', DICTIONARY], '("x" y);z'],
    [{ name: 'x-a', parameters: { key: 'd' } }, ['X-A', DICTIONARY], '?1'],
    [{ name: 'priority', parameters: { sf: true } }, ['Priority', 'u=1,  i=?1'], 'u=1, i'],
    [{ name: 'priority', parameters: { sf: true } }, ['Priority', 'u=1', 'priority', ' i=?1 '], 'u=1, i'],
    [{ name: 'x-a', parameters: { key: 'b' } }, ['X-A', 'a=1', 'x-a', 'b=( 2   3 )'], '(2 3)'],
  ])('%j of %j is %j', (component, rawHeaders, expected) => {
    expect(value(component, with_(...rawHeaders))).toBe(expected);
  });

  it.each<[string, ComponentLike, string[]]>([
    ['missing_component', 'x-a', []],
    ['bad_component', 'X-A', ['X-A', '1']],
    ['bad_component', 'x a', ['x a', '1']],
    ['bad_component', '', ['', '1']],
    ['bad_component', ':path', [':path', '/']],
    ['bad_component', '@signature-params', []],
    ['bad_component', '@host', []],
    ['bad_component', '@Method', []],
    ['bad_component', { name: '@method', parameters: { sf: true } }, []],
    ['bad_component', { name: '@path', parameters: { name: 'x' } }, []],
    ['bad_component', { name: 'x-a', parameters: { req: true } }, ['X-A', '1']],
    ['bad_component', { name: 'x-a', parameters: { other: true } }, ['X-A', '1']],
    ['bad_component', { name: 'x-a', parameters: { bs: 'x' } }, ['X-A', '1']],
    ['bad_component', { name: 'x-a', parameters: { key: true } }, ['X-A', '1']],
    ['bad_component', { name: 'x-a', parameters: { bs: true, sf: true } }, ['X-A', '1']],
    ['unsupported_component', { name: 'x-a', parameters: { tr: true } }, ['X-A', '1']],
    ['unsupported_component', { name: 'x-a', parameters: { sf: true } }, ['X-A', '1']],
    ['missing_component', { name: 'x-a', parameters: { key: 'z' } }, ['X-A', DICTIONARY]],
    ['bad_structured_field', { name: 'x-a', parameters: { key: 'a' } }, ['X-A', 'a=']],
    ['duplicate_member', { name: 'x-a', parameters: { key: 'a' } }, ['X-A', 'a=1', 'X-A', 'a=2']],
  ])('threat 38: %s: %j of %j', (code, component, rawHeaders) => {
    expect(codeOf(() => value(component, with_(...rawHeaders)))).toBe(code);
  });

  it.each(['a\r\nb', 'a\nb', 'a\rb', 'a\r\n b', 'a\0b', '\u00e9', 'a\u2028b', '\x7f'])(
    'threat 39: a value of %j cannot be signed',
    (text) => {
      expect(codeOf(() => value('x-a', with_('X-A', text)))).toBe('bad_component_value');
    },
  );

  it('threat 39: quotes and backslashes in parameters do not leave their string', () => {
    const component = { name: 'x-a', parameters: { key: 'a' } };
    const parameters = { nonce: '"; evil="\\', tag: '\\' };
    const { text } = createSignatureBase(with_('X-A', 'a'), [component], parameters);
    expect(text).toBe('"x-a";key="a": ?1\n"@signature-params": ("x-a";key="a");nonce="\\"; evil=\\"\\\\";tag="\\\\"');
    expect(() => createSignatureBase(GET, [], { nonce: 'a\nb' })).toThrow(TypeError);
    expect(() => createSignatureBase(GET, [], { nonce: '\u00e9' })).toThrow(TypeError);
  });

  it('threat 38: a component is covered once, whatever the order of its parameters', () => {
    const twice: ComponentLike[][] = [
      ['@method', '@method'],
      ['x-a', 'x-a'],
      [
        { name: 'x-a', parameters: { req: true, key: 'a' } },
        { name: 'x-a', parameters: { key: 'a', req: true } },
      ],
    ];
    const message: HttpResponseMessage = { status: 200, rawHeaders: ['X-A', 'a=1'], request: with_('X-A', 'a=1') };
    for (const components of twice) {
      expect(codeOf(() => createSignatureBase(message, components))).toBe('duplicate_component');
    }
    const different: ComponentLike[] = ['x-a', { name: 'x-a', parameters: { req: true } }];
    expect(codeOf(() => createSignatureBase(message, different))).toBe('accepted');
  });
});

describe('signing and verifying, section 3', () => {
  const parameters: SignatureParameters = { created: 1_618_884_473, tag: 'test' };
  const components = ['@method', '@path', 'x-a'];
  const message = with_('X-A', 'one');
  const add = (to: HttpMessage, fields: Iterable<readonly string[]>): HttpMessage => ({
    ...to,
    rawHeaders: [...to.rawHeaders, ...[...fields].flat()],
  });

  it.each([...ASYMMETRIC_ALGORITHMS])('%s signs and verifies, and nothing changed is accepted', async (alg) => {
    const { privateKey: key, publicKey } = keyPair(KIND_OF[alg]);
    const sent = add(message, await signMessage(message, key, { components, parameters, alg }));
    const outcome = (changed: HttpMessage): string =>
      codeOf(() => verifyMessage(changed, { key: publicKey, alg }, { components, clock }));
    expect(outcome(sent)).toBe('accepted');
    expect(outcome({ ...sent, method: 'PUT' } as HttpMessage)).toBe('bad_signature');
    expect(outcome({ ...sent, target: '/a/c' } as HttpMessage)).toBe('bad_signature');
    expect(outcome(add(sent, [['x-a', 'two']]))).toBe('bad_signature');
    const other = { key: keyPair(KIND_OF[alg], 'other').publicKey, alg };
    expect(codeOf(() => verifyMessage(sent, other, { components, clock }))).toBe('bad_signature');
  });

  const { privateKey: key, publicKey } = keyPair('P-256');
  const verificationKey = { key: publicKey, alg: 'ES256' } as const;

  it('several signatures are told apart by label or tag', async () => {
    const one = add(message, await signMessage(message, key, { label: 'a', components, parameters }));
    const both = add(one, await signMessage(one, key, { label: 'b', components, parameters: { tag: 'other' } }));
    const outcome = (options: object): string =>
      codeOf(() => verifyMessage(both, verificationKey, { components, clock, ...options }));
    expect(outcome({})).toBe('ambiguous_signature');
    expect(outcome({ label: 'a' })).toBe('accepted');
    expect(outcome({ tag: 'other' })).toBe('accepted');
    expect(outcome({ label: 'a', tag: 'other' })).toBe('missing_signature');
    expect(outcome({ label: 'c' })).toBe('missing_signature');
    expect(readSignatures(both).map(({ label }) => label)).toEqual(['a', 'b']);
    await expect(signMessage(both, key, { label: 'a', components })).rejects.toThrow(TypeError);
  });

  it('a signature may cover another one', async () => {
    const inner = add(message, await signMessage(message, key, { label: 'a', components }));
    const over = [{ name: 'signature', parameters: { key: 'a' } }];
    const outer = add(inner, await signMessage(inner, key, { label: 'b', components: over }));
    expect(codeOf(() => verifyMessage(outer, verificationKey, { label: 'b', components: over, clock }))).toBe(
      'accepted',
    );
  });

  it('must cover what is asked for', async () => {
    const sent = add(message, await signMessage(message, key, { components: [] }));
    expect(codeOf(() => verifyMessage(sent, verificationKey, { components: ['x-a'] }))).toBe('not_covered');
    expect(codeOf(() => verifyMessage(sent, verificationKey, { components: [] }))).toBe('accepted');
    const nothing = undefined as unknown as { components: string[] };
    expect(() => verifyMessage(sent, verificationKey, nothing)).toThrow(TypeError);
  });

  it.each([
    ['accepted', { created: 1_618_884_510 }],
    ['not_yet_valid', { created: 1_618_884_511 }],
    ['accepted', { expires: 1_618_884_491 }],
    ['expired', { expires: 1_618_884_490 }],
    ['expires_before_created', { created: 1_618_884_500, expires: 1_618_884_499 }],
    ['bad_parameter', { created: '1618884500' }],
    ['bad_parameter', { expires: true }],
    ['bad_parameter', { created: -1 }],
    ['accepted', { alg: 'ecdsa-p256-sha256' }],
    ['alg_mismatch', { alg: 'ed25519' }],
    ['alg_mismatch', { alg: 'ES256' }],
    ['bad_parameter', { alg: true }],
  ])('threat 36: %s: %j', async (code, extra) => {
    const fields = await signMessage(message, key, { components, parameters: extra as SignatureParameters });
    const outcome = codeOf(() => verifyMessage(add(message, fields), verificationKey, { components, clock }));
    expect(outcome).toBe(code);
  });

  it.each([
    ['accepted', {}, 'k1'],
    ['accepted', { keyid: 'k1' }, undefined],
    ['accepted', { keyid: 'k1' }, 'k1'],
    ['keyid_mismatch', { keyid: 'k2' }, 'k1'],
    ['keyid_mismatch', { keyid: 'K1' }, 'k1'],
    ['bad_parameter', { keyid: 1 }, 'k1'],
  ])('threat 36: %s: a signature with %j for the key %j', async (code, extra, keyid) => {
    const fields = await signMessage(message, key, { components, parameters: extra as SignatureParameters });
    const outcome = codeOf(() => verifyMessage(add(message, fields), { ...verificationKey, keyid }, { components }));
    expect(outcome).toBe(code);
  });

  it.each([
    ['unpaired_label', 'Signature-Input', 'b=()'],
    ['unpaired_label', 'Signature', 'b=:AA==:'],
    ['duplicate_member', 'Signature', 'sig=:AA==:'],
    ['duplicate_member', 'Signature-Input', 'sig=()'],
    ['duplicate_member', 'Signature-Input', 'sig'],
    ['bad_structured_field', 'Signature', '"x"'],
  ])('threat 34: %s: another %s: %s', async (code, name, text) => {
    const fields = [...(await signMessage(message, key, { components })), [name, text]];
    expect(codeOf(() => verifyMessage(add(message, fields), verificationKey, { components }))).toBe(code);
  });

  it.each([
    ['bad_structured_field', 'sig=:AA==:;p'],
    ['bad_structured_field', 'sig="AA=="'],
    ['bad_structured_field', 'sig=(:AA==:)'],
    ['bad_structured_field', 'sig'],
    ['bad_signature', 'sig=::'],
    ['bad_signature', 'sig=:AA==:'],
  ])('threat 21: %s: Signature is %s', async (code, text) => {
    const [input] = await signMessage(message, key, { components });
    const sent = add(message, [input ?? [], ['Signature', text]]);
    expect(codeOf(() => verifyMessage(sent, verificationKey, { components }))).toBe(code);
  });

  it.each([
    ['sig=( "@method" "@path" "x-a");created=1', 'not_canonical'],
    ['sig=("@method"  "@path" "x-a");created=1', 'not_canonical'],
    ['sig=("@method" "@path" "x-a"); created=1', 'not_canonical'],
    ['sig=("@method" "@path" "x-a");created=01', 'not_canonical'],
    ['sig=("@method" "@path" "x-a");created=1;a=?1', 'not_canonical'],
    ['sig=("@method" "@path" "x-a");created=1;a=1.50', 'not_canonical'],
    ['  sig=("@method" "@path" "x-a");created=1 ', 'bad_signature'],
    ['sig=(@method "@path" "x-a")', 'bad_structured_field'],
    ['sig=(method "@path" "x-a")', 'bad_component'],
    ['sig=("@method";req=?0 "@path" "x-a")', 'bad_component'],
  ])('threat 39: %s is %s', async (text, code) => {
    const [, signature] = await signMessage(message, key, { components });
    const sent = add(message, [['Signature-Input', text], signature ?? []]);
    expect(codeOf(() => verifyMessage(sent, verificationKey, { components }))).toBe(code);
  });

  it('misuse is a TypeError', async () => {
    const sent = add(message, await signMessage(message, key, { components }));
    const verify = (given: object) => () => verifyMessage(sent, given as typeof verificationKey, { components });
    expect(verify({ key, alg: 'ES256' })).toThrow(TypeError);
    expect(verify({ key: publicKey, alg: 'ES384' })).toThrow(TypeError);
    for (const alg of ['hmac-sha256', 'HS256', 'none', 'None', 'RSA1_5', 'ES256K']) {
      expect(verify({ key: publicKey, alg }), alg).toThrow(TypeError);
      await expect(signMessage(message, key, { components, alg: alg as 'ES256' }), alg).rejects.toThrow(TypeError);
    }
    expect(verify({ key: publicKey, alg: 'toString' })).toThrow(TypeError);
    await expect(signMessage(message, key, { components, label: 'Sig' })).rejects.toThrow(TypeError);
    await expect(signMessage(message, key, { components, alg: 'ed25519' })).rejects.toThrow(TypeError);
    await expect(signMessage(message, key, { components: 'x-a' as unknown as string[] })).rejects.toThrow(TypeError);
    expect(await rejectionOf(signMessage(message, key, { components: ['x-b'] }))).toBe('missing_component');
    for (const broken of [
      { ...GET, rawHeaders: ['x'] },
      { ...GET, method: '' },
      { ...GET, rawHeaders: [1, 2] },
      { status: 99, rawHeaders: [] },
    ]) {
      expect(() => createSignatureBase(broken as unknown as HttpMessage, [])).toThrow(TypeError);
    }
  });

  it('what a signer from outside gives is verified', async () => {
    const signer = { alg: 'ES256' as const, publicKey, sign: () => new Uint8Array(64) };
    await expect(signMessage(message, signer, { components })).rejects.toThrow(TypeError);
  });
});
