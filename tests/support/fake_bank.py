"""What really happened in the fake payment world: cards, intents, money, events.

Owns: the state behind `fake_gateway.FakeGateway` and every effect on it, without keys or faults.
Does not own: idempotency and outages (`fake_gateway`).
A reader would guess that times pass here: only `now` does, and holds expire when it is asked.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import count

from cm_server.billing import gateway_outcomes as outcomes
from cm_server.billing import gateway_reports as reports
from cm_server.billing.gateway import KEY_METADATA, GatewayRefused
from cm_server.billing.gateway_outcomes import (
    AccountRef,
    CardRef,
    ChargeRef,
    CustomerRef,
    HoldRef,
    RefundRef,
    ReversalRef,
    TransferRef,
)
from cm_server.billing.gateway_reports import BalanceKind, DisputeRef
from cm_wire.money import CURRENCIES, Money

HOLD_LASTS = timedelta(days=7)


class Card(StrEnum):
    """The last four digits of Stripe's test cards, so that both worlds use one name."""

    GOOD = "4242"
    DECLINED = "0341"
    INSUFFICIENT_FUNDS = "9995"
    CHALLENGE = "3184"
    DISPUTED = "0259"


@dataclass
class Intent:
    ref: HoldRef
    key: str
    customer: CustomerRef
    card: Card
    amount: Money
    metadata: Mapping[str, str]
    state: outcomes.HoldState
    refunded_minor: int = 0


