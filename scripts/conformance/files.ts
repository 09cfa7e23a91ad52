import { httpCases } from './http-cases.js';
import { AUDIENCE } from './http-maker.js';
import { type KeyName, privateJwk } from './keys.js';
import { REASONS } from './reasons.js';
import { NOW, TRUST } from './tokens.js';
import type { VectorFile } from './vectors.js';
import { witCases } from './wit-cases.js';
import { wptCases } from './wpt-cases.js';
import { DRAFTS } from './wpt-maker.js';

/** Raised with every change of a file; the first number with every change that a reader has to know of. */
const VERSION = '1.2.0';

const SUITES = {
  'wit.json': {
    suite: 'wit',
    documents: ['draft-ietf-wimse-workload-creds-02', 'SPIFFE WIT-SVID'],
    defaults: { now: NOW, trust: 'default', leewaySeconds: 30, maxBytes: 8192 },
    cases: witCases,
  },
  'wpt.json': {
    suite: 'wpt',
    documents: ['draft-ietf-wimse-wpt-02', 'draft-ietf-wimse-wpt-01'],
    defaults: { ...ofProofs(), drafts: DRAFTS, otherTokens: [] },
    cases: wptCases,
  },
  'http-signature.json': {
    suite: 'http-signature',
    documents: ['draft-ietf-wimse-http-signature-07', 'draft-ietf-wimse-http-signature-06', 'RFC 9421', 'RFC 9530'],
    defaults: {
      ...ofProofs(),
      drafts: ['draft-ietf-wimse-http-signature-07', 'draft-ietf-wimse-http-signature-06'],
    },
    cases: httpCases,
  },
};

/** The files of the suite by name, as they are written. */
export function vectorFiles(): ReadonlyMap<string, string> {
  const files = Object.entries(SUITES).map(([name, { suite, documents, defaults, cases }]) => {
    const file: VectorFile<CaseOf> = complete({ suite, documents, defaults, cases: cases() });
    return [name, textOf(file)] as const;
  });
  return new Map([...files, ['reasons.json', textOf({ version: VERSION, reasons: REASONS })]]);
}

type CaseOf = ReturnType<(typeof SUITES)[keyof typeof SUITES]['cases']>[number];
type Parts = Pick<VectorFile<CaseOf>, 'suite' | 'documents' | 'defaults' | 'cases'>;

function complete({ suite, documents, defaults, cases }: Parts): VectorFile<CaseOf> {
  const names = [...new Set(cases.flatMap(({ signedWith }) => signedWith ?? []))].sort();
  const keys = Object.fromEntries(names.map((name) => [name, privateJwk(name as KeyName)]));
  const used = new Set(['default', ...cases.map(({ trust }) => trust)]);
  const trust = Object.fromEntries(Object.entries(TRUST).filter(([name]) => used.has(name)));
  return { suite, version: VERSION, license: 'Apache-2.0', documents, defaults, keys, trust, cases };
}

function ofProofs(): object {
  return {
    now: NOW,
    trust: 'default',
    audiences: [AUDIENCE],
    witLeewaySeconds: 30,
    proofLeewaySeconds: 10,
    maxLifetimeSeconds: 300,
    maxBytes: 8192,
  };
}

function textOf(file: object): string {
  return `${JSON.stringify(file, undefined, 2)}\n`;
}
