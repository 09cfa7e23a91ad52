import { BundleSet, parseWitBundle } from 'svidkit/bundle';
import {
  type HttpSignatureDraft,
  readRequestWit,
  readResponseWit,
  readSignedRequest,
  verifyRequest,
  verifyResponse,
} from 'svidkit/http-signature';
import { type Authorizer, anyId, oneOf } from 'svidkit/id';
import type { ReplayStore } from 'svidkit/replay';
import { type UnprovenWit, verifyWit } from 'svidkit/wit';
import { readWptRequest, verifyWpt, type WptDraft } from 'svidkit/wpt';
import type { HttpAccepted, ResponseVector, WptAccepted } from '../../scripts/conformance/vectors.js';
import type { HttpLine, Understood, WitLine, WptLine } from './lines.js';

export async function verifyWitLine({ token, trust, profile, ...line }: WitLine): Promise<Understood> {
  const { now, leewaySeconds, maxBytes } = line;
  const clock = (): number => now * 1000;
  const wit = await verifyWit(token, bundlesOf(trust), { profiles: [profile], clock, leewaySeconds, maxBytes });
  const subject = subjectOf(token);
  expectDomain(subject, wit.trustDomain.toString());
  return { subject, alg: wit.alg, thumbprint: wit.thumbprint, wth: wit.hash };
}

export async function verifyWptLine(line: WptLine, replay: ReplayStore): Promise<Omit<WptAccepted, 'verdict'>> {
  const { audiences, maxLifetimeSeconds, proofLeewaySeconds: leewaySeconds, maxBytes, otherTokens } = line;
  const request = readWptRequest(line.headers.flat(), { drafts: line.drafts as WptDraft[], otherTokens });
  const proven = await verifyWpt(request, await identityOf(line, request.wit), {
    ...{ audiences, authorize: authorizer(line.authorized), replay, clock: () => line.now * 1000 },
    ...{ maxLifetimeSeconds, leewaySeconds, maxBytes },
  });
  const { thumbprint, covered } = proven;
  const { draft, audience, jti } = proven.proof;
  return { identity: proven.id.toString(), thumbprint, draft, audience, jti, covered };
}

export function verifyHttpLine(line: HttpLine, replay: ReplayStore): Promise<Omit<HttpAccepted, 'verdict'>> {
  return line.response === undefined ? verifyRequestLine(line, replay) : verifyResponseLine(line, line.response);
}

async function verifyRequestLine(line: HttpLine, replay: ReplayStore): Promise<Omit<HttpAccepted, 'verdict'>> {
  const { method, target, headers, body } = line.request;
  const rawHeaders = headers.flat();
  const wit = await identityOf(line, readRequestWit(rawHeaders));
  const proven = await verifyRequest({ method, target, rawHeaders, body: decode(body) }, wit, {
    ...{ audiences: line.audiences, drafts: line.drafts as HttpSignatureDraft[], replay, ...signatureOptions(line) },
  });
  const { draft, nonce, audience, signResponse } = proven.proof;
  return { identity: proven.id.toString(), thumbprint: proven.thumbprint, draft, nonce, audience, signResponse };
}

async function verifyResponseLine(
  line: HttpLine,
  { status, headers, body }: ResponseVector,
): Promise<Omit<HttpAccepted, 'verdict'>> {
  const rawHeaders = headers.flat();
  const { method, target, headers: sent } = line.request;
  const drafts = line.drafts as HttpSignatureDraft[];
  const request = readSignedRequest({ method, target, rawHeaders: sent.flat() }, { drafts });
  const token = readResponseWit(rawHeaders, { request });
  if (token === undefined) throw new Error('no signed response was asked for, so the case says nothing');
  const wit = await identityOf(line, token);
  const response = { status, rawHeaders, body: decode(body) };
  const proven = await verifyResponse(response, wit, { request, ...signatureOptions(line) });
  const { draft, nonce } = proven.proof;
  return { identity: proven.id.toString(), thumbprint: proven.thumbprint, draft, nonce };
}

/** The WIT that came with a proof, verified. */
function identityOf(
  { now, trust, witLeewaySeconds, maxBytes }: WptLine | HttpLine,
  token: string,
): Promise<UnprovenWit> {
  return verifyWit(token, bundlesOf(trust), { clock: () => now * 1000, leewaySeconds: witLeewaySeconds, maxBytes });
}

function signatureOptions({ now, authorized, maxLifetimeSeconds, proofLeewaySeconds: leewaySeconds }: HttpLine) {
  return { authorize: authorizer(authorized), clock: () => now * 1000, maxLifetimeSeconds, leewaySeconds };
}

function bundlesOf(trust: WitLine['trust']): BundleSet {
  return new BundleSet(Object.entries(trust).map(([origin, jwks]) => parseWitBundle(origin, JSON.stringify(jwks))));
}

function authorizer(authorized: readonly string[] | undefined): Authorizer {
  return authorized === undefined ? anyId() : oneOf(authorized);
}

function decode(body: string | null): Uint8Array | null {
  return body === null ? null : Buffer.from(body, 'base64');
}

/** Read past svidkit, which does not name the subject of a WIT before its proof. */
function subjectOf(token: string): string {
  const [, payload = ''] = token.split('.');
  const { sub } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { readonly sub: string };
  return sub;
}

function expectDomain(subject: string, origin: string): void {
  if (!subject.startsWith(`${origin}/`)) throw new Error(`${subject} was verified with the keys of ${origin}`);
}
