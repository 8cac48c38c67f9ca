import re
from collections.abc import Callable

import msgspec
import pytest

from cm_server.ask import rules
from cm_server.ask.rules import Allowance
from cm_wire.asking import AskContext, Diagnostic, Library, Place, Span, Terms
from cm_wire.faults import Fault, Refused
from tests.support import world

SPAN = Span(Place(0, 0), Place(0, 1))


def test_a_common_ask_passes() -> None:
    rules.check(world.context(), world.terms())


@pytest.mark.parametrize("minutes", [0, -1, 241, 2**62])
def test_a_cap_out_of_range_is_named_with_its_limit(minutes: int) -> None:
    fault = _refusal(world.context(), world.terms(cap_minutes=minutes))
    assert (fault.field, fault.limit, fault.got) == ("terms.cap_minutes", 240, minutes)


@pytest.mark.parametrize(("price", "limit"), [(99, 100), (0, 100), (-5, 100), (50_001, 50_000)])
def test_a_price_out_of_range_is_named_with_the_nearer_limit(price: int, limit: int) -> None:
    fault = _refusal(world.context(), world.terms(price_max=price))
    assert (fault.field, fault.limit) == ("terms.price_max", limit)


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("excerpt.text", lambda c: _with_excerpt(c, text="x" * 200_000)),
        ("excerpt.text", lambda c: _with_excerpt(c, text="a\0b")),
        ("excerpt.selection", lambda c: _with_excerpt(c, selection=_lines(0, 500))),
        ("excerpt.selection", lambda c: _with_excerpt(c, selection=_lines(5, 4))),
        ("excerpt.selection", lambda c: _with_excerpt(c, first_line=-1)),
        ("path", lambda c: _with_excerpt(c, path="../etc/passwd")),
        ("question", lambda c: _with(c, question="x" * 1_001)),
        ("diagnostics", lambda c: _with(c, diagnostics=(_diagnostic("x"),) * 51)),
        ("diagnostics", lambda c: _with(c, diagnostics=(_diagnostic("x" * 1_001),))),
        ("libraries", lambda c: _with(c, libraries=(Library("x"),) * 101)),
        ("libraries", lambda c: _with(c, tools=(Library("x" * 201),))),
        ("excerpt.text", lambda c: _with(_with_excerpt(c, text=" \n"), question=" ")),
    ],
)
def test_each_bad_part_of_an_ask_is_refused_by_its_name(
    field: str, change: Callable[[AskContext], AskContext]
) -> None:
    assert _refusal(change(world.context()), world.terms()).field == field


@pytest.mark.parametrize(
    "secret",
    [
        "-----BEGIN RSA PRIVATE KEY-----\n" + "MIIEvQIBADANBgkqhkiG9w0B" * 3,
        "AKIA" + "A1B2C3D4E5F6G7H8",
        "ghp_" + "a1" * 18,
        "sk_live_" + "a1" * 12,
        "xoxb-" + "1234567890-" * 3,
    ],
)
def test_a_plain_secret_is_shown_to_nobody(secret: str) -> None:
    for context in (
        _with_excerpt(world.context(), text=f"key = '{secret}'"),
        _with(world.context(), question=secret),
        _with(world.context(), diagnostics=(_diagnostic(secret),)),
    ):
        fault = _refusal(context, world.terms())
        assert fault.code == "secret-found"
        assert fault.field in {"excerpt.text", "question", "diagnostics"}
        assert "Line 1 " in fault.message
        assert secret not in str(fault)


def test_a_file_made_for_secrets_is_shown_to_nobody() -> None:
    fault = _refusal(_with_excerpt(world.context(), path="app/.env"), world.terms())
    assert (fault.code, fault.field) == ("secret-found", "excerpt.path")


def test_who_has_asked_too_often_is_told_when_they_can_ask_again() -> None:
    allowance = Allowance(per_ten_minutes=2, per_day=4)
    rules.check_pace([0, 600_000, 700_000], allowance)
    with pytest.raises(Refused) as fast:
        rules.check_pace([590_000, 400_000, 60_000], allowance)
    assert (fast.value.fault.code, fast.value.fault.limit) == ("too-fast", 2)
    assert "3 times within ten minutes" in fast.value.fault.message
    assert fast.value.fault.do == "You can ask again in 4 minutes."
    with pytest.raises(Refused) as many:
        rules.check_pace([3_600_000] * 3 + [82_000_000], allowance)
    assert (many.value.fault.code, many.value.fault.limit) == ("too-many", 4)
    assert many.value.fault.do == "You can ask again in 2 hours."
    with pytest.raises(Refused, match=r"in a minute\."):
        rules.check_pace([599_990, 599_980], allowance)


@pytest.mark.parametrize(
    ("span_ms", "allowance"), [(600_000, Allowance(3, 90)), (86_400_000, Allowance(90, 3))]
)
def test_who_waits_as_long_as_told_may_ask(span_ms: int, allowance: Allowance) -> None:
    for age in (0, 1, span_ms // 2, span_ms - 60_001, span_ms - 1):
        ages = [min(age + more, span_ms - 1) for more in (0, 5, 10)]
        with pytest.raises(Refused) as refused:
            rules.check_pace(ages, allowance)
        number, unit = re.search(r"in (\d+|a) (\w+)", refused.value.fault.do).groups()  # type: ignore[union-attr] # it always says
        waits = (1 if number == "a" else int(number)) * (3_600_000 if "hour" in unit else 60_000)
        rules.check_pace([one + waits for one in ages], allowance)


def _refusal(context: AskContext, terms: Terms) -> Fault:
    with pytest.raises(Refused) as refused:
        rules.check(context, terms)
    return refused.value.fault


def _with(context: AskContext, **changes: object) -> AskContext:
    return msgspec.structs.replace(context, **changes)


def _with_excerpt(context: AskContext, **changes: object) -> AskContext:
    return _with(context, excerpt=msgspec.structs.replace(context.excerpt, **changes))


def _lines(first: int, last: int) -> Span:
    return Span(Place(first, 0), Place(last, 0))


def _diagnostic(message: str) -> Diagnostic:
    return Diagnostic(message=message, span=SPAN)
