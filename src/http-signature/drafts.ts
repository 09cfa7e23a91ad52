/** A revision of draft-ietf-wimse-http-signature, by the name that the IETF archives it under. */
export type HttpSignatureDraft = 'draft-ietf-wimse-http-signature-07' | 'draft-ietf-wimse-http-signature-06';

/** What one revision says differently from the other. */
export interface HttpSignatureDraftRules {
  /** The components that bind the request target. */
  readonly targetComponents: readonly string[];
  /** The status of an answer that refuses the signature ("Error Conditions"); without a challenge. */
  readonly refusalStatus: 400;
}

/** Every supported revision. */
export const HTTP_SIGNATURE_DRAFTS: Readonly<Record<HttpSignatureDraft, HttpSignatureDraftRules>> = {
  /** `@query` is `?` for a target without a query. */
  'draft-ietf-wimse-http-signature-07': Object.freeze({
    targetComponents: Object.freeze(['@path', '@query']),
    refusalStatus: 400,
  }),
  'draft-ietf-wimse-http-signature-06': Object.freeze({
    targetComponents: Object.freeze(['@request-target']),
    refusalStatus: 400,
  }),
};
Object.freeze(HTTP_SIGNATURE_DRAFTS);

export const DEFAULT_DRAFT: HttpSignatureDraft = 'draft-ietf-wimse-http-signature-07';

/** The rules of a named draft; a name that is not in the table is misuse. */
export function rulesOf(draft: HttpSignatureDraft): HttpSignatureDraftRules {
  if (!Object.hasOwn(HTTP_SIGNATURE_DRAFTS, draft)) {
    throw new TypeError(`draft must be one of ${Object.keys(HTTP_SIGNATURE_DRAFTS).join(', ')}`);
  }
  return HTTP_SIGNATURE_DRAFTS[draft];
}

/** The drafts that a caller lists, in that order. */
export function listedDrafts(drafts: readonly HttpSignatureDraft[]): readonly HttpSignatureDraft[] {
  if (!Array.isArray(drafts) || drafts.length === 0) throw new TypeError('drafts must list at least one draft');
  for (const draft of drafts) rulesOf(draft);
  return drafts;
}
