"""Stripe's own published description as a judge of what goes over the wire, in both directions.

Owns: reading `tests/contract/stripe_spec`, the differences that are known, the witness at the stand-in's door. Does not own:
the library's types (`stripe_param_gate`), which are newer by two months and decide where both disagree.
A reader would guess that a form's values have types: all are text, read here as the description says they are meant.
"""

from __future__ import annotations

import functools
import gzip
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cm_server.payment_service.embedded import PaymentService
from cm_server.payment_service.parameters import decode_form
from tests.support.stripe_spec_pruning import DATA

Json = dict[str, Any]
_INTEGER = re.compile(r"-?[0-9]+")
KNOWN: Mapping[str, str] = {
    "request POST /v1/checkout/sessions: itself: Additional properties are not allowed"
    " ('allowed_payment_method_types' was unexpected)": "newer than the description; the library's types name it, and say"
    " that setup mode needs it where no currency is given",
    "POST /v2/core/account_links: use_case.account_onboarding: 'configurations' is a required property": "the description"
    " is of May 2026; in the pinned version of October neither request nor answer has it",
}
"""Complaints that are no faults, by their text, each with its reason."""


@dataclass(frozen=True)
class Exchange:
    method: str
    path: str
    query: str
    sent: bytes
    status: int
    answered: Json


class StripeSpec:
    def __init__(self) -> None:
        self._halves: Json = json.loads(gzip.decompress(DATA.read_bytes()))
        self.versions: dict[str, str] = self._halves["versions"]
        self._validators: dict[tuple[str, str], Draft202012Validator] = {}
        self._routes = [
            (method, re.compile(re.sub(r"\{[a-z_]+\}", "[^/]+", path)), f"{method} {path}")
            for half in ("v1", "v2")
            for method, path in (name.split(" ") for name in self._halves[half]["calls"])
        ]

    def call_of(self, method: str, path: str) -> str:
        """The description's name of a request's call."""
        for known, pattern, name in self._routes:
            if method == known and pattern.fullmatch(path):
                return name
        raise LookupError(f"{method} {path} is no call that was kept of the description")

    def of_request(self, exchange: Exchange) -> Iterator[str]:
        name = self.call_of(exchange.method, exchange.path)
        is_form = exchange.method == "GET" or " /v1/" in name
        text = exchange.query if exchange.method == "GET" else exchange.sent.decode()
        values = decode_form(text) if is_form else json.loads(text or "{}")
        validator = self._validator(name, "request")
        read = self._read(values, validator.schema, _half(name)) if is_form else values
        yield from _complaints(f"request {name}", validator, read)

    def of_answer(self, exchange: Exchange) -> Iterator[str]:
        name = self.call_of(exchange.method, exchange.path)
        part = "answer" if exchange.status < 300 else "refusal"
        title = f"{part} {exchange.status} {name}"
        answered = exchange.answered if _half(name) == "v1" else _said(exchange.answered)
        yield from _complaints(title, self._validator(name, part), answered)

    def of_event(self, event: Json) -> Iterator[str]:
        """A webhook's body: the event, and the object in it."""
        if event["object"] == "v2.core.event":
            schema = self._validator("GET /v2/core/events/{id}", "answer")
            yield from _complaints(f"event {event['type']}", schema, _said(event))
            return
        yield from _complaints(f"event {event['type']}", self._of_object("event"), event)
        subject = event["data"]["object"]
        judge = self._of_object(subject["object"])
        yield from _complaints(f"object of event {event['type']}", judge, subject)

    def _of_object(self, kind: str) -> Draft202012Validator:
        if ("object", kind) not in self._validators:
            schema = {"$ref": f"#/$defs/{kind}", "$defs": self._halves["v1"]["$defs"]}
            self._validators["object", kind] = Draft202012Validator(schema)
        return self._validators["object", kind]

    def _validator(self, name: str, part: str) -> Draft202012Validator:
        if (name, part) not in self._validators:
            half = self._halves[_half(name)]
            schema = {**half["calls"][name][part], "$defs": half["$defs"]}
            self._validators[name, part] = Draft202012Validator(schema)
        return self._validators[name, part]

    def _read(self, value: Any, schema: Json, half: str) -> Any:
        """A form's text as the type the schema means; as it is where it reads as none."""
        if "$ref" in schema:
            kind = schema["$ref"].removeprefix("#/$defs/")
            return self._read(value, self._halves[half]["$defs"][kind], half)
        for alternative in schema.get("anyOf", ()):
            read = self._read(value, alternative, half)
            if Draft202012Validator(alternative).is_valid(read):
                return read
        if isinstance(value, dict):
            fields = schema.get("properties", {})
            rest = schema.get("additionalProperties")
            other = rest if isinstance(rest, dict) else {}
            return {k: self._read(v, fields.get(k, other), half) for k, v in value.items()}
        if isinstance(value, list):
            return [self._read(item, schema.get("items", {}), half) for item in value]
        return _read_text(value, schema.get("type"))


def _said(value: Any) -> Any:
    """Version 2 answers null for what was not asked for by `include`, which its description has no word for."""
    if isinstance(value, dict):
        return {name: _said(inner) for name, inner in value.items() if inner is not None}
    return [_said(item) for item in value] if isinstance(value, list) else value


def _half(name: str) -> str:
    return "v2" if " /v2/" in name else "v1"


def _read_text(text: str, type_: str | None) -> Any:
    if type_ == "integer" and _INTEGER.fullmatch(text):
        return int(text)
    if type_ == "boolean" and text in ("true", "false"):
        return text == "true"
    return text


def _complaints(title: str, validator: Draft202012Validator, value: Any) -> Iterator[str]:
    for error in validator.iter_errors(value):
        deepest: ValidationError = best_match([error])
        where = ".".join(str(part) for part in deepest.absolute_path) or "itself"
        yield f"{title}: {where}: {deepest.message[:300]}"


def watch(service: PaymentService, tell: Callable[[str], None]) -> None:
    """Judge all that reaches the service's interface from now on, and all that it answers."""
    service.api.add_middleware(Witness, tell=tell)


def judge_webhook(body: bytes, tell: Callable[[str], None]) -> None:
    for complaint in spec().of_event(json.loads(body)):
        tell(complaint)


@functools.cache
def spec() -> StripeSpec:
    return StripeSpec()


def is_known(complaint: str) -> bool:
    return any(known in complaint for known in KNOWN)


@dataclass
class Witness:
    """An ASGI layer at the stand-in's door. What the caller got wrong is only told where the stand-in let it pass."""

    app: ASGIApp
    tell: Callable[[str], None]
    seen: list[Exchange] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sent = bytearray()
        answered = bytearray()
        statuses: list[int] = []

        async def hear() -> Message:
            message = await receive()
            sent.extend(message.get("body", b""))
            return message

        async def say(message: Message) -> None:
            statuses.extend([message["status"]] if "status" in message else [])
            answered.extend(message.get("body", b""))
            await send(message)

        await self.app(scope, hear, say)
        if scope["type"] == "http" and statuses:
            path = scope["path"].removeprefix(scope.get("root_path", ""))
            body = json.loads(answered)
            query = scope["query_string"].decode()
            self._judge(Exchange(scope["method"], path, query, bytes(sent), statuses[0], body))

    def _judge(self, exchange: Exchange) -> None:
        self.seen.append(exchange)
        refused = exchange.status in (400, 401, 404)
        found = [] if refused else list(spec().of_request(exchange))
        if not (refused and exchange.status != 400):
            found += spec().of_answer(exchange)
        for complaint in found:
            if not is_known(complaint):
                self.tell(complaint)
