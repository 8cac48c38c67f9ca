"""Orders mentors for an ask and says why. Pure: values in, values out, the same for the same.

Does not own who is online (`roster`) nor who is free (`offers`). A guess that would be wrong: price decides little; a
mentor above the learner's limit does not appear at all, and below it the difference is a few points.
"""

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from cm_server.matching import facets as ask_facets
from cm_server.matching.candidate import Candidate
from cm_server.matching.facets import Facets
from cm_server.matching.weights import DEFAULT, Weights
from cm_wire.asking import Terms
from cm_wire.ids import PersonId

REASONS_MAX: Final = 4
LEVEL_MAX: Final = 5


@dataclass(frozen=True, slots=True)
class Ranked:
    """`score` is 0 to 1 and only orders; `reasons` are sentences, the weightiest first."""

    candidate: Candidate
    score: float
    reasons: tuple[str, ...]
    answer_ms: int

    @property
    def mentor(self) -> PersonId:
        return self.candidate.person


@dataclass(frozen=True, slots=True)
class _Part:
    """One part of a score: how much it gave, how much it could, and what a person would say of it."""

    points: float
    reason: str = ""


def rank(
    candidates: Iterable[Candidate], facets: Facets, terms: Terms, weights: Weights = DEFAULT
) -> list[Ranked]:
    """Those who fit and whose terms meet the learner's, the best first; equals in the order of their ids."""
    ranked = [
        _scored(candidate, facets, terms, weights)
        for candidate in candidates
        if meets(candidate, terms) and fits(candidate, facets)
    ]
    ranked.sort(key=lambda one: (-one.score, one.mentor))
    return ranked


def meets(candidate: Candidate, terms: Terms) -> bool:
    """Whether the mentor's price and languages are within what the learner asked for."""
    price = candidate.price_per_quarter
    if price.currency != terms.price_max.currency or price.minor > terms.price_max.minor:
        return False
    return not terms.spoken_languages or any(
        tag in candidate.spoken_languages for tag in terms.spoken_languages
    )


def fits(candidate: Candidate, facets: Facets) -> bool:
    """Whether the mentor knows anything of what the ask is about; of an ask about nothing known, everybody does."""
    if not facets.skills:
        return True
    return (
        any(name in candidate.skills for name, _ in facets.skills)
        or any(key in candidate.solved for key in facets.complaints)
        or any(word in candidate.skills for word in facets.words)
    )


def with_newcomer(ranked: Sequence[Ranked], seats: int, weights: Weights = DEFAULT) -> list[Ranked]:
    """The same list with the best newcomer in the last of the first `seats`, if none sits there already."""
    first, rest = list(ranked[:seats]), list(ranked[seats:])
    if not rest or any(_is_new(one.candidate, weights) for one in first):
        return [*first, *rest]
    chosen = next((one for one in rest if _is_new(one.candidate, weights)), None)
    if chosen is None:
        return [*first, *rest]
    rest.remove(chosen)
    return [*first[:-1], chosen, first[-1], *rest]


def explores(search: str, weights: Weights = DEFAULT) -> bool:
    """Whether this search is one of the share that gives a newcomer a chance; always the same for the same search."""
    return zlib.crc32(search.encode()) % 1000 < weights.newcomer_share * 1000


def expected_answer_ms(candidate: Candidate, weights: Weights = DEFAULT) -> int:
    """The mentor's median answer time, drawn towards the usual one while few were measured."""
    prior, count = weights.answer_prior_count, candidate.record.offers_answered
    median = candidate.record.answer_ms_median or weights.answer_prior_ms
    return round((weights.answer_prior_ms * prior + median * count) / (prior + count))


