"""What Workload Proof Tokens and HTTP message signatures have in common: the fields of a message, the audiences that a
verifier is configured with, who is allowed, and the memory of proofs."""

import re

from answers import Refusal

TAG = "wimse-workload-to-workload"
JWT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
CREDENTIALS = re.compile(r"([^ ]+) +([A-Za-z0-9._~+/-]+=*)")
URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://((?:[^/?#]*@)?)([^/?#]*)([^?#]*).*", re.DOTALL)
DEFAULT_PORTS = {"http": ":80", "https": ":443"}


class Fields:
    """Field lines in their order; names are compared without regard to case."""

    def __init__(self, lines):
        self.lines = lines

    def items(self):
        return self.lines

    def values(self, name):
        return [value.strip(" \t") for own, value in self.lines if own.lower() == name]

    def one(self, name):
        values = self.values(name)
        if len(values) > 1:
            raise Refusal("duplicate-header")
        return values[0] if values else None

    def jwt(self, name):
        value = self.one(name)
        if value is not None and not JWT.fullmatch(value):
            raise Refusal("bad-header")
        return value

    def authorization(self):
        """RFC 9110 section 11.4: the scheme, and its credentials where they are a single token68."""
        value = self.one("authorization")
        if value is None:
            return None, None
        found = CREDENTIALS.fullmatch(value)
        return value.split(" ")[0].lower(), found[2] if found else None


def wit_of(fields):
    wit = fields.jwt("workload-identity-token")
    if wit is None:
        raise Refusal("missing-wit")
    if fields.authorization() in (("bearer", wit), ("dpop", wit)):
        raise Refusal("bad-header")  # a WIT is never a bearer token
    return wit


def check_audience(audience, audiences):
    """The one of the configured audiences that is meant. What a request says of its own host proves nothing."""
    for own in audiences:
        if comparable(own) == comparable(audience):
            return own
    raise Refusal("wrong-audience")


def comparable(audience):
    url = URL.fullmatch(audience)
    if url is None:
        return audience
    scheme, user, host, path = url[1].lower(), url[2], url[3].lower(), url[4]
    host = host.removesuffix(DEFAULT_PORTS.get(scheme, ":")).removesuffix(":")
    return f"{scheme}://{user}{host}{path}"


def admit(identity, number, line, used):
    """Who is allowed, and that the sender has not used this `jti` or `nonce` before. What runs for longer would forget
    those that have expired."""
    if identity not in line.get("authorized", [identity]):
        raise Refusal("not-authorized")
    if (identity, number) in used:
        raise Refusal("replayed")
    used.add((identity, number))
