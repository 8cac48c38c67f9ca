"""What each fact of the server means here: one line for each."""

import logging
from typing import TYPE_CHECKING, assert_never

from lsprotocol import types

from cm_lsp import learners_diagnostics, lsp_ext
from cm_lsp.app import Codementor
from cm_lsp.session import views
from cm_wire import printable
from cm_wire.session import Pointer
from cm_wire.to_client import (
    AskChanged,
    ChatSaid,
    DiagnosticsReported,
    EditsStored,
    Fact,
    HunkSettled,
    LookedUp,
    LookUpAsked,
    MeterMoved,
    Noticed,
    OfferEnded,
    OfferMade,
    Pointed,
    PresenceChanged,
    Proposed,
    RatingRevealed,
    ReceiptIssued,
    SessionChanged,
    TextsDiffered,
)

if TYPE_CHECKING:
    from cm_lsp.session.room import Room

log = logging.getLogger(__name__)


def take(here: Codementor, fact: Fact) -> None:  # noqa: C901 - one case for each fact
    """Facts come in order, each once."""
    match fact:
        case AskChanged():
            here.asking.changed(fact.ask)
        case OfferMade():
            here.offers.made(fact.offer)
        case OfferEnded():
            here.offers.ended(fact.offer_id, fact.why)
        case PresenceChanged():
            here.presence_changed(online=fact.online, why=fact.why)
        case SessionChanged():
            known = here.room.view.files if here.room is not None else ()
            here.session_changed(fact.session)
            learners_diagnostics.report_newly_shared(here, known)
        case MeterMoved():
            here.meter_moved(fact.meter)
        case ChatSaid():
            here.chat_said(fact.line)
        case Pointed():
            _pointed(here, fact.pointer)
        case DiagnosticsReported():
            learners_diagnostics.heard(here, fact.report)
        case (
            Proposed()
            | HunkSettled()
            | EditsStored()
            | TextsDiffered()
            | LookUpAsked()
            | LookedUp()
        ):
            if here.room is not None:
                _of_texts(here.room, here, fact)
        case ReceiptIssued():
            here.editor.say(
                f"Codementor: {fact.amount} for {fact.billed_seconds // 60} minutes; "
                "see codementor.receipt."
            )
        case RatingRevealed():
            here.editor.say(_rating_text(fact))
        case Noticed():
            level = fact.level if fact.level in {1, 2, 3, 4} else 3
            text = printable.plain(fact.text)
            here.editor.say(f"Codementor: {text}", types.MessageType(level))
        case _:
            assert_never(fact)


def _of_texts(
    room: "Room",
    here: Codementor,
    fact: Proposed | HunkSettled | EditsStored | TextsDiffered | LookUpAsked | LookedUp,
) -> None:
    match fact:
        case Proposed():
            room.proposing.heard(fact.proposals)
        case HunkSettled():
            room.proposing.settled(fact.path, fact.number, accepted=fact.accepted)
        case LookUpAsked():
            room.answering.asked(fact.question)
        case LookedUp():
            room.looking_up.heard(fact.answer)
        case EditsStored():
            room.edits_stored(fact.client, fact.clock)
        case TextsDiffered():
            here.editor.later(room.resync())


def _pointed(here: Codementor, pointer: Pointer) -> None:
    room = here.room
    uri = room.table.uri(pointer.path) if room is not None else None
    document = here.documents.get(uri) if uri is not None else None
    if room is None or document is None:
        return
    author = room.view.learner if pointer.author == room.view.learner.person else room.view.mentor
    if author.role == room.view.you:
        return
    point = lsp_ext.Point(
        uri=document.uri,
        range=here.documents.range_of(document, pointer.span),
        participant=pointer.author,
        name=views.display_name(author),
        colour=author.colour,
        note=printable.line(pointer.note),
    )
    marks = here.marks.of(document.uri)
    marks.point = point
    if here.editor.claims.cursors:
        here.editor.notify(lsp_ext.POINT, point)
        return
    here.editor.publish_diagnostics(document.uri, marks.diagnostics(with_cursors=True))
    here.editor.later(here.editor.show_document(document.uri, selection=point.range))


def _rating_text(fact: RatingRevealed) -> str:
    solved = {True: ", solved", False: ", not solved", None: ""}[fact.solved]
    stars = "1 star" if fact.stars == 1 else f"{fact.stars} stars"
    said = f": {printable.line(fact.comment)}" if fact.comment else "."
    return f"Codementor: {printable.line(fact.name)} gave you {stars}{solved}{said}"
