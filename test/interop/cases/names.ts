import type { Expected, TextCase } from '../support/case.js';

const accepted = [
  'spiffe://trustdomain',
  'spiffe://example.org/workload',
  'spiffe://example.org/a/b/c',
  'spiffe://example.org/.path',
  'spiffe://example.org/..path',
  'spiffe://example.org/...',
  'spiffe://example.org/Path/WITH-Case_and.1',
  'spiffe://a_b-c.9/x',
  'spiffe://127.0.0.1/x',
  'spiffe://-.-/x',
  'spiffe://a..b/x',
  `spiffe://${'a'.repeat(255)}/x`,
  `spiffe://example.org/${'a'.repeat(2048 - 'spiffe://example.org/'.length)}`,
];

const refused = [
  '',
  's',
  'spiffe:/',
  'spiffe:/trustdomain/path',
  'spiffe:trustdomain/path',
  'Spiffe://',
  'SPIFFE://example.org/a',
  'Spiffe://example.org/a',
  'spiffe://Example.org/a',
  'sparfe://domain1.test/workload',
  'http://example.org/a',
  'wimse://example.org/a',
  'spiffe://',
  'spiffe:///',
  'spiffe:///path',
  'spiffe://trustdomain/',
  'spiffe://trustdomain//',
  'spiffe://trustdomain//path',
  'spiffe://trustdomain/path/',
  'spiffe://trustdomain/path//other',
  'spiffe://trustdomain/.',
  'spiffe://trustdomain/./path',
  'spiffe://trustdomain/path/./other',
  'spiffe://trustdomain/path/..',
  'spiffe://trustdomain/..',
  'spiffe://trustdomain/../path',
  'spiffe://trustdomain/path/../other',
  'spiffe://%F0%9F%A4%AF/path',
  'spiffe://trustdomain/%F0%9F%A4%AF',
  'spiffe://%62%61%64/path',
  'spiffe://trustdomain/%62%61%64',
  'spiffe://trustdomain/%2e%2e/path',
  'spiffe://trustdomain/a%2Fb',
  'spiffe://trustdomain/path?',
  'spiffe://trustdomain/path?query=1',
  'spiffe://trustdomain?query=1',
  'spiffe://trustdomain/path#',
  'spiffe://trustdomain/path#fragment',
  'spiffe://user@trustdomain/path',
  'spiffe://@trustdomain/path',
  'spiffe://trustdomain:/path',
  'spiffe://trustdomain:443/path',
  'spiffe://[::1]/path',
  ' spiffe://trustdomain/path',
  'spiffe://trustdomain/path ',
  'spiffe://trustdomain/path\n',
  'spiffe://trustdomain\n',
  'spiffe://trustdomain\n/path',
  'spiffe://trustdomain/path\0',
  'spiffe://trust\tdomain/path',
  'spiffe:\\\\trustdomain\\path',
  'spiffe://trustdomain/päth',
  'spiffe://trüst/path',
  'spiffe://trustdomain/\u{1f92f}',
  'spiffe://trustdomain/pаth',
  `spiffe://${'a'.repeat(256)}/x`,
  `spiffe://example.org/${'a'.repeat(2049 - 'spiffe://example.org/'.length)}`,
];

const trustDomains: readonly (readonly [string, Expected])[] = [
  ['trustdomain', 'accept'],
  ['spiffe://trustdomain', 'accept'],
  ['example.org', 'accept'],
  ['127.0.0.1', 'accept'],
  ['', 'refuse'],
  ['spiffe://', 'refuse'],
  ['spiffe:/trustdomain/path', 'refuse'],
  ['spiffe:///path', 'refuse'],
  ['spiffe://trustdomain/', 'refuse'],
  ['spiffe://trustdomain/path', 'refuse'],
  ['spiffe://trustdomain/path/', 'refuse'],
  ['spiffe://%F0%9F%A4%AF/path', 'refuse'],
  ['spiffe://trustdomain/%F0%9F%A4%AF', 'refuse'],
  ['trustdomain/path', 'refuse'],
  ['trustdomain:443', 'refuse'],
  ['user@trustdomain', 'refuse'],
  ['TrustDomain', 'refuse'],
  ['SPIFFE://trustdomain', 'refuse'],
  ['trustdomain\n', 'refuse'],
  ['trust domain', 'refuse'],
  ['[::1]', 'refuse'],
];

