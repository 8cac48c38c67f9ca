"""The numbers of the ranking, all in one place. Each part of a score lies between 0 and its weight; together they are 1.

Where they come from: the diagnostic itself first (nobody else has it), then what the mentor knows, then how soon they
answer, because a stuck developer's clock runs.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Weights:
    solved_before: float = 0.28
    skills: float = 0.26
    responsiveness: float = 0.16
    rating: float = 0.12
    level: float = 0.08
    seniority: float = 0.05
    price: float = 0.05

    solved_half_at: float = 2.0
    """So many solved cases are worth half of the weight."""
    rating_prior: float = 4.2
    rating_prior_count: float = 5.0
    """A mentor starts as if so many learners had given this many stars."""
    answer_prior_rate: float = 0.7
    answer_prior_ms: float = 9_000.0
    answer_prior_count: float = 4.0
    answer_half_at_ms: float = 10_000.0
    """Who answers after so long gets half of what an instant answer would."""
    seniority_full_years: float = 8.0
    word_weight: float = 0.5
    """A word of the question that is one of the mentor's skills."""
    newcomer_sessions: int = 5
    newcomer_share: float = 0.2
    """In so many of the searches the first wave keeps its last place for a newcomer who fits."""


DEFAULT = Weights()
