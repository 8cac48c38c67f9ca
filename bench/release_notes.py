"""Real people and what they really did: who contributed which change to Python, as its release notes say. Not a benchmark itself.

"What's New in Python" 3.2 to 3.11 credits each change to who made it and stands below the module it is about. Older
releases are the history (a change is a solved ask about its modules), a later one asks: here is a change, who made it?
The label is 1 for them and 0 for all others, so it is harsher than life: who else could have done it is counted as wrong.

Debian has the texts in `python3.11-doc`; they belong to the Python Software Foundation and are read where they are.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from bench.labelled import Labelled, Question
from cm_server.matching import facets as ask_facets
from cm_server.matching.candidate import Candidate, TrackRecord
from cm_wire import limits
from cm_wire.asking import AskContext, Excerpt, Library, Place, Span
from cm_wire.ids import PersonId
from cm_wire.money import Money

FOLDER = Path("/usr/share/doc/python3.11/html/_sources/whatsnew")
RELEASES = ("3.2", "3.3", "3.4", "3.5", "3.6", "3.7", "3.8", "3.9", "3.10", "3.11")
HELD_OUT = 7
"""The weights were chosen on the releases before this one, and are measured on it and those after."""
TRIED = 5

_CREDIT = re.compile(
    r"\([^()]*?(?:[Cc]ontributed|[Pp]atch(?:es)?|[Ii]mplemented|[Ww]ritten)\s+by\s+([^()]*?)"
    r"(?:\s+in\s+(?:[^()]|\([^)]*\))*)?\.?\)"
)
_NAME = re.compile(r"[A-ZÉŁ][\w.'\u2019-]*(?:\s+(?:[A-ZÉŁ][\w.'\u2019-]*|van|de))+")
_BETWEEN_NAMES = re.compile(r",\s*(?:and\s+)?|\s+and\s+|\s+with\s+")
_UNDERLINE = re.compile(r"[-=~^+*\"]{3,}")
_MODULE = re.compile(r":mod:`[~!]?([\w.]+)`")
_MEMBER = re.compile(r":(?:func|class|meth|exc|attr|data):`[~!]?([a-z]\w*)\.[\w.]+(?:\(\))?`")
_MODULE_TITLE = re.compile(r"[a-z_.0-9]+")


@dataclass(frozen=True)
class Change:
    """`text` without the credit."""

    release: str
    people: frozenset[str]
    modules: tuple[str, ...]
    text: str


def are_here(folder: Path) -> bool:
    return all((folder / f"{release}.rst.txt").is_file() for release in RELEASES)


def held_out(folder: Path) -> Labelled:
    return _split(folder, RELEASES[:HELD_OUT], RELEASES[HELD_OUT:])


def tried(folder: Path) -> Labelled:
    """What the weights were chosen on."""
    return _split(folder, RELEASES[:TRIED], RELEASES[TRIED:HELD_OUT])


def _split(folder: Path, before: Sequence[str], asked: Sequence[str]) -> Labelled:
    changes = [one for release in (*before, *asked) for one in _changes(folder, release)]
    history: defaultdict[str, list[Change]] = defaultdict(list)
    for change in changes:
        if change.release in before:
            for person in change.people:
                history[person].append(change)
    later = [one for one in changes if one.release in asked and one.people & history.keys()]
    return Labelled(
        name=f"Python's release notes, {asked[0]} to {asked[-1]} by what came before",
        candidates=[_candidate(person, done) for person, done in sorted(history.items())],
        texts={PersonId(who): " ".join(one.text for one in done) for who, done in history.items()},
        questions=[_question(change, history.keys()) for change in later if change.modules],
    )


def _changes(folder: Path, release: str) -> Iterator[Change]:
    lines = (folder / f"{release}.rst.txt").read_text().split("\n")
    title, body = "", ""
    for line, following in pairwise([*lines, ""]):
        if line.strip() and _UNDERLINE.fullmatch(following.strip()):
            yield from _credited(release, title, body)
            title, body = line.strip(), ""
        else:
            body += line + "\n"
    yield from _credited(release, title, body)


def _credited(release: str, title: str, body: str) -> Iterator[Change]:
    begin = 0
    for credit in _CREDIT.finditer(body):
        said, begin = body[begin : credit.start()], credit.end()
        names = _BETWEEN_NAMES.split(" ".join(credit[1].split()))
        people = frozenset(
            name.rstrip(".") for name in map(str.strip, names) if _NAME.fullmatch(name.rstrip("."))
        )
        modules = {*_MODULE.findall(said), *_MEMBER.findall(said)}
        if _MODULE_TITLE.fullmatch(title):
            modules.add(title)
        text = " ".join(re.sub(r":\w+:`", " ", said).replace("`", " ").split())
        if people:
            yield Change(release, people, tuple(sorted(modules)), text)


def _candidate(person: str, done: Sequence[Change]) -> Candidate:
    """They claim the modules they worked on, at a level that grows with how often."""
    worked_on = Counter(module for change in done for module in change.modules)
    solved: Counter[str] = Counter()
    for change in done:
        solved.update(ask_facets.facets(_context(change)).complaints)
    count = len(done)
    return Candidate(
        person=PersonId(person),
        name=person,
        price_per_quarter=Money(1_000, "USD"),
        skills={
            "python": 5,
            **{module: min(5, 2 + int(math.log2(times))) for module, times in worked_on.items()},
        },
        record=TrackRecord(
            sessions=count,
            sessions_judged=count,
            sessions_solved=count,
            stars=5 * count,
            ratings=count,
        ),
        solved=solved,
    )


def _question(change: Change, people: Iterable[str]) -> Question:
    labels = {PersonId(person): int(person in change.people) for person in people}
    text = " ".join([change.text, *change.modules])
    return Question(context=_context(change), text=text, labels=labels)


def _context(change: Change) -> AskContext:
    where = Span(Place(0, 0), Place(0, 1))
    return AskContext(
        excerpt=Excerpt(path="a.py", language_id="python", text="", first_line=0, selection=where),
        libraries=tuple(Library(module) for module in change.modules),
        question=change.text[: limits.QUESTION_CHARACTERS_MAX],
    )
