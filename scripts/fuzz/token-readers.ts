import { parseJwtBundle, parseSpiffeBundle, parseWitBundle } from 'svidkit/bundle';
import { decodeBase64url, encodeBase64url } from '../../src/internal/base64url.js';
import { readCompactJws } from '../../src/internal/compact-jws.js';
import { readJson } from '../../src/internal/json.js';
import { readPublicJwk } from '../../src/internal/jwk.js';
import { jwkEntry, x509Entry } from '../../test/support/bundle-documents.js';
import { type KeyKind, keyPair } from '../../test/support/key-pairs.js';
import { WIT, wpt } from '../../test/support/proofs.js';
import { makeAuthority } from '../../test/support/x509.js';
import { mutateText } from './mutate.js';
import type { Random } from './random.js';
import { expectSame, type FuzzReader, judged, Violation } from './reader.js';

const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const JSON_WORDS = [
  ...['{', '}', '[', ']', ',', ':', '"', '\\', '\\u0000', '\\ud800', '\\udc00', '\\"', '"__proto__"', '"constructor"'],
  ...[
    'null',
    'true',
    'false',
    '-0',
    '1e999',
    '1e-999',
    '9007199254740993',
    '0.1',
    '00',
    '-',
    '1E+2',
    ' ',
    '\n',
    '\ufeff',
  ],
];
const MEMBERS = [
  'kty',
  'crv',
  'x',
  'y',
  'n',
  'e',
  'd',
  'k',
  'kid',
  'use',
  'alg',
  'key_ops',
  'x5c',
  'keys',
  '__proto__',
];
const TEXTS = [
  ...['EC', 'RSA', 'OKP', 'oct', 'P-256', 'P-384', 'P-521', 'Ed25519', 'X25519', 'secp256k1', 'AQAB', 'AQ', '', 'a'],
  ...['jwt-svid', 'wit-svid', 'x509-svid', 'sig', 'ES256', 'RS256', 'none', 'HS256', 'wit+jwt', 'JWT', 'b64', 'crit'],
];
const KINDS: readonly KeyKind[] = ['P-256', 'P-384', 'P-521', 'Ed25519', 'RSA'];
const jwks = KINDS.map((kind) => jwkEntry(keyPair(kind).publicKey, { kid: kind }));
const privateJwk = keyPair('P-256').privateKey.export({ format: 'jwk' });

const base64url: FuzzReader<string> = {
  name: 'base64url',
  seeds: ['', 'AA', 'AAA', 'AAAA', 'AAE', 'QUJDREVGRw', WIT.slice(0, 40)],
  generate: (random) => random.list(random.length(), () => random.pick([...BASE64URL])).join(''),
  mutate: (random, input, other) => mutateText(random, input, other, ['=', '+', '/', ' ', '\n', 'A', '_', '-']),
  judge: (text) =>
    judged(
      () => decodeBase64url(text),
      (bytes) => expectSame('texts', encodeBase64url(bytes), text),
    ),
};

const json: FuzzReader<string> = {
  name: 'json',
  seeds: ['{}', '[1,2.5,-3e2,true,null]', '{"a":{"b":["c","\\u00e9\\n"]}}', JSON.stringify(jwks[0]), '"x"'],
  generate: (random) => jsonText(random, 0),
  mutate: (random, input, other) => mutateText(random, input, other, JSON_WORDS),
  judge: (text) =>
    judged(
      () => readJson(text),
      (value) => {
        expectSame('values', JSON.stringify(value), JSON.stringify(JSON.parse(text)));
        expectSame('values', readJson(JSON.stringify(value), { maxBytes: 1e6 }), value);
      },
    ),
};

const compactJws: FuzzReader<string> = {
  name: 'compact-jws',
  seeds: [WIT, wpt(), jws('{"alg":"ES256"}', '{}')],
  generate: (random) => jws(jsonText(random, 0), jsonText(random, 0)),
  mutate: (random, input, other) => {
    const segments = input.split('.');
    const at = random.index(2);
    if (random.chance(0.5)) return mutateText(random, input, other, ['.', '=', 'A', '..']);
    const text = Buffer.from(segments[at] ?? '', 'base64url').toString('utf8');
    const changed = mutateText(random, text, jsonText(random, 0), [
      ...JSON_WORDS,
      '"alg":',
      '"crit":[]',
      '"zip":1',
      '"cty"',
    ]);
    return segments.with(at, Buffer.from(changed).toString('base64url')).join('.');
  },
  judge: (token) =>
    judged(
      () => readCompactJws(token),
      ({ alg, header, payload, signingInput, signature }) => {
        expectSame('tokens', `${Buffer.from(signingInput).toString('latin1')}.${encodeBase64url(signature)}`, token);
        const [first = '', second = ''] = token.split('.');
        for (const [segment, read] of [[first, header] as const, [second, payload] as const]) {
          const text = Buffer.from(segment, 'base64url').toString('utf8');
          expectSame('segments', Buffer.from(text).toString('base64url'), segment);
          expectSame('objects', JSON.stringify(read), JSON.stringify(JSON.parse(text)));
        }
        expectSame('algorithms', alg, header['alg']);
      },
    ),
};

