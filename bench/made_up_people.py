"""A made-up market with real diagnostics: who would solve what is known, because it was made up. Not a benchmark itself.

*Real* are the diagnostics: the rule catalogue of the installed ruff, mypy's error codes, the exceptions of SQLAlchemy and
psycopg and Python's own; their names, codes and messages. *Made up* are the people. Each has a hidden ability in each topic
and a hidden familiarity with single rules. From these follow, with noise, what can be seen: the skills they claim (some
overstate, some leave out), the sessions they had, whether those were solved, stars, answer times. An ask is one diagnostic.

*The label* of a mentor for an ask is the hidden chance that they solve it: 3 from 0.75, 2 from 0.55, 1 from 0.35, else 0.
No weight or alias of the ranker is used in making any of it, and the ranker sees nothing hidden. A third of the asked
rules never occurred in the history. One author made both this and the ranking: a level by which it wins says little, the
order of the ways some more.
"""

import builtins
import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import psycopg.errors
import sqlalchemy.exc
from mypy import errorcodes

from bench.labelled import Labelled, Question
from cm_server.matching import facets as ask_facets
from cm_server.matching.candidate import Candidate, TrackRecord
from cm_wire.asking import AskContext, Diagnostic, Excerpt, Library, Place, Span
from cm_wire.ids import PersonId
from cm_wire.money import Money

TOPIC_OF_LINTER = {
    "Airflow": "airflow", "FastAPI": "fastapi", "NumPy-specific rules": "numpy", "pandas-vet": "pandas",
    "flake8-django": "django", "flake8-pytest-style": "pytest", "flake8-async": "asyncio",
    "flake8-bandit": "security", "flake8-logging": "logging", "flake8-logging-format": "logging",
    "flake8-datetimez": "datetime", "flake8-use-pathlib": "pathlib", "flake8-gettext": "gettext",
    "pydocstyle": "docstrings", "pydoclint": "docstrings", "flake8-pyi": "typing",
    "flake8-annotations": "typing", "flake8-type-checking": "typing",
}  # fmt: skip
"""Which library or practice each of ruff's rule families is about; families about Python at large are `python`."""
MENTORS = 150
SESSIONS_PER_MENTOR = 40
LABELS = ((0.75, 3), (0.55, 2), (0.35, 1))
WINDOW_MS = 15_000
ANSWERS_VARY = (0.6, 1.6)
NOWHERE = Span(Place(0, 0), Place(0, 1))
PARTICULARS = (
    "total",
    "user_id",
    "load",
    "Order",
    "rows",
    "config",
    "fetch_all",
    "Session",
    "items",
)
SAME_PRICE = Money(1_000, "USD")


@dataclass(frozen=True)
class Rule:
    topic: str
    source: str
    code: str
    message: str

    @property
    def name(self) -> str:
        return f"{self.source} {self.code} {self.message}"


@dataclass
class Mentor:
    """What is hidden, and what can be seen of it."""

    person: PersonId
    ability: dict[str, float]
    familiar: dict[str, float]
    claimed: dict[str, int]
    solved: Counter[str] = field(default_factory=Counter)
    history: list[str] = field(default_factory=list)
    record: TrackRecord = field(default_factory=TrackRecord)
    answers: float = 0.0
    """Which share of offers they answer, and usually after how long."""
    typical_ms: float = 0.0

    @property
    def answers_in_time(self) -> float:
        """The hidden chance that an offer is answered within its window."""
        low, high = (self.typical_ms * factor for factor in ANSWERS_VARY)
        return self.answers * min(1.0, max(0.0, (WINDOW_MS - low) / (high - low)))

    def chance_to_solve(self, rule: Rule) -> float:
        """A little of Python in general, mostly the topic, and having met the rule."""
        topic, general = self.ability.get(rule.topic, 0.0), self.ability["python"]
        known = 0.25 * general + 0.55 * topic + 0.35 * self.familiar.get(rule.name, 0.0)
        return min(0.97, known)


