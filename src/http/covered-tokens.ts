import { ProvingFetchError } from '../errors/index.js';
import { type MintWptOptions, WPT_DRAFTS, type WptDraft } from '../wpt/index.js';

/** What decides which tokens of a request its proof covers. */
interface CoverageOptions {
  readonly draft?: WptDraft | undefined;
  /** Names of fields with further tokens, in any case. */
  readonly otherTokens?: readonly string[] | undefined;
}

/** The value of a field, by its name in any case; `null` when the request has none. */
type FieldReader = (name: string) => string | null;

/**
 * The tokens that go into a request next to its proof, for the proof to cover (draft-ietf-wimse-wpt section 2).
 *
 * @throws `ProvingFetchError` `reserved_header`, `authorization_taken` or `unsupported_authorization`.
 */
export function coveredTokens(
  get: FieldReader,
  { draft = 'draft-ietf-wimse-wpt-02', otherTokens = [] }: CoverageOptions,
): Pick<MintWptOptions, 'accessToken' | 'otherTokens' | 'txnToken'> {
  for (const name of ['Workload-Identity-Token', 'Workload-Proof-Token']) {
    if (get(name) !== null) throw new ProvingFetchError('reserved_header', `${name} is for the proof; leave it out`);
  }
  const present = otherTokens.flatMap((name) => {
    const value = get(name);
    return value === null ? [] : [[name, value] as const];
  });
  return {
    accessToken: accessTokenOf(get('Authorization'), draft),
    txnToken: get('Txn-Token') ?? undefined,
    otherTokens: Object.fromEntries(present),
  };
}

function accessTokenOf(authorization: string | null, draft: WptDraft): string | undefined {
  if (authorization === null) return undefined;
  if (!WPT_DRAFTS[draft].accessToken) {
    const message = `${draft} puts the proof into Authorization; draft-ietf-wimse-wpt-01 can stand next to an access token`;
    throw new ProvingFetchError('authorization_taken', message);
  }
  const [, token] = /^(?:bearer|dpop) +(.*)$/i.exec(authorization) ?? [];
  if (token === undefined) {
    throw new ProvingFetchError('unsupported_authorization', 'Authorization holds neither a Bearer nor a DPoP token');
  }
  return token;
}
