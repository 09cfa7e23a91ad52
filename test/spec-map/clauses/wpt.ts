import { type SpecDocument, testsIn } from '../spec-map.js';

const mint = testsIn('wpt/mint-wpt');
const read = testsIn('wpt/read-wpt-request');
const verify = testsIn('wpt/verify-wpt');
const audience = testsIn('wpt/audience');
const older = testsIn('wpt/draft-ietf-wimse-wpt-01');
const newer = testsIn('wpt/draft-ietf-wimse-wpt-02');
const http = testsIn('http/request-authenticator');
const refusal = testsIn('http/refusal');
const fetching = testsIn('http/proving-fetch');
const calling = testsIn('http/grpc-client');
const wits = testsIn('wit/verify-wit');

const MINTED = 'says for whom, until when, and for which WIT';
const COVERED = 'covers every token that goes along';
const ATH = 'threat 15: ath is there exactly when its token is, and is its hash';
const TTH = 'threat 15: tth is there exactly when its token is, and is its hash';
const WTH = 'threat 14: wth is the hash of this WIT and no other, in one spelling';
const HOST = 'threat 12: when its audience is named by Host, forwarding headers or an absolute-form target';
const LIFE = 'threat 23: a proof lives for five minutes at most, unless told otherwise';
const SHORT = 'threat 47: a proof lives for 300 s at most, and not beyond its WIT';
const EXTENDER = 'who adds claims of their own';

