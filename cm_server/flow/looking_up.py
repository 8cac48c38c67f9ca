"""What the mentor's editor asks the learner's tools, and their answer on its way back.

Owns who may ask and answer, and the size of an answer. Does not own whether the learner lets the mentor look up: their own
`cm_lsp` decides that and says so. Nothing is kept: an answer that comes too late is of no use to anybody.
"""

from cm_server.flow import meeting, sharing
from cm_server.flow.works import Works
from cm_wire import faults, limits
from cm_wire.ids import PersonId
from cm_wire.session import LookUpAnswer, LookUpQuestion
from cm_wire.to_client import LookedUp, LookUpAsked
from cm_wire.to_server import AnswerLookUp, LookUp


async def ask(works: Works, person: PersonId, command: LookUp) -> None:
    standing, role = await meeting.member(works, person, command.session_id)
    if role != "mentor":
        raise faults.refusal("not-allowed", "Only the mentor asks the learner's tools.")
    sharing.require_shared(standing, command.path)
    if not works.desk.hub.is_connected(standing.learner):
        raise faults.refusal(
            "wrong-state", "The learner's editor is not connected.", "Ask again when it is back."
        )
    question = LookUpQuestion(
        session_id=command.session_id,
        number=command.number,
        path=command.path,
        kind=command.kind,
        at=command.at,
    )
    works.desk.hub.mention(standing.learner, LookUpAsked(question=question))


async def answer(works: Works, person: PersonId, command: AnswerLookUp) -> None:
    standing, role = await meeting.member(works, person, command.session_id)
    if role != "learner":
        raise faults.refusal("not-allowed", "Only the learner's tools are asked.")
    _check_size(command)
    for place in command.places:
        sharing.require_shared(standing, place.path)
    found = LookUpAnswer(
        session_id=command.session_id,
        number=command.number,
        failure=command.failure,
        text=command.text,
        places=command.places,
        outside=command.outside,
    )
    works.desk.hub.mention(standing.mentor, LookedUp(answer=found))


def _check_size(command: AnswerLookUp) -> None:
    places = len(command.places) + len(command.outside)
    if places > limits.LOOK_UP_PLACES_MAX:
        raise faults.refusal(
            "too-many",
            f"A look-up finds at most {limits.LOOK_UP_PLACES_MAX} places.",
            "Send the first ones.",
            field="places",
            limit=limits.LOOK_UP_PLACES_MAX,
            got=places,
        )
    size = len(command.text) + sum(map(len, command.outside))
    if size > limits.LOOK_UP_CHARACTERS_MAX:
        raise faults.refusal(
            "too-large",
            f"The answer to a look-up has at most {limits.LOOK_UP_CHARACTERS_MAX} characters.",
            "Send its beginning.",
            field="text",
            limit=limits.LOOK_UP_CHARACTERS_MAX,
            got=size,
        )
