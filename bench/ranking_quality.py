"""How well the ranking finds who can solve this very diagnostic: nDCG@5 and MRR against simpler ways.

    python -m bench.ranking_quality [--asks 400] [--seed 1] [--limit 1.0]

There is no public set of asks with the mentors who solved them, so this one is made, and says only as much as it can.
*Real* are the diagnostics: the rule catalogue of the installed ruff, mypy's error codes, the exceptions of SQLAlchemy and
psycopg and Python's own; their names, codes and messages. *Made up* are the people. Each has a hidden ability in each topic
and a hidden familiarity with single rules. From these follow, with noise, what can be seen: the skills they claim (some
overstate, some leave out), the sessions they had, whether those were solved, stars, answer times. An ask is one diagnostic.

*The label* of a mentor for an ask is the hidden chance that they solve it: 3 from 0.75, 2 from 0.55, 1 from 0.35, else 0.
No weight or alias of the ranker is used in making any of it, and the ranker sees nothing hidden. A third of the asked
rules never occurred in the history. The label asks who can solve it, the ranking also who answers soon, so it is measured with that
part and without; it fails where it is without that part no better than each baseline by nDCG@5.
"""

import argparse
import builtins
import json
import math
import random
import sqlite3
import statistics
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import psycopg
import psycopg.errors
import sqlalchemy.exc
from mypy import errorcodes

from cm_server.matching import facets as ask_facets
from cm_server.matching import ranking
from cm_server.matching.candidate import Candidate, TrackRecord
from cm_server.matching.weights import DEFAULT
from cm_wire.asking import AskContext, Diagnostic, Excerpt, Library, Place, Span, Terms
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
AT = 5
FIT_ALONE = "… by fit alone"
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
TERMS = Terms(cap_minutes=30, price_max=Money(100_000, "USD"))
SAME_PRICE = Money(1_000, "USD")

Order = Callable[["Ask", "World"], list[PersonId]]


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

    def chance_to_solve(self, rule: Rule) -> float:
        """A little of Python in general, mostly the topic, and having met the rule."""
        topic, general = self.ability.get(rule.topic, 0.0), self.ability["python"]
        known = 0.25 * general + 0.55 * topic + 0.35 * self.familiar.get(rule.name, 0.0)
        return min(0.97, known)


@dataclass(frozen=True)
class Ask:
    rule: Rule
    context: AskContext


