"""Reads a JSON array of tasks on standard input and writes, in the same order, what PyJWT or http-message-signatures
made of each of them to standard output. What a package does not offer is "unsupported"."""

import datetime
import json
import sys

import jwt
from http_message_signatures import HTTPMessageSigner, HTTPMessageVerifier, algorithms
from http_message_signatures.resolvers import MappingKeyResolver
from jwt.algorithms import get_default_algorithms

HTTP_ALGORITHMS = {
    one.algorithm_id: one
    for one in (
        algorithms.ED25519,
        algorithms.ECDSA_P256_SHA256,
        algorithms.ECDSA_P384_SHA384,
        algorithms.RSA_PSS_SHA512,
        algorithms.RSA_V1_5_SHA256,
    )
}
SIGNED_PARAMETERS = {"created", "expires", "nonce", "tag", "keyid", "alg"}


class Unsupported(Exception):
    pass


class Headers:
    """Field lines in their order, as a client or server hands them on."""

    def __init__(self, lines):
        self.lines = [tuple(line) for line in lines]

    def items(self):
        return list(self.lines)

    def __iter__(self):
        return iter(name for name, _ in self.lines)

    def __contains__(self, name):
        return any(own.lower() == name.lower() for own, _ in self.lines)

    def __setitem__(self, name, value):
        self.lines.append((name, value))

    def __delitem__(self, name):
        self.lines = [line for line in self.lines if line[0].lower() != name.lower()]


class Request:
    def __init__(self, parts):
        self.method = parts["method"]
        self.url = parts["url"]
        self.headers = Headers(parts["headers"])


class Response:
    def __init__(self, parts):
        self.status_code = parts["status"]
        self.headers = Headers(parts["headers"])
        self.request = Request(parts["request"]) if parts.get("request") else None


def sign_token(task):
    key = jwt.PyJWK(task["key"], token_algorithm(task))
    return jwt.encode(task["claims"], key, algorithm=task["alg"], headers=task["header"])


def verify_token(task):
    token_algorithm(task)
    keys = jwt.PyJWKSet(task["key"]["keys"]).keys
    kid = jwt.get_unverified_header(task["token"]).get("kid")
    found = [key for key in keys if kid is None or key.key_id == kid]
    if len(found) != 1:
        raise LookupError("there is no one key")
    options = {"require": ["exp"], "verify_aud": task.get("audience") is not None}
    return jwt.decode(
        task["token"],
        found[0].key,
        algorithms=[task["alg"]],
        audience=task.get("audience"),
        options=options,
        leeway=30,
    )


def token_algorithm(task):
    if task["alg"] not in get_default_algorithms():
        raise Unsupported(f"no algorithm {task['alg']}")
    return task["alg"]


def sign_message(task):
    parameters = dict(task["parameters"])
    unknown = set(parameters) - SIGNED_PARAMETERS
    if unknown:
        raise Unsupported(f"no parameter {sorted(unknown)[0]}")
    missing = {"created", "keyid"} - set(parameters)
    if missing:
        raise Unsupported(f"no signature without {sorted(missing)[0]}")
    message = message_of(task)
    algorithm, key = http_algorithm(task)
    resolver = MappingKeyResolver(public_keys={}, private_keys={parameters["keyid"]: key})
    HTTPMessageSigner(signature_algorithm=algorithm, key_resolver=resolver).sign(
        message,
        key_id=parameters["keyid"],
        created=instant(parameters["created"]),
        expires=instant(parameters.get("expires")),
        nonce=parameters.get("nonce"),
        tag=parameters.get("tag"),
        include_alg="alg" in parameters,
        label=task["label"],
        covered_component_ids=[each["identifier"] for each in task["components"]],
        use_existing_digest="Content-Digest" in message.headers,
    )
    return [[name, value] for name, value in message.headers.items() if name.lower().startswith("signature")]


def verify_message(task):
    parameters = dict(task["parameters"])
    if set(parameters) - SIGNED_PARAMETERS:
        raise Unsupported("no parameter but those of RFC 9421 section 2.3")
    if "keyid" not in parameters:
        raise Unsupported("no signature without keyid")
    algorithm, key = http_algorithm(task)
    resolver = MappingKeyResolver(public_keys={parameters["keyid"]: key}, private_keys={})
    verifier = HTTPMessageVerifier(signature_algorithm=algorithm, key_resolver=resolver)
    verifier.require_created = "created" in parameters
    results = verifier.verify(
        message_of(task),
        max_age=datetime.timedelta(minutes=5) if "created" in parameters else None,
        expect_tag=parameters.get("tag"),
        require_components=[each["identifier"] for each in task["components"]],
    )
    if [result.label for result in results] != [task["label"]]:
        raise LookupError("another signature than the one that was meant")


def message_of(task):
    return (Response if task["message"].get("status") else Request)(task["message"])


def http_algorithm(task):
    if task["alg"] not in HTTP_ALGORITHMS:
        raise Unsupported(f"no algorithm {task['alg']}")
    return HTTP_ALGORITHMS[task["alg"]], task["pem"].encode()


def instant(seconds):
    return None if seconds is None else datetime.datetime.fromtimestamp(seconds, tz=datetime.timezone.utc)


DOERS = {
    "sign-token": sign_token,
    "verify-token": verify_token,
    "sign-message": sign_message,
    "verify-message": verify_message,
}


def perform(task):
    try:
        output = DOERS[task["do"]](task)
    except Unsupported as reason:
        return {"name": task["name"], "verdict": "unsupported", "detail": str(reason)}
    except Exception as error:  # whatever a package throws is a refusal
        detail = f"{type(error).__module__}.{type(error).__name__}: {error}"
        return {"name": task["name"], "verdict": "refuse", "detail": detail}
    return {"name": task["name"], "verdict": "accept", "output": output}


if __name__ == "__main__":
    json.dump([perform(task) for task in json.load(sys.stdin)], sys.stdout)
