"""What a learner can do when nobody is there: sentences, each of which would really help. Pure."""

from collections.abc import Sequence

import msgspec

from cm_server.matching import ranking
from cm_server.matching.candidate import Candidate
from cm_server.matching.facets import Facets
from cm_wire.asking import Terms
from cm_wire.ids import PersonId

WAIT = "Leave the ask open: it rings the first mentor who fits and comes online, and you are told. Nothing is held on your card meanwhile."


def why_nobody(
    online: Sequence[Candidate], facets: Facets, terms: Terms, wanted: PersonId | None
) -> tuple[str, tuple[str, ...]]:
    """The reason in one sentence, and the ways out, the likeliest to help first."""
    if wanted:
        return (
            "The mentor you chose cannot be asked now.",
            ("Ask whoever is fastest instead, or choose another.", WAIT),
        )
    fitting = [one for one in online if ranking.fits(one, facets)]
    if any(ranking.meets(one, terms) for one in fitting):
        return "Every mentor who fits is busy or has said no.", (WAIT,)
    if not fitting:
        return "No mentor who knows this is online now.", (WAIT,)
    return _beyond_terms(fitting, terms)


def _beyond_terms(fitting: Sequence[Candidate], terms: Terms) -> tuple[str, tuple[str, ...]]:
    """Somebody fits but for what the learner asked for."""
    ways: list[str] = []
    any_language = msgspec.structs.replace(terms, spoken_languages=())
    prices = [
        one.price_per_quarter
        for one in fitting
        if one.price_per_quarter.currency == terms.price_max.currency
        and terms.price_max < one.price_per_quarter
    ]
    if prices:
        dearest_needed = min(prices, key=lambda price: price.minor)
        ways.append(f"Raise your limit to {dearest_needed} per 15 minutes.")
    if any(ranking.meets(one, any_language) for one in fitting):
        ways.append("Ask without a wish for the spoken language.")
    ways.append(WAIT)
    language = " and speaks your language" if terms.spoken_languages else ""
    why = f"No mentor who fits is online for {terms.price_max} per 15 minutes or less{language}."
    return why, tuple(ways)
