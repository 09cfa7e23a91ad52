import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodePem, encodePem } from '../../src/internal/pem.js';
import { ruleOf } from '../support/refusals.js';

const block = encodePem('CERTIFICATE', Buffer.from('some bytes that stand for a certificate'));

describe('PEM (RFC 7468)', () => {
  it('writes what it reads, in lines of 64 characters', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), (bytes) => {
        const text = encodePem('PRIVATE KEY', bytes);
        expect(
          Math.max(
            ...text
              .split('\n')
              .slice(1, -2)
              .map((line) => line.length),
          ),
        ).toBeLessThanOrEqual(64);
        expect(decodePem(text)).toEqual([{ label: 'PRIVATE KEY', der: new Uint8Array(bytes) }]);
      }),
    );
  });

  it('reads several blocks, with comments between them and any line ends', () => {
    const text = `# first\n${block}\nSubject: second\n${block}`;
    expect(decodePem(text)).toHaveLength(2);
    expect(decodePem(text.replaceAll('\n', '\r\n'))).toEqual(decodePem(text));
    expect(decodePem(text.replaceAll('\n', '  \n'))).toEqual(decodePem(text));
  });

  it('a text without anything has no blocks; one without a block is refused', () => {
    expect(decodePem('')).toEqual([]);
    expect(decodePem(' \n\n')).toEqual([]);
    expect(ruleOf(() => decodePem('not PEM'))).toBe('bad_pem');
  });

  it.each([
    ['no end', block.replace(/-----END.*\n/, '')],
    ['no begin', block.replace(/-----BEGIN.*\n/, '')],
    ['another label at the end', block.replace('END CERTIFICATE', 'END PRIVATE KEY')],
    ['a block inside a block', block.replace('\n', `\n${block}`)],
    ['four dashes', block.replace('-----BEGIN CERTIFICATE-----', '-----BEGIN CERTIFICATE----')],
    ['lower case', block.replace('BEGIN', 'begin')],
    ['nothing inside', '-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n'],
    ['encapsulated headers', block.replace('\n', '\nProc-Type: 4,ENCRYPTED\n\n')],
    ['base64url', block.replace(/^[A-Za-z0-9+/]/m, '_')],
    ['set bits after the last byte', '-----BEGIN X-----\nAB==\n-----END X-----\n'],
    ['padding left out', '-----BEGIN X-----\nAA\n-----END X-----\n'],
    ['padding in the middle', '-----BEGIN X-----\nAA==\nAAAA\n-----END X-----\n'],
  ])('%s is refused', (_, text) => {
    expect(ruleOf(() => decodePem(text))).toBe('bad_pem');
  });

  it('threat 25: a text over 4 MiB is refused', () => {
    expect(ruleOf(() => decodePem(' '.repeat(4 * 1024 * 1024 + 1)))).toBe('bad_pem');
  });
});
