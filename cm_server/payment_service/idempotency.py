"""One key, one effect: what was answered under a key is answered again.

Owns: the stored answers, the comparison of requests, forgetting. Does not own: which refusals
are remembered (`problems.Problem.remembered`).
A reader would guess that only successes are stored: declines and 500s are too.
"""

from __future__ import annotations

import hashlib
import json

from cm_server.payment_service.problems import Problem
from cm_server.payment_service.records import Answer
from cm_server.payment_service.world import World

KEPT_SECONDS = 24 * 3_600
V2_KEPT_SECONDS = 30 * 86_400
KEY_MAX_CHARS = 255


def fingerprint(path: str, body: bytes) -> str:
    return hashlib.sha256(path.encode() + b"\0" + body).hexdigest()


def recall(world: World, key: str, path: str, print_: str) -> Answer | None:
    """The stored answer; None when the key is new or old enough to be forgotten."""
    if len(key) > KEY_MAX_CHARS:
        message = f"Idempotency keys may have at most {KEY_MAX_CHARS} characters."
        raise Problem(400, None, message, type_="idempotency_error", remembered=False)
    answer = world.state.answers.find(key)
    kept_seconds = V2_KEPT_SECONDS if path.startswith("/v2/") else KEPT_SECONDS
    if answer is None or answer.created + kept_seconds <= world.now():
        return None
    if answer.fingerprint != print_:
        message = (
            "Keys for idempotent requests can only be used with the same parameters they were"
            f" first used with. Try using a key other than '{key}'."
        )
        raise Problem(400, None, message, type_="idempotency_error", remembered=False)
    return answer


def remember(world: World, key: str, print_: str, status: int, body: dict[str, object]) -> None:
    world.state.answers.put(
        Answer(
            id=key,
            created=world.now(),
            fingerprint=print_,
            status=status,
            body=json.dumps(body),
        )
    )
