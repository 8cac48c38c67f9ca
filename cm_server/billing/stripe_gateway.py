"""The payment gateway over Stripe Connect: separate charges and transfers.

Owns: which Stripe calls each command makes, with which parameters and keys, and which refusals
are outcomes. Does not own: the meaning of answers (`stripe_answers`), events (`stripe_webhooks`).
Outside `stripe_*.py` nothing in billing imports `stripe`.
A reader would guess that the library's retries are enough: they protect one process only, so
every command passes its own key, and the outbox repeats it after a crash.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import stripe
from stripe import RequestOptions

from cm_server.billing import gateway_outcomes as outcomes
from cm_server.billing import gateway_reports as reports
from cm_server.billing import stripe_answers as answers
from cm_server.billing import stripe_params as wanted
from cm_server.billing import stripe_refusals as refusals
from cm_server.billing import stripe_webhooks as webhooks
from cm_server.billing.gateway import GatewayUnavailable, WebhookRefused
from cm_server.billing.gateway_outcomes import (
    AccountRef,
    CardRef,
    ChargeRef,
    CustomerRef,
    HoldRef,
    RefundRef,
    TransferRef,
)
from cm_server.billing.stripe_refusals import ask, ask_all
from cm_wire.money import Money

API_VERSION: Final = "2026-10-28.endive"
"""Pinned: an answer must not change its shape because an account's default did."""

PAGE_SIZE: Final = 100


@dataclass(frozen=True, slots=True)
class WebhookTrust:
    """`secrets`: all that may sign now; during a rotation the old and the new one."""

    secrets: Sequence[str]
    livemode: bool