def _scored(candidate: Candidate, facets: Facets, terms: Terms, weights: Weights) -> Ranked:
    answer_ms = expected_answer_ms(candidate, weights)
    parts = [
        _solved_before(candidate, facets, weights),
        _skills(candidate, facets, weights),
        _responsiveness(candidate, answer_ms, weights),
        _rating(candidate, weights),
        _seniority(candidate, weights),
        _price(candidate, terms, weights),
    ]
    said = sorted((part for part in parts if part.reason), key=lambda part: -part.points)
    reasons = [part.reason for part in said]
    if _is_new(candidate, weights):
        reasons = [*reasons[: REASONS_MAX - 1], "new here"]
    return Ranked(
        candidate=candidate,
        score=sum(part.points for part in parts),
        reasons=tuple(reasons[:REASONS_MAX]),
        answer_ms=answer_ms,
    )


def _solved_before(candidate: Candidate, facets: Facets, weights: Weights) -> _Part:
    solved = [(candidate.solved.get(key, 0), key) for key in facets.complaints]
    times, key = max(solved, default=(0, ""))
    if not times:
        return _Part(0.0)
    points = weights.solved_before * times / (times + weights.solved_half_at)
    often = "once" if times == 1 else f"{times} times"
    return _Part(points, f"solved {ask_facets.spoken(key)} {often}")


def _skills(candidate: Candidate, facets: Facets, weights: Weights) -> _Part:
    """How much of the ask's skills, by weight, the mentor names, and at which level."""
    asked = dict(facets.skills)
    known = {name: weight for name, weight in asked.items() if name in candidate.skills}
    for word in facets.words - asked.keys():
        if word in candidate.skills:
            known[word] = weights.word_weight
    if not known:
        return _Part(0.0)
    covered = sum(known.values())
    fit = min(1.0, covered / sum(asked.values())) if asked else 1.0
    level = sum(candidate.skills[name] * weight for name, weight in known.items()) / covered
    named = sorted(known, key=lambda name: (-known[name], name))[:3]
    points = weights.skills * fit + weights.level * level / LEVEL_MAX * fit
    return _Part(points, f"knows {', '.join(_with_level(candidate, name) for name in named)}")


def _responsiveness(candidate: Candidate, answer_ms: int, weights: Weights) -> _Part:
    record, prior = candidate.record, weights.answer_prior_count
    rate = (weights.answer_prior_rate * prior + record.offers_answered) / (prior + record.offers)
    speed = weights.answer_half_at_ms / (weights.answer_half_at_ms + answer_ms)
    median = record.answer_ms_median
    reason = f"answers in {max(1, round(median / 1000))} s" if median else ""
    return _Part(weights.responsiveness * rate * speed, reason)


def _rating(candidate: Candidate, weights: Weights) -> _Part:
    """A Bayesian mean: five stars from one learner weigh less than 4.8 from a hundred."""
    record, prior = candidate.record, weights.rating_prior_count
    mean = (weights.rating_prior * prior + record.stars) / (prior + record.ratings)
    reason = f"rated {record.rating_text}" if record.ratings else ""
    return _Part(weights.rating * (mean - 1) / 4, reason)


def _seniority(candidate: Candidate, weights: Weights) -> _Part:
    """Years in the trade, and years here, whichever is more."""
    years = max(candidate.years, candidate.years_here)
    points = weights.seniority * min(1.0, years / weights.seniority_full_years)
    if candidate.years_here:
        return _Part(points, f"{_years(candidate.years_here)} here")
    return _Part(points, f"{_years(candidate.years)} of experience" if candidate.years else "")


def _price(candidate: Candidate, terms: Terms, weights: Weights) -> _Part:
    price, most = candidate.price_per_quarter, terms.price_max
    saved = 1 - price.minor / most.minor if most.minor else 1.0
    return _Part(weights.price * saved, f"{price} per 15 minutes" if saved >= 0.25 else "")


def _is_new(candidate: Candidate, weights: Weights) -> bool:
    return candidate.record.sessions < weights.newcomer_sessions


def _with_level(candidate: Candidate, name: str) -> str:
    return f"{name} (expert)" if candidate.skills[name] == LEVEL_MAX else name


def _years(years: int) -> str:
    return "1 year" if years == 1 else f"{years} years"
