"""How many points each thing known of a mentor is worth for an ask. Pure numbers: the words are `reasons`.

A score is the sum of three: `quality`, which no ask changes, `closeness` to what the ask is about, and `on_terms`. None
of them falls when a mentor gets better in one thing and stays equal in the rest. `columns` has the same sum for
everybody at once, to find the few for whom it is worth saying here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cm_server.matching import facets as ask_facets
from cm_server.matching.candidate import Candidate
from cm_server.matching.facets import Facets, Level
from cm_server.matching.weights import Weights
from cm_wire.asking import Terms

LEVEL_MAX: Final = 5


@dataclass(frozen=True, slots=True)
class Case:
    """Of all keys of one level the best counts; `points` is what ever so many solved asks under it are worth."""

    level: Level
    points: float
    half_at: float

    def worth(self, times: int) -> float:
        return self.points * times / (times + self.half_at)


@dataclass(frozen=True, slots=True)
class Asked:
    """An ask made ready for comparison.

    `shares` says which part of a full fit each skill is, `cases` what solved asks under each key are worth.
    """

    shares: Mapping[str, float]
    cases: Mapping[str, Case]
    has_skills: bool


def asked(facets: Facets, weights: Weights) -> Asked:
    total = sum(weight for _, weight in facets.skills) or weights.word_weight
    shares = {name: weight / total for name, weight in facets.skills}
    for word in facets.words:
        shares.setdefault(word, weights.word_weight / total)
    levels = _levels(weights)
    cases = {key: levels[ask_facets.level(key)] for key in facets.complaints}
    return Asked(shares, cases, has_skills=bool(facets.skills))


def score(candidate: Candidate, ask: Asked, terms: Terms, weights: Weights) -> float:
    """0 to 1; it only orders."""
    return (
        quality(candidate, weights)
        + closeness(candidate, ask, weights)
        + on_terms(candidate, terms, weights)
    )


def quality(candidate: Candidate, weights: Weights) -> float:
    """What no ask changes."""
    return (
        responsiveness(candidate, weights)
        + rating(candidate, weights)
        + solved_rate(candidate, weights)
        + seniority(candidate, weights)
    )


def closeness(candidate: Candidate, ask: Asked, weights: Weights) -> float:
    return skills(candidate, ask, weights) + solved_before(candidate, ask)


def on_terms(candidate: Candidate, terms: Terms, weights: Weights) -> float:
    return price(candidate.price_per_quarter.minor, terms, weights) + language(
        candidate, terms, weights
    )


def skills(candidate: Candidate, ask: Asked, weights: Weights) -> float:
    """How much of what is asked the mentor names, and at which level."""
    fit = level_fit = 0.0
    for name, level in candidate.skills.items():
        share = ask.shares.get(name)
        if share is not None:
            fit += share
            level_fit += share * level / LEVEL_MAX
    return weights.skills * min(1.0, fit) + weights.level * min(1.0, level_fit)


def solved_before(candidate: Candidate, ask: Asked) -> float:
    """What they solved before that was like this, at each level the best."""
    best: dict[Level, float] = {}
    for key, case in ask.cases.items():
        times = candidate.solved.get(key)
        if times:
            best[case.level] = max(best.get(case.level, 0.0), case.worth(times))
    return sum(best.values())


def responsiveness(candidate: Candidate, weights: Weights) -> float:
    """The share of offers answered, drawn towards the usual one while few were made, and how soon."""
    record, prior = candidate.record, weights.answer_prior_count
    rate = (weights.answer_prior_rate * prior + record.offers_answered) / (prior + record.offers)
    half_at_ms = weights.answer_half_at_ms
    return weights.responsiveness * rate * half_at_ms / (half_at_ms + answer_ms(candidate, weights))


def answer_ms(candidate: Candidate, weights: Weights) -> float:
    """The mentor's median answer time, drawn towards the usual one while few were measured."""
    measured, prior = len(candidate.record.answer_ms_recent), weights.answer_prior_count
    median = candidate.record.answer_ms_median
    if median is None:
        return weights.answer_prior_ms
    return (weights.answer_prior_ms * prior + median * measured) / (prior + measured)


def rating(candidate: Candidate, weights: Weights) -> float:
    """A Bayesian mean: five stars from one learner weigh less than 4.8 from a hundred."""
    record, prior = candidate.record, weights.rating_prior_count
    mean = (weights.rating_prior * prior + record.stars) / (prior + record.ratings)
    return weights.rating * (mean - 1) / 4


def solved_rate(candidate: Candidate, weights: Weights) -> float:
    """How many of the sessions of which learners said so were solved; Bayesian too."""
    record, prior = candidate.record, weights.solved_rate_prior_count
    rate = (weights.solved_rate_prior * prior + record.sessions_solved) / (
        prior + record.sessions_judged
    )
    return weights.solved_rate * rate


def seniority(candidate: Candidate, weights: Weights) -> float:
    """Half for years in the trade, half for years here."""
    in_trade = min(1.0, candidate.years / weights.seniority_full_years)
    here = min(1.0, candidate.years_here / weights.seniority_full_years_here)
    return weights.seniority * (in_trade + here) / 2


def price(minor: int, terms: Terms, weights: Weights) -> float:
    """A guess that would be wrong: it decides little. Above the limit a mentor does not appear at all."""
    return weights.price * saved(minor, terms)


def saved(minor: int, terms: Terms) -> float:
    """Which part of the learner's limit this price leaves."""
    most = terms.price_max.minor
    return 1 - minor / most if most else 1.0


def language(candidate: Candidate, terms: Terms, weights: Weights) -> float:
    """The first of the languages wished for counts most; without a wish everybody speaks it."""
    for rank, tag in enumerate(terms.spoken_languages):
        if tag in candidate.spoken_languages:
            return weights.language / (1 + rank)
    return 0.0 if terms.spoken_languages else weights.language


def is_new(candidate: Candidate, weights: Weights) -> bool:
    return candidate.record.sessions < weights.newcomer_sessions


def _levels(weights: Weights) -> dict[Level, Case]:
    return {
        "message": Case("message", weights.solved_message, weights.message_half_at),
        "code": Case("code", weights.solved_code, weights.code_half_at),
        "family": Case("family", weights.solved_family, weights.family_half_at),
        "about": Case("about", weights.solved_about, weights.about_half_at),
        "library": Case("library", weights.solved_library, weights.library_half_at),
    }
