"""Every way we say no.

A fault is a value that reaches the person who can act: what is wrong, which limit, what to do. It never holds a stack
trace, a path of the server, a query, or another person's data. `code` is stable and kebab-case; clients may branch on
it. `message` and `do` are for people.
"""

from typing import Literal

import msgspec

FaultCode = Literal[
    "bad-message",
    "unknown-command",
    "unsupported-version",
    "too-large",
    "too-deep",
    "too-fast",
    "too-many",
    "bad-value",
    "bad-path",
    "not-text",
    "sign-in",
    "not-allowed",
    "no-such-ask",
    "no-such-offer",
    "no-such-session",
    "no-such-person",
    "wrong-state",
    "offer-gone",
    "nobody-now",
    "already-busy",
    "card-needed",
    "card-declined",
    "payment-action-needed",
    "over-cap",
    "key-used",
    "update-refused",
    "resync",
    "read-only",
    "secret-found",
    "session-over",
    "replaced",
    "silent",
    "too-late",
    "unavailable",
    "storage-full",
    "internal",
]


class Fault(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One refusal. `field` names the member at fault, `limit` and `got` the number it broke; `ref` finds the log line."""

    code: FaultCode
    message: str
    do: str = ""
    field: str = ""
    limit: int | None = None
    got: int | None = None
    ref: str = ""

    def __str__(self) -> str:
        return f"{self.message} {self.do}".rstrip()


class Refused(Exception):  # noqa: N818 - a refusal is an answer, not an error of ours
    """Carries a fault from where the rule is known to the edge that answers with it."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(str(fault))
        self.fault = fault


def refusal(
    code: FaultCode,
    message: str,
    do: str = "",
    *,
    field: str = "",
    limit: int | None = None,
    got: int | None = None,
) -> Refused:
    """Shorthand for `raise faults.refusal("too-large", …)`."""
    return Refused(Fault(code=code, message=message, do=do, field=field, limit=limit, got=got))


def shortened(value: str, characters_max: int = 60) -> str:
    """A foreign value made fit to stand in a message: printable and short."""
    printable = "".join(
        c if c.isprintable() else f"\\u{ord(c):04x}" for c in value[: characters_max + 1]
    )
    return printable if len(printable) <= characters_max else printable[: characters_max - 1] + "…"
