"""A handful of people to try the server with: mentors with skills and prices as real ones have, and one learner.

Made once per data folder. The database keeps only digests of tokens, so theirs are kept beside it in a file that only
its owner can read; a restarted demo goes on with the same people and tokens. Never made outside a demonstration.
"""

import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from cm_server import data_folder
from cm_server.clock import Clock
from cm_server.db import Database
from cm_server.identity import NewId
from cm_server.people import accounts, auth, rules
from cm_server.people.accounts import Profile
from cm_server.settings import Settings
from cm_wire import faults, money

FILE_NAME: Final = "demo-tokens.json"
TOKEN_DAYS: Final = 3650
_EDITORS: Final = Path(__file__).parent.parent / "editor-clients"
_EXTENSION: Final = _EDITORS / "vscode" / "dist" / "codementor.vsix"


@dataclass(frozen=True, slots=True)
class _Part:
    """Someone to be made; `skills` empty for the learner."""

    name: str
    email: str
    price: str = ""
    skills: str = ""
    languages: str = "en"
    years: int = 0
    headline: str = ""


_CAST: Final = (
    _Part("Lena Learner", "lena@example.org"),
    _Part(
        "Mira Okafor", "mira@example.org", "10", "python:5,asyncio:5,sqlalchemy:4,pytest:4,postgresql:3",
        "en,fr", 14, "Python back ends; asyncio and the things that hang",
    ),
    _Part(
        "Jonas Weber", "jonas@example.org", "8", "python:4,pandas:5,numpy:5,scikit-learn:4,bash:3",
        "de,en", 9, "Data work in Python, from the notebook to the job that runs at night",
    ),
    _Part(
        "Ana Sousa", "ana@example.org", "12.50", "typescript:5,react:5,javascript:5,css:4,go:3",
        "pt,es,en", 11, "Front ends that stay maintainable",
    ),
    _Part(
        "Kenji Mori", "kenji@example.org", "15", "rust:5,c:4,cpp:4,lua:4,python:3",
        "ja,en", 17, "Rust and C; memory, threads, editors",
    ),
    _Part(
        "Priya Raman", "priya@example.org", "9", "go:5,kubernetes:5,docker:5,bash:4,postgresql:4",
        "en,hi,ta", 8, "Services and what they run on",
    ),
)  # fmt: skip


class DemoPerson(msgspec.Struct, frozen=True):
    name: str
    email: str
    is_mentor: bool
    token: str


async def present(
    clock: Clock, database: Database, new_id: NewId, folder: Path
) -> list[DemoPerson]:
    """The demo's people, made if they are not there yet."""
    kept = _kept(folder / FILE_NAME)
    people = [
        await _known(clock, database, kept.get(part.email))
        or await _made(clock, database, new_id, part)
        for part in _CAST
    ]
    if people != list(kept.values()):
        data_folder.write_private(folder / FILE_NAME, msgspec.json.encode(people).decode())
    return people


def introduction(settings: Settings, people: Sequence[DemoPerson]) -> list[str]:
    """What `make run` prints: who is there, and what to paste where."""
    learner = next(person for person in people if not person.is_mentor)
    mentor = next(person for person in people if person.is_mentor)
    described = [
        f"  {person.name:<14} {person.token}  {_described(part)}"
        for person, part in zip(people, _CAST, strict=True)
    ]
    return [
        "",
        "Demo people and their tokens:",
        *described,
        "",
        "VS Code needs its extension once: make vsix",
        f"  code --install-extension {shlex.quote(str(_EXTENSION))}",
        "",
        f"As the learner, {learner.name}:",
        *_pasted(settings, learner),
        "",
        f"As a mentor, {mentor.name}, in a second editor:",
        *_pasted(settings, mentor),
        "",
    ]


async def _known(clock: Clock, database: Database, person: DemoPerson | None) -> DemoPerson | None:
    """The kept person, if their token still opens this database, which may be a fresh one beside an old file."""
    if person is None:
        return None
    try:
        await auth.authenticate(clock, database, person.token)
    except faults.Refused:
        return None
    return person


async def _made(clock: Clock, database: Database, new_id: NewId, part: _Part) -> DemoPerson:
    profile = _profile(part) if part.skills else None
    try:
        person = await accounts.add(clock, database, new_id, part.email, part.name, profile)
    except faults.Refused:
        # There already, but the file of tokens was lost.
        person = await accounts.find(database, part.email)
    token = await auth.issue(clock, database, person.id, TOKEN_DAYS)
    return DemoPerson(part.name, part.email, profile is not None, token)


def _profile(part: _Part) -> Profile:
    return Profile(
        price_per_quarter=money.parse(part.price),
        skills=rules.checked_skills(part.skills),
        spoken_languages=rules.checked_languages(part.languages),
        years=part.years,
        headline=part.headline,
    )


def _kept(path: Path) -> dict[str, DemoPerson]:
    try:
        people = msgspec.json.decode(path.read_bytes(), type=list[DemoPerson])
    except (OSError, msgspec.MsgspecError):
        return {}
    return {person.email: person for person in people}


def _described(part: _Part) -> str:
    if not part.skills:
        return "asks"
    skills = ", ".join(skill.name for skill in rules.checked_skills(part.skills)[:3])
    return f"{money.parse(part.price)} per 15 min; {skills}"


def _pasted(settings: Settings, person: DemoPerson) -> list[str]:
    language_server = str(Path(sys.executable).with_name("cm-lsp"))
    plugin = _EDITORS / "nvim"
    lua = (
        f"vim.opt.rtp:prepend([[{plugin}]]) "
        f"vim.env.CM_TOKEN = '{person.token}' "
        f"require('codementor').setup({{ cmd = {{ [[{language_server}]] }}, server_url = '{settings.address}' }})"
    )
    environment = f"CM_TOKEN={person.token} CM_SERVER_URL={shlex.quote(settings.address)}"
    programs = shlex.quote(str(Path(sys.executable).parent))
    return [
        f"  Neovim   :lua {lua}",
        f"  VS Code  PATH={programs}:$PATH {environment} code .",
        f"  any other editor: {environment} in its environment, and {language_server} as a language server",
    ]
