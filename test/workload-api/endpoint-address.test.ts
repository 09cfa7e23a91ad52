import fc from 'fast-check';
import { WorkloadApiError } from 'svidkit/errors';
import {
  createWorkloadApiClient,
  type EndpointAddress,
  formatEndpointAddress,
  parseEndpointAddress,
} from 'svidkit/workload-api';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { resolveEndpointAddress } from '../../src/workload-api/endpoint-address.js';
import { codeOf } from '../support/refusals.js';

const unix = (path: string): EndpointAddress => ({ transport: 'unix', path });
const tcp = (host: string, port: number): EndpointAddress => ({ transport: 'tcp', host, port });

describe('an endpoint address (SPIFFE_Workload_Endpoint section 4)', () => {
  it.each<[string, EndpointAddress]>([
    ['unix:///run/spire/agent.sock', unix('/run/spire/agent.sock')],
    ['unix:/run/spire/agent.sock', unix('/run/spire/agent.sock')],
    ['UNIX:///run/agent.sock', unix('/run/agent.sock')],
    ['Unix:/run/agent.sock', unix('/run/agent.sock')],
    ['unix:////run/agent.sock', unix('//run/agent.sock')],
    ['unix:///a/../b.sock', unix('/a/../b.sock')],
    ['unix:///a%20b/%C3%A9.sock', unix('/a b/é.sock')],
    ["unix:///a!$&'()*+,;=:@~b", unix("/a!$&'()*+,;=:@~b")],
    ['unix:///', unix('/')],
    ['tcp://1.2.3.4:5', tcp('1.2.3.4', 5)],
    ['TCP://127.0.0.1:65535', tcp('127.0.0.1', 65535)],
    ['tcp://[::1]:8000', tcp('::1', 8000)],
    ['tcp://[2001:db8::7]:1', tcp('2001:db8::7', 1)],
  ])('%s is accepted', (text, address) => {
    expect(parseEndpointAddress(text)).toEqual(address);
    expect(parseEndpointAddress(formatEndpointAddress(address))).toEqual(address);
  });

  it.each([
    ['', 'address_empty'],
    ['\t', 'bad_address'],
    [' unix:///a', 'bad_address'],
    ['unix:///a\n', 'bad_address'],
    ['unix:///a b', 'bad_address'],
    ['unix:///é', 'bad_address'],
    ['unix:///a%2', 'bad_address'],
    ['unix:///a%zz', 'bad_address'],
    ['unix:///a%ff', 'bad_address'],
    ['unix:///a%00b', 'bad_address'],
    ['unix:///a%0Ab', 'bad_address'],
    ['unix:///a\\b', 'bad_address'],
    ['/run/spire/agent.sock', 'bad_address'],
    ['blah', 'bad_address'],
    ['127.0.0.1:8000', 'bad_address'],
    ['blah:', 'bad_address_scheme'],
    ['http://127.0.0.1:8000', 'bad_address_scheme'],
    ['unix-abstract:name', 'bad_address_scheme'],
    ['npipe:pipeName', 'bad_address_scheme'],
    ['tcp4://127.0.0.1:8000', 'bad_address_scheme'],
    ['unix:', 'bad_address_path'],
    ['unix://', 'bad_address_path'],
    ['unix:opaque', 'bad_address_path'],
    ['unix:./relative', 'bad_address_path'],
    ['unix://foo', 'bad_address_host'],
    ['unix://foo/path', 'bad_address_host'],
    ['unix://localhost/path', 'bad_address_host'],
    [`unix:///${'a'.repeat(107)}`, 'bad_address_path'],
    [`unix:///${'%C3%A9'.repeat(54)}`, 'bad_address_path'],
    ['unix://john:doe@foo/path', 'extra_address_part'],
    ['unix://@/path', 'extra_address_part'],
    ['unix:///path?whatever', 'extra_address_part'],
    ['unix:///path?', 'extra_address_part'],
    ['unix:///path#whatever', 'extra_address_part'],
    ['unix:///path#', 'extra_address_part'],
    ['unix://foo?whatever', 'extra_address_part'],
    ['unix://foo#whatever', 'extra_address_part'],
    ['tcp:', 'bad_address_host'],
    ['tcp:opaque', 'bad_address_host'],
    ['tcp:127.0.0.1:8000', 'bad_address_host'],
    ['tcp:/127.0.0.1:8000', 'bad_address_host'],
    ['tcp://', 'bad_address_host'],
    ['tcp://foo', 'bad_address_host'],
    ['tcp://foo:80', 'bad_address_host'],
    ['tcp://localhost:80', 'bad_address_host'],
    ['tcp://:80', 'bad_address_host'],
    ['tcp://01.2.3.4:5', 'bad_address_host'],
    ['tcp://1.2.3:5', 'bad_address_host'],
    ['tcp://0x7f000001:5', 'bad_address_host'],
    ['tcp://2130706433:5', 'bad_address_host'],
    ['tcp://::1:8000', 'bad_address_host'],
    ['tcp://[127.0.0.1]:8000', 'bad_address_host'],
    ['tcp://[::1%25eth0]:8000', 'bad_address_host'],
    ['tcp://[::1', 'bad_address_host'],
    ['tcp://[]:80', 'bad_address_host'],
    ['tcp://1.2.3.4', 'bad_address_port'],
    ['tcp://1.2.3.4:', 'bad_address_port'],
    ['tcp://1.2.3.4:0', 'bad_address_port'],
    ['tcp://1.2.3.4:080', 'bad_address_port'],
    ['tcp://1.2.3.4:65536', 'bad_address_port'],
    ['tcp://1.2.3.4:99999999999999999999', 'bad_address_port'],
    ['tcp://1.2.3.4:+5', 'bad_address_port'],
    ['tcp://1.2.3.4:5a', 'bad_address_port'],
    ['tcp://[::1]', 'bad_address_port'],
    ['tcp://1.2.3.4:5/', 'extra_address_part'],
    ['tcp://1.2.3.4:5/path', 'extra_address_part'],
    ['tcp://1.2.3.4:5?whatever', 'extra_address_part'],
    ['tcp://1.2.3.4:5?', 'extra_address_part'],
    ['tcp://1.2.3.4:5#whatever', 'extra_address_part'],
    ['tcp://1.2.3.4:5#', 'extra_address_part'],
    ['tcp://john:doe@1.2.3.4:5/path', 'extra_address_part'],
    ['tcp://john@1.2.3.4:5', 'extra_address_part'],
  ])('%j is refused: %s', (text, code) => {
    expect(codeOf(() => parseEndpointAddress(text))).toBe(code);
  });

  it('is a string, or the caller is mistaken', () => {
    for (const value of [undefined, null, 7, new URL('unix:///a')]) {
      expect(() => parseEndpointAddress(value as unknown as string)).toThrow(TypeError);
    }
  });

  it('survives being written and read again, whatever the path', () => {
    const segment = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 8 })
      .filter((text) => !/[\p{C}/]/u.test(text));
    fc.assert(
      fc.property(fc.array(segment, { minLength: 1, maxLength: 3 }), (segments) => {
        const address = unix(`/${segments.join('/')}`);
        fc.pre(address.transport === 'unix' && Buffer.byteLength(address.path) <= 100);
        expect(parseEndpointAddress(formatEndpointAddress(address))).toEqual(address);
      }),
    );
  });

  it('is either read or refused with a code, whatever the text', () => {
    const piece = fc.constantFrom(
      'unix',
      'tcp',
      ':',
      '/',
      '//',
      '[',
      ']',
      '::1',
      '1.2.3.4',
      '80',
      '@',
      '?',
      '#',
      '%',
      '%2F',
      '..',
      ' ',
      '\0',
      'é',
      'a',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(piece).map((pieces) => pieces.join('')),
        ),
        (text) => {
          try {
            const address = parseEndpointAddress(text);
            if (address.transport === 'unix') expect(address.path.startsWith('/')).toBe(true);
            else expect(address.port).toBeGreaterThan(0);
            expect(parseEndpointAddress(formatEndpointAddress(address))).toEqual(address);
          } catch (error) {
            if (!(error instanceof WorkloadApiError)) throw error;
          }
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('cuts what it shows of a text that is no address', () => {
    try {
      parseEndpointAddress(`unix:///${'a'.repeat(100_000)}`);
      expect.unreachable();
    } catch (error) {
      expect((error as Error).message.length).toBeLessThan(400);
    }
  });
});

describe('where no address is given', () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it('SPIFFE_ENDPOINT_SOCKET is used', () => {
    const environment = { SPIFFE_ENDPOINT_SOCKET: 'unix:///env.sock' };
    expect(resolveEndpointAddress(undefined, environment)).toEqual(unix('/env.sock'));
    expect(resolveEndpointAddress('unix:///mine.sock', environment)).toEqual(unix('/mine.sock'));
  });

  it('an unset and an empty variable are told apart, and an empty address is not a missing one', () => {
    expect(codeOf(() => resolveEndpointAddress(undefined, {}))).toBe('address_unset');
    expect(codeOf(() => resolveEndpointAddress(undefined, { SPIFFE_ENDPOINT_SOCKET: '' }))).toBe('address_empty');
    expect(codeOf(() => resolveEndpointAddress('', { SPIFFE_ENDPOINT_SOCKET: 'unix:///env.sock' }))).toBe(
      'address_empty',
    );
  });

  it('a client says so when it is made', () => {
    vi.stubEnv('SPIFFE_ENDPOINT_SOCKET', undefined);
    expect(codeOf(() => createWorkloadApiClient())).toBe('address_unset');
    vi.stubEnv('SPIFFE_ENDPOINT_SOCKET', 'tcp://localhost:1');
    expect(codeOf(() => createWorkloadApiClient())).toBe('bad_address_host');
  });
});
