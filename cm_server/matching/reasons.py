"""Why this mentor, in words: `solved this mypy attr-defined error 4 times · answers in 6 s · 3 years here`. Pure.

A reason is something measured or stated of the mentor, never the score. What they solved before comes first, for nothing
tells more; then whatever sets them apart most from somebody of whom nothing is known.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from cm_server.matching import facets as ask_facets
from cm_server.matching import scoring
from cm_server.matching.candidate import Candidate
from cm_server.matching.scoring import Asked
from cm_server.matching.weights import Weights
from cm_wire.asking import Terms
from cm_wire.ids import PersonId
from cm_wire.money import Money

REASONS_MAX: Final = 4
SKILLS_NAMED_MAX: Final = 3
CHEAP_FROM: Final = 0.25
"""From such a saving against the limit on, the price is a reason."""
JUDGED_MIN: Final = 5
"""A solved rate of fewer sessions is a coincidence, and no reason."""

_UNKNOWN: Final = Candidate(PersonId(""), "", Money(0, "USD"), {})


@dataclass(frozen=True, slots=True)
class _Reason:
    points: float
    words: str


def reasons(candidate: Candidate, ask: Asked, terms: Terms, weights: Weights) -> tuple[str, ...]:
    """At most `REASONS_MAX`, none of them against the mentor; a newcomer is called one, whatever else speaks for them."""
    found = [
        _skills(candidate, ask, weights),
        _answers(candidate, weights),
        _rated(candidate, weights),
        _solved_rate(candidate, weights),
        _years(candidate, weights),
        _speaks(candidate, terms, weights),
        _price(candidate, terms, weights),
    ]
    said = sorted(
        (one for one in found if one.words and one.points >= 0), key=lambda one: -one.points
    )
    words = [*_solved(candidate, ask), *(one.words for one in said)]
    if scoring.is_new(candidate, weights):
        words = [*words[: REASONS_MAX - 1], "new here"]
    return tuple(words[:REASONS_MAX])


def _solved(candidate: Candidate, ask: Asked) -> Iterator[str]:
    worth = {
        key: case.worth(candidate.solved[key])
        for key, case in ask.cases.items()
        if key in candidate.solved
    }
    if not worth:
        return
    key = max(worth, key=lambda one: (worth[one], one))
    times = candidate.solved[key]
    often = "once" if times == 1 else f"{times} times"
    yield f"solved {ask_facets.spoken(key)} {often}"


def _skills(candidate: Candidate, ask: Asked, weights: Weights) -> _Reason:
    known = [name for name in candidate.skills if name in ask.shares]
    if not known:
        return _Reason(0.0, "")
    known.sort(key=lambda name: (-ask.shares[name], name))
    named = ", ".join(_with_level(candidate, name) for name in known[:SKILLS_NAMED_MAX])
    return _Reason(scoring.skills(candidate, ask, weights), f"knows {named}")


def _answers(candidate: Candidate, weights: Weights) -> _Reason:
    median = candidate.record.answer_ms_median
    words = "" if median is None else f"answers in {max(1, round(median / 1000))} s"
    return _Reason(_above_unknown(scoring.responsiveness, candidate, weights), words)


def _rated(candidate: Candidate, weights: Weights) -> _Reason:
    text = candidate.record.rating_text
    points = _above_unknown(scoring.rating, candidate, weights)
    return _Reason(points, f"rated {text}" if text else "")


def _solved_rate(candidate: Candidate, weights: Weights) -> _Reason:
    record = candidate.record
    told = record.sessions_judged >= JUDGED_MIN
    words = f"solved {record.sessions_solved} of {record.sessions_judged}" if told else ""
    return _Reason(_above_unknown(scoring.solved_rate, candidate, weights), words)


def _years(candidate: Candidate, weights: Weights) -> _Reason:
    points = scoring.seniority(candidate, weights)
    if candidate.years_here:
        return _Reason(points, f"{_counted_years(candidate.years_here)} here")
    words = f"{_counted_years(candidate.years)} of experience" if candidate.years else ""
    return _Reason(points, words)


def _speaks(candidate: Candidate, terms: Terms, weights: Weights) -> _Reason:
    spoken = [tag for tag in terms.spoken_languages if tag in candidate.spoken_languages]
    words = f"speaks {', '.join(spoken)}" if spoken else ""
    return _Reason(scoring.language(candidate, terms, weights), words)


def _price(candidate: Candidate, terms: Terms, weights: Weights) -> _Reason:
    price = candidate.price_per_quarter
    cheap = scoring.saved(price.minor, terms) >= CHEAP_FROM
    words = f"{price} per 15 minutes" if cheap else ""
    return _Reason(scoring.price(price.minor, terms, weights), words)


def _above_unknown(
    part: Callable[[Candidate, Weights], float], candidate: Candidate, weights: Weights
) -> float:
    return part(candidate, weights) - part(_UNKNOWN, weights)


def _with_level(candidate: Candidate, name: str) -> str:
    return f"{name} (expert)" if candidate.skills[name] == scoring.LEVEL_MAX else name


def _counted_years(years: int) -> str:
    return "1 year" if years == 1 else f"{years} years"
