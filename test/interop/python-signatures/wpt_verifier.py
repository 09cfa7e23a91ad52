"""A verifier of Workload Proof Tokens for conformance/run.mjs, on PyJWT: draft-ietf-wimse-wpt-02 section 2, and -01.
Encoding, algorithm and signature are the package's business; what a request and a proof say is compared here."""

import re

from answers import Refusal, serve
from message import JWT, TAG, Fields, admit, check_audience, wit_of
from wit_verifier import check_signature, check_time, digest, read, thumbprint, verify_wit

TYPE = re.compile(r"(?:application/)?wpt\+jwt", re.IGNORECASE)


def verify(line, used):
    fields = Fields(line["headers"])
    wit = wit_of(fields)
    proof, draft, access_token = proof_of(fields, line["drafts"])
    txn_token = fields.jwt("txn-token")
    others = {name: fields.one(name) for name in line["otherTokens"]}

    identity = verify_wit(wit, line["witLeewaySeconds"], line)
    jwk = identity["cnf"]["jwk"]
    claims = signed_claims(proof, jwk, line["maxBytes"])
    check_lifetime(claims, line)
    jti = jti_of(claims)
    audience = check_audience(audience_of(claims), line["audiences"])
    if claims.get("wth") != digest(wit):
        raise Refusal("wrong-wit")
    check_hash(claims, "ath", access_token, "wrong-access-token")
    check_hash(claims, "tth", txn_token, "wrong-transaction-token")
    check_others(claims, others)
    admit(identity["sub"], jti, line, used)
    return {
        "identity": identity["sub"],
        "thumbprint": thumbprint(jwk),
        "draft": draft,
        "audience": audience,
        "jti": jti,
        "covered": {
            "accessToken": access_token is not None,
            "txnToken": txn_token is not None,
            "otherTokens": sorted(claims.get("oth", {})),
        },
    }


def proof_of(fields, drafts):
    """The proof, the draft that sends it in this way, and the access token, for which -02 has no room."""
    scheme, credentials = fields.authorization()
    carried = fields.jwt("workload-proof-token")
    if carried is None and scheme != "wpt":
        raise Refusal("missing-proof")
    if (carried and scheme == "wpt") or any(TAG in value for value in fields.values("signature-input")):
        raise Refusal("two-proofs")
    draft = "draft-ietf-wimse-wpt-01" if carried else "draft-ietf-wimse-wpt-02"
    if draft not in drafts:
        raise Refusal("draft-not-accepted")
    if scheme not in (None, "wpt", "bearer", "dpop"):
        raise Refusal("bad-authorization")
    if scheme and not credentials:
        raise Refusal("bad-header")
    if carried:
        return carried, draft, credentials
    if not JWT.fullmatch(credentials):
        raise Refusal("bad-header")
    return credentials, draft, None


def signed_claims(proof, jwk, max_bytes):
    if len(proof) > max_bytes:
        raise Refusal("too-large")
    decoded = read(proof)
    header = decoded["header"]
    if not {"crit", "b64", "zip", "cty", "enc"}.isdisjoint(header):
        raise Refusal("unsupported-header")
    typ = header.get("typ")
    if not isinstance(typ, str) or not TYPE.fullmatch(typ):
        raise Refusal("wrong-type")
    check_signature(proof, jwk["alg"], jwk)  # and that alg is the same text in the header
    return decoded["payload"]


def check_lifetime(claims, line):
    now, leeway = line["now"], line["proofLeewaySeconds"]
    check_time(claims, now, leeway)
    if claims["exp"] % 1 or claims.get("nbf", 0) % 1:
        raise Refusal("bad-time")
    if claims["exp"] - now > line["maxLifetimeSeconds"] + leeway:
        raise Refusal("lifetime-too-long")


def jti_of(claims):
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 0 < len(jti.encode()) <= 256:
        raise Refusal("bad-jti")
    return jti


def audience_of(claims):
    aud = claims.get("aud")
    if isinstance(aud, list) and len(aud) == 1:
        aud = aud[0]
    if not isinstance(aud, str) or not aud:
        raise Refusal("bad-audience")
    return aud


def check_hash(claims, name, token, reason):
    """A token that is there is to be hashed, and a hash is to be of one that is there."""
    if (name in claims) != (token is not None) or (token is not None and claims[name] != digest(token)):
        raise Refusal(reason)


def check_others(claims, others):
    """Every entry is to be understood. A token without one is not covered and decides nothing."""
    oth = claims.get("oth", {})
    if not isinstance(oth, dict):
        raise Refusal("wrong-other-token")
    for name, hashed in oth.items():
        token = others.get(name)
        if token is None or hashed != digest(token):
            raise Refusal("wrong-other-token")


if __name__ == "__main__":
    serve("wpt", verify)
