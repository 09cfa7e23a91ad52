import { parseSpiffeId, parseTrustDomain, parseWorkloadId } from 'svidkit/id';
import { formatEndpointAddress, parseEndpointAddress } from 'svidkit/workload-api';
import { readWptRequest } from 'svidkit/wpt';
import { serializeDictionary } from '../../src/http-signature/serialize-fields.js';
import { readDictionary } from '../../src/http-signature/structured-fields.js';
import { WIT, wpt } from '../../test/support/proofs.js';
import { mutateText } from './mutate.js';
import { expectSame, type FuzzReader, judged, Violation } from './reader.js';

const ID_WORDS = [
  'spiffe://',
  'wimse://',
  'SPIFFE://',
  '/',
  '//',
  '..',
  '.',
  '%2e',
  '%41',
  '%C3',
  '@',
  ':80',
  '?',
  '#',
  '\u212a',
  'a',
];

const identifier: FuzzReader<string> = {
  name: 'spiffe-id',
  seeds: [
    'spiffe://example.org',
    'spiffe://example.org/a/b',
    'wimse://example.org/a?b',
    'wimse://a.b/%20x',
    'example.org',
  ],
  generate: (random) =>
    random.list(random.index(8), () => random.pick([...ID_WORDS, 'example.org', 'agents'])).join(''),
  mutate: (random, input, other) => mutateText(random, input, other, ID_WORDS),
  judge: (text) => {
    judged(
      () => parseSpiffeId(text),
      (id) => expectSame('identifiers', id.toString(), text),
    );
    judged(
      () => parseTrustDomain(text),
      (domain) => expectSame('trust domains', text.includes('://') ? domain.toString() : domain.name, text),
    );
    return judged(
      () => parseWorkloadId(text),
      (id) => {
        expectSame('identifiers', `${id.trustDomain.scheme}://${id.trustDomain.name}${id.path}`, text);
        if (/[^!-~]/.test(text)) throw new Violation('an identifier holds a character that is not visible ASCII');
        if (id.path.split('/').some((segment) => segment === '.' || segment === '..'))
          throw new Violation('a dot segment');
      },
    );
  },
};

const ADDRESS_WORDS = [
  'unix:',
  'tcp:',
  'UNIX:',
  '//',
  '/',
  '[',
  ']',
  '::1',
  '127.0.0.1',
  ':',
  '8000',
  '%2F',
  '%00',
  '?',
  '#',
  '@',
  '..',
];

const address: FuzzReader<string> = {
  name: 'endpoint-address',
  seeds: ['unix:///run/a.sock', 'unix:/run/a.sock', 'tcp://127.0.0.1:8000', 'tcp://[::1]:80', 'unix:///a%20b'],
  generate: (random) => random.list(random.index(7), () => random.pick([...ADDRESS_WORDS, 'run', 'a.sock'])).join(''),
  mutate: (random, input, other) => mutateText(random, input, other, ADDRESS_WORDS),
  judge: (text) =>
    judged(
      () => parseEndpointAddress(text),
      (read) => {
        expectSame('addresses', parseEndpointAddress(formatEndpointAddress(read)), read);
        if (read.transport === 'unix' && !read.path.startsWith('/')) throw new Violation('a path is not absolute');
      },
    ),
};

const FIELDS = [
  'Workload-Identity-Token',
  'Workload-Proof-Token',
  'Authorization',
  'Txn-Token',
  'X-End-User',
  'Signature-Input',
  'Signature',
];
const VALUES = [
  WIT,
  wpt(),
  `WPT ${wpt()}`,
  `Bearer ${WIT}`,
  'abc',
  '',
  ' ',
  'a.b.c',
  'DPoP x',
  'wpt x.y.z',
  'wimse=("@method")',
  'wimse=("@method");tag="wimse-workload-to-workload"',
  `${WIT},${WIT}`,
];
const one = (name: string, value: string): string => `${name}: ${value}`;

