"""The numbers of the ranking, all in one place. Each part of a score lies between 0 and its weight; together they are 1.

Where they come from: the diagnostic itself first (nobody else has it), then what the mentor knows, then how soon they
answer, because a stuck developer's clock runs. They were chosen on one part of the labelled sets of
`bench/ranking_quality.py` and are measured on another; near these values the order hardly changes.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Weights:
    """Those before the first `half_at` are the parts of a score."""

    solved_message: float = 0.12
    solved_code: float = 0.03
    solved_family: float = 0.14
    solved_about: float = 0.15
    solved_library: float = 0.03
    skills: float = 0.05
    level: float = 0.17
    responsiveness: float = 0.08
    solved_rate: float = 0.07
    rating: float = 0.06
    seniority: float = 0.04
    price: float = 0.04
    language: float = 0.02

    message_half_at: float = 1.0
    """So many solved asks of a level are worth half of its weight."""
    code_half_at: float = 2.0
    family_half_at: float = 8.0
    about_half_at: float = 6.0
    library_half_at: float = 6.0
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
