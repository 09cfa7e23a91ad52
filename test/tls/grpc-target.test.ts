import { expect, it } from 'vitest';
import { serverNameOf } from '../../src/tls/grpc-target.js';

it.each([
  ['dns', 'orders.example.org:443', 'orders.example.org'],
  ['dns', 'orders.example.org', 'orders.example.org'],
  ['dns', '[2001:db8::1]:443', '2001:db8::1'],
  ['dns', '2001:db8::1', '2001:db8::1'],
  ['ipv4', '192.0.2.1:443,192.0.2.2:443', '192.0.2.1'],
  ['unix', '/run/orders.sock', 'localhost'],
])('the server of the target %s:%s is named %s', (scheme, path, name) => {
  expect(serverNameOf({ scheme, path }, {})).toBe(name);
  expect(serverNameOf({ scheme, path }, { 'grpc.ssl_target_name_override': 'other.example' })).toBe('other.example');
});

it.each(['dns:orders.example.org:443', 'dns://192.0.2.53/orders.example.org:443', 'orders.example.org:443'])(
  'the server behind a proxy is the one asked for: %s',
  (target) => {
    const options = { 'grpc.http_connect_target': target };
    expect(serverNameOf({ scheme: 'dns', path: 'proxy.example:3128' }, options)).toBe('orders.example.org');
  },
);
