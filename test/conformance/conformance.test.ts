import { createPrivateKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { createSignatureBase, type HttpMessage, readSignatures, signMessage } from 'svidkit/http-signature';
import { beforeAll, describe, expect, it } from 'vitest';
import { vectorFiles } from '../../scripts/conformance/files.js';
import { REASONS } from '../../scripts/conformance/reasons.js';
import type { HttpCase, Refused, VectorFile, WitCase, WptCase } from '../../scripts/conformance/vectors.js';
import { readCompactJws } from '../../src/internal/compact-jws.js';
import type { JwsAlgorithm } from '../../src/internal/jws-algorithm.js';
import { signCompact, toSigner } from '../../src/internal/signing-key.js';
import { type CaseReport, reportOf, SVIDKIT } from './runner.js';
import { vectorFile, vectorText } from './vector-files.js';

const wit = vectorFile<WitCase>('wit.json');
const wpt = vectorFile<WptCase>('wpt.json');
const http = vectorFile<HttpCase>('http-signature.json');
const files: readonly VectorFile<WitCase | WptCase | HttpCase>[] = [wit, wpt, http];

const reports = new Map<string, CaseReport>();

beforeAll(async () => {
  const { cases, stderr } = await reportOf('--strict', '--timeout-seconds', '120', '--', ...SVIDKIT);
  for (const each of cases) reports.set(each.id, each);
  expect(stderr, 'what svidkit did besides refusing').toBe('');
}, 180_000);

/** What conformance/run.mjs says about a case, with its reason where svidkit did not pass. */
function outcomeOf(file: VectorFile<unknown>, { name }: { readonly name: string }): string {
  const { status, detail } = reports.get(`${file.suite}.json: ${name}`) ?? { status: 'not run' };
  return detail === undefined ? status : `${status}: ${detail}`;
}

describe('Workload Identity Tokens', () => {
  it.each(wit.cases)('$name', (each) => {
    expect(outcomeOf(wit, each)).toBe('passed');
  });

  it.each(wit.cases.filter(isSigned))('$name is signed again byte for byte', async ({ token, signedWith }) => {
    expect(await signedAgain(token, keyOf(wit, signedWith))).toBe(token);
  });
});

describe('Workload Proof Tokens', () => {
  it.each(wpt.cases)('$name', (each) => {
    expect(outcomeOf(wpt, each)).toBe('passed');
  });

  // A longer token than a verifier looks at by default is one that svidkit does not make.
  const makeable = wpt.cases.filter(({ maxBytes = 8192 }) => maxBytes <= 8192);
  it.each(makeable.filter(isSigned))('$name is signed again byte for byte', async ({ headers, signedWith }) => {
    const [, proof = ''] = /^(?:wpt )?([^ ]+)$/i.exec(proofField(headers)) ?? [];
    expect(await signedAgain(proof, keyOf(wpt, signedWith))).toBe(proof);
  });
});

describe('HTTP message signatures', () => {
  it.each(http.cases)('$name', (each) => {
    expect(outcomeOf(http, each)).toBe('passed');
  });

  it.each(http.cases.filter(isAccepted))('$name has the signature base that svidkit creates', (each) => {
    const { components, parameters } = inputOf(each);
    expect(createSignatureBase(messageOf(each), components, parameters).text).toBe(each.signatureBase);
  });

  it.each(http.cases.filter(isSigned))('$name is signed again byte for byte', async (each) => {
    const { label, components, parameters, fields } = inputOf(each);
    const message = messageOf(each);
    const unsigned = { ...message, rawHeaders: withoutSignatures(message.rawHeaders) };
    const again = await signMessage(unsigned, keyOf(http, each.signedWith), { label, components, parameters });
    expect(again.map(([, value]) => value)).toEqual(fields);
  });
});

describe('the suite', () => {
  it('is what its sources make', () => {
    const made = [...vectorFiles()].filter(([name, text]) => vectorText(name) !== text).map(([name]) => name);
    expect(made, 'run `npm run conformance:generate`').toEqual([]);
  });

  it('has names and reasons of its own, and uses every reason', () => {
    for (const { cases } of files) expect(new Set(cases.map(({ name }) => name)).size).toBe(cases.length);
    const used = files.flatMap(({ cases }) => cases.map(({ expected }) => expected)).filter(isRefused);
    expect(new Set(used.map(({ reason }) => reason as string))).toEqual(new Set(Object.keys(REASONS)));
  });

  it('gives each error code one reason', () => {
    const codes = Object.values(REASONS).flatMap(({ svidkit }) => svidkit as readonly string[]);
    expect(new Set(codes).size).toBe(codes.length);
  });

  it('is described by its README: the table of reasons and the version', () => {
    const readme = vectorText('README.md');
    const rows = Object.entries(REASONS).map(
      ([reason, { meaning, svidkit }]) => `| \`${reason}\` | ${meaning} | \`${svidkit.join('`, `')}\` |`,
    );
    expect(readme).toContain(rows.join('\n'));
    expect(readme).toContain(`Version ${wit.version}`);
  });

  it.each([
    [wit, 25],
    [wpt, 40],
    [http, 40],
  ])('is large enough to mean something', ({ cases }, least) => {
    expect(cases.length).toBeGreaterThanOrEqual(least);
    expect(cases.filter(isAccepted).length).toBeGreaterThan(5);
  });
});

function isRefused(expected: { readonly verdict: string }): expected is Refused {
  return expected.verdict === 'refuse';
}

function isAccepted({ expected }: { readonly expected: { readonly verdict: string } }): boolean {
  return expected.verdict === 'accept';
}

function isSigned<C extends { readonly signedWith?: string | undefined }>(
  each: C,
): each is C & { readonly signedWith: string } {
  return each.signedWith !== undefined;
}

function keyOf(file: VectorFile<unknown>, name: string): KeyObject {
  return createPrivateKey({ key: file.keys[name] as JsonWebKey, format: 'jwk' });
}

/** The same header and claims, signed by svidkit. */
async function signedAgain(token: string, key: KeyObject): Promise<string> {
  const { alg, header, payload } = readCompactJws(token);
  return signCompact(header, payload, toSigner(key, alg as JwsAlgorithm));
}

function proofField(headers: WptCase['headers']): string {
  const field =
    headers.find(([name]) => name === 'Workload-Proof-Token') ?? headers.find(([, value]) => /^wpt /i.test(value));
  return field?.[1] ?? '';
}

function messageOf({ request, response }: HttpCase): HttpMessage {
  const sent = { ...request, rawHeaders: request.headers.flat(), scheme: 'https' as const };
  return response === undefined ? sent : { ...response, rawHeaders: response.headers.flat(), request: sent };
}

/** The signature of the profile as it stands in the message, in the terms of `signMessage`. */
function inputOf(each: HttpCase) {
  const message = messageOf(each);
  const found = readSignatures(message).find(({ label }) => label === each.label);
  if (found === undefined) throw new Error(`there is no signature ${each.label}`);
  const { components, parameters, signature, label } = found;
  const covered = components.map(({ name, parameters: own }) => ({ name, parameters: Object.fromEntries(own) }));
  const plain = Array.from(parameters, ([name, { value }]) => [name, value as string | number | boolean] as const);
  const field = each.signatureBase?.split('\n').at(-1)?.replace('"@signature-params": ', '');
  const bytes = Buffer.from(signature).toString('base64');
  return {
    ...{ label, components: covered, parameters: Object.fromEntries(plain) },
    fields: [`${label}=${field}`, `${label}=:${bytes}:`],
  };
}

function withoutSignatures(rawHeaders: readonly string[]): string[] {
  const names = ['signature', 'signature-input'];
  return rawHeaders.filter((_, index) => !names.includes(rawHeaders[index - (index % 2)]?.toLowerCase() ?? ''));
}
