import random
from itertools import count

import pytest

from cm_lsp.to_server.backoff import LONGEST_WAIT_SECONDS, Backoff
from cm_lsp.to_server.outbox import COMMANDS_WAITING_MAX, Outbox
from cm_wire import faults
from cm_wire.faults import Fault
from cm_wire.ids import CommandId
from cm_wire.to_client import Answered, Declined, Done
from cm_wire.to_server import GoOffline, GoOnline


def outbox() -> Outbox:
    numbers = count(1)
    return Outbox(lambda: CommandId(f"c{next(numbers)}"))


async def test_an_unanswered_command_is_sent_again_under_its_own_id_until_it_is_answered() -> None:
    box = outbox()
    first, answer = box.add(GoOnline())
    second, _ = box.add(GoOffline())
    assert box.unanswered() == [first, second]
    box.settle(Answered(first.id, Done()))
    assert await answer == Done()
    assert box.unanswered() == [second]
    box.settle(Answered(first.id, Done()))
    box.settle(Declined(CommandId("never sent"), Fault(code="internal", message="x")))


async def test_a_refusal_reaches_who_waits() -> None:
    box = outbox()
    request, answer = box.add(GoOnline())
    box.settle(Declined(request.id, Fault(code="not-allowed", message="Only mentors.")))
    with pytest.raises(faults.Refused, match="Only mentors"):
        await answer
    assert box.unanswered() == []


async def test_what_nobody_waits_for_any_more_is_not_sent_again() -> None:
    box = outbox()
    _, answer = box.add(GoOnline())
    answer.cancel()
    with pytest.raises(BaseException):  # noqa: B017, PT011 - cancelled
        await answer
    assert box.unanswered() == []


async def test_commands_do_not_pile_up_without_bound() -> None:
    box = outbox()
    for _ in range(COMMANDS_WAITING_MAX):
        box.add(GoOnline())
    with pytest.raises(faults.Refused) as refused:
        box.add(GoOnline())
    assert refused.value.fault.limit == COMMANDS_WAITING_MAX


def test_waits_double_up_to_a_bound_and_start_again_after_a_success() -> None:
    backoff = Backoff(random.Random(7))
    waits = [backoff.next_wait_seconds() for _ in range(30)]
    assert waits[0] <= 0.25
    assert max(waits) <= LONGEST_WAIT_SECONDS
    assert min(waits[10:]) >= LONGEST_WAIT_SECONDS / 2
    backoff.succeeded()
    assert backoff.next_wait_seconds() <= 0.25
