"""One short function for each command of the control channel: check what it says, let the flow do it, say what came of it.

Closed by `assert_never`: a command that is on the wire and not here does not type-check.
"""

from typing import assert_never

from cm_server.flow import asking, looking_up, meeting, offering, proposing, sharing
from cm_server.flow.works import Works
from cm_server.people.person import Person
from cm_server.session.lifecycle import Rating
from cm_wire import faults, to_server
from cm_wire.to_client import (
    AskPosted,
    Document,
    Done,
    HeartbeatSeen,
    MentorsRanked,
    Result,
    SessionOpened,
)
from cm_wire.to_server import Command

_DONE = Done()


async def answer(works: Works, person: Person, command: Command) -> Result:  # noqa: C901 - a table, not a decision
    """Do what `person` asks; raises `faults.Refused` where it may not be."""
    match command:
        case to_server.Hello():
            raise faults.refusal("wrong-state", "You have said Hello already.")
        case to_server.Heartbeat():
            return HeartbeatSeen(number=command.number)
        case to_server.RankMentors():
            return await _rank_mentors(works, person, command)
        case to_server.PostAsk():
            return await _post_ask(works, person, command)
        case to_server.CancelAsk():
            await asking.cancel(works.desk, person.id, command.ask_id)
        case to_server.KeepAsk():
            await asking.keep(works.desk, person.id, command.ask_id, tell_only=command.tell_only)
        case to_server.RaiseLimit():
            await asking.raise_limit(works.desk, person.id, command.ask_id, command.price_max)
        case to_server.GoOnline():
            await offering.go_online(works.desk, person)
        case to_server.GoOffline():
            await offering.go_offline(works.desk, person)
        case to_server.AcceptOffer():
            return SessionOpened(session_id=await meeting.accept(works, person, command.offer_id))
        case to_server.DeclineOffer():
            await offering.decline(works.desk, person.id, command.offer_id, command.reason)
        case _:
            return await _in_session(works, person, command)
    return _DONE


_InSession = (
    to_server.ShareFile
    | to_server.UnshareFile
    | to_server.RenameFile
    | to_server.Diagnose
    | to_server.StartMeter
    | to_server.PauseMeter
    | to_server.ResumeMeter
    | to_server.ExtendCap
    | to_server.SetMode
    | to_server.SendChat
    | to_server.PointAt
    | to_server.ReportDiagnostics
    | to_server.Propose
    | to_server.SettleHunk
    | to_server.LookUp
    | to_server.AnswerLookUp
    | to_server.ReportDigest
    | to_server.EndSession
    | to_server.RateSession
    | to_server.RequestRefund
    | to_server.GetReceipt
    | to_server.GetPatch
    | to_server.GetNote
)


async def _in_session(works: Works, person: Person, command: _InSession) -> Result:  # noqa: C901, PLR0915 - a table, not a decision
    session_id, who = command.session_id, person.id
    match command:
        case to_server.ShareFile() | to_server.UnshareFile() | to_server.RenameFile():
            await sharing.change_files(works, who, command)
        case to_server.PointAt():
            await sharing.point(works, who, command)
        case to_server.ReportDiagnostics():
            await sharing.report_diagnostics(works, who, command)
        case to_server.Propose():
            await proposing.propose(works, who, command)
        case to_server.SettleHunk():
            await proposing.settle(works, who, command)
        case to_server.LookUp():
            await looking_up.ask(works, who, command)
        case to_server.AnswerLookUp():
            await looking_up.answer(works, who, command)
        case to_server.ReportDigest():
            await works.rooms.compare(session_id, who, command.state_vector, command.digests)
        case to_server.SetMode():
            await meeting.set_mode(works, who, session_id, command.mode)
        case to_server.SendChat():
            await meeting.say(works, who, session_id, command.text)
        case to_server.Diagnose():
            await meeting.diagnose(works, who, session_id, command.text, command.minutes)
        case to_server.StartMeter():
            await meeting.start_meter(works, who, session_id)
        case to_server.PauseMeter():
            await meeting.pause(works, who, session_id)
        case to_server.ResumeMeter():
            await meeting.resume(works, who, session_id)
        case to_server.ExtendCap():
            await meeting.extend(works, who, session_id, command.minutes)
        case to_server.EndSession():
            await meeting.end_by(works, who, session_id)
        case to_server.RateSession():
            rating = Rating(command.stars, command.solved, command.comment)
            await meeting.rate(works, who, session_id, rating)
        case to_server.RequestRefund():
            await meeting.refund(works, who, session_id, command.reason)
        case to_server.GetReceipt():
            return await meeting.receipt(works, who, session_id)
        case to_server.GetPatch():
            return await _patch(works, person, command)
        case to_server.GetNote():
            return await _note(works, person, command)
        case _:
            assert_never(command)
    return _DONE


async def _rank_mentors(works: Works, person: Person, command: to_server.RankMentors) -> Result:
    ranked = await asking.rank_mentors(works.desk, person.id, command.context, command.terms)
    return MentorsRanked(mentors=ranked)


async def _post_ask(works: Works, person: Person, command: to_server.PostAsk) -> Result:
    ask_id = await asking.post(works.desk, person, command.context, command.terms, command.mentor)
    return AskPosted(ask_id=ask_id)


async def _patch(works: Works, person: Person, command: to_server.GetPatch) -> Document:
    text = await works.rooms.patch(command.session_id, person.id)
    return Document(name=f"{command.session_id}.diff", media_type="text/x-diff", text=text)


async def _note(works: Works, person: Person, command: to_server.GetNote) -> Document:
    text = await works.rooms.note(command.session_id, person.id)
    return Document(name=f"{command.session_id}.md", media_type="text/markdown", text=text)
