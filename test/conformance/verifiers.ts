import { BundleSet, parseWitBundle } from 'svidkit/bundle';
import {
  type HttpSignatureDraft,
  readRequestWit,
  readResponseWit,
  type SignedRequest,
  verifyRequest,
  verifyResponse,
} from 'svidkit/http-signature';
import { type Authorizer, anyId, oneOf } from 'svidkit/id';
import { createMemoryReplayStore, type ReplayStore } from 'svidkit/replay';
import { decodeWitUnverified, verifyWit } from 'svidkit/wit';
import { readWptRequest, verifyWpt, type WptDraft } from 'svidkit/wpt';
import type {
  HeaderList,
  HttpAccepted,
  HttpCase,
  ResponseVector,
  VectorFile,
  WitAccepted,
  WitCase,
  WptAccepted,
  WptCase,
} from '../../scripts/conformance/vectors.js';
import { keepRequest } from '../../src/http-signature/kept-request.js';
import { readRequest } from '../../src/http-signature/message.js';

interface Defaults {
  readonly now: number;
  readonly audiences: readonly string[];
  readonly drafts: readonly string[];
  readonly otherTokens: readonly string[];
}

type Trust = VectorFile<unknown>['trust'];

/** The bundles of a name in a vector file. */
function bundlesOf(trust: Trust, name = 'default'): BundleSet {
  const sets = Object.entries(trust[name] ?? {});
  return new BundleSet(sets.map(([origin, jwks]) => parseWitBundle(origin, JSON.stringify(jwks))));
}

function defaultsOf(file: VectorFile<unknown>): Defaults {
  return file.defaults as Defaults;
}

export async function verifyWitCase(file: VectorFile<WitCase>, each: WitCase): Promise<WitAccepted> {
  const { token, profile, now = defaultsOf(file).now } = each;
  const clock = (): number => now * 1000;
  const wit = await verifyWit(token, bundlesOf(file.trust, each.trust), { profiles: [profile], clock });
  const subject = String(decodeWitUnverified(token).claims['sub']);
  expectDomain(subject, wit.trustDomain.toString());
  return { verdict: 'accept', subject, alg: wit.alg, thumbprint: wit.thumbprint, wth: wit.hash };
}

/** A receiver with a memory of its own, which is shown the cases before as well. */
export class Receiver {
  readonly #trust: Trust;
  readonly #defaults: Defaults;
  readonly #replay: ReplayStore;

  constructor(file: VectorFile<unknown>) {
    this.#trust = file.trust;
    this.#defaults = defaultsOf(file);
    this.#replay = createMemoryReplayStore({ clock: () => this.#defaults.now * 1000 });
  }

  async verifyWpt(each: WptCase): Promise<WptAccepted> {
    const { now, audiences, drafts, otherTokens } = { ...this.#defaults, ...given(each) };
    const clock = (): number => now * 1000;
    const request = readWptRequest(flat(each.headers), { drafts: drafts as WptDraft[], otherTokens });
    const wit = await verifyWit(request.wit, bundlesOf(this.#trust, each.trust), { clock });
    const authorize = authorizer(each.authorized);
    const proven = await verifyWpt(request, wit, { audiences, authorize, replay: this.#replay, clock });
    const { draft, audience, jti } = proven.proof;
    const identity = proven.id.toString();
    return {
      verdict: 'accept',
      identity,
      thumbprint: proven.thumbprint,
      draft,
      audience,
      jti,
      covered: proven.covered,
    };
  }

  verifyHttp(each: HttpCase): Promise<HttpAccepted> {
    return each.response === undefined ? this.#verifyRequest(each) : this.#verifyResponse(each, each.response);
  }

  async #verifyRequest({ request, ...each }: HttpCase): Promise<HttpAccepted> {
    const { now, audiences, drafts } = { ...this.#defaults, ...given(each) };
    const clock = (): number => now * 1000;
    const rawHeaders = flat(request.headers);
    const wit = await verifyWit(readRequestWit(rawHeaders), bundlesOf(this.#trust, each.trust), { clock });
    const { method, target } = request;
    const proven = await verifyRequest({ method, target, rawHeaders, body: decode(request.body) }, wit, {
      ...{ audiences, drafts: drafts as HttpSignatureDraft[], clock },
      ...{ authorize: authorizer(each.authorized), replay: this.#replay },
    });
    const { draft, nonce, audience, signResponse } = proven.proof;
    const identity = proven.id.toString();
    const { thumbprint } = proven;
    return { verdict: 'accept', identity, thumbprint, draft, nonce, audience, signResponse };
  }

  async #verifyResponse({ request, ...each }: HttpCase, response: ResponseVector): Promise<HttpAccepted> {
    const { status, headers, body } = response;
    const { now } = { ...this.#defaults, ...given(each) };
    const clock = (): number => now * 1000;
    const rawHeaders = flat(headers);
    const sent = sentRequest(request);
    const token = readResponseWit(rawHeaders, { request: sent });
    if (token === undefined) throw new Error('no signed response was asked for, so the case says nothing');
    const wit = await verifyWit(token, bundlesOf(this.#trust, each.trust), { clock });
    const options = { request: sent, authorize: authorizer(each.authorized), clock };
    const proven = await verifyResponse({ status, rawHeaders, body: decode(body) }, wit, options);
    const { draft, nonce } = proven.proof;
    return { verdict: 'accept', identity: proven.id.toString(), thumbprint: proven.thumbprint, draft, nonce };
  }
}

/** The client's own copy of a request that somebody else's vectors made: what `signRequest` would have kept. */
function sentRequest(request: HttpCase['request']): SignedRequest {
  const { method, target, headers } = request;
  const input = headers.find(([name]) => name === 'Signature-Input')?.[1] ?? '';
  const owner = {} as SignedRequest;
  keepRequest(owner, {
    message: readRequest({ method, target, rawHeaders: flat(headers) }),
    draft: `draft-ietf-wimse-http-signature-${input.includes('"@request-target"') ? '06' : '07'}`,
    nonce: /;nonce="([^"]*)"/.exec(input)?.[1] ?? '',
    signResponse: /;wimse-sign-response(?:;|$)/.test(input),
  });
  return owner;
}

/** What a case sets itself. */
function given(each: object): Partial<Defaults> {
  return Object.fromEntries(Object.entries(each).filter(([, value]) => value !== undefined));
}

function authorizer(authorized: readonly string[] | undefined): Authorizer {
  return authorized === undefined ? anyId() : oneOf(authorized);
}

export function flat(headers: HeaderList): string[] {
  return headers.flat();
}

function decode(body: string | null): Uint8Array | null {
  return body === null ? null : Buffer.from(body, 'base64');
}

function expectDomain(subject: string, origin: string): void {
  if (!subject.startsWith(`${origin}/`)) throw new Error(`${subject} was verified with the keys of ${origin}`);
}
