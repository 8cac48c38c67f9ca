import pytest

from cm_server.people import rules
from cm_server.people.person import Skill
from cm_wire.faults import Refused
from cm_wire.money import Money


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("ada@example.org", "ada@example.org"),
        (" Ada@Example.ORG ", "ada@example.org"),
        ("ada+editor@sub.example.org", "ada+editor@sub.example.org"),
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
        ("ada@localhost", "ada@localhost"),
    ],
)
def test_an_address_is_kept_in_one_form(text: str, kept: str) -> None:
    assert rules.checked_email(text) == kept


@pytest.mark.parametrize(
    "text",
    [
        "", "ada", "@example.org", "ada@", "a@b@example.org", "ada@example.org\r\nBcc: x@y.z", "ada @example.org",
        "ada@exa mple.org", "ada@-example.org", "ada@example..org", "ada@.org", "a\0da@example.org", "a" * 65 + "@example.org",
        "ada@" + "a." * 130 + "org", "ádá@example.org",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(Refused) as refused:
        rules.checked_email(text)
    assert refused.value.fault.field == "email"
    assert len(refused.value.fault.message) < 120


@pytest.mark.parametrize("name", ["Ada", "Жанна д'Арк", "山田 太郎", "O'Neill-Smith", "x" * 40])
def test_names_of_the_world_are_kept(name: str) -> None:
    assert rules.checked_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "   ",
        "x" * 41,
        "a\x1b[31mb",
        "a\u202eb",
        "a\u200bb",
        "a\nb",
        "a\0b",
        "a" + "\u0301" * 12,
    ],
)
def test_a_name_that_draws_what_is_not_there_is_refused(name: str) -> None:
    with pytest.raises(Refused) as refused:
        rules.checked_name(name)
    assert refused.value.fault.field == "name"


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [("10", "USD", 1000), ("10.00", "USD", 1000), ("0", "USD", 0), ("1.5", "EUR", 150), ("500", "JPY", 500)],
)  # fmt: skip
def test_a_price_is_read_as_a_person_types_it(text: str, currency: str, minor: int) -> None:
    assert rules.checked_price(text, currency) == Money(minor, currency)


@pytest.mark.parametrize(
    ("text", "currency"),
    [
        ("10,00", "USD"), ("-1", "USD"), ("1e3", "USD"), ("10.005", "USD"), ("", "USD"), ("0.99", "USD"), ("500.01", "USD"),
        ("99999999999", "USD"), ("10.5", "JPY"), ("١٠", "USD"), (" 10", "USD"), ("nan", "USD"), ("100.50", "ISK"),
    ],
)  # fmt: skip
def test_what_is_no_price_is_refused_with_an_example_or_the_range(text: str, currency: str) -> None:
    with pytest.raises(Refused) as refused:
        rules.checked_price(text, currency)
    assert refused.value.fault.field == "price"


def test_skills_are_lower_case_with_a_level_each_once() -> None:
    assert rules.checked_skills("Python:5, asyncio,c++, python:4:9") == (
        Skill("python", 4, 9),
        Skill("asyncio", 3),
        Skill("c++", 3),
    )


@pytest.mark.parametrize(
    "text",
    ["", ",", "python,,go", "python:0", "python:6", "python:", "python:x", "python:3:", "python:3:99", "python:3:4:5", "py\tthon", "-x", "x" * 41,
     ",".join(f"s{n}" for n in range(51))],
)  # fmt: skip
def test_what_is_no_list_of_skills_is_refused(text: str) -> None:
    with pytest.raises(Refused) as refused:
        rules.checked_skills(text)
    assert refused.value.fault.field == "skills"


def test_languages_are_tags_each_once() -> None:
    assert rules.checked_languages("en, DE,en") == ("en", "de")


@pytest.mark.parametrize("text", ["", "english", "e", "en_GB", ",".join("abcdefghijk")])
def test_what_is_no_list_of_languages_is_refused(text: str) -> None:
    with pytest.raises(Refused):
        rules.checked_languages(text)


@pytest.mark.parametrize("years", [-1, 71])
def test_years_beyond_a_working_life_are_refused(years: int) -> None:
    with pytest.raises(Refused):
        rules.checked_years(years)
