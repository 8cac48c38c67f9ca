"""What each command does: one short case for each, arguments checked before (`commands`).

Owns the order "check, do, answer": a command that fails has changed nothing. The answer is what the editor gets as the
result of `workspace/executeCommand`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Final

from cm_lsp import commands, files_to_show
from cm_lsp.app import Codementor
from cm_lsp.session import views
from cm_lsp.to_server import pages
from cm_wire import faults, limits, printable
from cm_wire.asking import Span
from cm_wire.secrets import refusing
from cm_wire.secrets.scan import Redacted
from cm_wire.to_client import Document
from cm_wire.to_server import (
    Command,
    Diagnose,
    EndSession,
    ExtendCap,
    GetNote,
    GetPatch,
    GetReceipt,
    GoOffline,
    GoOnline,
    PauseMeter,
    PointAt,
    RateSession,
    RequestRefund,
    ResumeMeter,
    SendChat,
    StartMeter,
)

if TYPE_CHECKING:
    from cm_lsp.session.room import Room


ANSWERED_SECONDS: Final = 0.1
"""The answer to a command is with the editor by then."""


async def run(here: Codementor, name: str, arguments: commands.Arguments) -> object:
    """Raises `faults.Refused`."""
    return await _RUN[name](here, arguments)


async def _ask(here: Codementor, given: commands.Ask) -> object:
    """In an editor without a plugin the question comes after the answer to the command: some stand still until then."""
    if here.editor.has_plugin or given.is_confirmed:
        return await _ask_now(here, given)
    here.asking.check(given)
    here.editor.later(_ask_behind_the_answer(here, given))
    return {}


async def _ask_behind_the_answer(here: Codementor, given: commands.Ask) -> None:
    await asyncio.sleep(ANSWERED_SECONDS)
    try:
        await _ask_now(here, given)
    except faults.Refused as refused:
        here.editor.say_wrong(f"Codementor: {refused}")


async def _ask_now(here: Codementor, given: commands.Ask) -> object:
    try:
        return await here.asking.ask(given)
    except faults.Refused as refused:
        if refused.fault.code not in _CARD_FAULTS:
            raise
        url = await _open_page(here, "card")
        raise faults.refusal(
            refused.fault.code,
            refused.fault.message,
            f"Open {url} (it works once, for ten minutes), then ask again.",
        ) from None


async def _cancel_ask(here: Codementor, given: commands.CancelAsk) -> object:
    await here.asking.cancel(given.ask_id)
    return {}


async def _keep_ask(here: Codementor, given: commands.KeepAsk) -> object:
    await here.asking.waiting.keep(given.ask_id, tell_only=given.tell_only)
    return {}


async def _raise_limit(here: Codementor, given: commands.RaiseLimit) -> object:
    await here.asking.waiting.raise_limit(given.ask_id, given.max_price)
    return {}


async def _mentors(here: Codementor, given: commands.Mentors) -> object:
    return await here.asking.mentors(given)


async def _go_online(here: Codementor, _: commands.Nothing) -> object:
    return await _done(here, GoOnline())


async def _go_offline(here: Codementor, _: commands.Nothing) -> object:
    return await _done(here, GoOffline())


async def _accept(here: Codementor, given: commands.OfferNamed) -> object:
    return await here.offers.accept(given.offer_id)


async def _decline(here: Codementor, given: commands.OfferNamed) -> object:
    await here.offers.decline(given.offer_id, given.reason)
    return {}


async def _diagnose(here: Codementor, given: commands.Diagnose) -> object:
    session_id = here.session_named(given.session_id)
    said = " ".join(given.text.split())
    return await _done(here, Diagnose(session_id=session_id, text=said, minutes=given.minutes))


async def _start_meter(here: Codementor, given: commands.SessionNamed) -> object:
    return await _done(here, StartMeter(session_id=here.session_named(given.session_id)))


async def _pause(here: Codementor, given: commands.SessionNamed) -> object:
    return await _done(here, PauseMeter(session_id=here.session_named(given.session_id)))


async def _resume(here: Codementor, given: commands.SessionNamed) -> object:
    return await _done(here, ResumeMeter(session_id=here.session_named(given.session_id)))


async def _extend(here: Codementor, given: commands.Extend) -> object:
    session_id = here.session_named(given.session_id)
    return await _done(here, ExtendCap(session_id=session_id, minutes=given.minutes))


async def _share(here: Codementor, given: commands.FileNamed) -> object:
    room = here.live_room()
    if room.view.you != "learner":
        raise faults.refusal("not-allowed", "Only the learner shares files.")
    return {"path": await room.choosing.share(given.uri)}


async def _unshare(here: Codementor, given: commands.FileNamed) -> object:
    await here.live_room().choosing.unshare(given.uri)
    return {}


async def _mode(here: Codementor, given: commands.Mode) -> object:
    await here.choose_mode(here.session_named(given.session_id), given.mode)
    return {}


async def _point(here: Codementor, given: commands.Point) -> object:
    room = here.live_room()
    path = room.choosing.path_of(given.uri)
    document = here.documents.get(given.uri)
    if document is None:
        raise faults.refusal("bad-value", "uri must be an open document.", field="uri")
    span: Span = here.documents.span_of(document, given.range)
    point = PointAt(session_id=room.view.session_id, path=path, span=span, note=given.note)
    return await _done(here, point)


async def _chat(here: Codementor, given: commands.Chat) -> object:
    """A line that looks like it holds a secret is held until its user has said what to do with it."""
    chat = SendChat(session_id=here.session_named(given.session_id), text=given.text)
    redacted = refusing.redacted(given.text, "text")
    if not redacted.findings:
        return await _done(here, chat)
    here.editor.later(_ask_about_secret(here, chat, redacted))
    return {"held": True}


async def _ask_about_secret(here: Codementor, chat: SendChat, redacted: Redacted) -> None:
    held = f"What you want to say looks like it holds a secret ({redacted.findings[0].kind})."
    if not here.editor.can_be_asked:
        here.editor.say(f"{held} It was not sent; say it without.")
        return
    answer = await here.editor.ask(f"{held} It was not sent yet.", [_NOT_SENT, _WITHOUT, _AS_IT_IS])
    if answer not in {_WITHOUT, _AS_IT_IS}:
        here.editor.say("Codementor: your line with the secret was not sent.")
        return
    text = chat.text if answer == _AS_IT_IS else redacted.text[: limits.CHAT_CHARACTERS_MAX]
    try:
        await here.send(SendChat(session_id=chat.session_id, text=text))
    except faults.Refused as refused:
        here.editor.say_wrong(f"Codementor: {refused}")


async def _follow(here: Codementor, given: commands.Follow) -> object:
    await here.live_room().following.begin(given.participant)
    return {}


async def _end(here: Codementor, given: commands.SessionNamed) -> object:
    return await _done(here, EndSession(session_id=here.session_named(given.session_id)))


async def _rate(here: Codementor, given: commands.Rate) -> object:
    rating = RateSession(
        session_id=here.session_named(given.session_id),
        stars=given.stars,
        solved=given.solved,
        comment=given.comment,
    )
    return await _done(here, rating)


async def _refund(here: Codementor, given: commands.Refund) -> object:
    session_id = here.session_named(given.session_id)
    return await _done(here, RequestRefund(session_id=session_id, reason=given.reason))


async def _receipt(here: Codementor, given: commands.SessionNamed) -> object:
    return await _show(here, GetReceipt(session_id=here.session_named(given.session_id)))


async def _patch(here: Codementor, given: commands.SessionNamed) -> object:
    return await _show(here, GetPatch(session_id=here.session_named(given.session_id)))


async def _note(here: Codementor, given: commands.SessionNamed) -> object:
    return await _show(here, GetNote(session_id=here.session_named(given.session_id)))


async def _status(here: Codementor, _: commands.Nothing) -> object:
    state, room = here.state(), here.room
    session = views.text(room.view) if room is not None else ""
    text = " ".join(part for part in (state.text, session, here.meter.text) if part)
    here.editor.say(f"Codementor: {text}")
    return {
        "connection": state.connection,
        "server": here.settings.server_url,
        "session": room.view.session_id if room is not None else None,
        "text": text,
    }


async def _card(here: Codementor, _: commands.Nothing) -> object:
    return {"url": await _open_page(here, "card")}


async def _payouts(here: Codementor, _: commands.Nothing) -> object:
    return {"url": await _open_page(here, "payout")}


async def _open_page(here: Codementor, page: pages.Page) -> str:
    """Send the user's browser to a page of the server; the address, for where there is no browser."""
    if not here.settings.token:
        raise faults.refusal("sign-in", here.state().text)
    url = await pages.link(here.settings.server_url, here.settings.token, page)
    await here.editor.open_page(url)
    return url


