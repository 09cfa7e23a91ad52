"""A verifier of the WIMSE profile of HTTP message signatures, -07 and -06 of draft-ietf-wimse-http-signature, for
conformance/run.mjs. http-message-signatures reads fields (by its http_sf), finds the values of components and compares
digests, PyJWT verifies. Only the lines of the signature base are joined here: the package would do that for signatures
with `keyid`, which the profile forbids."""

import base64

import http_sf
from answers import Refusal, serve
from http_message_signatures import (
    ContentDigest,
    HTTPMessageSignaturesException,
    HTTPSignatureComponentResolver,
    InvalidSignature,
)
from http_sf.compat import Item
from message import TAG, Fields, admit, check_audience, wit_of
from wit_verifier import load, thumbprint, verify_wit

TARGET = {
    "draft-ietf-wimse-http-signature-07": ["@path", "@query"],
    "draft-ietf-wimse-http-signature-06": ["@request-target"],
}
REQUEST_FIELDS = ["content-type", "content-digest", "authorization", "txn-token", "workload-identity-token"]
RESPONSE_FIELDS = ["content-type", "content-digest", "workload-identity-token"]
DIGESTS = {"sha-256", "sha-512"}
DEPRECATED_DIGESTS = {"md5", "sha", "unixsum", "unixcksum", "adler", "crc32c"}
COMPONENT_PARAMETERS = {"req", "sf", "bs", "key", "name"}


class Request:
    def __init__(self, parts):
        self.method, self.request_target = parts["method"], parts["target"]
        self.headers = Fields(parts["headers"])
        origin = f"https://{self.headers.one('host')}" if self.request_target.startswith("/") else ""
        self.url = origin + self.request_target
        self.body = parts["body"]


class Response:
    def __init__(self, parts, request):
        self.status_code, self.body = parts["status"], parts["body"]
        self.headers = Fields(parts["headers"])
        self.request = request


def verify(line, used):
    """A request as its server, or a response as the client that has kept its request."""
    message, asked = Request(line["request"]), None
    if "response" in line:
        _, asked, _ = signature_of(message.headers)
        message = Response(line["response"], message)
    components, parameters, signature = proof_of(message.headers, asked)
    wit = wit_of(message.headers)
    check_components(components)
    check_parameters(parameters, asked)
    draft = draft_of(components, message, line["drafts"])

    identity = verify_wit(wit, line["witLeewaySeconds"], line)
    jwk = identity["cnf"]["jwk"]
    key = load(jwk, jwk["alg"], "algorithm-mismatch")
    if not key.Algorithm.verify(signature_base(message, components, parameters), key.key, signature):
        raise Refusal("bad-signature")
    check_window(parameters, line)
    understood = {"identity": identity["sub"], "thumbprint": thumbprint(jwk), "draft": draft}
    if asked is None:
        understood["audience"] = check_audience(parameters["wimse-aud"], line["audiences"])
        understood["signResponse"] = "wimse-sign-response" in parameters
    elif parameters["wimse-req-nonce"] != asked["nonce"]:
        raise Refusal("wrong-request")
    check_body(message)
    admit(identity["sub"], parameters["nonce"], line, used)
    return {**understood, "nonce": parameters["nonce"]}


def proof_of(fields, asked):
    """What `signature_of` gives; `asked` are the parameters of the request that a response has come to."""
    for name in ("content-type", "authorization", "txn-token"):
        fields.one(name)
    if fields.values("workload-proof-token") or fields.authorization()[0] == "wpt":
        raise Refusal("two-proofs")
    found = signature_of(fields)
    if found is None:
        raise Refusal("response-not-signed" if asked and "wimse-sign-response" in asked else "missing-proof")
    return found


def signature_of(fields):
    """Components, parameters and bytes of the one signature with the tag of the profile; labels are not signed."""
    written = ", ".join(fields.values("signature-input"))
    inputs, signatures = dictionary(written), dictionary(", ".join(fields.values("signature")))
    if inputs.keys() != signatures.keys():
        raise Refusal("unpaired-label")
    if not all(isinstance(components, list) for components, _ in inputs.values()):
        raise Refusal("bad-structured-field")
    named = [(label, *each) for label, each in inputs.items() if is_tag(each[1].get("tag"))]
    if len(named) > 1:
        raise Refusal("ambiguous-signature")
    if not named:
        return None
    label, components, parameters = named[0]
    signature = signatures[label][0]
    if not isinstance(signature, bytes):
        raise Refusal("bad-structured-field")
    if f"{label}={http_sf.ser([(components, parameters)])}," not in f"{written},":
        raise Refusal("not-canonical")
    return components, parameters, signature


def dictionary(text):
    try:
        return http_sf.parse(text.encode(), tltype="dictionary", on_duplicate_key=refuse_duplicate)
    except http_sf.StructuredFieldError as error:
        raise Refusal("bad-structured-field") from error


