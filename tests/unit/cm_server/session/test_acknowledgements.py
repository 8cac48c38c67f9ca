"""When authors are told that their edits are stored. Time is simulated."""

import asyncio
import itertools

from cm_server.session.acknowledgements import INTERVAL_SECONDS, SPREAD, Acknowledgements
from cm_wire.ids import YjsClientId
from tests.support import simulated_loop

LEA, MO = YjsClientId(2), YjsClientId(3)
COMMIT_SECONDS = 0.25


async def told_while_typing(name: str, seconds: float) -> list[float]:
    """When the author is told, who has an edit in every commit."""
    loop = asyncio.get_running_loop()
    told: list[float] = []
    acknowledgements = Acknowledgements(name, lambda _, __: told.append(loop.time()))
    for number in range(round(seconds / COMMIT_SECONDS)):
        acknowledgements.stored(LEA, number)
        await asyncio.sleep(COMMIT_SECONDS)
    return told


def test_who_types_on_is_told_about_once_a_second() -> None:
    told = simulated_loop.run(told_while_typing("ses_a", 20))
    pauses = [later - earlier for earlier, later in itertools.pairwise(told)]
    assert pauses
    assert all(INTERVAL_SECONDS * (1 - SPREAD) <= pause <= INTERVAL_SECONDS for pause in pauses)


def test_rooms_whose_edits_one_commit_stored_do_not_all_speak_at_once() -> None:
    async def all_rooms() -> list[list[float]]:
        return await asyncio.gather(
            *(told_while_typing(f"ses_{number}", 5) for number in range(100))
        )

    told = simulated_loop.run(all_rooms())
    assert {times[0] for times in told} == {told[0][0]}
    for turn in (1, 2, 3):
        assert len({times[turn] for times in told}) == len(told)


def test_after_a_silence_the_author_is_told_at_once_and_of_the_newest_alone() -> None:
    async def two_authors() -> list[tuple[int, int]]:
        told: list[tuple[int, int]] = []
        acknowledgements = Acknowledgements("ses_a", lambda *fact: told.append(fact))
        acknowledgements.stored(LEA, 1)
        for clock in (2, 3, 4):
            acknowledgements.stored(LEA, clock)
        acknowledgements.stored(MO, 9)
        await asyncio.sleep(2 * INTERVAL_SECONDS)
        acknowledgements.stored(MO, 10)
        return told

    assert simulated_loop.run(two_authors()) == [(LEA, 1), (LEA, 4), (MO, 9), (MO, 10)]
