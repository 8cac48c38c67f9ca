"""What a learner can do when nobody is there: sentences, each of which would really help, and what they stand on. Pure."""

from dataclasses import dataclass

from cm_server.matching.columns import Reach
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


def why_nobody(reach: Reach, terms: Terms, wanted: PersonId | None) -> WaysOut:
    if wanted:
        return WaysOut(
            "The mentor you chose cannot be asked now.",
            ("Ask whoever is fastest instead, or choose another.", WAIT, TELL),
        )
    if reach.someone_meets:
        return WaysOut("Every mentor who fits is busy or has said no.", (WAIT, TELL))
    if not reach.someone_fits:
        return WaysOut("No mentor who knows this is online now.", (WAIT, TELL))
    return _beyond_terms(reach, terms)


def _beyond_terms(reach: Reach, terms: Terms) -> WaysOut:
    """Somebody fits but for what the learner asked for."""
    ways: list[str] = []
    raise_to = None
    if reach.least_price_minor is not None:
        raise_to = Money(reach.least_price_minor, terms.price_max.currency)
        ways.append(f"Raise your limit to {raise_to} per 15 minutes.")
    if reach.someone_affordable:
        ways.append("Ask without a wish for the spoken language.")
    language = " and speaks your language" if terms.spoken_languages else ""
    why = f"No mentor who fits is online for {terms.price_max} per 15 minutes or less{language}."
    return WaysOut(why, (*ways, WAIT, TELL), raise_to)
