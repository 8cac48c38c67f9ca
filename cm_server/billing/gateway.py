"""The payment provider as the rest of billing sees it: commands in, facts out.

Owns: the `PaymentGateway` protocol and the errors it raises. Its answers are in
`gateway_outcomes`, what the provider reports by itself in `gateway_reports`.
Does not own: Stripe's vocabulary (`stripe_gateway`), when to call (the outbox), the ledger.
A reader would guess that a declined card or an empty balance raises: it does not. Whatever the
provider decided comes back as a value. Only two things raise: `GatewayUnavailable` (nobody knows
what happened; call again with the same key) and `GatewayRefused` (nothing happened and calling
again changes nothing: our request or our settings are wrong).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Final, Protocol

from cm_server.billing.gateway_outcomes import (
    AccountRef,
    CaptureOutcome,
    CardRef,
    ChargeOutcome,
    ChargeRef,
    CustomerRef,
    HoldOutcome,
    HoldRef,
    HoldState,
    HostedPage,
    MentorAccount,
    RefundOutcome,
    RefundRef,
    ReversalOutcome,
    Reversed,
    SavedCard,
    TransferOutcome,
    Transferred,
    TransferRef,
    VoidOutcome,
)
from cm_server.billing.gateway_reports import (
    Balance,
    BalanceEntry,
    Dispute,
    DisputeRef,
    GatewayEvent,
)
from cm_wire.money import Money

KEY_METADATA: Final = "cm_key"
"""Every object we make carries its idempotency key in its metadata under this name."""

KEY_MAX_CHARS: Final = 255


class GatewayUnavailable(Exception):  # noqa: N818 - an unknown outcome is no error of ours
    """The outcome is unknown: repeat with the same key and the same arguments.

    `status` is the provider's HTTP status, None when no answer came. A 500 may be stored under the
    key and come back for ever; after three equal ones, ask a `find_…` or `look_up_…` instead.
    """

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class GatewayRefused(Exception):  # noqa: N818 - a refusal is an answer
    """The request itself was wrong and had no effect; repeating it cannot help."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class WebhookRefused(Exception):  # noqa: N818 - a refusal is an answer
    """An event that must not be believed. `code` is one word for the log and the 400 answer."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class PaymentGateway(Protocol):
    """One key, one set of arguments, one effect, however often it is called.

    A repeated key gives the first answer again, even where the object has moved on since: after
    an `ActionRequired`, ask `look_up_hold`. Keys are remembered for at least 24 hours; an older
    unknown outcome is settled by `find_…` (exact, by the key in the metadata), never by a retry.
    """

    async def create_customer(
        self, key: str, *, email: str, metadata: Mapping[str, str]
    ) -> CustomerRef: ...

    async def card_setup_page(
        self, key: str, customer: CustomerRef, *, done_url: str, cancel_url: str
    ) -> HostedPage: ...

    async def saved_card(self, customer: CustomerRef) -> SavedCard | None:
        """The card saved last, None when there is none."""
        ...

    async def hold(
        self,
        key: str,
        customer: CustomerRef,
        card: CardRef,
        amount: Money,
        *,
        metadata: Mapping[str, str],
        return_url: str,
    ) -> HoldOutcome:
        """Reserve money with the learner present; `return_url` is where a challenge ends."""
        ...

    async def capture(self, key: str, hold: HoldRef, amount: Money) -> CaptureOutcome:
        """Take part or all of a hold, once; what is not taken is given back at once."""
        ...

    async def void(self, key: str, hold: HoldRef) -> VoidOutcome:
        """Give all of a hold back; also ends one that still waits for the bank's challenge."""
        ...

    async def charge_off_session(
        self,
        key: str,
        customer: CustomerRef,
        card: CardRef,
        amount: Money,
        *,
        metadata: Mapping[str, str],
    ) -> ChargeOutcome:
        """Charge at once with nobody at the screen; a bank that wants its customer declines."""
        ...

    async def look_up_hold(self, hold: HoldRef) -> HoldState: ...

    async def find_hold(self, key: str, customer: CustomerRef) -> HoldState | None:
        """What a `hold` or `charge_off_session` under this key became; None: it never arrived."""
        ...

    async def refund(
        self, key: str, charge: ChargeRef, amount: Money, *, metadata: Mapping[str, str]
    ) -> RefundOutcome: ...

    async def look_up_refund(self, refund: RefundRef) -> RefundOutcome: ...

    async def find_refund(self, key: str, charge: ChargeRef) -> RefundOutcome | None: ...

    async def create_mentor_account(
        self, key: str, *, email: str, name: str, country: str, metadata: Mapping[str, str]
    ) -> AccountRef:
        """`country` is ISO 3166-1 alpha-2 in capitals."""
        ...

    async def onboarding_page(
        self, key: str, account: AccountRef, *, done_url: str, again_url: str
    ) -> HostedPage:
        """Where the mentor tells the provider who they are; works once, `again_url` makes anew."""
        ...

    async def look_up_account(self, account: AccountRef) -> MentorAccount: ...

    async def transfer(
        self,
        key: str,
        account: AccountRef,
        amount: Money,
        *,
        source: ChargeRef | None,
        group: str,
        metadata: Mapping[str, str],
    ) -> TransferOutcome:
        """Pay a mentor. With `source` it may precede that charge's money becoming available."""
        ...

    async def find_transfer(self, key: str, group: str) -> Transferred | None: ...

    async def reverse(
        self, key: str, transfer: TransferRef, amount: Money, *, metadata: Mapping[str, str]
    ) -> ReversalOutcome: ...

    async def find_reversal(self, key: str, transfer: TransferRef) -> Reversed | None: ...

    async def look_up_dispute(self, dispute: DisputeRef) -> Dispute: ...

    async def contest_dispute(self, key: str, dispute: DisputeRef, *, evidence: str) -> Dispute:
        """Send the evidence and submit it; can be done once per dispute. At most 20 000 chars."""
        ...

    async def balances(self) -> tuple[Balance, ...]: ...

    def balance_entries(self, since: datetime) -> AsyncIterator[BalanceEntry]:
        """All lines created at or after `since`, newest first."""
        ...

    def events(self, since: datetime) -> AsyncIterator[GatewayEvent]:
        """Events of at most 30 days back, newest first: what lost webhooks would have said."""
        ...

    def verify_webhook(self, body: bytes, signature: str | None, *, now: datetime) -> GatewayEvent:
        """The event, if it is fresh and truly the provider's; else raises `WebhookRefused`."""
        ...

    async def close(self) -> None: ...