export const wpt: SpecDocument = {
  name: 'wpt',
  revision: 'draft-ietf-wimse-wpt-02, and -01 by name',
  clauses: [
    {
      ...{ at: '2 a', level: 'MUST', binds: 'client' },
      text: '`alg` is that of `cnf.jwk.alg` in the WIT.',
      tests: mint(
        'threat 47: must be the one in the WIT, with its algorithm, and before its end',
        'ES256: *',
        'PS256: *',
      ),
    },
    {
      ...{ at: '2 b', level: 'MUST', binds: 'client' },
      text: '`typ` is `wpt+jwt`.',
      tests: [...mint('ES256: *'), ...older('a proof minted here has the members of the published one, in its order')],
    },
    {
      ...{ at: '2 c', level: 'SHOULD', binds: 'client' },
      text: '`aud` is the target URI without query and fragment.',
      tests: [
        ...mint('the audience https://tools.example.org/orders?page=2#top is sent as*', 'the audience *'),
        ...fetching('proves every request afresh'),
      ],
    },
    {
      ...{ at: '2 d', level: 'MUST', binds: 'client' },
      text: '`exp` is there, minutes or seconds from now.',
      tests: mint(MINTED, SHORT),
    },
    {
      ...{ at: '2 e', level: 'MUST', binds: 'client' },
      text: '`jti` is there and never the same; 128 random bits.',
      tests: mint('threat 47: every jti is 128 bits, and never the same'),
    },
    {
      ...{ at: '2 f', level: 'MUST', binds: 'client' },
      text: '`wth` is the SHA-256 of the WIT.',
      tests: [...mint(MINTED), ...older('the published proof is signed again byte for byte')],
    },
    {
      ...{ at: '2 g', level: 'MUST', binds: 'client' },
      text: '-01: `ath` is there when an access token is, and is its SHA-256.',
      tests: [
        ...mint(COVERED),
        ...older('a request is proven with Workload-Proof-Token, next to an access token'),
        ...calling('covers the access token of*'),
      ],
    },
    {
      ...{ at: '2 h', level: 'MUST', binds: 'client' },
      text: '`tth` is there when a transaction token is, and is its SHA-256.',
      tests: [
        ...mint(COVERED),
        ...fetching('covers the tokens of the request, as the draft says'),
        ...calling('covers tokens in the metadata of the call, as they were when it began'),
      ],
    },
    {
      ...{ at: '2 i', level: 'MUST', binds: 'client' },
      text: '`oth` has the SHA-256 of every other token, by field name in lower case, spaces around the value cut.',
      tests: [
        ...mint(COVERED),
        ...fetching('covers the tokens of the request, as the draft says'),
        ...calling('covers the other tokens that are named, and no more'),
      ],
    },
    {
      ...{ at: '2 j', level: 'MUST', binds: 'verifier' },
      text: 'There is exactly one field with a proof.',
      tests: [
        ...read(
          'threat 30: Workload-Proof-Token twice*',
          'threat 30: Authorization twice*',
          'threat 30: two proofs in*',
        ),
        ...http('threat 30: *'),
      ],
    },
    {
      ...{ at: '2 k', level: 'MUST', binds: 'verifier' },
      text: 'Its value is one well-formed JWT.',
      tests: [...read('threat 30: *'), ...newer('threat 30: *'), ...testsIn('internal/compact-jws')('threat 26: *')],
    },
    {
      ...{ at: '2 l', level: 'MUST', binds: 'verifier' },
      text: '`alg` equals `cnf.jwk.alg` as text.',
      tests: verify('threat 3: *'),
    },
    {
      ...{ at: '2 m', level: 'MUST', binds: 'verifier' },
      text: 'The signature holds under the key in `cnf`.',
      tests: verify('threat 6: only the key in the WIT counts'),
    },
    {
      ...{ at: '2 n', level: 'MUST', binds: 'verifier' },
      text: '`typ` is the media type `wpt+jwt`.',
      tests: verify('threat 10: typ*'),
    },
    {
      ...{ at: '2 o', level: 'MUST', binds: 'verifier' },
      text: '`aud` is the target URI or an agreed value, query and fragment aside.',
      tests: [
        ...audience('threat 13: *', 'threat 12: *'),
        ...http('for the target of the request under a configured*'),
      ],
    },
    {
      ...{ at: '2 p', level: 'MUST', binds: 'verifier' },
      text: '`exp` is there and has not passed.',
      tests: verify('threat 23: exp*', 'threat 24: the default leeway is 10 s'),
    },
    {
      ...{ at: '2 q', level: 'SHOULD', binds: 'verifier' },
      text: 'A proof that expires unreasonably late is refused.',
      tests: [...verify(LIFE), ...older('threat 23: the published proof lives for 17 minutes*')],
    },
    {
      ...{ at: '2 r', level: 'MUST', binds: 'verifier' },
      text: '`wth` is there and is the hash of the WIT that came along.',
      tests: verify(WTH, 'threat 14: a proof for one WIT does not prove another of the same key'),
    },
    {
      ...{ at: '2 s', level: 'SHOULD', binds: 'verifier' },
      text: 'A `jti` is accepted once in the life of its proof.',
      tests: [...verify('threat 17: *', 'threat 18: *'), ...http('threat 17: when its proof was used before*')],
    },
    {
      ...{ at: '2 t', level: 'MUST', binds: 'verifier' },
      text: '-01: `ath` is the hash of the access token that came along.',
      tests: [...verify(ATH), ...older('threat 15: the published proof is refused without its access token*')],
    },
    {
      ...{ at: '2 u', level: 'MUST', binds: 'verifier' },
      text: '`tth` is the hash of the transaction token that came along.',
      tests: verify(TTH),
    },
    {
      ...{ at: '2 v', level: 'MUST', binds: 'verifier' },
      text: 'Every entry of `oth` is the hash of its token.',
      tests: verify('threat 16: accepted: oth*', 'threat 16: oth_mismatch: oth*'),
    },
    {
      ...{ at: '2 w', level: 'MUST', binds: 'verifier' },
      text: 'An `oth` with an entry that is not understood is a reason to refuse.',
      tests: [
        ...verify(
          'threat 16: oth_without_token: oth*',
          'threat 16: oth is refused whole where no other token is known',
        ),
        ...http('with further tokens that are named, and only those'),
      ],
    },
    {
      ...{ at: '2 x', level: 'MUST NOT', binds: 'verifier' },
      text: 'A token that is not covered decides nothing.',
      tests: verify('threat 16: a token that came along uncovered is not among what may drive a decision'),
    },
    {
      ...{ at: '2 y', level: 'MUST', binds: 'verifier' },
      text: 'A field with a further token comes once.',
      tests: [
        ...read('threat 30: X-User twice is refused, even with the same value'),
        ...http('threat 30: when Txn-Token or a further token is there twice'),
      ],
    },
    {
      ...{ at: '-02 a', level: 'MUST', binds: 'verifier' },
      text: '-02: the proof is in Authorization under the scheme `WPT`, in any case, and nowhere else.',
      tests: [
        ...newer(
          'the scheme is*',
          '"Bearer a.b.c" is no proof',
          '"DPoP a.b.c" is no proof',
          '"WPTX a.b.c" is no proof',
        ),
        ...read('only the listed drafts are accepted'),
      ],
    },
    {
      ...{ at: '-02 b', level: 'MUST', binds: 'client' },
      text: '-02: the proof goes out in Authorization under the scheme `WPT`.',
      tests: newer('is the default, travels in Authorization, and verifies'),
    },
    {
      ...{ at: '-02 c', level: 'MUST', binds: 'verifier' },
      text: '-02: there is no `ath`.',
      tests: newer('threat 15: there is no ath, neither to mint nor to accept'),
    },
    {
      ...{ at: '-02 d', level: 'MUST', binds: 'verifier' },
      text: '-02: a refusal of the credential is 401 with `WWW-Authenticate: WPT`; 400 is for other faults.',
      tests: [
        ...newer('a refusal is a 401 with a challenge'),
        ...refusal('challenges where the draft has a challenge'),
        ...http('is answered in the words of the drafts that are accepted'),
      ],
    },
    {
      ...{ at: '2.1 a', level: 'SHOULD NOT', binds: 'verifier' },
      text: '-01: a refusal is not 401.',
      tests: [
        ...older('a refusal is a 400 without a challenge'),
        ...http('is answered in the words of the drafts that are accepted'),
      ],
    },
    {
      ...{ at: '2.3 a', level: 'MUST', binds: 'verifier' },
      text: 'Claims that are not known are ignored.',
      tests: verify('draft-ietf-wimse-wpt section 2.3: claims that nobody knows are passed over'),
    },
    {
      ...{ at: '3.1 a', level: 'MUST NOT', binds: 'verifier' },
      text: 'A WIT is no bearer token.',
      tests: [...wits('threat 11: *'), ...http('threat 11: *')],
    },
    {
      ...{ at: '3.1 b', level: 'MUST', binds: 'client' },
      text: 'WIT and proof go out over TLS, unless something else secures the channel.',
      tests: [
        ...fetching('sends nothing that it cannot prove or must not send'),
        ...calling('is not there without TLS, because there is no channel'),
      ],
    },
    {
      ...{ at: '3.1 c', level: 'MUST', binds: 'client' },
      text: 'The client validates the host name of the server, or over SPIFFE mutual TLS its identifier.',
      tests: [
        ...testsIn('tls/verified-peers')('hold the host name in the wimse profile*', 'are not asked for host names*'),
        ...testsIn('tls/undici-connector')('rejects with not_authorized before a request is sent'),
      ],
    },
    {
      ...{ at: '3.1 d', level: 'MUST', binds: 'client' },
      text: 'A proof has a limited life.',
      tests: mint(SHORT),
    },
    {
      ...{ at: '3.1 e', level: 'MUST', binds: 'verifier' },
      text: 'A proof outside its time is refused.',
      tests: verify('threat 24: the default leeway is 10 s', LIFE),
    },
    {
      ...{ at: '3.1 f', level: 'SHOULD', binds: 'verifier' },
      text: 'Replay protection is per sender.',
      tests: [
        ...verify('threat 19: one workload cannot burn the jti of another, nor one trust domain that of another'),
        ...testsIn('replay/memory-replay-store')('threat 18: one sender cannot take the place of the others'),
      ],
    },
    {
      ...{ at: '3.1 g', level: 'MUST', binds: 'verifier' },
      text: 'The audience is one that is meant for this service.',
      tests: audience('threat 13: *'),
    },
    {
      ...{ at: '3.1 h', level: 'MUST NOT', binds: 'verifier' },
      text: 'Nothing in a request tells which authorities are ours: not Host, not X-Forwarded-Host.',
      tests: [
        ...http(HOST),
        ...verify('threat 12: a Host that equals the audience of the proof does not make it ours'),
      ],
    },
    {
      ...{ at: '3.1 i', level: 'MUST', binds: 'verifier' },
      text: 'They come from configuration.',
      tests: [
        ...http('only with a configured audience where that has a path'),
        ...verify('threat 33: {"audiences":[]} is a TypeError'),
        ...http('threat 33: createRequestAuthenticator with { audiences: undefined } is a TypeError'),
      ],
    },
    {
      ...{ at: '3.2 a', level: 'MUST', binds: 'client' },
      text: 'Private keys stay private.',
      tests: testsIn('wpt/secrecy')('is neither a token nor a key, in any form'),
    },
    {
      ...{ at: '3.2 b', level: 'MUST', binds: 'minter' },
      text: 'A key belongs to one identifier.',
      tests: testsIn('wit/mint-wit')('threat 47: a key of one workload is not put into the WIT of another'),
    },
    {
      ...{ at: '3.2 c', level: 'MUST NOT', binds: 'client' },
      text: 'A key is not used once its WIT has expired.',
      tests: mint('threat 47: must be the one in the WIT, with its algorithm, and before its end', SHORT),
    },
    {
      ...{ at: '3.2 d', level: 'SHOULD', binds: 'minter' },
      text: 'Each WIT has a key of its own, for nothing else.',
      tests: [
        ...testsIn('dev/changes')('reaches every open stream with the same new credentials'),
        ...testsIn('issuer/tokens')('draft-ietf-wimse-wpt section 3.2: *'),
      ],
    },
  ],
  others: [
    { ...{ at: '2.3 b', level: 'SHOULD NOT', binds: EXTENDER }, text: 'Private claim names are avoided.' },
    { ...{ at: '2.3 c', level: 'SHOULD', binds: EXTENDER }, text: 'Names do not collide.' },
    { ...{ at: '2.3 d', level: 'MUST', binds: EXTENDER }, text: 'Outside closed environments names are registered.' },
  ],
};
