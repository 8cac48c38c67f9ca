import pytest

from cm_server.billing import decline_reasons
from cm_server.payment_service import cards


@pytest.mark.parametrize(
    ("code", "word"),
    [
        ("insufficient_funds", "not enough money"),
        ("expired_card", "expired"),
        ("incorrect_cvc", "typed"),
        ("authentication_required", "confirm"),
        ("currency_not_supported", "currency"),
        ("issuer_not_available", "could not be reached"),
    ],
)
def test_a_banks_no_is_said_in_words(code: str, word: str) -> None:
    told = decline_reasons.reason(code)
    assert word in told.says
    assert code not in told.says + told.do


@pytest.mark.parametrize("code", ["lost_card", "stolen_card", "fraudulent", "pickup_card"])
def test_a_thief_is_not_told_what_the_bank_knows(code: str) -> None:
    assert decline_reasons.reason(code) == decline_reasons.reason("generic_decline")


@pytest.mark.parametrize("code", ["", "some_code_of_next_year", "do_not_honor"])
def test_a_code_nobody_knows_still_says_what_to_do(code: str) -> None:
    told = decline_reasons.reason(code)
    assert told.says.endswith("gave no reason.")
    assert told.do


def test_no_sentence_shows_a_code() -> None:
    codes = {card.decline_code or card.code or "" for card in cards.BY_NUMBER.values()}
    for code in codes:
        told = decline_reasons.reason(code)
        assert "_" not in told.says + told.do
        assert told.says.endswith(".")
        assert told.do.endswith(".")
