"""What a bank's no means in words, and what its owner can do: Stripe's decline codes, as data.

Owns: the sentences. Does not own: the codes, which come as Stripe sends them. A guess that would be wrong: a lost or stolen
card is called so. Whoever holds it may not be its owner, so they are told what everyone is told whose bank gives no reason.
"""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class Reason:
    says: str
    do: str


_OTHER_CARD: Final = "Use another card, or ask your bank why."
_UNSAID: Final = Reason("Your card was declined, and your bank gave no reason.", _OTHER_CARD)
_NO_MONEY: Final = Reason(
    "Your card was declined: there is not enough money on it.",
    "Use another card or a lower cap.",
)
_LIMIT: Final = Reason(
    "Your card was declined: it has reached a limit that your bank has set.",
    "Use another card or a lower cap, or try again tomorrow.",
)
_EXPIRED: Final = Reason("Your card has expired.", "Save another card.")
_MISTYPED: Final = Reason(
    "Your card was declined: a number that was typed for it is wrong.", "Save the card again."
)
_UNCONFIRMED: Final = Reason(
    "Your card was declined: your bank asked you to confirm it, and heard no yes.",
    "Ask again and confirm at your bank, or use another card.",
)
_NOT_FOR_THIS: Final = Reason(
    "Your card was declined: it does not allow payments of this kind.",
    "Allow online payments at your bank, or use another card.",
)
_CURRENCY: Final = Reason(
    "Your card was declined: it does not pay in this currency.", "Use another card."
)
_BANK_AWAY: Final = Reason(
    "Your bank could not be reached.", "Try again in some minutes, or use another card."
)
_TEST_CARD: Final = Reason("A test card pays nothing here.", "Save a real card.")
_AMOUNT: Final = Reason("This amount cannot be taken from a card.", "Choose another cap.")

_REASONS: Final = MappingProxyType(
    {
        code: reason
        for reason, codes in (
            (_NO_MONEY, "insufficient_funds"),
            (_LIMIT, "card_velocity_exceeded withdrawal_count_limit_exceeded pin_try_exceeded"),
            (_EXPIRED, "expired_card"),
            (
                _MISTYPED,
                "incorrect_number invalid_number incorrect_cvc invalid_cvc incorrect_zip incorrect_address "
                "invalid_expiry_month invalid_expiry_year incorrect_pin invalid_pin",
            ),
            (
                _UNCONFIRMED,
                "authentication_required authentication_not_handled payment_intent_authentication_failure "
                "setup_intent_authentication_failure online_or_offline_pin_required offline_pin_required",
            ),
            (
                _NOT_FOR_THIS,
                "card_not_supported transaction_not_allowed service_not_allowed not_permitted invalid_account "
                "new_account_information_available revocation_of_all_authorizations revocation_of_authorization "
                "stop_payment_order",
            ),
            (_CURRENCY, "currency_not_supported"),
            (
                _BANK_AWAY,
                "issuer_not_available processing_error reenter_transaction try_again_later approve_with_id "
                "duplicate_transaction",
            ),
            (_TEST_CARD, "testmode_decline live_mode_test_card"),
            (_AMOUNT, "invalid_amount amount_too_large amount_too_small"),
        )
        for code in codes.split()
    }
)


def reason(code: str) -> Reason:
    """For any code, known or not."""
    return _REASONS.get(code, _UNSAID)
