"""What may stand in an account: each check returns the value as it will be kept, or refuses and names the field."""

import re
import unicodedata
import zoneinfo
from collections.abc import Iterable
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
USUAL_LEVEL: Final = 3
HOURS_CHARACTERS_MAX: Final = 200

# What HTML's own e-mail field takes before the @; quoted local parts exist and nobody has one.
_LOCAL_PART: Final = re.compile(r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}")
_DOMAIN: Final = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9-]{1,63}")
_SKILL: Final = re.compile(r"[a-z0-9][a-z0-9+#._ -]{0,38}[a-z0-9+#]|[a-z0-9]")
_NUMBER: Final = re.compile(r"[0-9]{1,4}")
_DAY: Final = "(?:mon|tue|wed|thu|fri|sat|sun)"
_TIME: Final = "(?:[01][0-9]|2[0-3]):[0-5][0-9]"
_SPAN: Final = re.compile(rf"{_DAY}(?:-{_DAY})? {_TIME}-{_TIME}")
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
    try:
        return checked_amount(money.parse(text, currency), currency)
    except ValueError as error:
        raise faults.refusal("bad-value", f"{error}.", field="price") from None


def checked_amount(price: Money, currency: str) -> Money:
    """A price per 15 minutes in the currency of this server."""
    if price.currency != currency:
        raise faults.refusal("bad-value", f"Prices here are in {currency}.", field="price")
    lowest, highest = money.quarter_prices(currency)
    if price.minor != 0 and not lowest <= price <= highest:
        raise faults.refusal(
            "bad-value",
            f"A price per 15 minutes is 0, or from {lowest} to {highest}.",
            field="price",
            limit=lowest.minor if price < lowest else highest.minor,
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
    """`python:5:8,asyncio` is Python at level 5 for 8 years, and asyncio at the usual level; twice named, the last counts."""
    named: list[Skill] = []
    for part in text.split(","):
        name, *numbers = part.strip().split(":")
        level, years = [*numbers, "", ""][:2]
        if len(numbers) > 2 or not all(_NUMBER.fullmatch(number) for number in numbers):
            raise _bad_skills(f"{faults.shortened(part.strip())!r} is no name:level:years.")
        named.append(Skill(name, int(level or USUAL_LEVEL), int(years or 0)))
    return checked_skill_list(named)


def checked_skill_list(named: Iterable[Skill]) -> tuple[Skill, ...]:
    """Names in lower case, each once: the last counts."""
    skills: dict[str, Skill] = {}
    for one in named:
        name = one.name.strip().lower()
        if not _SKILL.fullmatch(name):
            raise _bad_skills(f"{faults.shortened(one.name)!r} is not the name of a skill.")
        if not 1 <= one.level <= LEVEL_MAX:
            raise _bad_skills(
                f"The level of {name} must be 1 to {LEVEL_MAX}.", LEVEL_MAX, one.level
            )
        if not 0 <= one.years <= YEARS_MAX:
            raise _bad_skills(
                f"The years of {name} must be 0 to {YEARS_MAX}.", YEARS_MAX, one.years
            )
        skills[name] = Skill(name, one.level, one.years)
    if not skills:
        raise _bad_skills("A mentor has at least one skill.")
    if len(skills) > SKILLS_MAX:
        raise _bad_skills(
            f"{len(skills)} skills are more than {SKILLS_MAX}.", SKILLS_MAX, len(skills)
        )
    return tuple(skills.values())


def checked_languages(text: str) -> tuple[str, ...]:
    """Tags such as `en,de`, each once."""
    return checked_tags(text.split(","))


def checked_tags(named: Iterable[str]) -> tuple[str, ...]:
    tags = tuple(dict.fromkeys(part.strip().lower() for part in named))
    for tag in tags or ("",):
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


def checked_hours(text: str) -> str:
    """`mon-fri 09:00-17:30, sat 10:00-12:00`, in the mentor's own time zone; empty says nothing of when."""
    hours = " ".join(text.lower().split())
    spans = [span.strip() for span in hours.split(",")] if hours else []
    if len(hours) > HOURS_CHARACTERS_MAX or not all(_SPAN.fullmatch(span) for span in spans):
        raise faults.refusal(
            "bad-value",
            f"{faults.shortened(text)!r} are no hours; they have at most {HOURS_CHARACTERS_MAX} characters.",
            "Write them like mon-fri 09:00-17:30, sat 10:00-12:00.",
            field="hours",
            limit=HOURS_CHARACTERS_MAX,
            got=len(hours),
        )
    return ", ".join(spans)


def checked_time_zone(text: str) -> str:
    """A name of the IANA's list."""
    try:
        zoneinfo.ZoneInfo(text)
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        raise faults.refusal(
            "bad-value",
            f"{faults.shortened(text)!r} is not a time zone.",
            "Write it like Europe/Berlin.",
            field="time_zone",
        ) from None
    return text


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


def _bad_skills(message: str, limit: int | None = None, got: int | None = None) -> faults.Refused:
    do = "Write them like python:5,asyncio."
    return faults.refusal("bad-value", message, do, field="skills", limit=limit, got=got)
