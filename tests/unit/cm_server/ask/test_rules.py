from collections.abc import Callable

import msgspec
import pytest

from cm_server.ask import rules
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


def test_the_sixth_ask_in_ten_minutes_waits_and_the_thirty_first_of_a_day_too() -> None:
    rules.check_pace([1_000] * 4 + [601_000] * 20)
    with pytest.raises(Refused, match="ten minutes"):
        rules.check_pace([1_000] * 5)
    with pytest.raises(Refused, match="in a day"):
        rules.check_pace([3_600_000] * 30)


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