class StripeGateway:
    """`PaymentGateway` by the real library; see the protocol for what each command promises."""

    def __init__(
        self,
        client: stripe.StripeClient,
        trust: WebhookTrust,
        close: Callable[[], Awaitable[None]],
    ) -> None:
        self._v1 = client.v1
        self._v2 = client.v2
        self._trust = trust
        self._close = close

    # --- learners ---

    async def create_customer(
        self, key: str, *, email: str, metadata: Mapping[str, str]
    ) -> CustomerRef:
        customer = await ask(
            self._v1.customers.create_async(
                {"email": email, "metadata": wanted.marked(key, metadata)}, _under(key)
            )
        )
        return CustomerRef(customer.id)

    async def card_setup_page(
        self, key: str, customer: CustomerRef, *, done_url: str, cancel_url: str
    ) -> outcomes.HostedPage:
        page = await ask(
            self._v1.checkout.sessions.create_async(
                wanted.card_setup(key, customer, done_url, cancel_url), _under(key)
            )
        )
        if page.url is None:
            raise GatewayUnavailable("the provider made a page without an address")
        return outcomes.HostedPage(page.url, answers.moment(page.expires_at))

    async def saved_card(self, customer: CustomerRef) -> outcomes.SavedCard | None:
        methods = await ask(
            self._v1.customers.payment_methods.list_async(customer, {"type": "card", "limit": 1})
        )
        return answers.saved_card(methods.data[0]) if methods.data else None

    # --- holds and charges ---

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
        payment = wanted.card_payment(key, customer, card, amount, metadata)
        payment["capture_method"] = "manual"
        payment["return_url"] = return_url
        try:
            intent = await ask(self._v1.payment_intents.create_async(payment, _under(key)))
        except refusals.CardDeclined as declined:
            return declined.outcome
        match _state(intent):
            case outcomes.Held() | outcomes.ActionRequired() | outcomes.Declined() as outcome:
                return outcome
            case other:
                raise GatewayUnavailable(f"hold {intent.id} became {type(other).__name__} at once")

    async def capture(self, key: str, hold: HoldRef, amount: Money) -> outcomes.CaptureOutcome:
        try:
            intent = await ask(
                self._v1.payment_intents.capture_async(
                    hold,
                    {"amount_to_capture": amount.minor, "expand": [wanted.WITH_CHARGE]},
                    _under(key),
                )
            )
            state = _state(intent)
        except refusals.InvalidRequest as refused:
            state = await self._state_unless(refused, hold)
            if isinstance(state, outcomes.Captured) and state.amount != amount:
                raise
            if isinstance(state, outcomes.Held | outcomes.ActionRequired):
                raise
        match state:
            case outcomes.Captured():
                return state
            case outcomes.Voided(reason=reason):
                return outcomes.CaptureLost(hold, reason)
            case outcomes.Declined(code=code):
                return outcomes.CaptureLost(hold, code)
            case _:
                raise GatewayUnavailable(f"the capture of {hold} is not through yet")

    async def void(self, key: str, hold: HoldRef) -> outcomes.VoidOutcome:
        try:
            intent = await ask(
                self._v1.payment_intents.cancel_async(
                    hold, {"cancellation_reason": "requested_by_customer"}, _under(key)
                )
            )
            state = _state(intent)
        except refusals.InvalidRequest as refused:
            state = await self._state_unless(refused, hold)
        match state:
            case outcomes.Voided():
                return state
            case outcomes.Captured(charge=charge, amount=amount):
                return outcomes.AlreadyCaptured(hold, charge, amount)
            case _:
                raise GatewayUnavailable(f"the void of {hold} is not through yet")

    async def charge_off_session(
        self,
        key: str,
        customer: CustomerRef,
        card: CardRef,
        amount: Money,
        *,
        metadata: Mapping[str, str],
    ) -> outcomes.ChargeOutcome:
        payment = wanted.card_payment(key, customer, card, amount, metadata)
        payment["off_session"] = True
        try:
            intent = await ask(self._v1.payment_intents.create_async(payment, _under(key)))
        except refusals.CardDeclined as declined:
            return declined.outcome
        match _state(intent):
            case outcomes.Captured() | outcomes.Declined() as outcome:
                return outcome
            case outcomes.ActionRequired(ref=ref):
                message = "The bank wants its customer, who is not at the screen."
                return outcomes.Declined("authentication_required", message, ref)
            case other:
                raise GatewayUnavailable(f"{intent.id} became {type(other).__name__} at once")

    async def look_up_hold(self, hold: HoldRef) -> outcomes.HoldState:
        found = self._v1.payment_intents.retrieve_async(hold, {"expand": [wanted.WITH_CHARGE]})
        return _state(await ask(found))

    async def find_hold(self, key: str, customer: CustomerRef) -> outcomes.HoldState | None:
        # Listing is exact at once; Stripe's search lags its writes by up to a minute.
        listed = self._v1.payment_intents.list_async(
            {"customer": customer, "limit": PAGE_SIZE, "expand": [f"data.{wanted.WITH_CHARGE}"]}
        )
        async for intent in ask_all(listed):
            if answers.key_of(intent) == key:
                return _state(intent)
        return None

    async def _state_unless(
        self, refused: refusals.InvalidRequest, hold: HoldRef
    ) -> outcomes.HoldState:
        """A refusal because of the state is answered by the state; any other goes on."""
        if not refused.is_about_state:
            raise refused
        return await self.look_up_hold(hold)

    # --- refunds ---

    async def refund(
        self, key: str, charge: ChargeRef, amount: Money, *, metadata: Mapping[str, str]
    ) -> outcomes.RefundOutcome:
        try:
            refund = await ask(
                self._v1.refunds.create_async(
                    {
                        "charge": charge,
                        "amount": amount.minor,
                        "reason": "requested_by_customer",
                        "metadata": wanted.marked(key, metadata),
                    },
                    _under(key),
                )
            )
        except refusals.InvalidRequest as refused:
            return outcomes.RefundFailed(None, charge, refused.code, refused.message)
        return answers.refund_outcome(refund)

    async def look_up_refund(self, refund: RefundRef) -> outcomes.RefundOutcome:
        return answers.refund_outcome(await ask(self._v1.refunds.retrieve_async(refund)))

    async def find_refund(self, key: str, charge: ChargeRef) -> outcomes.RefundOutcome | None:
        listed = self._v1.refunds.list_async({"charge": charge, "limit": PAGE_SIZE})
        async for refund in ask_all(listed):
            if answers.key_of(refund) == key:
                return answers.refund_outcome(refund)
        return None

    # --- mentors ---

    async def create_mentor_account(
        self, key: str, *, email: str, name: str, country: str, metadata: Mapping[str, str]
    ) -> AccountRef:
        account = await ask(
            self._v2.core.accounts.create_async(
                wanted.mentor_account(key, email, name, country, metadata), _under(key)
            )
        )
        return AccountRef(account.id)

    async def onboarding_page(
        self, key: str, account: AccountRef, *, done_url: str, again_url: str
    ) -> outcomes.HostedPage:
        link = await ask(
            self._v2.core.account_links.create_async(
                wanted.onboarding(account, done_url, again_url), _under(key)
            )
        )
        return outcomes.HostedPage(link.url, datetime.fromisoformat(link.expires_at))

    async def look_up_account(self, account: AccountRef) -> outcomes.MentorAccount:
        found = await ask(
            self._v2.core.accounts.retrieve_async(
                account, {"include": ["configuration.recipient", "requirements"]}
            )
        )
        return answers.mentor_account(found)

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
        payout = wanted.transfer(key, account, amount, source, group, metadata)
        try:
            return answers.transferred(
                await ask(self._v1.transfers.create_async(payout, _under(key)))
            )
        except refusals.InvalidRequest as refused:
            parked = refusals.parked(refused)
            if parked is None:
                raise
            return parked

    async def find_transfer(self, key: str, group: str) -> outcomes.Transferred | None:
        listed = self._v1.transfers.list_async({"transfer_group": group, "limit": PAGE_SIZE})
        async for transfer in ask_all(listed):
            if answers.key_of(transfer) == key:
                return answers.transferred(transfer)
        return None

    async def reverse(
        self, key: str, transfer: TransferRef, amount: Money, *, metadata: Mapping[str, str]
    ) -> outcomes.ReversalOutcome:
        try:
            reversal = await ask(
                self._v1.transfers.reversals.create_async(
                    transfer,
                    {"amount": amount.minor, "metadata": wanted.marked(key, metadata)},
                    _under(key),
                )
            )
        except refusals.InvalidRequest as refused:
            return outcomes.ReversalShort(transfer, refused.code, refused.message)
        return answers.reversed_(reversal)

    async def find_reversal(self, key: str, transfer: TransferRef) -> outcomes.Reversed | None:
        listed = self._v1.transfers.reversals.list_async(transfer, {"limit": PAGE_SIZE})
        async for reversal in ask_all(listed):
            if answers.key_of(reversal) == key:
                return answers.reversed_(reversal)
        return None

    # --- reports ---

    async def look_up_dispute(self, dispute: reports.DisputeRef) -> reports.Dispute:
        return answers.dispute(await ask(self._v1.disputes.retrieve_async(dispute)))

    async def contest_dispute(
        self, key: str, dispute: reports.DisputeRef, *, evidence: str
    ) -> reports.Dispute:
        contested = await ask(
            self._v1.disputes.update_async(
                dispute,
                {
                    "evidence": {"uncategorized_text": evidence},
                    "submit": True,
                    "metadata": wanted.marked(key, {}),
                },
                _under(key),
            )
        )
        return answers.dispute(contested)

    async def balances(self) -> tuple[reports.Balance, ...]:
        return answers.balances(await ask(self._v1.balance.retrieve_async()))

    async def balance_entries(self, since: datetime) -> AsyncIterator[reports.BalanceEntry]:
        listed = self._v1.balance_transactions.list_async(
            {"created": {"gte": int(since.timestamp())}, "limit": PAGE_SIZE}
        )
        async for line in ask_all(listed):
            yield answers.balance_entry(line)

    async def events(self, since: datetime) -> AsyncIterator[reports.GatewayEvent]:
        listed = self._v1.events.list_async(
            {"created": {"gte": int(since.timestamp())}, "limit": PAGE_SIZE}
        )
        async for event in ask_all(listed):
            try:
                yield webhooks.read(event.to_dict())
            except WebhookRefused:
                # One event of a shape unknown to us must not hide the others behind it.
                continue

    def verify_webhook(
        self, body: bytes, signature: str | None, *, now: datetime
    ) -> reports.GatewayEvent:
        return webhooks.verify(
            body, signature, self._trust.secrets, now=now, livemode=self._trust.livemode
        )

    async def close(self) -> None:
        await self._close()


def _under(key: str) -> RequestOptions:
    return {"idempotency_key": key}


def _state(intent: stripe.PaymentIntent) -> outcomes.HoldState:
    state = answers.hold_state(intent)
    if state is None:
        raise GatewayUnavailable(f"{intent.id} is {intent.status}: not decided yet")
    return state