async def _look_ups(here: Codementor, given: commands.LookUps) -> object:
    room = _learners_room(here)
    if given.allow and not here.editor.claims.look_up:
        raise faults.refusal(
            "wrong-state",
            "Your editor cannot ask your other language servers for the mentor.",
            "The diagnostics are shown to the mentor all the same.",
        )
    room.answering.allow(allowed=given.allow)
    return {"allowed": given.allow}


async def _undo_mentor(here: Codementor, given: commands.UndoMentor) -> object:
    room = _learners_room(here)
    if not room.taking_back.of_mentor(every=given.all):
        raise faults.refusal("wrong-state", "There is nothing of the mentor's to take back.")
    return {}


async def _undo(here: Codementor, given: commands.FileNamed) -> object:
    return _undone(here, given, redo=False)


async def _redo(here: Codementor, given: commands.FileNamed) -> object:
    return _undone(here, given, redo=True)


def _undone(here: Codementor, given: commands.FileNamed, *, redo: bool) -> object:
    """`done` is null where what this user types is no edit of the shared text: the editor's own undo is right there."""
    room = here.live_room()
    room.choosing.path_of(given.uri)
    return {"done": room.taking_back.of_mine(given.uri, redo=redo)}


async def _accept_proposal(here: Codementor, given: commands.ProposalNamed) -> object:
    room = _learners_room(here)
    return {"accepted": await room.proposing.accept(room.choosing.path_of(given.uri), given.number)}


