"""What a diagnostic is remembered by: its message without the learner's own names, its kind, the library it names."""

from dataclasses import replace

import pytest

from cm_server.matching import facets, reasons, scoring
from cm_server.matching.candidate import Candidate, TrackRecord
from cm_server.matching.facets import Facets
from cm_server.matching.weights import DEFAULT
from cm_wire.asking import AskContext, Diagnostic, Excerpt, Library, Place, Span, Terms
from cm_wire.ids import PersonId
from cm_wire.money import Money

NOWHERE = Span(Place(0, 0), Place(0, 1))


def diagnostic(message: str, source: str = "mypy", code: str = "") -> Diagnostic:
    return Diagnostic(message=message, span=NOWHERE, source=source, code=code)


def asked(*diagnostics: Diagnostic, libraries: str = "", question: str = "") -> Facets:
    excerpt = Excerpt(path="a.py", language_id="python", text="", first_line=0, selection=NOWHERE)
    return facets.facets(
        AskContext(
            excerpt=excerpt,
            diagnostics=diagnostics,
            libraries=tuple(Library(name) for name in libraries.split()),
            question=question,
        )
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('"Row" has no attribute "name"', '"Order" has no attribute "total_price"'),
        ("no such file: /home/lea/a.py", "no such file: /srv/b.py"),
        ("expected 2 arguments, got 3", "expected 1 arguments,  got 4"),
        ("can't find 'load' here", "can't find 'rows' here"),
    ],
)
def test_the_same_message_about_other_names_is_the_same_complaint(one: str, other: str) -> None:
    assert facets.complaint(diagnostic(one)) == facets.complaint(diagnostic(other))


def test_nothing_of_the_learners_own_is_in_a_key() -> None:
    keys = facets.complaint(
        diagnostic('"SecretPlan" has no attribute "launch"', code="attr-defined")
    )
    assert not any("secret" in key.lower() or "launch" in key for key in keys)


def test_which_library_is_meant_makes_another_complaint_where_the_file_uses_it() -> None:
    message = 'Cannot find module "{}"'
    one, other = (
        facets.complaint(diagnostic(message.format(name)), {"pandas", "numpy"})
        for name in ("pandas", "numpy")
    )
    assert one != other


def test_an_exception_is_a_kind_of_its_own_and_accuses_its_library() -> None:
    found = asked(diagnostic("sqlalchemy.exc.OperationalError: no such table: user", "pytest"))
    assert "raised:sqlalchemy.exc.OperationalError" in found.complaints
    assert "about:sqlalchemy" in found.complaints
    assert dict(found.skills)["sqlalchemy"] == facets.ACCUSED_WEIGHT


def test_plain_words_of_a_question_are_no_wish_for_a_tool() -> None:
    words = asked(question="Where does it go next? I need nginx and C#").words
    assert "go" not in words
    assert {"nginx", "c#"} <= words


def test_the_reasons_are_said_in_words() -> None:
    found = asked(
        diagnostic('"Row" has no attribute "x"', code="attr-defined"), libraries="sqlalchemy"
    )
    one = Candidate(
        person=PersonId("per_1"),
        name="Mo",
        price_per_quarter=Money(1_000, "USD"),
        skills={"python": 5},
        years_here=3,
        record=TrackRecord(
            offers=9, offers_answered=9, answer_ms_recent=(6_000,) * 9, sessions=9,
            sessions_judged=9, sessions_solved=8, stars=44, ratings=9,
        ),
        solved={found.complaints[0]: 4},
    )  # fmt: skip
    terms = Terms(cap_minutes=30, price_max=Money(1_200, "USD"))
    ask = scoring.asked(found, DEFAULT)
    assert reasons.reasons(one, ask, terms, DEFAULT) == (
        "solved this mypy attr-defined error 4 times",
        "knows python (expert)",
        "3 years here",
        "answers in 6 s",
    )
    slow = replace(one.record, answer_ms_recent=(40_000,) * 9, stars=20)
    against = reasons.reasons(replace(one, record=slow), ask, terms, DEFAULT)
    assert not any(words.startswith(("answers", "rated")) for words in against)


@pytest.mark.parametrize(
    ("source", "code", "family", "said"),
    [
        ("Ruff", "PD901", "ruff:PD*", "solved ruff PD errors twice"),
        ("eslint", "react-hooks/exhaustive-deps", "eslint:react-hooks*", "eslint react-hooks"),
        ("mypy", "attr-defined", "mypy:*", "mypy errors"),
        ("rustc", "E0502", "rustc:E*", "rustc E errors"),
    ],
)
def test_a_code_belongs_to_a_family(source: str, code: str, family: str, said: str) -> None:
    found = asked(diagnostic("x", source, code))
    assert family in found.complaints
    assert facets.level(family) == "family"
    assert said.removeprefix("solved ").removesuffix(" twice") in facets.spoken(family)


def test_the_levels_of_a_solved_ask_each_count_once() -> None:
    found = asked(
        diagnostic("pandas is not what you think", code="PD901"), libraries="pandas numpy"
    )
    levels = [facets.level(key) for key in found.complaints]
    assert levels == ["message", "code", "family", "about", "library", "library"]
    solved = dict.fromkeys(found.complaints, 10**6)
    one = Candidate(PersonId("per_1"), "Mo", Money(1_000, "USD"), {}, solved=solved)
    parts = (
        DEFAULT.solved_message + DEFAULT.solved_code + DEFAULT.solved_family
        + DEFAULT.solved_about + DEFAULT.solved_library
    )  # fmt: skip
    worth = scoring.solved_before(one, scoring.asked(found, DEFAULT))
    assert worth == pytest.approx(parts, abs=1e-4)


def test_the_language_is_not_accused_by_its_name_in_a_message() -> None:
    found = asked(diagnostic("Python 3.13 has no such module", code="E1"))
    assert dict(found.skills)["python"] == facets.LANGUAGE_WEIGHT