def made(asks: int, seed: int) -> Labelled:
    """The same for the same seed."""
    chance = random.Random(seed)
    rules = list(catalogue())
    known = chance.sample(rules, len(rules) * 2 // 3)
    by_topic: dict[str, list[Rule]] = {topic: [] for topic in sorted({one.topic for one in rules})}
    for rule in known:
        by_topic[rule.topic].append(rule)
    mentors = [_mentor(number, by_topic, chance) for number in range(MENTORS)]
    for mentor in mentors:
        _live(mentor, by_topic, chance)
    return Labelled(
        name=f"made-up people, real diagnostics, seed {seed}",
        candidates=[_candidate(one) for one in mentors],
        texts={one.person: " ".join([*one.claimed, *one.history]) for one in mentors},
        questions=[_question(rule, mentors, chance) for rule in chance.choices(rules, k=asks)],
    )


def _candidate(one: Mentor) -> Candidate:
    return Candidate(
        person=one.person,
        name=one.person,
        price_per_quarter=SAME_PRICE,
        skills=one.claimed,
        record=one.record,
        solved=one.solved,
    )


def _question(rule: Rule, mentors: Sequence[Mentor], chance: random.Random) -> Question:
    context = _context(rule, chance)
    labels = {one.person: _label(one.chance_to_solve(rule)) for one in mentors}
    return Question(
        context=context,
        text=_text(context),
        labels=labels,
        labels_in_time={one.person: labels[one.person] * one.answers_in_time for one in mentors},
    )


def catalogue() -> Iterator[Rule]:
    ruff = Path(sys.executable).with_name("ruff")
    listed = subprocess.run(
        [ruff, "rule", "--all", "--output-format", "json"], capture_output=True, check=True
    )
    for rule in json.loads(listed.stdout):
        messages = rule["message_formats"] or [rule["summary"]]
        topic = TOPIC_OF_LINTER.get(rule["linter"], "python")
        yield Rule(topic, "ruff", rule["code"] or rule["name"], messages[0])
    for code in errorcodes.error_codes.values():
        yield Rule("typing", "mypy", code.code, code.description)
    for name, made in vars(sqlalchemy.exc).items():
        if name.endswith("Error") and made.__doc__:
            yield Rule("sqlalchemy", "pytest", "", f"sqlalchemy.exc.{name}: {_first(made.__doc__)}")
    for name, made in vars(psycopg.errors).items():
        if isinstance(made, type) and issubclass(made, psycopg.Error) and made.sqlstate:
            yield Rule("postgresql", "pytest", "", f"psycopg.errors.{name}: {made.sqlstate}")
    for name, made in vars(builtins).items():
        if name.endswith("Error"):
            yield Rule("python", "pytest", "", f"{name}: {_first(made.__doc__ or name)}")


def _first(text: str) -> str:
    return text.strip().partition("\n")[0]


def _mentor(number: int, by_topic: dict[str, list[Rule]], chance: random.Random) -> Mentor:
    specialities = chance.sample(sorted(by_topic), chance.randint(2, 5))
    ability = {topic: chance.betavariate(1.2, 5) for topic in by_topic}
    ability |= {topic: chance.betavariate(4, 1.8) for topic in specialities}
    ability["python"] = chance.betavariate(4, 2)
    familiar = {
        rule.name: chance.betavariate(4, 2)
        for topic in specialities
        for rule in by_topic[topic]
        if chance.random() < 0.35
    }
    claimed: dict[str, int] = {}
    for topic, level in ability.items():
        boast = chance.gauss(0, 0.15)
        if (topic in specialities and chance.random() < 0.85) or chance.random() < 0.05:
            claimed[topic] = max(1, min(5, round(5 * (level + boast))))
    claimed.setdefault("python", max(1, min(5, round(5 * ability["python"]))))
    return Mentor(PersonId(f"per_{number:03}"), ability, familiar, claimed)


def _live(mentor: Mentor, by_topic: dict[str, list[Rule]], chance: random.Random) -> None:
    """The sessions they had: on what they know rather than on what they do not; newcomers had few."""
    topics = list(by_topic)
    sessions = min(200, int(chance.expovariate(1 / SESSIONS_PER_MENTOR)))
    solved = stars = 0
    for _ in range(sessions):
        topic = chance.choices(topics, [mentor.ability[one] ** 2 for one in topics])[0]
        met = by_topic[topic]
        if not met:
            continue
        rule = chance.choices(met, [1 + 9 * (rule.name in mentor.familiar) for rule in met])[0]
        did = chance.random() < mentor.chance_to_solve(rule)
        solved += did
        stars += max(1, min(5, round(chance.gauss(4.5 if did else 2.8, 0.7))))
        if did:
            context = _context(rule, chance)
            mentor.solved.update(ask_facets.facets(context).complaints)
            mentor.history.append(_text(context))
    offers = sessions * 2
    mentor.answers = chance.uniform(0.5, 0.95)
    mentor.typical_ms = chance.lognormvariate(8.9, 0.4)
    answered = round(offers * mentor.answers)
    mentor.record = TrackRecord(
        offers=offers,
        offers_answered=answered,
        answer_ms_recent=tuple(
            int(mentor.typical_ms * chance.uniform(*ANSWERS_VARY)) for _ in range(min(25, answered))
        ),
        sessions=sessions,
        sessions_judged=sessions,
        sessions_solved=solved,
        stars=stars,
        ratings=sessions,
    )


def _context(rule: Rule, chance: random.Random) -> AskContext:
    """As an editor would send it: the particulars filled in, the file's imports, one library beside the point."""
    message = rule.message
    while "{" in message and "}" in message.partition("{")[2]:
        head, _, rest = message.partition("{")
        message = head + chance.choice(PARTICULARS) + rest.partition("}")[2]
    imported = [] if rule.topic in ("python", "docstrings", "security") else [rule.topic]
    imported.append(
        chance.choice(("requests", "logging", "pathlib", "numpy", "pytest", "datetime"))
    )
    return AskContext(
        excerpt=Excerpt(
            path="app.py", language_id="python", text="", first_line=0, selection=NOWHERE
        ),
        diagnostics=(
            Diagnostic(message=message, span=NOWHERE, source=rule.source, code=rule.code),
        ),
        libraries=tuple(Library(name) for name in dict.fromkeys(imported)),
    )


def _text(context: AskContext) -> str:
    (diagnostic,) = context.diagnostics
    libraries = " ".join(library.name for library in context.libraries)
    return f"{diagnostic.source} {diagnostic.code} {diagnostic.message} {libraries}"


def _label(chance: float) -> int:
    return next((label for least, label in LABELS if chance >= least), 0)
