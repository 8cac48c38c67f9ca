"""What a learner can do when nobody is there: sentences, each of which would really help, and what they stand on. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from cm_server.matching import ranking
from cm_server.matching.candidate import Candidate
from cm_server.matching.facets import Facets
from cm_wire.asking import Terms
from cm_wire.ids import PersonId
from cm_wire.money import Money

WAIT = "Leave the ask open: it rings the first mentor who fits and comes online, and you are told. Nothing is held on your card meanwhile."
TELL = "Or be told when somebody who fits is there, and ask then."


@dataclass(frozen=True, slots=True)
class WaysOut:
    """The reason in one sentence, and the ways out, the likeliest to help first. `raise_to` is the limit that would do."""

    why: str
    ways: tuple[str, ...]
    raise_to: Money | None = None


def why_nobody(
    online: Sequence[Candidate], facets: Facets, terms: Terms, wanted: PersonId | None
) -> WaysOut:
    if wanted:
        return WaysOut(
            "The mentor you chose cannot be asked now.",
            ("Ask whoever is fastest instead, or choose another.", WAIT, TELL),
        )
    fitting = [one for one in online if ranking.fits(one, facets)]
    if any(ranking.meets(one, terms) for one in fitting):
        return WaysOut("Every mentor who fits is busy or has said no.", (WAIT, TELL))
    if not fitting:
        return WaysOut("No mentor who knows this is online now.", (WAIT, TELL))
    return _beyond_terms(fitting, terms)


def _beyond_terms(fitting: Sequence[Candidate], terms: Terms) -> WaysOut:
    """Somebody fits but for what the learner asked for."""
    ways: list[str] = []
    any_language = msgspec.structs.replace(terms, spoken_languages=())
    raise_to = _limit_that_would_do(fitting, terms)
    if raise_to is not None:
        ways.append(f"Raise your limit to {raise_to} per 15 minutes.")
    if any(ranking.meets(one, any_language) for one in fitting):
        ways.append("Ask without a wish for the spoken language.")
    language = " and speaks your language" if terms.spoken_languages else ""
    why = f"No mentor who fits is online for {terms.price_max} per 15 minutes or less{language}."
    return WaysOut(why, (*ways, WAIT, TELL), raise_to)


def _limit_that_would_do(fitting: Sequence[Candidate], terms: Terms) -> Money | None:
    """The price of the cheapest who meets everything else."""
    prices = [
        one.price_per_quarter
        for one in fitting
        if one.price_per_quarter.currency == terms.price_max.currency
        and ranking.meets(one, msgspec.structs.replace(terms, price_max=one.price_per_quarter))
    ]
    return min(prices, key=lambda price: price.minor, default=None)