const jwk: FuzzReader<string> = {
  name: 'jwk',
  seeds: [...jwks, privateJwk].map((each) => JSON.stringify(each)),
  generate: (random) => JSON.stringify(randomKey(random)),
  mutate: mutateDocument,
  judge: (text) =>
    judged(
      () => readPublicJwk(readJson(text)),
      (key) => {
        const again = readPublicJwk(key.jwk);
        expectSame('keys', [again.jwk, again.thumbprint], [key.jwk, key.thumbprint]);
        const exported = key.key.export({ format: 'jwk' });
        for (const [name, value] of Object.entries(exported)) expectSame(`members ${name}`, key.jwk[name], value);
        if ('d' in key.jwk || key.key.type !== 'public') throw new Violation('a private key came through');
      },
    ),
};

const jwkSet: FuzzReader<string> = {
  name: 'jwk-set',
  seeds: [documentOf(jwks), documentOf([{ ...jwks[0], use: 'wit-svid' }]), documentOf([]), documentOf([privateJwk])],
  generate: (random) => documentOf(random.list(random.index(5), () => randomKey(random))),
  mutate: mutateDocument,
  judge: (text) =>
    [parseJwtBundle, parseWitBundle]
      .map((parse) =>
        judged(
          () => parse('example.org', text),
          (bundle) => {
            const again = parse('example.org', JSON.stringify(bundle.toJwks()));
            expectSame('key sets', again.toJwks(), bundle.toJwks());
            expectSame('bundles', bundle.equals(again as never), true);
            JSON.stringify(bundle.ignored);
          },
        ),
      )
      .includes(true),
};

const authority = makeAuthority('root', { uri: 'spiffe://example.org' });
const spiffeBundle: FuzzReader<string> = {
  name: 'spiffe-bundle',
  seeds: [
    documentOf([
      x509Entry(authority),
      { ...jwks[0], use: 'jwt-svid', kid: 'a' },
      { ...jwks[1], use: 'wit-svid', kid: 'b' },
    ]),
    documentOf([x509Entry(makeAuthority('rsa', { kind: 'RSA' }))], { spiffe_sequence: 1, spiffe_refresh_hint: 60 }),
  ],
  generate: (random) =>
    documentOf(
      random.list(random.index(5), () => ({ ...randomKey(random), use: random.pick(TEXTS), x5c: x5c(random) })),
      random.chance(0.3) ? { spiffe_sequence: random.pick([0, 1, -1, 1.5, 2 ** 53, '1', null]) } : {},
    ),
  mutate: mutateDocument,
  judge: (text) =>
    judged(
      () => parseSpiffeBundle('example.org', text),
      (bundle) => {
        const again = parseSpiffeBundle('example.org', bundle.serialize());
        expectSame('documents', again.serialize(), bundle.serialize());
        expectSame('bundles', bundle.equals(again), true);
        JSON.stringify([bundle, bundle.x509.ignored, bundle.jwt.ignored, bundle.wit.ignored]);
      },
    ),
};

export const tokenReaders: readonly FuzzReader<string>[] = [base64url, json, compactJws, jwk, jwkSet, spiffeBundle];

function jws(header: string, payload: string): string {
  return [header, payload, 'signature'].map((part) => Buffer.from(part).toString('base64url')).join('.');
}

function documentOf(keys: readonly object[], more: object = {}): string {
  return JSON.stringify({ ...more, keys });
}

function mutateDocument(random: Random, input: string, other: string): string {
  return mutateText(random, input, other, [...JSON_WORDS, ...TEXTS, ...MEMBERS.map((name) => `"${name}":`)]);
}

function x5c(random: Random): unknown {
  const certificate = Buffer.from(authority.der).toString('base64');
  return random.pick<unknown>([[certificate], [certificate, certificate], [], 'x', [5], undefined]);
}

/** A key with some members of another, or without some of its own. */
function randomKey(random: Random): object {
  const members = Object.entries({ ...random.pick(jwks), ...(random.chance(0.1) && random.pick(jwks)) });
  const kept = members
    .filter(() => random.chance(0.95))
    .map(([name, value]) => {
      if (random.chance(0.9)) return [name, value] as const;
      return [
        name,
        random.pick<unknown>([...TEXTS, 1, null, [], {}, encodeBase64url(random.bytes(random.length()))]),
      ] as const;
    });
  const extra = random.chance(0.3) ? [[random.pick(MEMBERS.slice(0, -1)), random.pick(TEXTS)] as const] : [];
  return Object.fromEntries([...kept, ...extra]);
}

function jsonText(random: Random, depth: number): string {
  const space = random.chance(0.1) ? random.pick([' ', '\n', '\t']) : '';
  const list = (make: () => string) => random.list(random.index(4), make).join(`,${space}`);
  const text = () => JSON.stringify(random.chance(0.5) ? random.pick([...MEMBERS, ...TEXTS]) : `${random.index(9)}`);
  if (depth === 0 || (depth < 18 && random.chance(0.4))) {
    return random.chance(0.8)
      ? `{${space}${list(() => `${text()}:${jsonText(random, depth + 1)}`)}}`
      : `[${list(() => jsonText(random, depth + 1))}]`;
  }
  return random.chance(0.5) ? text() : random.pick(JSON_WORDS.slice(14)) + space;
}
