"""Orders mentors for an ask and says why. Pure: values in, values out, the same for the same.

Does not own who is online (`roster`) nor who is free (`offers`), nor the numbers (`scoring`) and words (`reasons`).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from cm_server.matching import reasons, scoring
from cm_server.matching.candidate import Candidate
from cm_server.matching.facets import Facets
from cm_server.matching.scoring import Asked
from cm_server.matching.weights import DEFAULT, Weights
from cm_wire.asking import Terms
from cm_wire.ids import PersonId


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


def rank(
    candidates: Iterable[Candidate], facets: Facets, terms: Terms, weights: Weights = DEFAULT
) -> list[Ranked]:
    """Those who fit and whose terms meet the learner's, the best first; equals in the order of their ids."""
    ask = scoring.asked(facets, weights)
    ranked = [
        explained(candidate, ask, terms, weights)
        for candidate in candidates
        if meets(candidate, terms) and fits(candidate, facets)
    ]
    ranked.sort(key=lambda one: (-one.score, one.mentor))
    return ranked


def explained(candidate: Candidate, ask: Asked, terms: Terms, weights: Weights) -> Ranked:
    return Ranked(
        candidate=candidate,
        score=scoring.score(candidate, ask, terms, weights),
        reasons=reasons.reasons(candidate, ask, terms, weights),
        answer_ms=expected_answer_ms(candidate, weights),
    )


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
        or any(name in facets.words for name in candidate.skills)
    )


def expected_answer_ms(candidate: Candidate, weights: Weights = DEFAULT) -> int:
    return round(scoring.answer_ms(candidate, weights))