@dataclass
class FakeBank:
    """`effects` counts what moved or was made; a repeated key must not change it."""

    now: Callable[[], datetime]
    refunds_wait: bool = False
    mentor_can_pay_back: bool = True
    effects: int = 0
    intents: dict[HoldRef, Intent] = field(default_factory=dict)
    cards: dict[CustomerRef, list[tuple[CardRef, Card]]] = field(default_factory=dict)
    accounts: dict[AccountRef, outcomes.MentorAccount] = field(default_factory=dict)
    refunds: dict[RefundRef, tuple[str, outcomes.RefundOutcome]] = field(default_factory=dict)
    transfers: dict[TransferRef, tuple[str, str, outcomes.Transferred]] = field(
        default_factory=dict
    )
    reversals: dict[ReversalRef, tuple[str, outcomes.Reversed]] = field(default_factory=dict)
    disputes: dict[DisputeRef, reports.Dispute] = field(default_factory=dict)
    statement: list[reports.BalanceEntry] = field(default_factory=list)
    sent: list[reports.GatewayEvent] = field(default_factory=list)
    _numbers: count[int] = field(default_factory=lambda: count(1))

    # --- what a test does in place of people and banks ---

    def save_card(self, customer: CustomerRef, card: Card) -> CardRef:
        ref = CardRef(self.new_ref("pm"))
        self.cards.setdefault(customer, []).append((ref, card))
        self._emit("checkout.session.completed", reports.CardSaved(customer))
        return ref

    def pass_challenge(self, hold: HoldRef) -> None:
        intent = self.intents[hold]
        self._reserve(intent)
        self._emit_hold("payment_intent.amount_capturable_updated", intent)

    def refuse_challenge(self, hold: HoldRef) -> None:
        intent = self.intents[hold]
        message = "The bank's customer did not confirm the payment."
        code = "payment_intent_authentication_failure"
        intent.state = outcomes.Declined(code, message, hold)
        self._emit_hold("payment_intent.payment_failed", intent)

    def finish_onboarding(self, account: AccountRef) -> None:
        self.accounts[account] = outcomes.MentorAccount(account, can_receive=True, missing=())
        self._emit("v2.core.account.updated", reports.AccountChanged(account))

    def lose_capability(self, account: AccountRef) -> None:
        missing = ("individual.verification.document",)
        self.accounts[account] = outcomes.MentorAccount(account, can_receive=False, missing=missing)
        self._emit("v2.core.account.updated", reports.AccountChanged(account))

    def settle_refund(self, refund: RefundRef, *, succeeded: bool) -> None:
        """What waits comes to its end; what had arrived may come back still."""
        key, waiting = self.refunds[refund]
        assert isinstance(waiting, outcomes.RefundPending | outcomes.Refunded)
        outcome: outcomes.RefundOutcome
        if succeeded:
            outcome = outcomes.Refunded(refund, waiting.charge, waiting.amount)
            amount = waiting.amount
            self._book(BalanceKind.REFUND, amount.currency, -amount.minor, refund)
        else:
            outcome = outcomes.RefundFailed(
                refund, waiting.charge, "lost_or_stolen_card", "The bank sent the money back."
            )
            amount = waiting.amount
            self.intent_of(waiting.charge).refunded_minor -= amount.minor
            if isinstance(waiting, outcomes.Refunded):
                self._book(BalanceKind.REFUND_FAILED, amount.currency, amount.minor, refund)
        self.refunds[refund] = (key, outcome)
        self._emit("refund.updated", reports.RefundChanged(key, outcome))

    def open_dispute(self, charge: ChargeRef) -> DisputeRef:
        intent = self.intent_of(charge)
        assert isinstance(intent.state, outcomes.Captured)
        ref = DisputeRef(self.new_ref("dp"))
        self.disputes[ref] = reports.Dispute(
            ref,
            charge,
            intent.ref,
            intent.state.amount,
            reports.DisputeStatus.NEEDS_RESPONSE,
            "fraudulent",
            self.now() + timedelta(days=7),
        )
        amount = intent.state.amount
        self._book(BalanceKind.DISPUTE, amount.currency, -amount.minor, ref, 1500)
        self._emit("charge.dispute.created", reports.DisputeChanged(self.disputes[ref]))
        return ref

    def webhook(self, event: reports.GatewayEvent) -> tuple[bytes, str]:
        """The body and the signature header under which `verify_webhook` gives `event`."""
        body = event.id.encode()
        return body, f"{int(self.now().timestamp())}:{event.body_sha256}"

    # --- what a command does ---

    def hold(
        self,
        key: str,
        customer: CustomerRef,
        card: CardRef,
        amount: Money,
        metadata: Mapping[str, str],
    ) -> outcomes.HoldOutcome:
        intent = self._new_intent(key, customer, card, amount, metadata)
        match self._card(customer, card):
            case Card.CHALLENGE:
                url = f"https://pay.invalid/challenge/{intent.ref}"
                intent.state = outcomes.ActionRequired(url, intent.ref)
                self._emit_hold("payment_intent.requires_action", intent)
                return intent.state
            case Card.DECLINED | Card.INSUFFICIENT_FUNDS as bad:
                return self._decline(intent, bad)
            case _:
                held = self._reserve(intent)
                self._emit_hold("payment_intent.amount_capturable_updated", intent)
                return held

    def charge(
        self,
        key: str,
        customer: CustomerRef,
        card: CardRef,
        amount: Money,
        metadata: Mapping[str, str],
    ) -> outcomes.ChargeOutcome:
        intent = self._new_intent(key, customer, card, amount, metadata)
        kind = self._card(customer, card)
        if kind in (Card.CHALLENGE, Card.DECLINED, Card.INSUFFICIENT_FUNDS):
            return self._decline(intent, kind)
        return self._take(intent, amount)

    def _new_intent(
        self,
        key: str,
        customer: CustomerRef,
        card: CardRef,
        amount: Money,
        metadata: Mapping[str, str],
    ) -> Intent:
        kind = self._card(customer, card)
        self._check_minimum(amount)
        ref = HoldRef(self.new_ref("pi"))
        full = {**metadata, KEY_METADATA: key}
        waiting = outcomes.Voided(ref, "new")
        self.intents[ref] = Intent(ref, key, customer, kind, amount, full, waiting)
        return self.intents[ref]

    def _decline(self, intent: Intent, card: Card) -> outcomes.Declined:
        codes = {
            Card.DECLINED: "card_declined",
            Card.INSUFFICIENT_FUNDS: "insufficient_funds",
            Card.CHALLENGE: "authentication_required",
        }
        declined = outcomes.Declined(codes[card], "Your card was declined.", intent.ref)
        intent.state = declined
        self._emit_hold("payment_intent.payment_failed", intent)
        return declined

    def _reserve(self, intent: Intent) -> outcomes.Held:
        held = outcomes.Held(intent.ref, intent.amount, self.now() + HOLD_LASTS)
        intent.state = held
        return held

    def capture(self, hold: HoldRef, amount: Money) -> outcomes.CaptureOutcome:
        intent = self.intent(hold)
        match intent.state:
            case outcomes.Held():
                if amount.minor > intent.amount.minor:
                    raise GatewayRefused("amount_too_large", "more than the hold")
                self._check_minimum(amount)
                return self._take(intent, amount)
            case outcomes.Captured() as captured if captured.amount == amount:
                return captured
            case outcomes.Voided(reason=reason):
                return outcomes.CaptureLost(hold, reason)
            case _:
                raise GatewayRefused("payment_intent_unexpected_state", "not capturable")

    def _take(self, intent: Intent, amount: Money) -> outcomes.Captured:
        fee_minor = (amount.minor * 29 + 500) // 1000 + 30
        charge = ChargeRef(self.new_ref("ch"))
        fee = Money(fee_minor, amount.currency)
        captured = outcomes.Captured(intent.ref, charge, amount, fee)
        intent.state = captured
        self._book(BalanceKind.CHARGE, amount.currency, amount.minor, charge, fee_minor)
        self._emit_hold("payment_intent.succeeded", intent)
        if intent.card is Card.DISPUTED:
            self.open_dispute(charge)
        return captured

    def void(self, hold: HoldRef) -> outcomes.VoidOutcome:
        intent = self.intent(hold)
        match intent.state:
            case outcomes.Captured(charge=charge, amount=amount):
                return outcomes.AlreadyCaptured(hold, charge, amount)
            case outcomes.Voided() as voided:
                return voided
            case _:
                intent.state = outcomes.Voided(hold, "requested_by_customer")
                self._emit_hold("payment_intent.canceled", intent)
                return intent.state

    def refund(self, key: str, charge: ChargeRef, amount: Money) -> outcomes.RefundOutcome:
        intent = self.intent_of(charge)
        assert isinstance(intent.state, outcomes.Captured)
        if intent.refunded_minor + amount.minor > intent.state.amount.minor:
            return outcomes.RefundFailed(
                None, charge, "amount_too_large", "more than is left of the charge"
            )
        intent.refunded_minor += amount.minor
        ref = RefundRef(self.new_ref("re"))
        outcome: outcomes.RefundOutcome = outcomes.Refunded(ref, charge, amount)
        if self.refunds_wait:
            outcome = outcomes.RefundPending(ref, charge, amount, "insufficient_funds")
        else:
            self._book(BalanceKind.REFUND, amount.currency, -amount.minor, ref)
        self.refunds[ref] = (key, outcome)
        self._emit("refund.created", reports.RefundChanged(key, outcome))
        return outcome

    def transfer(
        self, key: str, account: AccountRef, amount: Money, source: ChargeRef | None, group: str
    ) -> outcomes.TransferOutcome:
        if not self.accounts[account].can_receive:
            return outcomes.Parked("account_not_ready", "The mentor's account cannot receive.")
        ceiling = self.balance_minor(amount.currency)
        if source is not None:
            state = self.intent_of(source).state
            assert isinstance(state, outcomes.Captured)
            ceiling = state.amount.minor
        if amount.minor > ceiling:
            return outcomes.Parked("balance_insufficient", "Not enough money to transfer.")
        ref = TransferRef(self.new_ref("tr"))
        transferred = outcomes.Transferred(ref, amount)
        self.transfers[ref] = (key, group, transferred)
        self._book(BalanceKind.TRANSFER, amount.currency, -amount.minor, ref)
        self._emit("transfer.created", reports.TransferChanged(key, group, transferred))
        return transferred

    def reverse(self, key: str, transfer: TransferRef, amount: Money) -> outcomes.ReversalOutcome:
        paid_key, group, paid = self.transfers[transfer]
        left_minor = paid.amount.minor - paid.reversed_minor
        if amount.minor > left_minor or not self.mentor_can_pay_back:
            code = "balance_insufficient" if amount.minor <= left_minor else "amount_too_large"
            return outcomes.ReversalShort(transfer, code, "The mentor's balance is too small.")
        paid = replace(paid, reversed_minor=paid.reversed_minor + amount.minor)
        self.transfers[transfer] = (paid_key, group, paid)
        ref = ReversalRef(self.new_ref("trr"))
        self.reversals[ref] = (key, outcomes.Reversed(ref, transfer, amount))
        self._book(BalanceKind.REVERSAL, amount.currency, amount.minor, ref)
        self._emit("transfer.reversed", reports.TransferChanged(paid_key, group, paid))
        return self.reversals[ref][1]

    def create_account(self) -> AccountRef:
        ref = AccountRef(self.new_ref("acct"))
        missing = ("identity.individual.given_name",)
        self.accounts[ref] = outcomes.MentorAccount(ref, can_receive=False, missing=missing)
        return ref

    def contest(self, dispute: DisputeRef) -> reports.Dispute:
        contested = replace(self.disputes[dispute], status=reports.DisputeStatus.UNDER_REVIEW)
        self.disputes[dispute] = contested
        self._emit("charge.dispute.updated", reports.DisputeChanged(contested))
        return contested

    # --- what it is asked ---

    def intent(self, ref: HoldRef) -> Intent:
        self.expire()
        if ref not in self.intents:
            raise GatewayRefused("resource_missing", f"no hold {ref}")
        return self.intents[ref]

    def intent_of(self, charge: ChargeRef) -> Intent:
        for intent in self.intents.values():
            if isinstance(intent.state, outcomes.Captured) and intent.state.charge == charge:
                return intent
        raise GatewayRefused("resource_missing", f"no charge {charge}")

    def balance_minor(self, currency: str) -> int:
        return sum(entry.net_minor for entry in self.statement if entry.currency == currency)

    def new_ref(self, prefix: str) -> str:
        self.effects += 1
        return f"{prefix}_{next(self._numbers)}"

    def expire(self) -> None:
        for intent in self.intents.values():
            held = intent.state
            if isinstance(held, outcomes.Held) and held.capture_before <= self.now():
                intent.state = outcomes.Voided(intent.ref, "expired")
                self._emit_hold("payment_intent.canceled", intent)

    def _card(self, customer: CustomerRef, ref: CardRef) -> Card:
        for saved, card in self.cards.get(customer, []):
            if saved == ref:
                return card
        raise GatewayRefused("resource_missing", f"{customer} has no card {ref}")

    def _check_minimum(self, amount: Money) -> None:
        if amount.minor < CURRENCIES[amount.currency].minimum_charge_minor:
            raise GatewayRefused("amount_too_small", f"{amount} is below the minimum charge")

    def _book(
        self, kind: BalanceKind, currency: str, amount_minor: int, source: str, fee_minor: int = 0
    ) -> None:
        ref = reports.BalanceEntryRef(self.new_ref("txn"))
        net_minor = amount_minor - fee_minor
        at = self.now()
        self.statement.append(
            reports.BalanceEntry(
                ref, kind, currency, amount_minor, fee_minor, net_minor, source, at, at
            )
        )

    def _emit_hold(self, type_: str, intent: Intent) -> None:
        subject = reports.HoldChanged(intent.ref, intent.key, intent.state, intent.metadata)
        self._emit(type_, subject)

    def _emit(self, type_: str, subject: reports.EventSubject) -> None:
        number = next(self._numbers)
        event_id = reports.EventId(f"evt_{number}")
        digest = hashlib.sha256(f"{event_id} {subject}".encode()).hexdigest()
        self.sent.append(reports.GatewayEvent(event_id, type_, self.now(), None, digest, subject))