/** Lines of `name: value` stand for the list that Node gives. */
const wptRequest: FuzzReader<string> = {
  name: 'wpt-request',
  seeds: [
    [one('Workload-Identity-Token', WIT), one('Authorization', `WPT ${wpt()}`)].join('\n'),
    [one('Workload-Identity-Token', WIT), one('Workload-Proof-Token', wpt()), one('Authorization', 'Bearer abc')].join(
      '\n',
    ),
    [
      one('workload-identity-token', WIT),
      one('authorization', `WPT ${wpt()}`),
      one('Txn-Token', WIT),
      one('x-end-user', 'a'),
    ].join('\n'),
  ],
  generate: (random) => random.list(random.index(6), () => one(random.pick(FIELDS), random.pick(VALUES))).join('\n'),
  mutate: (random, input, other) => {
    const lines = input.split('\n');
    const at = random.index(lines.length);
    if (random.chance(0.5)) return lines.with(at, one(random.pick(FIELDS), random.pick(VALUES))).join('\n');
    if (random.chance(0.3)) return [...lines, lines[at] ?? ''].join('\n');
    return mutateText(random, input, other, [',', ' ', '\t', 'WPT ', 'Bearer ', '.', '\n', ': ']);
  },
  judge: (text) => {
    const rawHeaders = text.split('\n').flatMap((line) => {
      const colon = line.indexOf(':');
      return colon < 0 ? [line, ''] : [line.slice(0, colon), line.slice(colon + 2)];
    });
    const drafts = ['draft-ietf-wimse-wpt-02', 'draft-ietf-wimse-wpt-01'] as const;
    return judged(
      () => readWptRequest(rawHeaders, { drafts, otherTokens: ['X-End-User'] }),
      (request) => {
        const values = (name: string) =>
          rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name);
        const trim = (value: string | undefined) => value?.replace(/^[ \t]+|[ \t]+$/g, '');
        for (const name of FIELDS.slice(0, 5).map((field) => field.toLowerCase())) {
          if (values(name).length > 1) throw new Violation(`two ${name} were accepted`);
        }
        if (values('signature-input').some((value) => value.includes('wimse-workload-to-workload'))) {
          throw new Violation('a proof of the other kind was passed over');
        }
        expectSame('WITs', request.wit, trim(values('workload-identity-token')[0]));
        const authorization = trim(values('authorization')[0]);
        const isNew = request.draft === 'draft-ietf-wimse-wpt-02';
        const proof = isNew ? authorization?.replace(/^WPT +/i, '') : trim(values('workload-proof-token')[0]);
        expectSame('WPTs', request.wpt, proof);
        expectSame('Txn-Tokens', request.txnToken ?? null, trim(values('txn-token')[0]) ?? null);
      },
    );
  },
};

const SF_WORDS = [
  '(',
  ')',
  ';',
  '=',
  ',',
  '"',
  '\\',
  '?1',
  '?0',
  ':',
  'YQ==',
  '1',
  '1.5',
  '-0',
  'a',
  '*',
  ' ',
  '\t',
  '"x"',
  'tok/en',
];

const structuredField: FuzzReader<string> = {
  name: 'structured-field',
  seeds: [
    'wimse=("@method" "@path" "content-type";req);created=1;expires=2;tag="x"',
    'a=1, b;x=1.5, c=:YWJj:, d=("a";b;c="d" tok);e=?0, f="q\\"\\\\"',
    '',
  ],
  generate: (random) => random.list(random.index(12), () => random.pick([...SF_WORDS, 'key=', ', '])).join(''),
  mutate: (random, input, other) => mutateText(random, input, other, SF_WORDS),
  judge: (text) =>
    judged(
      () => readDictionary(text),
      (read) => {
        const written = serializeDictionary(Array.from(read, ([key, { value }]) => [key, value] as const));
        const again = readDictionary(written);
        expectSame(
          'dictionaries',
          serializeDictionary(Array.from(again, ([key, { value }]) => [key, value] as const)),
          written,
        );
        expectSame('keys', [...again.keys()], [...read.keys()]);
      },
    ),
};

export const textReaders: readonly FuzzReader<string>[] = [identifier, address, wptRequest, structuredField];
