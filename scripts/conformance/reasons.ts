interface ReasonRow {
  readonly meaning: string;
  /** The error codes of svidkit that say so: class and code. */
  readonly svidkit: readonly string[];
}

const wit = (...codes: readonly string[]): string[] => codes.map((code) => `WitError.${code}`);
const wpt = (...codes: readonly string[]): string[] => codes.map((code) => `WptError.${code}`);
const http = (...codes: readonly string[]): string[] => codes.map((code) => `HttpSignatureError.${code}`);
const tokens = (...codes: readonly string[]): string[] => [...wit(...codes), ...wpt(...codes)];
const proofs = (...codes: readonly string[]): string[] => [...wpt(...codes), ...http(...codes)];
const all = (...codes: readonly string[]): string[] => [...wit(...codes), ...proofs(...codes)];

/** Why a vector is to be refused, in the words of this suite, and in the codes of svidkit. */
export const REASONS = {
  'not-a-token': {
    meaning:
      'not a compact JWS of three segments with JSON objects in the first two, or JSON nested deeper than is looked at',
    svidkit: tokens('not_compact', 'not_an_object', 'bad_json', 'bad_text', 'too_deep', 'too_many_members'),
  },
  'bad-encoding': { meaning: 'base64url that is padded or not canonical', svidkit: tokens('bad_base64url') },
  'bad-number': { meaning: 'a number that a double does not hold exactly', svidkit: tokens('number_out_of_range') },
  'duplicate-member': {
    meaning: 'a JSON member, dictionary key or parameter that is there twice, or a JSON member `__proto__`',
    svidkit: [...tokens('duplicate_member', 'forbidden_member'), ...http('duplicate_member')],
  },
  'too-large': { meaning: 'more bytes than the verifier looks at', svidkit: all('too_large') },
  'unsupported-header': {
    meaning: 'a JOSE header parameter that changes how the token is read: crit, b64, zip, cty, enc',
    svidkit: tokens('crit_present', 'unsupported_header'),
  },
  'algorithm-not-allowed': {
    meaning: 'an algorithm that is not on the allowlist, or not a text',
    svidkit: [...wit('unsupported_alg'), ...tokens('bad_alg')],
  },
  'algorithm-mismatch': {
    meaning: 'an algorithm that is not the one of the key',
    svidkit: all('alg_mismatch'),
  },
  'wrong-type': { meaning: 'typ is that of another kind of token, or absent', svidkit: tokens('wrong_typ') },
  'bad-kid': {
    meaning: 'kid is missing where it must be there, or not a string',
    svidkit: wit('missing_kid', 'bad_kid'),
  },
  'unknown-trust-domain': { meaning: 'no keys are held for the origin of sub', svidkit: wit('unknown_trust_domain') },
  'unknown-key': { meaning: 'the trust domain has no such key for this use', svidkit: wit('unknown_key') },
  'ambiguous-key': { meaning: 'no kid, and not exactly one candidate key', svidkit: wit('ambiguous_key') },
  'bad-signature': { meaning: 'the key does not verify the signature', svidkit: all('bad_signature') },
  'bad-subject': { meaning: 'sub is missing or not the identifier of a workload', svidkit: wit('bad_sub') },
  'bad-claim': { meaning: 'a claim of the wrong type', svidkit: wit('bad_iss', 'bad_jti') },
  'audience-present': { meaning: 'a WIT-SVID with aud', svidkit: wit('aud_present') },
  'bad-time': {
    meaning: 'exp or nbf is missing or not whole seconds since the epoch',
    svidkit: tokens('bad_exp', 'bad_nbf'),
  },
  expired: { meaning: 'past its end, leeway included', svidkit: all('expired') },
  'not-yet-valid': { meaning: 'before its beginning, leeway included', svidkit: all('not_yet_valid') },
  'lifetime-too-long': { meaning: 'valid for longer than the verifier accepts', svidkit: all('lifetime_too_long') },
  'expires-before-created': { meaning: 'expires lies before created', svidkit: http('expires_before_created') },
  'bad-confirmation': { meaning: 'cnf is missing, or is not one jwk', svidkit: wit('missing_cnf', 'bad_cnf') },
  'bad-confirmation-algorithm': {
    meaning: 'cnf.jwk.alg is missing, not allowed, or not one for that key',
    svidkit: wit('missing_cnf_alg', 'unsupported_cnf_alg', 'cnf_alg_mismatch'),
  },
  'private-key-exposed': { meaning: 'a private or secret member in cnf.jwk', svidkit: wit('private_key_member') },
  'bad-key': {
    meaning: 'a key in cnf that is of another type, malformed, off its curve or weak',
    svidkit: wit('unsupported_key', 'malformed_key', 'weak_key', 'not_a_jwk'),
  },
  'missing-wit': { meaning: 'no Workload-Identity-Token field', svidkit: proofs('missing_wit') },
  'missing-proof': {
    meaning: 'no proof token, or no signature of the profile',
    svidkit: [...wpt('missing_wpt'), ...http('missing_signature')],
  },
  'duplicate-header': { meaning: 'a field that must be there once is repeated', svidkit: proofs('duplicate_header') },
  'bad-header': { meaning: 'a field that carries a token holds something else', svidkit: proofs('bad_header') },
  'two-proofs': { meaning: 'proofs of two drafts or of two kinds', svidkit: proofs('two_proofs') },
  'draft-not-accepted': { meaning: 'the form of a draft that is not accepted', svidkit: wpt('draft_not_accepted') },
  'bad-authorization': {
    meaning: 'Authorization next to the proof has a scheme that ath does not cover',
    svidkit: wpt('unsupported_authorization'),
  },
  'bad-jti': { meaning: 'jti is missing, empty, not a string or longer than 256 bytes', svidkit: wpt('bad_jti') },
  'bad-audience': { meaning: 'aud is missing, of the wrong type, or a list of several', svidkit: wpt('bad_aud') },
  'wrong-audience': { meaning: 'made for another audience than those configured', svidkit: proofs('wrong_audience') },
  'wrong-wit': { meaning: 'wth is missing or not the hash of the WIT', svidkit: wpt('bad_wth', 'wth_mismatch') },
  'wrong-access-token': {
    meaning: 'ath and the access token do not agree, both ways',
    svidkit: wpt('missing_ath', 'ath_without_token', 'ath_mismatch'),
  },
  'wrong-transaction-token': {
    meaning: 'tth and the Txn-Token do not agree, both ways',
    svidkit: wpt('missing_tth', 'tth_without_token', 'tth_mismatch'),
  },
  'wrong-other-token': {
    meaning: 'oth is malformed, or names what is not there, not known, or another token',
    svidkit: wpt('bad_oth', 'oth_without_token', 'oth_mismatch'),
  },
  'bad-structured-field': {
    meaning: 'a field that RFC 8941 cannot parse, or with members of the wrong type',
    svidkit: http('bad_structured_field'),
  },
  'unpaired-label': { meaning: 'a label in one of the two signature fields only', svidkit: http('unpaired_label') },
  'ambiguous-signature': { meaning: 'several signatures of the profile', svidkit: http('ambiguous_signature') },
  'not-canonical': {
    meaning: 'Signature-Input is not written as the signature base has it',
    svidkit: http('not_canonical'),
  },
  'bad-component': {
    meaning: 'a component identifier that is unknown, repeated or has a parameter it must not have',
    svidkit: http('bad_component', 'duplicate_component', 'unsupported_component'),
  },
  'missing-component': {
    meaning: 'a covered component that the message does not have, or that cannot stand in a signature base',
    svidkit: http('missing_component', 'bad_component_value'),
  },
  'not-covered': { meaning: 'something that must be signed is not', svidkit: http('not_covered') },
  'missing-parameter': { meaning: 'a signature parameter is missing', svidkit: http('missing_parameter') },
  'bad-parameter': { meaning: 'a signature parameter of the wrong type or value', svidkit: http('bad_parameter') },
  'forbidden-parameter': {
    meaning: 'keyid, alg, or a parameter of the other direction',
    svidkit: http('forbidden_parameter'),
  },
  'response-not-signed': { meaning: 'the client asked for a signature', svidkit: http('response_not_signed') },
  'wrong-request': { meaning: 'wimse-req-nonce is that of another request', svidkit: http('req_nonce_mismatch') },
  'missing-digest': { meaning: 'a body without Content-Digest', svidkit: http('missing_content_digest') },
  'unusable-digest': {
    meaning: 'no algorithm of Content-Digest is known, or one is deprecated',
    svidkit: http('unsupported_digest', 'weak_digest'),
  },
  'wrong-digest': { meaning: 'the body is not the one of Content-Digest', svidkit: http('digest_mismatch') },
  'missing-body': { meaning: 'a body was announced and is not there', svidkit: http('body_not_given') },
  'not-authorized': { meaning: 'verified, and not allowed here', svidkit: proofs('not_authorized') },
  replayed: { meaning: 'used before by the same sender', svidkit: proofs('replayed') },
} as const satisfies Readonly<Record<string, ReasonRow>>;

export type Reason = keyof typeof REASONS;
