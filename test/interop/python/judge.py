"""Reads a JSON array of cases on standard input and writes what the Python package `spiffe` makes of each of them, in
the same order, to standard output. What the package does not offer is "unsupported": it neither builds certificate
paths, nor reads SPIFFE bundle documents, nor knows WIT-SVIDs."""

import base64
import json
import sys

import jwt
from spiffe import JwtBundle, JwtBundleSet, JwtSvid, SpiffeId, TrustDomain, X509Bundle, X509Svid
from spiffe.config import ConfigSetter


def judge_id(item):
    return str(SpiffeId(item["text"]))


def judge_trust_domain(item):
    return TrustDomain(item["text"]).as_spiffe_id()


def judge_address(item):
    if item["text"] == "":
        return None  # means "not given" to this package
    ConfigSetter(item["text"])
    return "address"


def judge_x509_parse_der(item):
    return describe(X509Svid.parse_raw(decode(item["certificates"]), decode(item["key"])))


def judge_x509_parse_pem(item):
    return describe(X509Svid.parse(decode(item["certificates"]), decode(item["key"])))


def judge_x509_bundle_der(item):
    return count(X509Bundle.parse_raw(TrustDomain(item["text"]), decode(item["document"])))


def judge_x509_bundle_pem(item):
    return count(X509Bundle.parse(TrustDomain(item["text"]), decode(item["document"])))


def judge_jwt(item):
    if item["format"] != "jwks":
        return None
    bundles = JwtBundleSet.of(
        [JwtBundle.parse(TrustDomain(name), decode(text)) for name, text in item["bundles"].items()]
    )
    # The package asks its callers to pick the bundle, so that is done as its documentation describes.
    claims = jwt.decode(item["token"], options={"verify_signature": False})
    trust_domain = SpiffeId(claims.get("sub", "")).trust_domain
    bundle = bundles.get_bundle_for_trust_domain(trust_domain)
    return str(JwtSvid.parse_and_validate(item["token"], bundle, set(item["audience"])).spiffe_id)


def judge_jwt_bundle(item):
    bundle = JwtBundle.parse(TrustDomain(item["text"]), decode(item["document"]))
    return f"[{' '.join(sorted(bundle.jwt_authorities))}]"


def describe(svid):
    return f"{svid.spiffe_id} with {len(svid.cert_chain)} certificates"


def count(bundle):
    return f"{len(bundle.x509_authorities)} authorities"


def decode(text):
    return base64.b64decode(text, validate=True)


JUDGES = {
    "id": judge_id,
    "trust-domain": judge_trust_domain,
    "address": judge_address,
    "x509-parse-der": judge_x509_parse_der,
    "x509-parse-pem": judge_x509_parse_pem,
    "x509-bundle-der": judge_x509_bundle_der,
    "x509-bundle-pem": judge_x509_bundle_pem,
    "jwt": judge_jwt,
    "jwt-bundle": judge_jwt_bundle,
}


def consider(item):
    decide = JUDGES.get(item["kind"])
    try:
        understood = None if decide is None else decide(item)
    except Exception as error:  # whatever the package throws is a refusal
        detail = f"{type(error).__module__}.{type(error).__name__}: {error}"
        return {"name": item["name"], "verdict": "refuse", "detail": detail}
    verdict = "unsupported" if understood is None else f"accept {understood}"
    return {"name": item["name"], "verdict": verdict}


if __name__ == "__main__":
    json.dump([consider(item) for item in json.load(sys.stdin)], sys.stdout)