const addresses: readonly (readonly [string, Expected])[] = [
  ['unix:///run/spire/agent.sock', 'accept'],
  ['unix:/run/spire/agent.sock', 'accept'],
  ['UNIX:///run/spire/agent.sock', 'accept'],
  ['unix:///run/with%20space.sock', 'accept'],
  ['tcp://1.2.3.4:5', 'accept'],
  ['tcp://127.0.0.1:8000', 'accept'],
  ['tcp://[::1]:8000', 'accept'],
  ['TCP://127.0.0.1:8000', 'accept'],
  ['', 'refuse'],
  ['\t', 'refuse'],
  ['blah', 'refuse'],
  ['/run/spire/agent.sock', 'refuse'],
  ['http://127.0.0.1:8000', 'refuse'],
  ['npipe:pipeName', 'refuse'],
  ['npipe:', 'refuse'],
  ['npipe://foo', 'refuse'],
  ['npipe:pipeName?query', 'refuse'],
  ['npipe:pipeName#fragment', 'refuse'],
  ['tcp:opaque', 'refuse'],
  ['tcp://', 'refuse'],
  ['tcp://1.2.3.4:5?whatever', 'refuse'],
  ['tcp://1.2.3.4:5#whatever', 'refuse'],
  ['tcp://john:doe@1.2.3.4:5', 'refuse'],
  ['tcp://john:doe@1.2.3.4:5/path', 'refuse'],
  ['tcp://1.2.3.4:5/path', 'refuse'],
  ['tcp://1.2.3.4:5/', 'refuse'],
  ['tcp://foo', 'refuse'],
  ['tcp://localhost:80', 'refuse'],
  ['tcp://1.2.3.4', 'refuse'],
  ['tcp://1.2.3.4:', 'refuse'],
  ['tcp://1.2.3.4:0', 'refuse'],
  ['tcp://1.2.3.4:65536', 'refuse'],
  ['tcp://1.2.3.4:http', 'refuse'],
  ['tcp://1.2.3:80', 'refuse'],
  ['tcp://0x7f000001:80', 'refuse'],
  ['tcp://::1:80', 'refuse'],
  ['tcp://[::1]', 'refuse'],
  ['tcp://[fe80::1%25eth0]:80', 'refuse'],
  ['unix:opaque', 'refuse'],
  ['unix:', 'refuse'],
  ['unix://', 'refuse'],
  ['unix://foo', 'refuse'],
  ['unix://foo/path', 'refuse'],
  ['unix://localhost/run/agent.sock', 'refuse'],
  ['unix://foo?whatever', 'refuse'],
  ['unix://foo#whatever', 'refuse'],
  ['unix:///path?whatever', 'refuse'],
  ['unix:///path#whatever', 'refuse'],
  ['unix:///path?', 'refuse'],
  ['unix:///path#', 'refuse'],
  ['unix://john:doe@foo/path', 'refuse'],
  ['unix:///run/with space.sock', 'refuse'],
  ['unix:///run/%zz', 'refuse'],
  ['unix:///run/%00', 'refuse'],
  [' unix:///run/agent.sock', 'refuse'],
  [`unix:///${'a'.repeat(200)}`, 'refuse'],
];

/** Every Latin-1 character, first as a letter of the trust domain and then of the path. */
export function characterCases(): readonly TextCase[] {
  const places = [
    {
      where: 'trust domain',
      allowed: /^[a-z0-9._-]$/,
      spell: (character: string) => `spiffe://trustdomain${character}/path`,
    },
    {
      where: 'path',
      allowed: /^[A-Za-z0-9._-]$/,
      spell: (character: string) => `spiffe://trustdomain/path${character}`,
    },
  ];
  return places.flatMap(({ where, allowed, spell }) =>
    Array.from({ length: 256 }, (_, code) => String.fromCharCode(code))
      .filter((character) => character !== '/')
      .map((character): TextCase => {
        const code = character.charCodeAt(0).toString(16).padStart(2, '0');
        const expected = allowed.test(character) ? 'accept' : 'refuse';
        return { kind: 'id', name: `id: character 0x${code} in the ${where}`, expected, text: spell(character) };
      }),
  );
}

export function nameCases(): readonly TextCase[] {
  const ids = [
    ...accepted.map((text) => [text, 'accept'] as const),
    ...refused.map((text) => [text, 'refuse'] as const),
  ];
  return [...textCases('id', ids), ...textCases('trust-domain', trustDomains), ...textCases('address', addresses)];
}

function textCases(kind: TextCase['kind'], rows: readonly (readonly [string, Expected])[]): TextCase[] {
  return rows.map(([text, expected]) => ({ kind, name: `${kind}: ${shown(text)}`, expected, text }));
}

function shown(text: string): string {
  const quoted = JSON.stringify(text);
  return quoted.length > 70 ? `${quoted.slice(0, 40)}… of ${text.length} characters` : quoted;
}
