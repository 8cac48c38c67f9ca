import asyncio

from cm_server.answers import ANSWERS_PER_PERSON, Answer, Answers
from cm_wire.faults import Fault, FaultCode
from cm_wire.ids import CommandId, PersonId
from cm_wire.to_client import Answered, Declined, Done
from cm_wire.to_server import Command, GetPatch, GoOffline, GoOnline, Request

MO = PersonId("per_mo")


class Work:
    """Counts how often it is done; waits for `go` when there is one."""

    def __init__(self, fault: FaultCode | None = None, go: asyncio.Event | None = None) -> None:
        self.times = 0
        self._fault = fault
        self._go = go

    async def __call__(self) -> Answer:
        self.times += 1
        if self._go is not None:
            await self._go.wait()
        if self._fault:
            return Declined(CommandId("1"), Fault(code=self._fault, message="No."))
        return Answered(CommandId("1"), Done())


async def test_the_same_command_again_is_answered_and_not_done_again() -> None:
    answers, work = Answers(), Work()
    first = await answers.once(MO, _request(), work)
    assert await answers.once(MO, _request(), work) == first
    assert work.times == 1


async def test_a_second_sending_waits_for_the_first_to_be_done() -> None:
    go = asyncio.Event()
    answers, work = Answers(), Work(go=go)
    both = asyncio.gather(answers.once(MO, _request(), work), answers.once(MO, _request(), work))
    await asyncio.sleep(0)
    go.set()
    first, second = await both
    assert first == second
    assert work.times == 1


async def test_a_command_once_begun_is_carried_through_though_its_connection_is_lost() -> None:
    go = asyncio.Event()
    answers, work = Answers(), Work(go=go)
    lost = asyncio.create_task(answers.once(MO, _request(), work))
    await asyncio.sleep(0)
    lost.cancel()
    await asyncio.gather(lost, return_exceptions=True)
    go.set()
    await answers.settle()
    assert isinstance(await answers.once(MO, _request(), work), Answered)
    assert work.times == 1


async def test_an_id_used_for_another_command_is_refused() -> None:
    answers, work = Answers(), Work()
    await answers.once(MO, _request(), work)
    again = await answers.once(MO, _request(GoOffline()), work)
    assert isinstance(again, Declined)
    assert again.fault.code == "key-used"


async def test_ids_of_two_people_have_nothing_to_do_with_each_other() -> None:
    answers, work = Answers(), Work()
    await answers.once(MO, _request(), work)
    await answers.once(PersonId("per_lea"), _request(), work)
    assert work.times == 2


async def test_what_may_succeed_later_is_tried_again_and_a_refusal_is_not() -> None:
    for fault, times in (("unavailable", 2), ("internal", 2), ("wrong-state", 1)):
        answers, work = Answers(), Work(fault)  # type: ignore[arg-type] # fault codes, each
        await answers.once(MO, _request(), work)
        await asyncio.sleep(0)
        await answers.once(MO, _request(), work)
        assert work.times == times, fault


async def test_what_has_no_effect_is_not_remembered() -> None:
    answers, work = Answers(), Work()
    look = GetPatch(session_id="ses_1")  # type: ignore[arg-type]
    await answers.once(MO, _request(look), work)
    await answers.once(MO, _request(look), work)
    assert work.times == 2


async def test_only_the_last_answers_of_a_person_are_remembered() -> None:
    answers, work = Answers(), Work()
    for number in range(ANSWERS_PER_PERSON + 1):
        await answers.once(MO, _request(command_id=f"c{number}"), work)
        await asyncio.sleep(0)
    await answers.once(MO, _request(command_id="c0"), work)
    assert work.times == ANSWERS_PER_PERSON + 2


def _request(command: Command | None = None, command_id: str = "1") -> Request:
    return Request(CommandId(command_id), command or GoOnline())
