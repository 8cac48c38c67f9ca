"""What a user is told whose command got no answer."""

import random

import pytest

from cm_lsp.to_server.backoff import Backoff
from cm_lsp.to_server.link import Link
from cm_lsp.to_server.outbox import Outbox
from cm_wire import faults
from cm_wire.ids import CommandId
from cm_wire.to_server import GoOnline
from tests.support.waiting import until


async def test_a_command_that_never_left_says_that_nothing_was_sent_and_is_forgotten() -> None:
    outbox = Outbox(lambda: CommandId("c1"))
    link = Link(
        "http://127.0.0.1:9",
        "token",
        client="a test",
        outbox=outbox,
        backoff=Backoff(random.Random(1)),
        on_fact=lambda _: None,
        on_state=lambda _: None,
    )
    with pytest.raises(faults.Refused, match="so nothing was sent"):
        await link.command(GoOnline(), patience_seconds=0)
    assert outbox.unanswered() == []


async def test_a_command_that_was_handed_over_may_have_arrived_until_it_is_answered() -> None:
    outbox = Outbox(lambda: CommandId("c1"))
    request, answer = outbox.add(GoOnline())
    assert not outbox.may_have_arrived(request.id)
    outbox.handed_over(request.id)
    assert outbox.may_have_arrived(request.id)
    answer.cancel()
    await until(lambda: not outbox.may_have_arrived(request.id), "it to be forgotten")
