/** A revision of draft-ietf-wimse-wpt, by the name that the IETF archives it under. */
export type WptDraft = 'draft-ietf-wimse-wpt-02' | 'draft-ietf-wimse-wpt-01';

/** What one revision says differently from the other. The token itself is the same in both. */
export interface WptDraftRules {
  /** The header field that carries the proof. */
  readonly field: 'Authorization' | 'Workload-Proof-Token';
  /** The authentication scheme in front of the proof, compared without regard to case; `undefined` for none. */
  readonly scheme: 'WPT' | undefined;
  /** Whether an access token can stand in `Authorization` next to the proof, covered by `ath`. */
  readonly accessToken: boolean;
  /** The status of an answer that refuses the credential. */
  readonly refusalStatus: 400 | 401;
  /** `WWW-Authenticate` of that answer; `undefined` where the draft advises against one. */
  readonly challenge: string | undefined;
}

/** Every supported revision. */
export const WPT_DRAFTS: Readonly<Record<WptDraft, WptDraftRules>> = {
  'draft-ietf-wimse-wpt-02': Object.freeze({
    field: 'Authorization',
    scheme: 'WPT',
    accessToken: false,
    refusalStatus: 401,
    challenge: 'WPT',
  }),
  /** Section 2 of the draft for the field, "Error Conditions" for the refusal. */
  'draft-ietf-wimse-wpt-01': Object.freeze({
    field: 'Workload-Proof-Token',
    scheme: undefined,
    accessToken: true,
    refusalStatus: 400,
    challenge: undefined,
  }),
};
Object.freeze(WPT_DRAFTS);

/** The rules of a named draft; a name that is not in the table is misuse. */
export function rulesOf(draft: WptDraft): WptDraftRules {
  if (!Object.hasOwn(WPT_DRAFTS, draft))
    throw new TypeError(`draft must be one of ${Object.keys(WPT_DRAFTS).join(', ')}`);
  return WPT_DRAFTS[draft];
}
