"""When money goes back without anybody deciding: the clear cases, as data.

Owns: these rules and the facts they look at. Does not own: moving money (`refunds`). The first rule that fits is the reason
the learner reads; when none fits an operator decides, with the log.
"""

from dataclasses import dataclass
from typing import Final

RECENT_DAYS: Final = 90


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """What is known of the session when its money is asked back; `recent_refunds` are the learner's earlier ones."""

    billed_seconds: int
    ended_why: str
    solved: bool | None
    mentor_away_ms: int
    restarts: int
    recent_refunds: int


@dataclass(frozen=True, slots=True)
class Rule:
    """Fits when every condition that is set holds."""

    name: str
    says: str
    billed_seconds_max: int | None = None
    recent_refunds_max: int | None = None
    mentor_away_ms_min: int | None = None
    restarts_min: int | None = None
    ended_why: str | None = None
    solved: bool | None = None

    def fits(self, facts: SessionFacts) -> bool:
        return (
            (self.billed_seconds_max is None or facts.billed_seconds <= self.billed_seconds_max)
            and (self.recent_refunds_max is None or facts.recent_refunds <= self.recent_refunds_max)
            and (self.mentor_away_ms_min is None or facts.mentor_away_ms >= self.mentor_away_ms_min)
            and (self.restarts_min is None or facts.restarts >= self.restarts_min)
            and (self.ended_why is None or facts.ended_why == self.ended_why)
            and (self.solved is None or facts.solved == self.solved)
        )


RULES: Final = (
    Rule(
        "short",
        "At most five minutes were billed.",
        billed_seconds_max=300,
        recent_refunds_max=2,
    ),
    Rule(
        "mentor-away",
        "The mentor was away for three minutes or more.",
        mentor_away_ms_min=180_000,
        recent_refunds_max=2,
    ),
    Rule("our-fault", "Our server failed during the session.", restarts_min=1),
    Rule(
        "unsolved",
        "The problem was not solved, and you have not asked for money back lately.",
        solved=False,
        billed_seconds_max=1_800,
        recent_refunds_max=0,
    ),
)


def clear_case(facts: SessionFacts) -> Rule | None:
    return next((rule for rule in RULES if rule.fits(facts)), None)
