"""A payment provider of two files: every promise of `PaymentGateway`, no Stripe, no HTTP.

Owns: the idempotency of keys and the outages. Does not own: what a command does (`fake_bank`).
It passes the same contract suite as the real gateway (tests/contract/test_payment_gateway.py).
A reader would guess that a fault changes what happens: it only changes what the caller hears.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeVar, cast

from cm_server.billing import gateway_outcomes as outcomes
from cm_server.billing import gateway_reports as reports
from cm_server.billing.gateway import GatewayRefused, GatewayUnavailable, WebhookRefused
from cm_server.billing.gateway_outcomes import (
    AccountRef,
    CardRef,
    ChargeRef,
    CustomerRef,
    HoldRef,
    RefundRef,
    TransferRef,
)
from cm_server.billing.gateway_reports import DisputeRef
from cm_wire.money import Money
from tests.support.fake_bank import FakeBank

WEBHOOK_TOLERANCE_SECONDS = 300
T = TypeVar("T")


class Fault(StrEnum):
    """What the caller hears of one command. `STORED_500` is heard again under the same key."""

    LOST_BEFORE = "lost before"
    LOST_AFTER = "lost after"
    STORED_500 = "stored 500"


@dataclass
class FakeGateway:
    """`faults` are used up one per command, oldest first; `unavailable` is an outage of all."""

    bank: FakeBank
    faults: deque[Fault] = field(default_factory=deque)
    unavailable: bool = False
    _answers: dict[str, tuple[object, object]] = field(default_factory=dict)

    # --- learners ---

    async def create_customer(
        self, key: str, *, email: str, metadata: Mapping[str, str]
    ) -> CustomerRef:
        return self._once(
            key, ("customer", email, dict(metadata)), lambda: CustomerRef(self.bank.new_ref("cus"))
        )

    async def card_setup_page(
        self, key: str, customer: CustomerRef, *, done_url: str, cancel_url: str
    ) -> outcomes.HostedPage:
        return self._once(
            key,
            ("setup", customer, done_url, cancel_url),
            lambda: outcomes.HostedPage(
                f"https://pay.invalid/setup/{customer}", self.bank.now() + timedelta(hours=24)
            ),
        )

    async def saved_card(self, customer: CustomerRef) -> outcomes.SavedCard | None:
        self._reachable()
        if not self.bank.cards.get(customer):
            return None
        ref, card = self.bank.cards[customer][-1]
        return outcomes.SavedCard(ref, "visa", card.value, 2034, 12, f"fingerprint-{card.value}")

    # --- holds ---

    async def hold(
        self,
        key: str,
        customer: CustomerRef,
        card: CardRef,
        amount: Money,
        *,
        metadata: Mapping[str, str],
        return_url: str,
    ) -> outcomes.HoldOutcome:
        return self._once(
            key,
            ("hold", customer, card, amount, dict(metadata), return_url),
            lambda: self.bank.hold(key, customer, card, amount, metadata),
        )

    async def capture(self, key: str, hold: HoldRef, amount: Money) -> outcomes.CaptureOutcome:
        return self._once(key, ("capture", hold, amount), lambda: self.bank.capture(hold, amount))

    async def void(self, key: str, hold: HoldRef) -> outcomes.VoidOutcome:
        return self._once(key, ("void", hold), lambda: self.bank.void(hold))

    async def charge_off_session(
        self,
        key: str,
        customer: CustomerRef,
        card: CardRef,
        amount: Money,
        *,
        metadata: Mapping[str, str],
    ) -> outcomes.ChargeOutcome:
        return self._once(
            key,
            ("charge", customer, card, amount, dict(metadata)),
            lambda: self.bank.charge(key, customer, card, amount, metadata),
        )

    async def look_up_hold(self, hold: HoldRef) -> outcomes.HoldState:
        self._reachable()
        self.bank.expire()
        return self.bank.intent(hold).state

    async def find_hold(self, key: str, customer: CustomerRef) -> outcomes.HoldState | None:
        self._reachable()
        self.bank.expire()
        found = (i for i in self.bank.intents.values() if i.key == key and i.customer == customer)
        return next((intent.state for intent in found), None)

    # --- refunds ---

    async def refund(
        self, key: str, charge: ChargeRef, amount: Money, *, metadata: Mapping[str, str]
    ) -> outcomes.RefundOutcome:
        return self._once(
            key,
            ("refund", charge, amount, dict(metadata)),
            lambda: self.bank.refund(key, charge, amount),
        )

    async def look_up_refund(self, refund: RefundRef) -> outcomes.RefundOutcome:
        self._reachable()
        return self.bank.refunds[refund][1]

    async def find_refund(self, key: str, charge: ChargeRef) -> outcomes.RefundOutcome | None:
        self._reachable()
        found = (o for k, o in self.bank.refunds.values() if k == key and o.charge == charge)
        return next(found, None)

    # --- mentors ---

    async def create_mentor_account(
        self, key: str, *, email: str, name: str, country: str, metadata: Mapping[str, str]
    ) -> AccountRef:
        return self._once(
            key, ("account", email, name, country, dict(metadata)), self.bank.create_account
        )

    async def onboarding_page(
        self, key: str, account: AccountRef, *, done_url: str, again_url: str
    ) -> outcomes.HostedPage:
        return self._once(
            key,
            ("onboarding", account, done_url, again_url),
            lambda: outcomes.HostedPage(
                f"https://pay.invalid/onboarding/{account}", self.bank.now() + timedelta(minutes=10)
            ),
        )

    async def look_up_account(self, account: AccountRef) -> outcomes.MentorAccount:
        self._reachable()
        if account not in self.bank.accounts:
            raise GatewayRefused("not_found", f"no account {account}")
        return self.bank.accounts[account]

    async def transfer(
        self,
        key: str,
        account: AccountRef,
        amount: Money,
        *,
        source: ChargeRef | None,
        group: str,
        metadata: Mapping[str, str],
    ) -> outcomes.TransferOutcome:
        return self._once(
            key,
            ("transfer", account, amount, source, group, dict(metadata)),
            lambda: self.bank.transfer(key, account, amount, source, group),
        )

    async def find_transfer(self, key: str, group: str) -> outcomes.Transferred | None:
        self._reachable()
        found = (t for k, g, t in self.bank.transfers.values() if k == key and g == group)
        return next(found, None)

    async def reverse(
        self, key: str, transfer: TransferRef, amount: Money, *, metadata: Mapping[str, str]
    ) -> outcomes.ReversalOutcome:
        return self._once(
            key,
            ("reverse", transfer, amount, dict(metadata)),
            lambda: self.bank.reverse(key, transfer, amount),
        )

    async def find_reversal(self, key: str, transfer: TransferRef) -> outcomes.Reversed | None:
        self._reachable()
        found = (r for k, r in self.bank.reversals.values() if k == key and r.transfer == transfer)
        return next(found, None)

    # --- reports ---

    async def look_up_dispute(self, dispute: DisputeRef) -> reports.Dispute:
        self._reachable()
        return self.bank.disputes[dispute]

    async def contest_dispute(
        self, key: str, dispute: DisputeRef, *, evidence: str
    ) -> reports.Dispute:
        return self._once(key, ("contest", dispute, evidence), lambda: self.bank.contest(dispute))

    async def balances(self) -> tuple[reports.Balance, ...]:
        self._reachable()
        currencies = sorted({entry.currency for entry in self.bank.statement})
        return tuple(reports.Balance(c, self.bank.balance_minor(c), 0) for c in currencies)

    async def balance_entries(self, since: datetime) -> AsyncIterator[reports.BalanceEntry]:
        self._reachable()
        for entry in reversed(self.bank.statement):
            if entry.created_at >= since:
                yield entry

    async def events(self, since: datetime) -> AsyncIterator[reports.GatewayEvent]:
        self._reachable()
        for event in reversed(self.bank.sent):
            if event.created_at >= since:
                yield event

    def verify_webhook(
        self, body: bytes, signature: str | None, *, now: datetime
    ) -> reports.GatewayEvent:
        stamp, _, digest = (signature or "").partition(":")
        if not stamp.isdecimal():
            raise WebhookRefused("no-signature", "the signature header is missing or malformed")
        if abs(now.timestamp() - int(stamp)) > WEBHOOK_TOLERANCE_SECONDS:
            raise WebhookRefused("too-old", "the signature is not fresh")
        for event in self.bank.sent:
            if event.id.encode() == body and event.body_sha256 == digest:
                return event
        raise WebhookRefused("bad-signature", "the signature does not match the body")

    async def close(self) -> None:
        """Nothing is open."""

    # --- the floor under them ---

    def _once(self, key: str, arguments: object, effect: Callable[[], T]) -> T:
        """Run `effect` unless `key` has an answer already; hear what `faults` let through."""
        fault = self.faults.popleft() if self.faults else None
        self._reachable()
        if fault is Fault.LOST_BEFORE:
            raise GatewayUnavailable("the connection broke")
        if key not in self._answers:
            outcome: object = 500 if fault is Fault.STORED_500 else effect()
            self._answers[key] = (arguments, outcome)
        stored_arguments, answer = self._answers[key]
        if stored_arguments != arguments:
            raise GatewayRefused("idempotency_key_reuse", f"{key} came with other arguments")
        if answer == 500:
            raise GatewayUnavailable("the provider failed", status=500)
        if fault is Fault.LOST_AFTER:
            raise GatewayUnavailable("the connection broke")
        return cast(T, answer)

    def _reachable(self) -> None:
        if self.unavailable:
            raise GatewayUnavailable("the provider does not answer", status=503)


def new(now: Callable[[], datetime]) -> FakeGateway:
    return FakeGateway(FakeBank(now))
