"""The parameters of our larger Stripe calls, in the library's own types.

Owns: what exactly is sent. Does not own: when and under which key (`stripe_gateway`).
A reader would guess that these may be improved freely: Stripe compares them with what came first
under the same key, so a change here makes retries across the upgrade fail for a day; the outbox
then settles them by `find_…`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from stripe.params import PaymentIntentCreateParams, TransferCreateParams
from stripe.params.checkout import SessionCreateParams
from stripe.params.v2.core import AccountCreateParams, AccountLinkCreateParams

from cm_server.billing.gateway import KEY_METADATA
from cm_server.billing.gateway_outcomes import AccountRef, CardRef, ChargeRef, CustomerRef
from cm_wire.money import Money

WITH_CHARGE: Final = "latest_charge.balance_transaction"


def marked(key: str, metadata: Mapping[str, str]) -> dict[str, str]:
    return {**metadata, KEY_METADATA: key}


def card_setup(
    key: str, customer: CustomerRef, done_url: str, cancel_url: str
) -> SessionCreateParams:
    return {
        "mode": "setup",
        "customer": customer,
        "allowed_payment_method_types": ["card"],
        "success_url": done_url,
        "cancel_url": cancel_url,
        "metadata": marked(key, {}),
    }


def card_payment(
    key: str, customer: CustomerRef, card: CardRef, amount: Money, metadata: Mapping[str, str]
) -> PaymentIntentCreateParams:
    return {
        "amount": amount.minor,
        "currency": amount.currency.lower(),
        "customer": customer,
        "payment_method": card,
        "allowed_payment_method_types": ["card"],
        "confirm": True,
        "metadata": marked(key, metadata),
        "expand": [WITH_CHARGE],
    }


def mentor_account(
    key: str, email: str, name: str, country: str, metadata: Mapping[str, str]
) -> AccountCreateParams:
    """A recipient: it receives transfers and is paid out; fees and losses stay ours."""
    return {
        "contact_email": email,
        "display_name": name,
        "dashboard": "express",
        "identity": {"country": country},
        "configuration": {
            "recipient": {
                "capabilities": {"stripe_balance": {"stripe_transfers": {"requested": True}}}
            }
        },
        "defaults": {
            "responsibilities": {
                "fees_collector": "application",
                "losses_collector": "application",
            }
        },
        "metadata": marked(key, metadata),
    }


def onboarding(account: AccountRef, done_url: str, again_url: str) -> AccountLinkCreateParams:
    return {
        "account": account,
        "use_case": {
            "type": "account_onboarding",
            "account_onboarding": {
                "refresh_url": again_url,
                "return_url": done_url,
            },
        },
    }


def transfer(
    key: str,
    account: AccountRef,
    amount: Money,
    source: ChargeRef | None,
    group: str,
    metadata: Mapping[str, str],
) -> TransferCreateParams:
    wanted: TransferCreateParams = {
        "amount": amount.minor,
        "currency": amount.currency.lower(),
        "destination": account,
        "transfer_group": group,
        "metadata": marked(key, metadata),
    }
    if source is not None:
        wanted["source_transaction"] = source
    return wanted
