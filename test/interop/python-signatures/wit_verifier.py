"""A verifier of Workload Identity Tokens for conformance/run.mjs, on PyJWT. Signatures, encodings and keys are the
package's business; what a WIT has to be is written here."""

import hashlib
import json
import re

import jwt
from answers import NotOffered, Refusal, serve
from jwt.algorithms import get_default_algorithms
from jwt.utils import base64url_decode, base64url_encode

SPIFFE_ALGORITHMS = {"ES256", "ES384", "ES512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}
ALGORITHMS = {"spiffe": SPIFFE_ALGORITHMS, "wimse": SPIFFE_ALGORITHMS | {"EdDSA", "Ed25519"}}
CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
TYPES = {"spiffe": re.compile(r"wit\+jwt\Z"), "wimse": re.compile(r"(?:application/)?wit\+jwt\Z", re.IGNORECASE)}
IDENTIFIER = re.compile(r"((spiffe|wimse)://[a-z0-9._-]{1,255})((?:/[A-Za-z0-9._-]+)+)\Z")
PRIVATE_MEMBERS = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}
PUBLIC_MEMBERS = {"EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x"), "RSA": ("e", "kty", "n")}


def verify(line, _):
    claims = verify_wit(line["token"], line["leewaySeconds"], line)
    jwk = claims["cnf"]["jwk"]
    return {
        "subject": claims["sub"],
        "alg": jwk["alg"],
        "thumbprint": thumbprint(jwk),
        "wth": digest(line["token"]),
    }


def verify_wit(token, leeway, line):
    """The claims of a WIT. They name nobody before a proof was made with the key in `cnf`."""
    try:
        return claims_of(token, leeway, line)
    except Refusal as refusal:
        refusal.part = "wit"
        raise


def claims_of(token, leeway, line):
    if len(token) > line["maxBytes"]:
        raise Refusal("too-large")
    decoded = read(token)
    header, claims = decoded["header"], decoded["payload"]
    profile = line.get("profile", "spiffe" if str(claims.get("sub")).startswith("spiffe://") else "wimse")
    check_header(header, profile)
    origin = origin_of(claims, profile)
    key = key_of(header, origin, line["trust"])
    check_signature(token, header["alg"], key)
    check_claims(claims, profile)
    check_time(claims, line["now"], leeway)
    check_confirmation(claims, profile)
    return claims


def read(token):
    segments = token.split(".")
    if len(segments) != 3 or "" in segments:
        raise Refusal("not-a-token")
    try:
        decoded = jwt.decode_complete(token, options={"verify_signature": False})
    except jwt.InvalidTokenError as error:
        raise Refusal(reason_of(str(error))) from error
    for segment in segments[:2]:
        value = json.loads(base64url_decode(segment), object_pairs_hook=once, parse_constant=no_number)
        if depth(value) > 32:
            raise Refusal("not-a-token")
    return decoded


def once(pairs):
    """RFC 7519 section 4: of members that are there twice, two readers can believe different ones."""
    members = dict(pairs)
    if len(members) < len(pairs) or "__proto__" in members:
        raise Refusal("duplicate-member")
    return members


def no_number(name):
    raise Refusal("not-a-token") from ValueError(f"{name} is not JSON")


def depth(value):
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(depth, inner), default=0)


def reason_of(message):
    reasons = {"padding": "bad-encoding", "crit": "unsupported-header", "b64": "unsupported-header", "Key ID": "bad-kid"}
    return next((reason for word, reason in reasons.items() if word in message), "not-a-token")


def check_header(header, profile):
    if not {"crit", "b64", "zip", "cty", "enc"}.isdisjoint(header):
        raise Refusal("unsupported-header")
    alg = header.get("alg")
    if not isinstance(alg, str) or alg not in ALGORITHMS[profile]:
        raise Refusal("algorithm-not-allowed")
    typ = header.get("typ")
    if not isinstance(typ, str) or not TYPES[profile].match(typ):
        raise Refusal("wrong-type")
    if not isinstance(header.get("kid", ""), str) or ("kid" not in header and profile == "spiffe"):
        raise Refusal("bad-kid")