async def _refuse_proposal(here: Codementor, given: commands.ProposalNamed) -> object:
    room = _learners_room(here)
    return {"refused": await room.proposing.refuse(room.choosing.path_of(given.uri), given.number)}


async def _show_proposals(here: Codementor, given: commands.FileNamed) -> object:
    room = _learners_room(here)
    return {"uri": await room.proposing.show(room.choosing.path_of(given.uri))}


def _learners_room(here: Codementor) -> "Room":
    room = here.live_room()
    if room.view.you != "learner":
        raise faults.refusal("not-allowed", "Only the learner decides on the mentor's changes.")
    return room


async def _by_token(_: Codementor, __: commands.Nothing) -> object:
    raise faults.refusal(
        "unknown-command",
        "Signing in from the editor is not possible yet.",
        "Set CM_TOKEN to a token of `cm-server token EMAIL`, or unset it to sign out, and restart.",
    )


async def _done(here: Codementor, command: Command) -> object:
    await here.send(command)
    return {}


async def _show(here: Codementor, command: Command) -> object:
    """A document of the server's as a file; its text is in the answer, for editors that cannot show one."""
    document = await here.send(command)
    if not isinstance(document, Document):
        raise faults.refusal("internal", "The server answered with something else than a document.")
    text = printable.plain(document.text)
    uri = files_to_show.write(here.cache_folder, document.name, text)
    shown = await here.editor.show_document(uri, focus=True)
    if not shown and not here.editor.has_plugin:
        here.editor.say(f"Codementor: open {uri} to read it.")
    return {"uri": uri, "shown": shown, "mediaType": document.media_type, "text": text}


_NOT_SENT: Final = "Do not send it"
_WITHOUT: Final = "Send it without the secret"
_AS_IT_IS: Final = "Send it as it is"
_CARD_FAULTS: Final = frozenset({"card-needed", "card-declined"})

_RUN: Final[Mapping[str, Callable[..., Awaitable[object]]]] = {
    commands.SIGN_IN: _by_token,
    commands.SIGN_OUT: _by_token,
    commands.STATUS: _status,
    commands.CARD: _card,
    commands.PAYOUTS: _payouts,
    commands.ASK: _ask,
    commands.CANCEL_ASK: _cancel_ask,
    commands.KEEP_ASK: _keep_ask,
    commands.RAISE_LIMIT: _raise_limit,
    commands.MENTORS: _mentors,
    commands.GO_ONLINE: _go_online,
    commands.GO_OFFLINE: _go_offline,
    commands.ACCEPT: _accept,
    commands.DECLINE: _decline,
    commands.DIAGNOSE: _diagnose,
    commands.START_METER: _start_meter,
    commands.PAUSE: _pause,
    commands.RESUME: _resume,
    commands.EXTEND: _extend,
    commands.SHARE: _share,
    commands.UNSHARE: _unshare,
    commands.MODE: _mode,
    commands.LOOK_UPS: _look_ups,
    commands.UNDO_MENTOR: _undo_mentor,
    commands.UNDO: _undo,
    commands.REDO: _redo,
    commands.ACCEPT_PROPOSAL: _accept_proposal,
    commands.REFUSE_PROPOSAL: _refuse_proposal,
    commands.SHOW_PROPOSALS: _show_proposals,
    commands.POINT: _point,
    commands.CHAT: _chat,
    commands.FOLLOW: _follow,
    commands.END: _end,
    commands.RATE: _rate,
    commands.REFUND: _refund,
    commands.RECEIPT: _receipt,
    commands.PATCH: _patch,
    commands.NOTE: _note,
}
