"""What may stand in an account: each check returns the value as it will be kept, or refuses and names the field."""

import re
import unicodedata
from typing import Final

from cm_server.people.person import Skill
from cm_wire import faults, limits, money, printable
from cm_wire.money import CURRENCIES, Money

EMAIL_CHARACTERS_MAX: Final = 254
SKILLS_MAX: Final = 50
SPOKEN_LANGUAGES_MAX: Final = 10
HEADLINE_CHARACTERS_MAX: Final = 120
YEARS_MAX: Final = 70
LEVEL_MAX: Final = 5

# What HTML's own e-mail field takes before the @; quoted local parts exist and nobody has one.
_LOCAL_PART: Final = re.compile(r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}")
_DOMAIN: Final = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9-]{1,63}")
_SKILL: Final = re.compile(r"[a-z0-9][a-z0-9+#._ -]{0,38}[a-z0-9+#]|[a-z0-9]")
_LANGUAGE: Final = re.compile(r"[a-z]{2,3}")


def checked_email(text: str) -> str:
    """Lower case, an international domain in its ASCII form."""
    local, at, domain = text.strip(" ").lower().partition("@")
    try:
        ascii_domain = domain.encode("idna").decode() if domain else ""
    except UnicodeError:
        ascii_domain = ""
    email = f"{local}@{ascii_domain}"
    well_formed = at and _LOCAL_PART.fullmatch(local) and _DOMAIN.fullmatch(ascii_domain)
    if not well_formed or len(email) > EMAIL_CHARACTERS_MAX:
        raise faults.refusal(
            "bad-value",
            f"{faults.shortened(text)!r} is not an e-mail address.",
            "Write it like ada@example.org.",
            field="email",
        )
    return email


def checked_name(text: str) -> str:
    """Composed, and free of what cannot be seen: names are drawn in other people's editors."""
    name = unicodedata.normalize("NFKC", text).strip()
    if not name or len(name) > limits.NAME_CHARACTERS_MAX:
        raise faults.refusal(
            "bad-value",
            f"A name has 1 to {limits.NAME_CHARACTERS_MAX} characters.",
            field="name",
            limit=limits.NAME_CHARACTERS_MAX,
            got=len(name),
        )
    if printable.display_name(name, limits.NAME_CHARACTERS_MAX) != name or not name.isprintable():
        raise faults.refusal(
            "bad-value",
            f"The name {faults.shortened(name)!r} has characters that cannot be seen, or too many marks on one.",
            field="name",
        )
    return name


def checked_price(text: str, currency: str) -> Money:
    """A price per 15 minutes as a person types it; free is a price too."""
    lowest, highest = limits.PRICE_MINOR_PER_QUARTER_MIN, limits.PRICE_MINOR_PER_QUARTER_MAX
    try:
        price = money.parse(text, currency)
    except ValueError as error:
        raise faults.refusal("bad-value", f"{error}.", field="price") from None
    if price.minor != 0 and not lowest <= price.minor <= highest:
        raise faults.refusal(
            "bad-value",
            f"A price per 15 minutes is 0, or from {Money(lowest, currency)} to {Money(highest, currency)}.",
            field="price",
            limit=lowest if price.minor < lowest else highest,
            got=price.minor,
        )
    if price.minor % CURRENCIES[currency].charge_step:
        raise faults.refusal(
            "bad-value",
            f"Prices in {currency} are whole multiples of {Money(CURRENCIES[currency].charge_step, currency)}.",
            field="price",
        )
    return price


def checked_skills(text: str) -> tuple[Skill, ...]:
    """`python:5,asyncio` is Python at level 5 and asyncio at the usual one; twice named, the last counts."""
    skills: dict[str, Skill] = {}
    for part in text.split(","):
        name, colon, level = part.strip().lower().partition(":")
        if not _SKILL.fullmatch(name):
            raise _bad_skills(f"{faults.shortened(part.strip())!r} is not the name of a skill.")
        if colon and not (level.isascii() and level.isdigit() and 1 <= int(level[:2]) <= LEVEL_MAX):
            raise _bad_skills(f"The level of {name} must be 1 to {LEVEL_MAX}.")
        skills[name] = Skill(name, int(level)) if colon else Skill(name)
    if len(skills) > SKILLS_MAX:
        raise _bad_skills(f"{len(skills)} skills are more than {SKILLS_MAX}.")
    return tuple(skills.values())


def checked_languages(text: str) -> tuple[str, ...]:
    """Tags such as `en,de`, each once."""
    tags = tuple(dict.fromkeys(part.strip().lower() for part in text.split(",")))
    for tag in tags:
        if not _LANGUAGE.fullmatch(tag):
            raise faults.refusal(
                "bad-value",
                f"{faults.shortened(tag)!r} is not a language tag.",
                "Write them like en,de,pt.",
                field="languages",
            )
    if len(tags) > SPOKEN_LANGUAGES_MAX:
        raise faults.refusal(
            "bad-value",
            f"At most {SPOKEN_LANGUAGES_MAX} languages.",
            field="languages",
            limit=SPOKEN_LANGUAGES_MAX,
            got=len(tags),
        )
    return tags


def checked_headline(text: str) -> str:
    headline = printable.line(unicodedata.normalize("NFC", text).strip())
    if len(headline) > HEADLINE_CHARACTERS_MAX:
        raise faults.refusal(
            "bad-value",
            f"A headline has at most {HEADLINE_CHARACTERS_MAX} characters.",
            field="headline",
            limit=HEADLINE_CHARACTERS_MAX,
            got=len(headline),
        )
    return headline


def checked_years(years: int) -> int:
    if not 0 <= years <= YEARS_MAX:
        raise faults.refusal(
            "bad-value",
            f"Years of experience are 0 to {YEARS_MAX}.",
            field="years",
            limit=YEARS_MAX,
            got=years,
        )
    return years


def _bad_skills(message: str) -> faults.Refused:
    return faults.refusal("bad-value", message, "Write them like python,asyncio.", field="skills")
