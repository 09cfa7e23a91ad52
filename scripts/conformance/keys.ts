import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type JsonWebKey,
  type KeyObject,
} from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const FILE = fileURLToPath(new URL('keys.json', import.meta.url));

/** Every key of the suite and what it is. */
const KINDS = {
  'example-p256': 'P-256',
  'example-p384': 'P-384',
  'example-rsa': 'RSA',
  'example-jwt': 'P-256',
  'example-ed25519': 'Ed25519',
  'other-p256': 'P-256',
  'planner-p256': 'P-256',
  'planner-p384': 'P-384',
  'planner-rsa': 'RSA',
  'courier-ed25519': 'Ed25519',
  'orders-ed25519': 'Ed25519',
  'attacker-p256': 'P-256',
  'attacker-ed25519': 'Ed25519',
} as const;

export type KeyName = keyof typeof KINDS;

type Members = Readonly<Record<string, string>>;

const jwks = readKeys();
const objects = new Map<KeyName, KeyObject>();

/** The public and private members, and no others. */
export function privateJwk(name: KeyName): Members {
  const jwk = jwks[name];
  if (jwk === undefined) throw new Error(`${FILE} has no key ${name}`);
  return jwk;
}

export function publicJwk(name: KeyName): Members {
  const names = ['kty', 'crv', 'x', 'y', 'n', 'e'];
  return Object.fromEntries(Object.entries(privateJwk(name)).filter(([member]) => names.includes(member)));
}

export function privateKey(name: KeyName): KeyObject {
  const key = objects.get(name) ?? createPrivateKey({ key: { ...privateJwk(name) }, format: 'jwk' });
  objects.set(name, key);
  return key;
}

export function publicPem(name: KeyName): string {
  return createPublicKey(privateKey(name)).export({ type: 'spki', format: 'pem' }).toString();
}

/** RFC 7638 section 3. */
export function thumbprint(name: KeyName): string {
  const members = Object.entries(publicJwk(name)).sort(([left], [right]) => (left < right ? -1 : 1));
  return createHash('sha256')
    .update(JSON.stringify(Object.fromEntries(members)))
    .digest('base64url');
}

/** Keys that are not in the file yet are made, and written to it. */
function readKeys(): Readonly<Partial<Record<KeyName, Members>>> {
  const found = existsSync(FILE) ? (JSON.parse(readFileSync(FILE, 'utf8')) as Partial<Record<KeyName, Members>>) : {};
  const missing = (Object.keys(KINDS) as KeyName[]).filter((name) => found[name] === undefined);
  for (const name of missing) found[name] = generate(KINDS[name]);
  if (missing.length > 0) writeFileSync(FILE, `${JSON.stringify(found, undefined, 2)}\n`);
  return found;
}

function generate(kind: (typeof KINDS)[KeyName]): Members {
  return exported(
    kind === 'RSA'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
      : kind === 'Ed25519'
        ? generateKeyPairSync('ed25519').privateKey
        : generateKeyPairSync('ec', { namedCurve: kind }).privateKey,
  );
}

function exported(key: KeyObject): Members {
  const jwk: JsonWebKey = key.export({ format: 'jwk' });
  return jwk as Members;
}
