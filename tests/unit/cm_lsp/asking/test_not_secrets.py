"""One finding that is no secret by the learner's word: it is sent as it is, shown as it is, and lets nothing else pass."""

from dataclasses import replace

import msgspec
import pytest

from cm_lsp.asking import not_secrets, preview
from cm_lsp.asking.not_secrets import Redacting, Replaced
from cm_server.ask import rules
from cm_wire import faults, frames, limits
from cm_wire.asking import AskContext, Terms
from cm_wire.ids import CommandId
from cm_wire.money import Money
from cm_wire.to_server import PostAsk, Request
from tests.support import asks, planted_secrets

TOKEN = "ghp_" + "a1B2" * 9
OTHER = "ghp_" + "Z9y8" * 9
TERMS = Terms(cap_minutes=30, price_max=Money(1_500, "USD"))
TEXT = f"example = '{TOKEN}'\nreal = '{OTHER}'\nx = 1\n"


def found_in(text: str, question: str = "") -> tuple[Replaced, ...]:
    redacting = Redacting()
    asks.built(text, (0, 0), (2, 0), question=question, redacting=redacting)
    return redacting.replaced


def built(marks: list[str], text: str = TEXT, question: str = "") -> AskContext:
    return asks.built(text, (0, 0), (2, 0), question=question, redacting=Redacting(marks))


def test_each_finding_is_named_by_kind_and_place_and_by_nothing_of_itself() -> None:
    found = found_in(TEXT, f"does {'ghp_' + 'Q1w2' * 9} work?")
    assert [one.title for one in found] == [
        "github-token in the question",
        "github-token in line 1",
        "github-token in line 2",
    ]
    for one in found:
        assert one.mark not in TEXT
        assert TOKEN[4:12] not in f"{one}"


def test_the_one_that_is_no_secret_is_sent_as_it_is_and_the_others_are_not() -> None:
    about = built([not_secrets.mark_of(TOKEN)])
    assert TOKEN in about.excerpt.text
    assert OTHER not in about.excerpt.text
    assert (about.excerpt.redactions, about.not_secrets) == (1, (TOKEN,))
    rules.check(about, TERMS)


def test_the_preview_shows_it_with_all_that_is_sent() -> None:
    redacting = Redacting([not_secrets.mark_of(TOKEN)])
    about = asks.built(TEXT, (0, 0), (2, 0), redacting=redacting)
    shown = preview.of_ask(about, TERMS, redacting.replaced)
    assert shown.count(TOKEN) == 2, "in the code and among what is no secret"
    assert OTHER not in shown
    assert "say so before you send: github-token in line 2" in shown
    frame = frames.encode(Request(CommandId("1"), PostAsk(context=about, terms=TERMS)))
    assert msgspec.json.decode(frame)["command"]["context"]["not_secrets"] == [TOKEN]


def test_a_word_that_is_taken_back_or_about_a_text_that_is_gone_lets_nothing_pass() -> None:
    assert TOKEN not in built([]).excerpt.text
    about = built([not_secrets.mark_of(OTHER)], TEXT.replace(OTHER, "gone"))
    assert (about.not_secrets, about.excerpt.redactions) == ((), 1)
    typed_on = TEXT.replace(TOKEN, TOKEN[:-4] + "9z9z")
    assert "9z9z" not in built([not_secrets.mark_of(TOKEN)], typed_on).excerpt.text


def test_in_the_question_and_in_a_diagnostic_too() -> None:
    mark = not_secrets.mark_of(TOKEN)
    about = asks.built(
        "x = 1\n",
        question=f"is {TOKEN} old?",
        diagnostics=(asks.reported(f"no {TOKEN} but {OTHER}"),),
        redacting=Redacting([mark]),
    )
    assert about.question == f"is {TOKEN} old?"
    assert TOKEN in about.diagnostics[0].message
    assert OTHER not in about.diagnostics[0].message
    rules.check(about, TERMS)


def test_a_selection_of_nothing_but_what_is_no_secret_is_sent() -> None:
    with pytest.raises(faults.Refused):
        asks.built(TOKEN, (0, 0), (0, 40))
    redacting = Redacting([not_secrets.mark_of(TOKEN)])
    assert asks.built(TOKEN, (0, 0), (0, 40), redacting=redacting).excerpt.text == TOKEN


def test_whatever_is_said_to_be_no_secret_passes_the_server_and_only_that() -> None:
    for planted in planted_secrets.cases(11, 200):
        text = planted.text + "\nx = 1\n"
        marks = [one.mark for one in found_in(text, "why?")]
        if marks:
            about = built(marks, text, "why?")
            assert about.excerpt.redactions == 0
            rules.check(about, TERMS)
            with pytest.raises(faults.Refused) as refusal:
                rules.check(msgspec.structs.replace(about, not_secrets=("x = 1",)), TERMS)
            assert refusal.value.fault.code == "secret-found"


def test_more_than_a_few_kilobytes_of_no_secrets_are_refused_on_both_sides() -> None:
    begin, end = ("-----" + side + " RSA PRIVATE" + " KEY-----" for side in ("BEGIN", "END"))
    lines = [
        f"{number:03}" + "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIB" for number in range(200)
    ]
    key = "\n".join([begin, *lines, end])
    redacting = Redacting()
    asks.built(key, (0, 0), (150, 0), question="what is this?", redacting=redacting)
    marks = [one.mark for one in redacting.replaced]
    with pytest.raises(faults.Refused) as refusal:
        asks.built(key, (0, 0), (201, 0), question="what is this?", redacting=Redacting(marks))
    assert (refusal.value.fault.code, refusal.value.fault.field) == ("too-large", "notSecrets")
    about = msgspec.structs.replace(
        asks.built("x = 1\n"), not_secrets=("y" * limits.NOT_SECRETS_BYTES_MAX, "z")
    )
    with pytest.raises(faults.Refused) as refusal:
        rules.check(about, TERMS)
    assert (refusal.value.fault.field, refusal.value.fault.limit) == (
        "not_secrets",
        limits.NOT_SECRETS_BYTES_MAX,
    )


def test_two_of_one_kind_in_one_line_can_be_told_apart() -> None:
    one = Replaced("token", "line 1", "a")
    titles = not_secrets.titles([one, replace(one, mark="b")])
    assert {title: found.mark for title, found in titles.items()} == {
        "token in line 1": "a",
        "token in line 1 #2": "b",
    }
