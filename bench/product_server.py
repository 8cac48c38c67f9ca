"""The whole product as a process of its own, with sessions in it that are ready to be joined; nothing is left out or loosened.

    python -m bench.product_server FOLDER SESSIONS [--unpaced] [--document FILE]

Real tokens, real rows, real meters, the demonstration's payment service. Prints one line of JSON when it serves: its port, and
of each session the id and the tokens of both. `--unpaced` lifts the limit on edits a second, which a burst would only measure;
`--document` is the Yjs state every session is in.
"""

import argparse
import asyncio
import json
import sys
from dataclasses import dataclass
from pathlib import Path

from sqlmodel import Session, SQLModel

from bench import typing_load
from cm_server import app as composition
from cm_server import serve, telemetry
from cm_server.app import App
from cm_server.clock import SystemClock
from cm_server.flow.works import Deadlines
from cm_server.meter import store as meters
from cm_server.meter.facts import MeterOpened
from cm_server.people import accounts, auth
from cm_server.people.person import Person
from cm_server.session import content, events, files, lifecycle
from cm_server.session.connection import Pacing
from cm_server.session.files import FileTexts
from cm_server.settings import Settings
from cm_wire.ids import AskId, FilePath, SessionId
from cm_wire.money import Money

PRICE = Money(1000, "USD")
SEEDED_AT_ONCE = 50
HOUR_MS = 3_600_000


@dataclass(frozen=True)
class Seat:
    """What the two people of one session need to come in."""

    session_id: str
    learner_token: str
    mentor_token: str


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("sessions", type=int)
    parser.add_argument("--unpaced", action="store_true")
    parser.add_argument("--document", type=Path)
    chosen = parser.parse_args()
    listening = serve.listen("127.0.0.1", 0)
    port: int = listening.getsockname()[1]
    settings = Settings(data_folder=chosen.folder, port=port, log_level="warning")
    telemetry.configure(settings)
    app = composition.build(settings, SystemClock())
    SQLModel.metadata.create_all(app.database.engine)
    whole = chosen.document.read_bytes() if chosen.document else typing_load.script(0).whole
    seats = asyncio.run(_seated(app, chosen.sessions, whole))
    # Mentors come when the measurement wants them, and nobody starts a meter.
    app.assembly.works.deadlines = Deadlines(triage_ms=HOUR_MS, mentor_comes_ms=HOUR_MS)
    if chosen.unpaced:
        app.assembly.works.rooms.pacing = Pacing(1e6, 1e6)
    ready = {"port": port, "seats": [vars(seat) for seat in seats]}
    return serve.run(app.asgi, settings, listening, lambda: print(json.dumps(ready), flush=True))


async def _seated(app: App, sessions: int, whole: bytes) -> list[Seat]:
    seats: list[Seat] = []
    for first in range(0, sessions, SEEDED_AT_ONCE):
        numbers = range(first, min(sessions, first + SEEDED_AT_ONCE))
        seats += await asyncio.gather(*(_seat(app, number, whole) for number in numbers))
    return seats


async def _seat(app: App, number: int, whole: bytes) -> Seat:
    learner, learner_token = await _person(app, "Lea Learner", f"learner{number}@example.org")
    mentor, mentor_token = await _person(app, "Mo Mentor", f"mentor{number}@example.org")
    session_id = SessionId(app.new_id("ses"))
    await _open(app, session_id, learner, mentor, whole)
    return Seat(session_id, learner_token, mentor_token)


async def _person(app: App, name: str, email: str) -> tuple[Person, str]:
    person = await accounts.add(app.clock, app.database, app.new_id, email, name)
    return person, await auth.issue(app.clock, app.database, person.id, days=1)


async def _open(
    app: App, session_id: SessionId, learner: Person, mentor: Person, whole: bytes
) -> None:
    at = events.moment(app.clock)
    path = FilePath(typing_load.PATH)
    file = FileTexts(path, path, "python", typing_load.TEXT, None)
    opening = lifecycle.Opening(
        session_id=session_id,
        ask_id=AskId(f"ask_{session_id}"),
        learner=learner.id,
        learner_name=learner.name,
        mentor=mentor.id,
        mentor_name=mentor.name,
        price_per_quarter=PRICE,
        cap_minutes=60,
        mode="live",
    )
    terms = MeterOpened(
        price_per_quarter=PRICE,
        free_seconds=300,
        first_seconds=900,
        increment_seconds=60,
        commission_basis_points=1500,
        cap_seconds=3600,
        opened_utc_ms=at.at_ms,
    )

    def work(session: Session) -> None:
        lifecycle.open_session(session, opening, at)
        meters.open_meter(session, session_id, terms, at)
        files.share(session, session_id, learner.id, file, at)
        content.add_snapshot(session, session_id, 1, whole)

    await app.database.write(work)


if __name__ == "__main__":
    sys.exit(main())
