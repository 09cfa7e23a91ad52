import { segment } from '../../support/raw-token.js';
import type { Presented, Row, TokenMaker } from './token-cases.js';

/** Compact serialization, base64url and JSON: the same for JWT-SVIDs and WIT-SVIDs. */
export function syntaxRows(maker: TokenMaker): readonly Row[] {
  return [...critical(maker), ...segments(maker), ...spelling(maker), ...json(maker)];
}

/** RFC 7515 section 4.1.11, RFC 7797. */
function critical(maker: TokenMaker): readonly Row[] {
  return [
    ['crit with an unknown name', 'refuse', maker.withHeader({ crit: ['x'], x: 1 })],
    ['crit empty', 'refuse', maker.withHeader({ crit: [] })],
    ['crit with b64', 'refuse', maker.withHeader({ crit: ['b64'], b64: false })],
    ['b64 true and not critical', 'refuse', maker.withHeader({ b64: true })],
    ['zip', 'refuse', maker.withHeader({ zip: 'DEF' })],
  ];
}

function segments(maker: TokenMaker): readonly Row[] {
  const good = maker.make();
  const [head = '', body = '', signature = ''] = good.split('.');
  return [
    ['a word', 'refuse', { token: 'invalid token' }],
    ['four words', 'refuse', { token: 'not.a.valid.jwt' }],
    ['nothing', 'refuse', { token: '' }],
    ['two segments', 'refuse', { token: `${head}.${body}` }],
    ['four segments', 'refuse', { token: `${good}.x` }],
    ['five segments', 'refuse', { token: `${head}...${body}.${signature}` }],
    ['JSON serialization', 'refuse', { token: JSON.stringify({ protected: head, payload: body, signature }) }],
  ];
}

/** RFC 7515 section 2, RFC 4648 section 3.5. */
function spelling(maker: TokenMaker): readonly Row[] {
  const good = maker.make();
  const [head = '', body = '', signature = ''] = good.split('.');
  const signed = (spell: (text: string) => string): Presented => maker.made({ spell: { payload: spell } });
  const otherAlphabet = maker.made({
    payload: { ...maker.claims, x: '???>>>~~~' },
    spell: { payload: (text) => text.replaceAll('-', '+').replaceAll('_', '/') },
  });
  return [
    ['white space before', 'refuse', { token: ` ${good}` }],
    ['a line feed after', 'refuse', { token: `${good}\n` }],
    ['a line feed inside', 'refuse', { token: `${head}.${broken(body)}.${signature}` }],
    ['a line feed inside what was signed', 'refuse', signed(broken)],
    ['padding in what was signed', 'refuse', signed(padded)],
    ['padding in the signature', 'refuse', { token: `${good}==` }],
    ['the other alphabet of base64', 'refuse', otherAlphabet],
    ['bits left over in the signature', 'refuse', { token: `${good.slice(0, -1)}${nextCharacter(good.slice(-1))}` }],
    ['bits left over in what was signed', 'refuse', leftOver(maker)],
  ];
}

/** RFC 7515 section 4, RFC 7519 section 4, RFC 8259. */
function json(maker: TokenMaker): readonly Row[] {
  const { payload } = maker;
  const header = JSON.stringify(maker.header);
  const headed = (text: string): Presented => maker.made({ header: text, alg: 'ES256' });
  const paid = (text: string | Uint8Array): Presented => maker.made({ payload: text });
  return [
    ['alg twice', 'refuse', headed(header.replace('{', '{"alg":"none",'))],
    ['kid twice', 'refuse', headed(header.replace('{', '{"kid":"x",'))],
    ['typ twice', 'refuse', headed(header.replace('{', '{"typ":"at+jwt",'))],
    ['sub twice', 'refuse', maker.withText('"sub":"spiffe://example.org/evil"')],
    ['exp twice', 'refuse', maker.withText('"exp":1')],
    ['a name twice, far inside', 'refuse', maker.withText('"x":{"y":[{"z":1,"z":2}]}')],
    ['a byte order mark in the payload', 'refuse', paid(`\u{feff}${payload}`)],
    ['bytes that are not UTF-8', 'refuse', paid(Buffer.from(payload.replace('{', '{"x":"caf\u{e9}",'), 'latin1'))],
    ['half of a surrogate pair', 'refuse', maker.withText('"x":"\\ud800"')],
    ['a payload that is a list', 'refuse', paid(`[${payload}]`)],
    ['a payload that is a text', 'refuse', paid('"x"')],
    ['a payload that is null', 'refuse', paid('null')],
    ['a payload that is no JSON', 'refuse', paid('{')],
    ['text after the payload', 'refuse', paid(`${payload}{}`)],
    ['a payload with a comma too many', 'refuse', paid(payload.replace(/}$/, ',}'))],
    ['a header that is a list', 'refuse', headed(`[${header}]`)],
  ];
}

function broken(text: string): string {
  return `${text.slice(0, 8)}\n${text.slice(8)}`;
}

function padded(text: string): string {
  return text.length % 4 === 0 ? `${text}====` : text.padEnd(Math.ceil(text.length / 4) * 4, '=');
}

/** A payload whose last character has bits that mean nothing, with one of them set before it is signed. */
function leftOver(maker: TokenMaker): Presented {
  const lengths = ['', 'x', 'xx'].map((x) => ({ ...maker.claims, x }));
  const payload = lengths.find((each) => segment(each).length % 4 === 2) ?? maker.claims;
  const spell = (text: string): string => `${text.slice(0, -1)}${nextCharacter(text.slice(-1))}`;
  return maker.made({ payload, spell: { payload: spell } });
}

/** Differs from a character in its last bit. */
function nextCharacter(character: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return alphabet[alphabet.indexOf(character) ^ 1] ?? '';
}
