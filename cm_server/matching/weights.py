"""The numbers of the ranking, all in one place. Each part of a score lies between 0 and its weight; together they are 1.

Where they come from: the diagnostic itself first (nobody else has it), then what the mentor knows, then how soon they
answer, because a stuck developer's clock runs. `bench/ranking_quality.py` says what a change does to the order.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Weights:
    """The first nine are the parts of a score."""

    solved_before: float = 0.26
    skills: float = 0.26
    responsiveness: float = 0.16
    level: float = 0.08
    rating: float = 0.08
    solved_rate: float = 0.06
    seniority: float = 0.04
    price: float = 0.04
    language: float = 0.02

    solved_half_at: float = 2.0
    """So many solved cases are worth half of the weight."""
    solved_alike: float = 0.5
    """What a solved case of the same code counts when its message was another."""
    solved_about: float = 0.2
    """What a solved case of another complaint counts when it was about the same library."""
    rating_prior: float = 4.2
    rating_prior_count: float = 5.0
    """A mentor starts as if so many learners had given this many stars."""
    solved_rate_prior: float = 0.7
    solved_rate_prior_count: float = 5.0
    answer_prior_rate: float = 0.7
    answer_prior_ms: float = 9_000.0
    answer_prior_count: float = 4.0
    answer_half_at_ms: float = 10_000.0
    """Who answers after so long gets half of what an instant answer would."""
    seniority_full_years: float = 8.0
    seniority_full_years_here: float = 4.0
    word_weight: float = 0.5
    """A word of the question that is one of the mentor's skills, where a library counts 1."""
    newcomer_sessions: int = 5
    newcomer_share: float = 0.2
    """In so many of the searches the first wave keeps its last place for a newcomer who fits."""
    newcomer_choice: int = 10
    """Among so many of the best newcomers the place is drawn, so that not the same one has it every time."""


DEFAULT = Weights()