def refuse_duplicate(_name, _context):
    raise Refusal("duplicate-member")


def is_tag(value):
    """http_sf calls a token equal to the string of the same text, but it is not one."""
    return isinstance(value, str) and value == TAG


def check_components(components):
    seen = set()
    for name, parameters in components:
        identity = (name, frozenset(parameters.items()))
        if not isinstance(name, str) or name != name.lower() or identity in seen:
            raise Refusal("bad-component")
        if not COMPONENT_PARAMETERS.issuperset(parameters) or (name in REQUEST_FIELDS and set(parameters) - {"req"}):
            raise Refusal("bad-component")
        seen.add(identity)


def check_parameters(parameters, asked):
    own, foreign = "wimse-aud", {"wimse-req-nonce"}
    if asked:
        own, foreign = "wimse-req-nonce", {"wimse-aud", "wimse-sign-response"}
    if not (foreign | {"keyid", "alg"}).isdisjoint(parameters):
        raise Refusal("forbidden-parameter")
    for name in ("created", "expires", "nonce", own):
        if name not in parameters:
            raise Refusal("missing-parameter")
    for name in ("created", "expires"):
        if type(parameters[name]) is not int or parameters[name] < 0:
            raise Refusal("bad-parameter")
    for name in ("nonce", own):
        if not isinstance(parameters[name], str) or not parameters[name]:
            raise Refusal("bad-parameter")
    if parameters.get("wimse-sign-response", True) is not True:
        raise Refusal("bad-parameter")


def draft_of(components, message, drafts):
    """The first draft of those accepted that finds covered what it wants covered."""
    covered = {(name, "req" in parameters) for name, parameters in components}
    is_response = isinstance(message, Response)
    fields = RESPONSE_FIELDS if is_response else REQUEST_FIELDS
    wanted = {(name, False) for name in fields if message.headers.values(name)}
    if is_response:
        wanted.add(("@status", False))
    for draft in drafts:
        if wanted | {(name, is_response) for name in ["@method", *TARGET[draft]]} <= covered:
            return draft
    raise Refusal("not-covered")


def signature_base(message, components, parameters):
    """RFC 9421 section 2.5."""
    request = message.request if isinstance(message, Response) else message
    if request.method != request.method.upper():
        raise Refusal("bad-signature")  # the package makes no base for such a method, so nobody has signed one
    if "#" in request.request_target:
        raise Refusal("missing-component")  # no target has a fragment, and the package would leave it out of the base
    for name, of_component in components:
        fields = (request if "req" in of_component else message).headers
        if not name.startswith("@") and not fields.values(name):
            raise Refusal("missing-component")
    try:
        resolver = HTTPSignatureComponentResolver(message)
        lines = [f"{http_sf.ser(each)}: {resolver.resolve(item(*each))}" for each in components]
    except (HTTPMessageSignaturesException, TypeError) as error:
        raise Refusal("bad-component") from error
    base = "\n".join([*lines, f'"@signature-params": {http_sf.ser([(components, parameters)])}'])
    if not base.isascii():
        raise Refusal("missing-component")
    return base.encode()


def item(name, parameters):
    component = Item(name)
    component.params.update(parameters)
    return component


def check_window(parameters, line):
    now, leeway = line["now"], line["proofLeewaySeconds"]
    created, expires = parameters["created"], parameters["expires"]
    if expires < created:
        raise Refusal("expires-before-created")
    if expires - created > line["maxLifetimeSeconds"] + leeway:
        raise Refusal("lifetime-too-long")
    if now < created - leeway:
        raise Refusal("not-yet-valid")
    if now >= expires + leeway:
        raise Refusal("expired")


def check_body(message):
    """RFC 9530 over the bytes of the body; that the field is covered was found before."""
    digests = dictionary(", ".join(message.headers.values("content-digest")))
    if message.body is None:
        length = message.headers.one("content-length") or "0"
        announced = digests or length != "0" or message.headers.values("transfer-encoding")
        if announced and may_have_body(message):
            raise Refusal("missing-body")
        return
    if not digests:
        if message.body:
            raise Refusal("missing-digest")
        return
    if not all(isinstance(value, bytes) for value, _ in digests.values()):
        raise Refusal("bad-structured-field")
    if DIGESTS.isdisjoint(digests) or not DEPRECATED_DIGESTS.isdisjoint(digests):
        raise Refusal("unusable-digest")
    for algorithm in DIGESTS & digests.keys():
        try:
            ContentDigest.verify(http_sf.ser(digests[algorithm]), base64.b64decode(message.body), key=algorithm)
        except InvalidSignature as error:
            raise Refusal("wrong-digest") from error


def may_have_body(message):
    """RFC 9110 section 6.4.1: these responses have the fields of a body that does not follow."""
    if not isinstance(message, Response):
        return True
    return message.request.method != "HEAD" and message.status_code not in (204, 304)


if __name__ == "__main__":
    serve("http-signature", verify)
