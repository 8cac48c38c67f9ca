"""Mentors and asks as Hypothesis draws them: few skills, prices and complaints, so that they meet often."""

from hypothesis import strategies as st

from cm_server.matching.candidate import Candidate, TrackRecord
from cm_server.matching.facets import Facets, complaint
from cm_wire.asking import Diagnostic, Place, Span, Terms
from cm_wire.ids import PersonId
from cm_wire.money import Money

SKILLS = ("python", "sqlalchemy", "pandas", "typescript", "react", "rust")
NOWHERE = Span(Place(0, 0), Place(0, 1))
DIAGNOSTICS = tuple(
    Diagnostic(message=message, span=NOWHERE, source=source, code=code)
    for source, code, message in (
        ("mypy", "attr-defined", '"Row" has no attribute "name"'),
        ("mypy", "attr-defined", 'Module "x" does not explicitly export attribute "y"'),
        ("pytest", "", "sqlalchemy.exc.OperationalError: no such table: user"),
        ("", "", "It does not compile"),
    )
)
COMPLAINTS = (
    *dict.fromkeys(key for one in DIAGNOSTICS for key in complaint(one)),
    "about:pandas",
    "with:pandas",
    "with:react",
)


@st.composite
def records(draw: st.DrawFn) -> TrackRecord:
    offers = draw(st.integers(0, 40))
    answered = draw(st.integers(0, offers))
    sessions = draw(st.integers(0, 30))
    judged = draw(st.integers(0, sessions))
    ratings = draw(st.integers(0, sessions))
    return TrackRecord(
        offers=offers,
        offers_answered=answered,
        answer_ms_recent=tuple(draw(st.lists(st.integers(0, 16_000), max_size=min(3, answered)))),
        sessions=sessions,
        sessions_judged=judged,
        sessions_solved=draw(st.integers(0, judged)),
        stars=draw(st.integers(ratings, 5 * ratings)),
        ratings=ratings,
    )


@st.composite
def candidates(draw: st.DrawFn, number: int = 0) -> Candidate:
    return Candidate(
        person=PersonId(f"per_{number:03}"),
        name=f"Mentor {number}",
        price_per_quarter=Money(draw(st.integers(0, 4_000)), draw(st.sampled_from(("USD", "EUR")))),
        skills=draw(st.dictionaries(st.sampled_from(SKILLS), st.integers(1, 5), max_size=4)),
        spoken_languages=draw(st.sampled_from((("en",), ("de",), ("en", "de"), ("fr", "en")))),
        years=draw(st.integers(0, 20)),
        years_here=draw(st.integers(0, 6)),
        record=draw(records()),
        solved=draw(st.dictionaries(st.sampled_from(COMPLAINTS), st.integers(1, 300), max_size=3)),
    )


@st.composite
def rosters(draw: st.DrawFn, most: int = 14) -> list[Candidate]:
    return [draw(candidates(number)) for number in range(draw(st.integers(0, most)))]


@st.composite
def asks(draw: st.DrawFn) -> Facets:
    weights = st.sampled_from((1.0, 2.0, 3.0))
    skills = draw(st.dictionaries(st.sampled_from(SKILLS), weights, max_size=3))
    return Facets(
        skills=tuple(skills.items()),
        complaints=tuple(sorted(draw(st.sets(st.sampled_from(COMPLAINTS), max_size=4)))),
        words=frozenset(draw(st.sets(st.sampled_from((*SKILLS, "hello")), max_size=2))),
    )


@st.composite
def terms(draw: st.DrawFn) -> Terms:
    return Terms(
        cap_minutes=30,
        price_max=Money(draw(st.integers(1, 4_000)), draw(st.sampled_from(("USD", "EUR")))),
        spoken_languages=tuple(
            draw(st.lists(st.sampled_from(("en", "de", "fr")), max_size=2, unique=True))
        ),
    )
