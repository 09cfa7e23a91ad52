import { createIssuer, type Issuer } from 'svidkit/issuer';
import { createBundleSource, createX509Source } from 'svidkit/workload-api';
import type { CertificateRevocationList, X509CrlSource, X509Svid } from 'svidkit/x509-svid';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { GrpcStatus } from '../../src/workload-api/grpc-status.js';
import { jwtBundlesMessage, x509BundlesMessage, x509Message } from '../support/delivered-messages.js';
import { type Heard, hear } from '../support/hear.js';
import { codeOf } from '../support/refusals.js';
import { ScriptedEndpoint } from '../support/scripted-endpoint.js';
import { until } from '../support/until.js';

const PLANNER = 'spiffe://example.org/agents/planner';
const MALFORMED = Uint8Array.of(0x30, 0x03, 0x02, 0x01);

let issuer: Issuer;
let other: Issuer;
let svid: X509Svid;
/** One list of each issuer, and the newer one of the first, which revokes. */
let ours: CertificateRevocationList;
let theirs: CertificateRevocationList;
let newer: CertificateRevocationList;

beforeAll(async () => {
  [issuer, other] = [
    await createIssuer({ trustDomain: 'example.org' }),
    await createIssuer({ trustDomain: 'other.example' }),
  ];
  svid = await issuer.issueX509Svid(PLANNER);
  ours = onlyListOf(issuer);
  theirs = onlyListOf(other);
  await issuer.revokeX509Svid(await issuer.issueX509Svid(PLANNER));
  newer = onlyListOf(issuer);
});

interface Opened extends X509CrlSource, AsyncDisposable {
  ready(): Promise<void>;
  readonly health: { readonly lastError: Error | undefined };
}

interface Kind {
  readonly name: string;
  open(endpoint: ScriptedEndpoint, heard: Heard): Opened;
  stream(endpoint: ScriptedEndpoint): { opening: unknown; push(message: object): void; end(status?: number): void };
  message(crl: readonly Uint8Array[]): object;
}

const kinds: readonly Kind[] = [
  {
    name: 'an X509Source',
    open: ({ address }, heard) => createX509Source({ address, ...heard }),
    stream: ({ x509 }) => x509 as never,
    message: (crl) => ({ ...x509Message([svid], issuer.bundle), crl: [...crl] }),
  },
  {
    name: 'a BundleSource',
    open: ({ address }, heard) => createBundleSource({ address, ...heard }),
    stream: ({ x509Bundles }) => x509Bundles as never,
    message: (crl) => ({ ...x509BundlesMessage(issuer.bundle), crl: [...crl] }),
  },
];

describe.each(kinds)('the revocation lists of $name', ({ open, stream, message }) => {
  let endpoint: ScriptedEndpoint;
  let source: Opened;
  let heard: Heard;

  beforeEach(async () => {
    heard = hear();
    endpoint = await ScriptedEndpoint.start();
    endpoint.jwtBundles.opening = { send: jwtBundlesMessage(issuer.bundle) };
    endpoint.witBundles.opening = { refuse: GrpcStatus.unimplemented };
    source = open(endpoint, heard);
  });

  afterEach(async () => {
    await source[Symbol.asyncDispose]();
    await endpoint.stop();
  });

  const push = (...crl: readonly Uint8Array[]): void => stream(endpoint).push(message(crl));
  const startWith = async (...crl: readonly Uint8Array[]): Promise<void> => {
    push(...crl);
    await source.ready();
  };
  const refused = (): readonly string[] => heard.codes.filter((code) => code === 'bad_crl');
  const held = (): readonly string[] => source.getX509Crls().map(nameOf);

  it('are those that were delivered last, none where none were', async () => {
    expect(codeOf(() => source.getX509Crls())).toBe('not_ready');
    await startWith();
    expect(held()).toEqual([]);
    push(ours.der, theirs.der);
    await until(held).toEqual(['ours', 'theirs']);
    push(newer.der);
    await until(held).toEqual(['newer']);
    push();
    await until(held).toEqual([]);
  });

  it('are the same objects while they are delivered again, each read once', async () => {
    await startWith(ours.der, theirs.der, ours.der);
    const [first] = [source.getX509Crls()];
    expect(first).toHaveLength(2);
    push(theirs.der, newer.der);
    await until(held).toEqual(['theirs', 'newer']);
    expect(source.getX509Crls()[0]).toBe(first[1]);
    const second = source.getX509Crls();
    push(theirs.der, newer.der, newer.der);
    push(theirs.der, newer.der);
    push(theirs.der, newer.der, ours.der);
    await until(held).toEqual(['theirs', 'newer', 'ours']);
    expect(source.getX509Crls().slice(0, 2)).toEqual(second);
  });

  it('that cannot be read are reported, and leave those of the last good delivery in force', async () => {
    await startWith(newer.der, theirs.der);
    push(MALFORMED, theirs.der);
    await until(refused).toEqual(['bad_crl']);
    expect(source.health.lastError).toMatchObject({ code: 'bad_crl', cause: { rule: 'bad_der' } });
    expect(held()).toEqual(['theirs', 'newer']);
    push(MALFORMED, ours.der);
    await until(refused).toEqual(['bad_crl', 'bad_crl']);
    expect(held(), 'not those in between, so that they do not pile up').toEqual(['ours', 'newer', 'theirs']);
    push(ours.der);
    await until(held).toEqual(['ours']);
    expect(source.health.lastError).toBeUndefined();
  });

  it('are those that can be read where none was good before', async () => {
    await startWith(MALFORMED, ours.der);
    expect(held()).toEqual(['ours']);
    expect(refused()).toEqual(['bad_crl']);
  });

  it('are gone when the endpoint withdraws', async () => {
    await startWith(ours.der);
    stream(endpoint).opening = { refuse: GrpcStatus.permissionDenied };
    stream(endpoint).end(GrpcStatus.permissionDenied);
    await until(() => codeOf(() => source.getX509Crls())).toBe('withdrawn');
    await source[Symbol.asyncDispose]();
    expect(codeOf(() => source.getX509Crls())).toBe('closed');
  });
});

function onlyListOf(source: X509CrlSource): CertificateRevocationList {
  const [list, ...more] = source.getX509Crls();
  if (list === undefined || more.length > 0) throw new Error('one list was expected');
  return list;
}

function nameOf({ der }: CertificateRevocationList): string {
  const named = Object.entries({ ours, theirs, newer });
  return named.find(([, list]) => Buffer.compare(list.der, der) === 0)?.[0] ?? 'unknown';
}
