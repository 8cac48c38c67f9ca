"""Refusals in Stripe's shape.

Owns: the error body and which errors are remembered under an idempotency key.
A reader would guess that all errors are remembered: those found before anything was tried are not.
"""

from __future__ import annotations

from typing import Any


class Problem(Exception):  # noqa: N818 - an answer of the stand-in, not a fault of it
    """`remembered`: a repeat with the same key gets this again."""

    def __init__(
        self,
        status: int,
        code: str | None,
        message: str,
        *,
        type_: str = "invalid_request_error",
        param: str | None = None,
        remembered: bool = True,
        details: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.type = type_
        self.param = param
        self.remembered = remembered
        self.details = details or {}

    def body(self) -> dict[str, Any]:
        error: dict[str, Any] = {"type": self.type, "message": self.message, **self.details}
        if self.code is not None:
            error["code"] = self.code
        if self.param is not None:
            error["param"] = self.param
        return {"error": error}


def invalid_parameter(param: str, message: str, code: str = "parameter_invalid") -> Problem:
    return Problem(400, code, message, param=param, remembered=False)


def missing(kind: str, ref: str) -> Problem:
    return Problem(404, "resource_missing", f"No such {kind}: '{ref}'", param="id")


def card_declined(code: str, decline_code: str | None, message: str, intent: Any) -> Problem:
    details: dict[str, Any] = {"payment_intent": intent} if intent else {}
    if decline_code is not None:
        details["decline_code"] = decline_code
    return Problem(402, code, message, type_="card_error", details=details)
