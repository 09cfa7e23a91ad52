import { privateJwk, publicJwk } from './keys.js';
import { confirmation } from './tokens.js';
import type { WitParts, WitRow } from './wit-maker.js';

const RFC7800 = 'RFC 7800 3.1, 3.2';
const WIT = 'WIT-SVID 3.2';

/** Bytes in base64url. */
const bytes = (count: number, fill: number): string => Buffer.alloc(count, fill).toString('base64url');

/** What `cnf` must not be (RFC 7800, and the keys that prove nothing). */
export function confirmationRows(): readonly WitRow[] {
  return rows().map(([name, ...rest]): WitRow => [name.startsWith('no cnf') ? name : `cnf: ${name}`, ...rest]);
}

function rows(): readonly WitRow[] {
  const good = { ...publicJwk('planner-p256'), alg: 'ES256' };
  const cnf = (value: unknown): WitParts => ({ claims: { cnf: value } });
  const jwk = (value: unknown): WitParts => cnf({ jwk: value });
  const wimse = (value: object): WitParts => ({ ...jwk(value), profile: 'wimse' });
  const ed25519 = (x: string): WitParts => wimse({ kty: 'OKP', crv: 'Ed25519', x, alg: 'EdDSA' });
  const rsa = (n: string, e = 'AQAB'): WitParts => jwk({ kty: 'RSA', n, e, alg: 'RS256' });
  return [
    ['no cnf', WIT, cnf(undefined), 'bad-confirmation'],
    ['a list', RFC7800, cnf([{ jwk: good }]), 'bad-confirmation'],
    ['a kid only', RFC7800, cnf({ kid: 'k' }), 'bad-confirmation'],
    ['a jku only', RFC7800, cnf({ jku: 'https://attacker.test/keys', kid: 'k' }), 'bad-confirmation'],
    ['a jwk and a jku', RFC7800, cnf({ jwk: good, jku: 'https://attacker.test/keys' }), 'bad-confirmation'],
    ['jwk a list', RFC7800, jwk([good]), 'bad-confirmation'],
    ['a key for encryption', 'RFC 7517 4.2', jwk({ ...good, use: 'enc' }), 'bad-confirmation'],
    ['no alg', WIT, jwk(publicJwk('planner-p256')), 'bad-confirmation-algorithm'],
    ['alg none', WIT, jwk({ ...good, alg: 'none' }), 'bad-confirmation-algorithm'],
    ['alg HS256', WIT, jwk({ kty: 'oct', k: bytes(32, 1), alg: 'HS256' }), 'bad-confirmation-algorithm'],
    ['alg for encryption', WIT, jwk({ ...publicJwk('planner-rsa'), alg: 'RSA-OAEP' }), 'bad-confirmation-algorithm'],
    ['alg a number', WIT, jwk({ ...good, alg: 256 }), 'bad-confirmation-algorithm'],
    ['alg of another curve', WIT, jwk({ ...good, alg: 'ES384' }), 'bad-confirmation-algorithm'],
    ['alg of another type of key', WIT, jwk({ ...good, alg: 'RS256' }), 'bad-confirmation-algorithm'],
    [
      'EdDSA key in the spiffe profile',
      WIT,
      cnf(confirmation('courier-ed25519', 'EdDSA')),
      'bad-confirmation-algorithm',
    ],
    ['a private EC key', WIT, jwk({ ...privateJwk('planner-p256'), alg: 'ES256' }), 'private-key-exposed'],
    ['a private RSA key', WIT, jwk({ ...publicJwk('planner-rsa'), d: 'AQ', alg: 'RS256' }), 'private-key-exposed'],
    [
      'a private Ed25519 key',
      RFC7800,
      wimse({ ...privateJwk('courier-ed25519'), alg: 'EdDSA' }),
      'private-key-exposed',
    ],
    ['RSA of 1024 bits', 'RFC 7518 3.3', rsa(bytes(128, 0xff)), 'bad-key'],
    ['RSA with the exponent 1', 'RFC 8017 3.1', rsa(publicJwk('planner-rsa')['n'] ?? '', 'AQ'), 'bad-key'],
    ['RSA with an even exponent', 'RFC 8017 3.1', rsa(publicJwk('planner-rsa')['n'] ?? '', 'AQAA'), 'bad-key'],
    ['RSA of 16384 bits', 'RFC 7518 3.3', rsa(bytes(2048, 0xff)), 'bad-key', 'stricter'],
    ['a point off its curve', 'RFC 7518 6.2.1', jwk({ ...good, y: bytes(32, 1) }), 'bad-key'],
    [
      'a coordinate of 33 bytes',
      'RFC 7518 6.2.1.2',
      jwk({ ...good, x: `AA${publicJwk('planner-p256')['x']}`.slice(0, 44) }),
      'bad-key',
    ],
    [
      'a coordinate with padding',
      'RFC 7518 6.2.1.2',
      jwk({ ...good, x: `${publicJwk('planner-p256')['x']}=` }),
      'bad-key',
    ],
    ['an Ed25519 point of small order', 'RFC 8032 5.1.7', ed25519(`AQ${'A'.repeat(41)}`), 'bad-key', 'stricter'],
    ['an Ed25519 point that is not canonical', 'RFC 8032 5.1.3', ed25519(bytes(32, 0xff)), 'bad-key'],
    [
      'a curve for key agreement',
      'RFC 8037 3.1',
      wimse({ ...publicJwk('courier-ed25519'), crv: 'X25519', alg: 'EdDSA' }),
      'bad-key',
    ],
    ['secp256k1', WIT, jwk({ ...good, crv: 'secp256k1' }), 'bad-key'],
  ];
}