@dataclass(frozen=True)
class World:
    mentors: dict[PersonId, Mentor]
    candidates: list[Candidate]
    texts: sqlite3.Connection
    chance: random.Random


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--asks", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--limit", type=float, default=1.0, help="least ratio to the best baseline")
    chosen = parser.parse_args()
    chance = random.Random(chosen.seed)
    rules = list(catalogue())
    known = chance.sample(rules, len(rules) * 2 // 3)
    world = _world(known, sorted({rule.topic for rule in rules}), chance)
    asks = [_ask(rule, chance) for rule in chance.choices(rules, k=chosen.asks)]
    by_topic = Counter(rule.topic for rule in rules)
    print(
        f"{len(rules)} rules in {len(by_topic)} topics, {MENTORS} mentors,"
        f" {len(asks)} asks, seed {chosen.seed}"
    )
    scores = {name: _measure(order, asks, world) for name, order in ORDERS.items()}
    for name, (ndcg, mrr) in scores.items():
        print(f"  {name:28} nDCG@{AT} {ndcg:.3f}   MRR {mrr:.3f}")
    ours = scores[FIT_ALONE][0]
    best = max(ndcg for name, (ndcg, _) in scores.items() if name in BASELINES)
    print(f"  by fit alone it has {ours / best:.2f} times the nDCG@{AT} of the best baseline")
    return 0 if ours >= chosen.limit * best else 1


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


def _world(known: Sequence[Rule], topics: list[str], chance: random.Random) -> World:
    by_topic: dict[str, list[Rule]] = {topic: [] for topic in topics}
    for rule in known:
        by_topic[rule.topic].append(rule)
    mentors = [_mentor(number, by_topic, chance) for number in range(MENTORS)]
    for mentor in mentors:
        _live(mentor, by_topic, chance)
    texts = sqlite3.connect(":memory:")
    texts.execute(
        "CREATE VIRTUAL TABLE profile USING fts5(person UNINDEXED, words, tokenize=porter)"
    )
    texts.executemany(
        "INSERT INTO profile VALUES (?, ?)",
        [(one.person, " ".join([*one.claimed, *one.history])) for one in mentors],
    )
    candidates = [
        Candidate(
            person=one.person,
            name=one.person,
            price_per_quarter=SAME_PRICE,
            skills=one.claimed,
            record=one.record,
            solved=one.solved,
        )
        for one in mentors
    ]
    return World({one.person: one for one in mentors}, candidates, texts, chance)


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
            context = _ask(rule, chance).context
            mentor.solved.update(ask_facets.facets(context).complaints)
            mentor.history.append(_text(context))
    offers = sessions * 2
    answered = round(offers * chance.uniform(0.5, 0.95))
    typical_ms = chance.lognormvariate(8.9, 0.4)
    mentor.record = TrackRecord(
        offers=offers,
        offers_answered=answered,
        answer_ms_recent=tuple(
            int(typical_ms * chance.uniform(0.6, 1.6)) for _ in range(min(25, answered))
        ),
        sessions=sessions,
        sessions_judged=sessions,
        sessions_solved=solved,
        stars=stars,
        ratings=sessions,
    )


def _ask(rule: Rule, chance: random.Random) -> Ask:
    """As an editor would send it: the particulars filled in, the file's imports, one library beside the point."""
    message = rule.message
    while "{" in message and "}" in message.partition("{")[2]:
        head, _, rest = message.partition("{")
        message = head + chance.choice(PARTICULARS) + rest.partition("}")[2]
    imported = [] if rule.topic in ("python", "docstrings", "security") else [rule.topic]
    imported.append(
        chance.choice(("requests", "logging", "pathlib", "numpy", "pytest", "datetime"))
    )
    context = AskContext(
        excerpt=Excerpt(
            path="app.py", language_id="python", text="", first_line=0, selection=NOWHERE
        ),
        diagnostics=(
            Diagnostic(message=message, span=NOWHERE, source=rule.source, code=rule.code),
        ),
        libraries=tuple(Library(name) for name in dict.fromkeys(imported)),
    )
    return Ask(rule, context)


def _text(context: AskContext) -> str:
    (diagnostic,) = context.diagnostics
    libraries = " ".join(library.name for library in context.libraries)
    return f"{diagnostic.source} {diagnostic.code} {diagnostic.message} {libraries}"


def _measure(order: Order, asks: Sequence[Ask], world: World) -> tuple[float, float]:
    """The means of nDCG@5 and of one over the place of the first mentor with the best label there is."""
    gains, reciprocals = [], []
    for ask in asks:
        labels = {who: _label(one.chance_to_solve(ask.rule)) for who, one in world.mentors.items()}
        ideal = sorted(labels.values(), reverse=True)
        if not ideal[0]:
            continue
        found = [labels[person] for person in order(ask, world)]
        gains.append(_dcg(found) / _dcg(ideal))
        place = next((at for at, label in enumerate(found, 1) if label == ideal[0]), math.inf)
        reciprocals.append(1 / place)
    return statistics.mean(gains), statistics.mean(reciprocals)


def _label(chance: float) -> int:
    return next((label for least, label in LABELS if chance >= least), 0)


def _dcg(labels: Sequence[int]) -> float:
    return sum((2**label - 1) / math.log2(at + 2) for at, label in enumerate(labels[:AT]))


def _at_random(_: Ask, world: World) -> list[PersonId]:
    people = list(world.mentors)
    return world.chance.sample(people, len(people))


def _by_tags(ask: Ask, world: World) -> list[PersonId]:
    """How many of the language and libraries a mentor names; equals in an order by chance."""
    tags = {library.name for library in ask.context.libraries} | {"python"}
    people = _at_random(ask, world)
    return sorted(people, key=lambda person: -len(tags & world.mentors[person].claimed.keys()))


def _by_bm25(ask: Ask, world: World) -> list[PersonId]:
    """SQLite's FTS5 over the claimed skills and the texts of what they solved; it sees as much as the ranking does."""
    words = {"".join(filter(str.isalnum, word)) for word in _text(ask.context).split()} - {""}
    query = " OR ".join(f'"{word}"' for word in sorted(words | {"python"}))
    rows = world.texts.execute(
        "SELECT person FROM profile WHERE profile MATCH ? ORDER BY bm25(profile)", (query,)
    )
    return [PersonId(person) for (person,) in rows]


def _by_ranking(ask: Ask, world: World) -> list[PersonId]:
    ranked = ranking.rank(world.candidates, ask_facets.facets(ask.context), TERMS)
    return [one.mentor for one in ranked]


def _by_fit_alone(ask: Ask, world: World) -> list[PersonId]:
    """The ranking with no regard to how soon somebody answers: the label has none either."""
    alone = replace(DEFAULT, responsiveness=0.0)
    ranked = ranking.rank(world.candidates, ask_facets.facets(ask.context), TERMS, alone)
    return [one.mentor for one in ranked]


def _without_history(ask: Ask, world: World) -> list[PersonId]:
    """The ranking, not told which diagnostics were asked: what knowing them is worth."""
    facets = ask_facets.facets(ask.context)
    blind = ask_facets.Facets(facets.skills, (), facets.words)
    return [one.mentor for one in ranking.rank(world.candidates, blind, TERMS)]


BASELINES: dict[str, Order] = {
    "random": _at_random,
    "tags only": _by_tags,
    "BM25 (FTS5)": _by_bm25,
}
ORDERS: dict[str, Order] = {
    **BASELINES,
    "the ranking": _by_ranking,
    FIT_ALONE: _by_fit_alone,
    "… without solved diagnostics": _without_history,
}


if __name__ == "__main__":
    sys.exit(main())
