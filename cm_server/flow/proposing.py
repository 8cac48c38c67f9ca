"""Proposals: what the mentor would change, on its way to the learner, and the learner's word on it on its way back.

Owns who may say what of them, and the last word on each file for a learner who comes back. Does not own a text: a proposal
is no edit, and what the learner accepts arrives in the document as an edit of the learner's.
"""

from cm_server.flow import meeting, sharing
from cm_server.flow.works import Works
from cm_wire import faults, limits
from cm_wire.ids import PersonId
from cm_wire.session import FileProposals, Hunk
from cm_wire.to_client import HunkSettled, Proposed
from cm_wire.to_server import Propose, SettleHunk


async def propose(works: Works, person: PersonId, command: Propose) -> None:
    standing, role = await meeting.member(works, person, command.session_id)
    if role != "mentor":
        raise faults.refusal("not-allowed", "Only the mentor proposes changes.")
    sharing.require_shared(standing, command.path)
    if standing.mode != "propose" and command.hunks:
        raise faults.refusal("wrong-state", f"The mode is {standing.mode}: nothing is proposed.")
    if any(file.path == command.path and file.read_only for file in standing.files):
        raise faults.refusal("not-allowed", f"{command.path} is only to be looked at.")
    _check_size(command.hunks)
    works.recorder.hear(command.session_id, role, active=True)
    proposals = FileProposals(session_id=command.session_id, path=command.path, hunks=command.hunks)
    works.live.keep_proposals(proposals)
    works.desk.tell([standing.learner], Proposed(proposals=proposals))


async def settle(works: Works, person: PersonId, command: SettleHunk) -> None:
    standing, role = await meeting.member(works, person, command.session_id)
    if role != "learner":
        raise faults.refusal("not-allowed", "Only the learner accepts or refuses a proposal.")
    sharing.require_shared(standing, command.path)
    works.recorder.hear(command.session_id, role, active=True)
    works.live.settle_hunk(command.session_id, command.path, command.number)
    fact = HunkSettled(
        session_id=command.session_id,
        path=command.path,
        number=command.number,
        accepted=command.accepted,
    )
    works.desk.tell([standing.mentor], fact)


def _check_size(hunks: tuple[Hunk, ...]) -> None:
    if len(hunks) > limits.HUNKS_MAX:
        raise faults.refusal(
            "too-many",
            f"At most {limits.HUNKS_MAX} changes of one file are proposed at once.",
            "Wait until some are accepted or refused.",
            field="hunks",
            limit=limits.HUNKS_MAX,
            got=len(hunks),
        )
    size = sum(len(hunk.removed.encode()) + len(hunk.text.encode()) for hunk in hunks)
    if size > limits.PROPOSAL_BYTES_MAX:
        raise faults.refusal(
            "too-large",
            f"The proposals for one file have {size} bytes; the limit is {limits.PROPOSAL_BYTES_MAX}.",
            "Propose a smaller part of it.",
            field="hunks",
            limit=limits.PROPOSAL_BYTES_MAX,
            got=size,
        )
    if any("\r" in hunk.text or "\0" in hunk.text for hunk in hunks):
        raise faults.refusal(
            "not-text", "A proposal has carriage returns or NUL characters.", field="hunks"
        )
