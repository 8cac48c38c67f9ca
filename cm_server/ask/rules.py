"""What an ask may hold: pure checks, each refusal naming the member and the number it broke."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cm_wire import faults, limits, money, paths
from cm_wire.asking import AskContext, Terms
from cm_wire.secrets import refusing

TEN_MINUTES_MS: Final = 600_000
DAY_MS: Final = 86_400_000
SPOKEN_LANGUAGES_MAX: Final = 10
WORD_CHARACTERS_MAX: Final = 200

_TAKE_IT_OUT: Final = (
    "Take it out and ask again, and replace that secret: it has left your machine."
)


@dataclass(frozen=True, slots=True)
class Allowance:
    """How many asks one learner may post."""

    per_ten_minutes: int = 5
    per_day: int = 30


USUAL: Final = Allowance()


def check(context: AskContext, terms: Terms) -> None:
    """Raise `faults.Refused` for the first thing that is wrong with what the learner sent."""
    check_terms(terms)
    _check_excerpt(context)
    _check_lists(context)
    _check_secrets(context)


def check_pace(ages_ms: Sequence[int], allowance: Allowance) -> None:
    """`ages_ms` are the ages of the learner's asks of the last day, in any order."""
    spans: tuple[tuple[faults.FaultCode, str, int, int], ...] = (
        ("too-fast", "ten minutes", TEN_MINUTES_MS, allowance.per_ten_minutes),
        ("too-many", "a day", DAY_MS, allowance.per_day),
    )
    for code, named, span_ms, limit in spans:
        within = sorted(age for age in ages_ms if age < span_ms)
        if len(within) >= limit:
            # Room is made when the ask that is `limit` back leaves the span.
            wait = _in_words(span_ms - within[limit - 1])
            raise faults.refusal(
                code,
                f"You have asked {_times(len(within))} within {named}; {limit} is the most.",
                f"You can ask again in {wait}.",
                limit=limit,
                got=len(within),
            )


def check_terms(terms: Terms) -> None:
    if not 1 <= terms.cap_minutes <= limits.CAP_MINUTES_MAX:
        raise _too_much(
            "terms.cap_minutes", "The cap in minutes", limits.CAP_MINUTES_MAX, terms.cap_minutes
        )
    low, high = money.quarter_prices(terms.price_max.currency)
    if not low <= terms.price_max <= high:
        raise faults.refusal(
            "bad-value",
            f"The dearest price you accept must be {low} to {high} per 15 minutes.",
            "Raise or lower it and ask again.",
            field="terms.price_max",
            limit=low.minor if terms.price_max < low else high.minor,
            got=terms.price_max.minor,
        )
    if len(terms.spoken_languages) > SPOKEN_LANGUAGES_MAX:
        raise _too_much(
            "terms.spoken_languages",
            "The number of spoken languages",
            SPOKEN_LANGUAGES_MAX,
            len(terms.spoken_languages),
        )


def _check_excerpt(context: AskContext) -> None:
    excerpt = context.excerpt
    paths.checked(excerpt.path)
    _at_most("excerpt.text", "The code in bytes", _ROOM_FOR_CODE, len(excerpt.text.encode()))
    _at_most(
        "excerpt.language_id",
        "The language id in characters",
        WORD_CHARACTERS_MAX,
        len(excerpt.language_id),
    )
    if "\0" in excerpt.text:
        raise faults.refusal(
            "not-text",
            "The code holds a NUL byte, so it is not text.",
            "Select source code.",
            field="excerpt.text",
        )
    start, end = excerpt.selection.start, excerpt.selection.end
    lines = end.line - start.line + 1
    if end < start or min(start.line, start.column, end.column, excerpt.first_line) < 0:
        raise faults.refusal(
            "bad-value",
            "The selection ends before it starts or lies before the file.",
            field="excerpt.selection",
        )
    _at_most("excerpt.selection", "The selection in lines", limits.SELECTION_LINES_MAX, lines)


def _check_lists(context: AskContext) -> None:
    _at_most(
        "question",
        "The question in characters",
        limits.QUESTION_CHARACTERS_MAX,
        len(context.question),
    )
    _at_most(
        "diagnostics",
        "The number of diagnostics",
        limits.DIAGNOSTICS_MAX,
        len(context.diagnostics),
    )
    for diagnostic in context.diagnostics:
        size = len(diagnostic.message) + len(diagnostic.source) + len(diagnostic.code)
        _at_most(
            "diagnostics", "A diagnostic in characters", limits.DIAGNOSTIC_CHARACTERS_MAX, size
        )
    named = (*context.libraries, *context.tools)
    _at_most("libraries", "The number of libraries and tools", limits.LIBRARIES_MAX, len(named))
    for library in named:
        size = len(library.name) + len(library.version)
        _at_most("libraries", "A library's name in characters", WORD_CHARACTERS_MAX, size)
    _at_most(
        "not_secrets",
        "What is no secret in bytes",
        limits.NOT_SECRETS_BYTES_MAX,
        sum(len(text.encode()) for text in context.not_secrets),
    )
    if not context.excerpt.text.strip() and not context.question.strip():
        raise faults.refusal(
            "bad-value",
            "There is nothing to ask about: no code and no question.",
            "Select the code you are stuck on, or write a question.",
            field="excerpt.text",
        )


def _check_secrets(context: AskContext) -> None:
    """The editor's side has redacted what it sent; this is for one that did not."""
    refusing.check_file_name(paths.checked(context.excerpt.path), "excerpt.path")
    for field, text in context.texts():
        refusing.check_text(text, field, _TAKE_IT_OUT, besides=context.not_secrets)


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _in_words(milliseconds: int) -> str:
    """Rounded up, so that nobody who waits as long as they were told is refused again."""
    for unit, unit_ms in (("hour", 3_600_000), ("minute", 60_000)):
        if milliseconds > unit_ms:
            return f"{-(-milliseconds // unit_ms)} {unit}s"
    return "a minute"


def _at_most(field: str, what: str, limit: int, got: int) -> None:
    if got > limit:
        raise faults.refusal(
            "too-large",
            f"{what} may be at most {limit}; this is {got}.",
            "Send less.",
            field=field,
            limit=limit,
            got=got,
        )


def _too_much(field: str, what: str, limit: int, got: int) -> faults.Refused:
    return faults.refusal(
        "bad-value",
        f"{what} must be a whole number from 1 to {limit}; this is {faults.shortened(str(got))}.",
        field=field,
        limit=limit,
        got=got,
    )


_ROOM_FOR_CODE: Final = limits.SELECTION_BYTES_MAX + limits.SURROUNDINGS_BYTES_MAX
