"""The stand-in's HTTP interface: which request reaches which rule, and all that lies between.

Owns: routes, authentication, keys, faults, saving. Does not own: any rule about money.
A reader would guess that saving follows answering: a request is saved first, so that a killed
process never forgets what it said.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from cm_server.payment_service import (
    accounts,
    balance,
    charges,
    checkout,
    customers,
    disputes,
    events,
    expansion,
    idempotency,
    payment_intents,
    refunds,
    transfers,
)
from cm_server.payment_service.faults import SLOW_SECONDS, CallFault, ConnectionLost, FaultPlan
from cm_server.payment_service.parameters import Parameters, decode_form
from cm_server.payment_service.problems import Problem
from cm_server.payment_service.world import Json, World

BODY_MAX_BYTES = 1_048_576
Rule = Callable[..., Json]

_RULES: tuple[tuple[str, str, Rule], ...] = (
    ("POST", "/v1/customers", customers.create),
    ("GET", "/v1/customers/{id}", customers.retrieve),
    ("GET", "/v1/customers/{id}/payment_methods", customers.list_payment_methods),
    ("GET", "/v1/payment_methods/{id}", customers.retrieve_method),
    ("POST", "/v1/payment_methods/{id}/attach", customers.attach_method),
    ("POST", "/v1/payment_methods/{id}/detach", customers.detach_method),
    ("POST", "/v1/checkout/sessions", checkout.create),
    ("GET", "/v1/checkout/sessions/{id}", checkout.retrieve),
    ("POST", "/v1/payment_intents", payment_intents.create),
    ("GET", "/v1/payment_intents", payment_intents.list_intents),
    ("GET", "/v1/payment_intents/{id}", payment_intents.retrieve),
    ("POST", "/v1/payment_intents/{id}/confirm", payment_intents.confirm),
    ("POST", "/v1/payment_intents/{id}/capture", payment_intents.capture),
    ("POST", "/v1/payment_intents/{id}/cancel", payment_intents.cancel),
    ("GET", "/v1/charges", charges.list_charges),
    ("GET", "/v1/charges/{id}", charges.retrieve),
    ("POST", "/v1/refunds", refunds.create),
    ("GET", "/v1/refunds", refunds.list_refunds),
    ("GET", "/v1/refunds/{id}", refunds.retrieve),
    ("POST", "/v1/transfers", transfers.create),
    ("GET", "/v1/transfers", transfers.list_transfers),
    ("GET", "/v1/transfers/{id}", transfers.retrieve),
    ("POST", "/v1/transfers/{id}/reversals", transfers.reverse),
    ("GET", "/v1/transfers/{id}/reversals", transfers.list_reversals),
    ("GET", "/v1/disputes", disputes.list_disputes),
    ("GET", "/v1/disputes/{id}", disputes.retrieve),
    ("POST", "/v1/disputes/{id}", disputes.update),
    ("POST", "/v1/disputes/{id}/close", disputes.close),
    ("GET", "/v1/balance", balance.retrieve),
    ("GET", "/v1/balance_transactions", balance.list_lines),
    ("GET", "/v1/events", events.list_events),
    ("GET", "/v1/events/{id}", events.retrieve),
    ("POST", "/v2/core/accounts", accounts.create),
    ("GET", "/v2/core/accounts/{id}", accounts.retrieve),
    ("POST", "/v2/core/account_links", accounts.create_link),
)


def catch_up(world: World) -> None:
    """Do what time alone has brought about since the last request."""
    payment_intents.expire_due(world)
    checkout.expire_due(world)
    disputes.lose_unanswered(world)
    refunds.try_waiting(world)


@dataclass
class Api:
    """`after_change` runs after a saved change and before the answer (early webhooks)."""

    world: World
    faults: FaultPlan
    sleep: Callable[[float], Awaitable[None]]
    after_change: Callable[[], Awaitable[None]]
    _running: set[str] = field(default_factory=set)

    def routes(self) -> list[Route]:
        return [
            Route(path, self._endpoint(rule), methods=[method]) for method, path, rule in _RULES
        ]

    def _endpoint(self, rule: Rule) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            return await self._exchange(request, rule)

        return endpoint

    async def _exchange(self, request: Request, rule: Rule) -> Response:
        body = await _body(request)
        key = request.headers.get("idempotency-key") if request.method == "POST" else None
        fault = self.faults.next_call()
        if fault is CallFault.LOST_BEFORE:
            raise ConnectionLost
        try:
            _authenticate(request)
            self._refuse_busy(key, fault)
            status, answer, replayed = await self._once(request, rule, body, key, fault)
        except Problem as problem:
            return _answer(problem.status, problem.body())
        await self.after_change()
        if fault is CallFault.LOST_AFTER:
            raise ConnectionLost
        return _answer(status, answer, replayed=replayed)

    def _refuse_busy(self, key: str | None, fault: CallFault | None) -> None:
        if fault is CallFault.RATE_LIMITED:
            raise Problem(429, "rate_limit", "Too many requests hit the API too quickly.")
        if fault is CallFault.KEY_IN_USE or (key is not None and key in self._running):
            message = "There is currently another in-progress request using this key."
            raise Problem(409, "idempotency_key_in_use", message, type_="idempotency_error")

    async def _once(
        self, request: Request, rule: Rule, body: bytes, key: str | None, fault: CallFault | None
    ) -> tuple[int, Json, bool]:
        path = request.url.path
        print_ = idempotency.fingerprint(path, body)
        if key is None:
            return *await self._run(request, rule, body, None, print_, fault), False
        stored = idempotency.recall(self.world, key, path, print_)
        if stored is not None:
            return stored.status, json.loads(stored.body), True
        self._running.add(key)
        try:
            return *await self._run(request, rule, body, key, print_, fault), False
        finally:
            self._running.discard(key)

    async def _run(
        self,
        request: Request,
        rule: Rule,
        body: bytes,
        key: str | None,
        print_: str,
        fault: CallFault | None,
    ) -> tuple[int, Json]:
        if fault is CallFault.SLOW:
            await self.sleep(SLOW_SECONDS)
        catch_up(self.world)
        remembered = True
        if fault is CallFault.STORED_500:
            status, answer = 500, _FAILED
        else:
            try:
                status, answer = 200, self._apply(request, rule, body)
            except Problem as problem:
                status, answer, remembered = problem.status, problem.body(), problem.remembered
        if key is not None and remembered:
            idempotency.remember(self.world, key, print_, status, answer)
        self.world.state.save()
        return status, answer

    def _apply(self, request: Request, rule: Rule, body: bytes) -> Json:
        values = _decode(request, body)
        parameters = Parameters(values)
        paths = [] if request.url.path.startswith("/v2/") else parameters.texts("expand")
        answer = rule(self.world, parameters, *request.path_params.values())
        return expansion.expand(self.world, answer, paths)


_FAILED: Json = {"error": {"type": "api_error", "message": "An unknown error occurred."}}


async def _body(request: Request) -> bytes:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_MAX_BYTES:
            raise ConnectionLost
    return body


def _authenticate(request: Request) -> None:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme != "Bearer" or not key.startswith("sk_test_"):
        message = "The demo payment service takes keys that start with sk_test_ only."
        raise Problem(401, None, message, remembered=False)
    if "stripe-account" in request.headers:
        message = "Calls on behalf of an account are not part of the demo payment service."
        raise Problem(400, "account_invalid", message, remembered=False)


def _decode(request: Request, body: bytes) -> dict[str, Any]:
    if request.method == "GET":
        return decode_form(request.url.query)
    try:
        text = body.decode("utf-8")
        values = _json(text) if request.url.path.startswith("/v2/") else decode_form(text)
    except (ValueError, RecursionError) as fault:
        message = f"The body cannot be read: {fault}"
        raise Problem(400, "parameter_invalid", message, remembered=False) from fault
    return values


def _json(text: str) -> dict[str, Any]:
    values = json.loads(text or "{}")
    if not isinstance(values, dict):
        raise ValueError("it is no JSON object")  # noqa: TRY004 - as all that cannot be read
    return values


def _answer(status: int, body: Json, *, replayed: bool = False) -> Response:
    headers = {"Idempotent-Replayed": "true"} if replayed else {}
    if status == 500:
        headers["Stripe-Should-Retry"] = "false"
    return JSONResponse(body, status_code=status, headers=headers)
