import {
  BundleSet,
  parseJwtBundle,
  parseSpiffeBundle,
  parseWitBundle,
  parseX509Bundle,
  parseX509BundlePem,
} from 'svidkit/bundle';
import { isSvidkitError } from 'svidkit/errors';
import { parseSpiffeId, parseTrustDomain } from 'svidkit/id';
import { verifyJwtSvid } from 'svidkit/jwt-svid';
import { verifyWit } from 'svidkit/wit';
import { parseEndpointAddress } from 'svidkit/workload-api';
import { parseX509Svid, parseX509SvidPem, verifyX509Svid, type X509Svid } from 'svidkit/x509-svid';
import type { DocumentCase, InteropCase, Opinion, TextCase, TokenCase, X509Case, X509ParseCase } from './case.js';

/** What svidkit makes of a case. Its verifiers get the clock `timeMs`. */
export async function judgeWithSvidkit(each: InteropCase, timeMs: number): Promise<Opinion> {
  try {
    return { name: each.name, verdict: `accept ${await understand(each, timeMs)}` };
  } catch (error) {
    if (!isSvidkitError(error)) return { name: each.name, verdict: 'crash', detail: String(error) };
    return { name: each.name, verdict: 'refuse', detail: `${error.name} ${error.code}: ${error.message}` };
  }
}

async function understand(each: InteropCase, timeMs: number): Promise<string> {
  switch (each.kind) {
    case 'id':
    case 'trust-domain':
    case 'address':
      return readText(each);
    case 'x509-bundle-der':
    case 'x509-bundle-pem':
    case 'jwt-bundle':
    case 'wit-bundle':
    case 'spiffe-bundle':
      return readDocument(each);
    case 'x509':
      return verifyChain(each);
    case 'x509-parse-der':
    case 'x509-parse-pem':
      return describe(readOwn(each));
    case 'jwt':
    case 'wit':
      return await verifyToken(each, timeMs);
  }
}

function readText({ kind, text }: TextCase): string {
  if (kind === 'id') return parseSpiffeId(text).toString();
  if (kind === 'trust-domain') return parseTrustDomain(text).toString();
  parseEndpointAddress(text);
  return 'address';
}

function readDocument({ kind, text: trustDomain, document }: DocumentCase): string {
  const bytes = decode(document);
  switch (kind) {
    case 'x509-bundle-der':
      return `${parseX509Bundle(trustDomain, bytes).authorities.length} authorities`;
    case 'x509-bundle-pem':
      return `${parseX509BundlePem(trustDomain, Buffer.from(bytes).toString('latin1')).authorities.length} authorities`;
    case 'jwt-bundle':
      return names(parseJwtBundle(trustDomain, bytes));
    case 'wit-bundle':
      return names(parseWitBundle(trustDomain, bytes));
    case 'spiffe-bundle': {
      const { x509, jwt, wit, sequence, refreshHintSeconds } = parseSpiffeBundle(trustDomain, bytes);
      const parts = [`x509: ${x509.authorities.length}`, `jwt: ${names(jwt)}`, `wit: ${names(wit)}`];
      if (sequence !== undefined) parts.push(`sequence: ${sequence}`);
      if (refreshHintSeconds !== undefined) parts.push(`refresh: ${refreshHintSeconds}`);
      return parts.join('; ');
    }
  }
}

function verifyChain({ chain, authorities, timeMs }: X509Case): string {
  const bundles = Object.entries(authorities).map(([trustDomain, certificates]) =>
    parseX509Bundle(trustDomain, Buffer.concat(certificates.map(decode))),
  );
  return verifyX509Svid(chain.map(decode), new BundleSet(bundles), { clock: () => timeMs }).id.toString();
}

function readOwn({ kind, certificates, key }: X509ParseCase): X509Svid {
  if (kind === 'x509-parse-der') return parseX509Svid({ certificates: decode(certificates), privateKey: decode(key) });
  return parseX509SvidPem(decodeText(certificates), decodeText(key));
}

function describe({ id, certificates }: X509Svid): string {
  return `${id} with ${certificates.length} certificates`;
}

async function verifyToken({ kind, token, bundles, format, audience }: TokenCase, timeMs: number): Promise<string> {
  const parse = format === 'spiffe' ? parseSpiffeBundle : kind === 'jwt' ? parseJwtBundle : parseWitBundle;
  const set = new BundleSet(Object.entries(bundles).map(([trustDomain, text]) => parse(trustDomain, decode(text))));
  const clock = (): number => timeMs;
  if (kind === 'jwt') return (await verifyJwtSvid(token, set, { audience, clock })).id.toString();
  const wit = await verifyWit(token, set, { profiles: ['spiffe'], clock });
  return `${wit.trustDomain} bound to ${wit.thumbprint}`;
}

function names({ keys }: { readonly keys: readonly { readonly kid: string | undefined }[] }): string {
  const kids = keys.map(({ kid }) => kid ?? '(none)');
  return `[${kids.sort().join(' ')}]`;
}

function decode(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(text, 'base64'));
}

function decodeText(text: string): string {
  return Buffer.from(text, 'base64').toString('latin1');
}
