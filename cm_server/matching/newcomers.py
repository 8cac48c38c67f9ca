"""A chance for those nobody has measured yet: a stated share of the searches rings one of them in its first wave. Pure.

Without it who is new stays new: the ranking prefers the proven. A guess that would be wrong: it is the last place of the
first wave that is given away, so the best two are rung all the same and the learner loses at most the third.
"""

import random
from collections.abc import Sequence

from cm_server.matching import scoring
from cm_server.matching.ranking import Ranked
from cm_server.matching.weights import DEFAULT, Weights


def with_newcomer(
    ranked: Sequence[Ranked],
    newcomers: Sequence[Ranked],
    seats: int,
    chance: random.Random,
    weights: Weights = DEFAULT,
) -> list[Ranked]:
    """`ranked`, and in `newcomer_share` of the cases one of `newcomers` in the last of the first `seats`.

    Nothing changes where a newcomer has come that far by themselves. Which one is drawn follows their scores. `chance`
    is seeded by the search, so that asking again in the same search gives the same list.
    """
    explores = chance.random() < weights.newcomer_share
    first = ranked[:seats]
    free = len(ranked) > seats and not any(_is_new(one, weights) for one in first)
    choice = newcomers[: weights.newcomer_choice]
    if not (explores and free and choice):
        return list(ranked)
    (drawn,) = chance.choices(choice, [one.score for one in choice])
    others = [one for one in ranked if one.mentor != drawn.mentor]
    return [*others[: seats - 1], drawn, *others[seats - 1 :]]


def _is_new(one: Ranked, weights: Weights) -> bool:
    return scoring.is_new(one.candidate, weights)
