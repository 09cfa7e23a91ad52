import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { inspect } from 'node:util';
import * as errors from 'svidkit/errors';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
type ErrorClass = new (code: string, message: string, options?: ErrorOptions) => errors.SvidkitError;

const classes = Object.entries(errors).filter(
  ([name, value]) =>
    name !== 'SvidkitError' && typeof value === 'function' && value.prototype instanceof errors.SvidkitError,
) as unknown as [string, ErrorClass][];

const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && !file.includes('gen/'))
  .map((file) => ({ file, text: readFileSync(join(root, 'src', file), 'utf8') }));

describe('every exported error', () => {
  it('is found by this test', () => {
    expect(classes.length).toBeGreaterThanOrEqual(10);
  });

  it.each(classes)('%s says its class and code, keeps its cause and is recognised', (name, Class) => {
    const cause = new Error('underneath');
    const error = new Class('some_rule', 'a sentence', { cause });
    expect(error).toBeInstanceOf(errors.SvidkitError);
    expect(error).toBeInstanceOf(Error);
    expect(errors.isSvidkitError(error)).toBe(true);
    expect(error.name).toBe(name);
    expect(error.code).toBe('some_rule');
    expect(error.message).toBe('a sentence');
    expect(error.cause).toBe(cause);
    expect(inspect(error)).toContain(name);
  });

  it.each(classes)('%s documents every code of its union', (name) => {
    const source = sources.find(({ text }) => text.includes(`export class ${name} extends`));
    const [, union = ''] = source?.text.match(new RegExp(`export type ${name}Code\\b([^;]*);`)) ?? [];
    const codes = Array.from(union.matchAll(/'([^']+)'/g), ([, code]) => code ?? '');
    const documented = source?.text.slice(0, source.text.indexOf(`export type ${name}Code`)) ?? '';
    expect(codes.length, 'codes').toBeGreaterThan(0);
    expect(codes.filter((code) => !documented.includes(`\`${code}\``))).toEqual([]);
    expect(codes.filter((code) => !/^[a-z0-9]+(_[a-z0-9]+)*$/.test(code))).toEqual([]);
  });

  it('other errors are not taken for one', () => {
    expect(errors.isSvidkitError(new TypeError('x'))).toBe(false);
    expect(errors.isSvidkitError(undefined)).toBe(false);
    expect(errors.isSvidkitError({ code: 'expired' })).toBe(false);
  });
});
