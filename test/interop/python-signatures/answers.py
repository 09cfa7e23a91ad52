"""How the verifiers beside this file answer conformance/run.mjs: a case a line on standard input, an answer a line."""

import json
import sys


class Refusal(Exception):
    """A reason of conformance/README.md. `part` is what is at fault."""

    part = "proof"


class NotOffered(Exception):
    """What a package does not claim to do."""


def serve(suite, verify):
    """Answers each line with what `verify` understands of it; `used` are the proofs that were accepted before it."""
    remember, used = None, set()
    for text in sys.stdin:
        line = json.loads(text)
        if line["remember"] != remember:
            remember, used = line["remember"], set()
        print(json.dumps({"id": line["id"], **answer(line, suite, verify, used)}), flush=True)


def answer(line, suite, verify, used):
    if line["suite"] != suite:
        return {"verdict": "skip", "detail": f"only {suite}"}
    try:
        return {"verdict": "accept", "understood": verify(line, used)}
    except NotOffered as missing:
        return {"verdict": "skip", "detail": str(missing)}
    except Refusal as refusal:
        cause = refusal.__cause__
        detail = f"{type(cause).__name__}: {cause}" if cause else "a check of its own"
        return {"verdict": "refuse", "part": refusal.part, "reason": str(refusal), "detail": detail}