def origin_of(claims, profile):
    sub = claims.get("sub")
    found = IDENTIFIER.match(sub) if isinstance(sub, str) else None
    if found is None or (profile == "spiffe" and found[2] != "spiffe"):
        raise Refusal("bad-subject")
    if any(segment in (".", "..") for segment in found[3].split("/")):
        raise Refusal("bad-subject")
    return found[1]


def key_of(header, origin, trust):
    if origin not in trust:
        raise Refusal("unknown-trust-domain")
    candidates = [key for key in trust[origin]["keys"] if key.get("use", "wit-svid") == "wit-svid"]
    if "kid" not in header:
        if len(candidates) != 1:
            raise Refusal("ambiguous-key")
        return candidates[0]
    named = [key for key in candidates if key.get("kid") == header["kid"]]
    if len(named) != 1:
        raise Refusal("unknown-key")
    return named[0]


def check_signature(token, alg, jwk):
    if jwk.get("alg", alg) != alg or "verify" not in jwk.get("key_ops", ["verify"]):
        raise Refusal("algorithm-mismatch")
    key = load(jwk, alg, "algorithm-mismatch")
    unchecked = {"verify_exp": False, "verify_nbf": False, "verify_iat": False, "verify_aud": False}
    try:
        jwt.decode(token, key, algorithms=[alg], options={**unchecked, "verify_sub": False, "verify_jti": False})
    except jwt.InvalidSignatureError as error:
        raise Refusal("bad-signature") from error
    except (jwt.InvalidAlgorithmError, jwt.InvalidKeyError) as error:
        raise Refusal("algorithm-mismatch") from error


def load(jwk, alg, reason):
    if alg not in get_default_algorithms():
        raise NotOffered(f"PyJWT has no algorithm {alg}")
    if not fits(jwk, alg):
        raise Refusal(reason)
    try:
        return jwt.PyJWK(jwk, algorithm=alg)
    except (jwt.PyJWTError, TypeError, ValueError) as error:
        raise Refusal("bad-key") from error


def fits(jwk, alg):
    if alg in CURVES:
        return jwk.get("kty") == "EC" and jwk.get("crv") == CURVES[alg]
    return jwk.get("kty") == ("OKP" if alg == "EdDSA" else "RSA")


def check_claims(claims, profile):
    if profile == "spiffe" and "aud" in claims:
        raise Refusal("audience-present")
    if any(not isinstance(claims.get(name, ""), str) for name in ("iss", "jti")):
        raise Refusal("bad-claim")


def check_time(claims, now, leeway):
    exp, nbf = claims.get("exp"), claims.get("nbf", 0)
    for seconds in (exp, nbf):
        if not isinstance(seconds, (int, float)) or isinstance(seconds, bool) or seconds < 0:
            raise Refusal("bad-time")
        if seconds > 2**53:
            raise Refusal("bad-number")
    if now >= exp + leeway:
        raise Refusal("expired")
    if now < nbf - leeway:
        raise Refusal("not-yet-valid")


def check_confirmation(claims, profile):
    cnf = claims.get("cnf")
    if not isinstance(cnf, dict) or list(cnf) != ["jwk"] or not isinstance(cnf["jwk"], dict):
        raise Refusal("bad-confirmation")
    jwk = cnf["jwk"]
    alg = jwk.get("alg")
    if not isinstance(alg, str) or alg not in ALGORITHMS[profile]:
        raise Refusal("bad-confirmation-algorithm")
    if not PRIVATE_MEMBERS.isdisjoint(jwk):
        raise Refusal("private-key-exposed")
    if jwk.get("use", "sig") != "sig":
        raise Refusal("bad-confirmation")
    if jwk.get("kty") == "EC" and jwk.get("crv") not in CURVES.values():
        raise Refusal("bad-key")
    load(jwk, alg, "bad-confirmation-algorithm")


def thumbprint(jwk):
    """RFC 7638."""
    members = {name: jwk[name] for name in PUBLIC_MEMBERS[jwk["kty"]]}
    return digest(json.dumps(members, sort_keys=True, separators=(",", ":")))


def digest(text):
    return base64url_encode(hashlib.sha256(text.encode()).digest()).decode()


if __name__ == "__main__":
    serve("wit", verify)
