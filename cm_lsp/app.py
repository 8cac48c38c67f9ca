"""Builds one editor's Codementor and connects its parts; the only place that knows all of them.

Owns the life of the link, of the one live room, and of what is remembered of the last session. Does not own a rule: each
part decides for itself. The CRDT and websocket libraries are loaded here when they are first needed, so that opening an
editor costs neither.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lsprotocol import types

from cm_lsp import files_to_show, lsp_ext, settings
from cm_lsp.asking.ask import Asking, Surroundings
from cm_lsp.asking.offers import Offers
from cm_lsp.documents import OpenDocuments
from cm_lsp.language_server import Server
from cm_lsp.session import kept_places, meter_view, mirror, views
from cm_lsp.session.decisions import Decisions
from cm_lsp.session.marks import AllMarks
from cm_lsp.session.meter_display import MeterDisplay
from cm_lsp.session.place import Place
from cm_lsp.settings import Settings
from cm_lsp.sharing import client_profiles
from cm_lsp.sharing.positions import PositionEncoding
from cm_lsp.to_editor import Editor
from cm_lsp.to_server.backoff import Backoff
from cm_lsp.to_server.link import Link, LinkState
from cm_lsp.to_server.outbox import Outbox
from cm_wire import faults, printable
from cm_wire.ids import CommandId, SessionId
from cm_wire.session import ChatLine, MeterView, Mode, SessionView
from cm_wire.to_client import Fact, Result
from cm_wire.to_server import Command, SetMode

if TYPE_CHECKING:
    from cm_lsp.session.room import Room

log = logging.getLogger(__name__)

CHAT_LINES_KEPT: Final = 200


@dataclass(frozen=True, slots=True)
class Machine:
    """What the process is given: where it may keep files, its environment, chance, the wall clock (seconds since 1970)."""

    environment: Mapping[str, str]
    cache_folder: Path
    randomness: random.Random
    version: str
    now: Callable[[], float]


class Codementor:
    """Made when the editor has said who it is (`initialize`)."""

    def __init__(
        self, server: Server, machine: Machine, initialize: types.InitializeParams
    ) -> None:
        name = initialize.client_info.name if initialize.client_info else ""
        read = settings.read(machine.environment, server.initialization_options)
        self.settings: Settings = read.settings
        self.warnings = read.warnings
        self._machine = machine
        self.cache_folder = machine.cache_folder
        self._client = f"cm-lsp/{machine.version}"
        self.editor = Editor(server, self.settings.capabilities, name)
        self.profile = client_profiles.profile_of(
            name,
            applies_edits=bool(
                initialize.capabilities.workspace and initialize.capabilities.workspace.apply_edit
            ),
            rebases=self.settings.capabilities.rebase,
        )
        self.documents = OpenDocuments(
            self.profile.encoding or _encoding(initialize), self.profile.lone_carriage_return
        )
        self.roots = _roots(initialize)
        """Grows as the editor opens more folders; who holds it sees that."""
        self.marks = AllMarks()
        self.meter = MeterDisplay(self.editor)
        self.chat: list[ChatLine] = []
        self._last_words = ""
        """The other's last line of chat, where no plugin keeps it."""
        self.room: Room | None = None
        self.last_session: SessionView | None = None
        self._mode_asked: set[SessionId] = set()
        self.asking = Asking(
            Surroundings(
                self.editor,
                self.documents,
                self.settings,
                self.send,
                machine.cache_folder,
                self.roots,
            )
        )
        self.offers = Offers(self.editor, self.send, machine.cache_folder)
        self._decisions = Decisions(self.editor, self.send)
        self.online = False
        """Whether this mentor is offered asks."""
        self._told_offline = False
        self.link: Link | None = None
        self._link_task: asyncio.Task[None] | None = None

    def folders_changed(self, added: Sequence[str], removed: Sequence[str]) -> None:
        """The user opened or closed folders of the workspace."""
        kept = [root for root in self.roots if root not in removed]
        self.roots[:] = [*kept, *(root for root in added if root not in kept)]

    # The link.

    def start(self, on_fact: "Callable[[Codementor, Fact], None]") -> None:
        """Connect, if somebody is signed in."""
        for warning in self.warnings:
            self.editor.say(f"Codementor: {warning}", types.MessageType.Warning)
        mirror.remove_leftovers(self._machine.cache_folder, self._machine.now())
        kept_places.remove_leftovers(self._machine.cache_folder, self._machine.now())
        if not self.settings.token:
            self._tell_status(LinkState("signedOut", _SIGN_IN))
            return
        self.link = Link(
            self.settings.server_url,
            self.settings.token,
            client=self._client,
            outbox=Outbox(self._new_command_id),
            backoff=Backoff(self._machine.randomness),
            on_fact=lambda fact: on_fact(self, fact),
            on_state=self._link_changed,
        )
        self._link_task = asyncio.get_running_loop().create_task(self.link.run())
        self._link_task.add_done_callback(_log_failure)

    async def stop(self) -> None:
        """The editor goes: leave the session quietly, the server sees that we are away."""
        if self.room is not None:
            self.room.stop()
        if self._link_task is not None:
            self._link_task.cancel()
            await asyncio.gather(self._link_task, return_exceptions=True)

    async def send(self, command: Command) -> Result:
        """A command to the server; its answer, or `faults.Refused`."""
        if self.link is None:
            raise faults.refusal("sign-in", _SIGN_IN)
        return await self.link.command(command)

    def state(self) -> LinkState:
        return self.link.state if self.link is not None else LinkState("signedOut", _SIGN_IN)

    # Sessions.

    def session_changed(self, view: SessionView) -> None:
        """The server tells a session's whole state."""
        known = self.last_session
        self.last_session = view
        if views.is_over(view):
            self._session_over(view, known)
            if known is not None:
                self._decisions.session_changed(view)
            return
        if self.room is None or self.room.view.session_id != view.session_id:
            self._enter(view)
        else:
            self.room.changed(view)
        self._decisions.session_changed(view)
        if view.you == "learner" and not view.files:
            self._share_asked()

    def session_named(self, session_id: str | None) -> SessionId:
        """The live session, or the last one, where none is named."""
        if session_id:
            return SessionId(session_id)
        if self.room is not None:
            return self.room.view.session_id
        if self.last_session is not None:
            return self.last_session.session_id
        raise faults.refusal(
            "no-such-session", "There is no session.", "Ask a mentor, or accept an offer, first."
        )

    def live_room(self) -> "Room":
        if self.room is None:
            raise faults.refusal("no-such-session", "There is no live session.")
        return self.room

    async def choose_mode(self, session_id: SessionId, mode: Mode) -> Result:
        if self.room is not None and self.room.view.session_id == session_id:
            self.room.mode_chosen()
        return await self.send(SetMode(session_id=session_id, mode=mode))

    def meter_moved(self, meter: MeterView) -> None:
        if self.meter.moved(meter):
            self._stand_in_files()
        if self.room is not None:
            self._decisions.meter_moved(self.room.view, meter)
        self.editor.notify(lsp_ext.METER, meter_view.shape(meter))

    def chat_said(self, line: ChatLine) -> None:
        view = self.last_session
        if view is None or any(known.number == line.number for known in self.chat):
            return
        self.chat = [*self.chat, line][-CHAT_LINES_KEPT:]
        author = view.learner if line.author == view.learner.person else view.mentor
        mine = author.role == view.you
        name, text = views.display_name(author), printable.plain(line.text)
        shape = lsp_ext.Chat(
            session_id=line.session_id,
            number=line.number,
            participant=line.author,
            name=name,
            mine=mine,
            text=text,
            at=line.at,
        )
        self.editor.notify(lsp_ext.CHAT, shape)
        if not mine and not self.editor.claims.chat:
            self._last_words = f"{name}: {printable.line(line.text)}"
            self._stand_in_files()
            self.editor.say(f"{name}: {text}")

    # Within.

    def _stand_in_files(self) -> None:
        """Meter and last words as hints in the first line of what is shared: some editors show nothing else of them."""
        room = self.room
        meter = "" if self.editor.claims.meter else self.meter.text
        standing = tuple(text for text in (meter, self._last_words) if text)
        for uri in room.table.uris().values() if room is not None else ():
            of_document = self.marks.of(uri)
            of_document.standing = standing
            if self.documents.get(uri) is not None:
                self.editor.publish_diagnostics(uri, of_document.diagnostics(with_cursors=True))

    def _enter(self, view: SessionView) -> None:
        from cm_lsp.session.room import Room

        if self.room is not None:
            self.room.stop()
        self.asking.waiting.end("")
        self.chat, self._last_words = [], ""
        link = self.link
        place = Place(
            editor=self.editor,
            documents=self.documents,
            profile=self.profile,
            settings=self.settings,
            client=self._client,
            cache_folder=self._machine.cache_folder,
            write_file=partial(files_to_show.write, self._machine.cache_folder),
            roots=self.roots,
            randomness=self._machine.randomness,
            send=self.send,
            round_trip_ms=lambda: link.round_trip_ms if link is not None else None,
            marks=self.marks,
        )
        self.room = Room(view, place)
        self.room.start()
        self.room.changed(view)
        self.editor.say(f"Codementor: {views.text(view)}.")

    def _share_asked(self) -> None:
        """The document of the ask is what the learner chose to show; the mode is asked beside it."""
        uri, room = self.asking.asked_uri, self.room
        self.asking.asked_uri = None
        if room is None:
            return
        if uri is not None:
            self.editor.later(self._share(room, uri))
        if room.view.session_id not in self._mode_asked:
            self._mode_asked.add(room.view.session_id)
            self.editor.later(self._ask_mode(room))

    async def _share(self, room: "Room", uri: str) -> None:
        try:
            await room.choosing.share(uri)
        except faults.Refused as refused:
            self.editor.say_wrong(f"Codementor: {refused}")

    async def _ask_mode(self, room: "Room") -> None:
        mentor = views.display_name(room.view.mentor)
        answer = await self.editor.ask(
            f"May {mentor} type into what you share, or only propose changes that you accept or "
            "refuse? codementor.mode changes it at any moment.",
            [_PROPOSE, _LIVE],
        )
        mode = _MODE_OF_ANSWER.get(answer or "")
        if mode is None or self.room is not room or room.view.mode == mode:
            return
        try:
            await self.choose_mode(room.view.session_id, mode)
        except faults.Refused as refused:
            self.editor.say_wrong(f"Codementor: {refused}")

    def _session_over(self, view: SessionView, known: SessionView | None) -> None:
        room = self.room
        if room is not None and room.view.session_id == view.session_id:
            room.changed(view)
            room.stop()
            self.room = None
            self.meter.over()
            why = f" ({printable.line(view.ended_why)})" if view.ended_why else ""
            self.editor.say(f"Codementor: {views.text(view)}{why}.")
        elif known is None or known.session_id == view.session_id:
            self.editor.notify(lsp_ext.SESSION, views.shape(view, {}))

    def _link_changed(self, state: LinkState) -> None:
        if state.connection == "connected":
            self._told_offline = False
        elif state.connection == "refused":
            self.editor.say_wrong(f"Codementor: {state.text}")
        elif not self._told_offline:
            self._told_offline = True
            self.editor.say(f"Codementor: {state.text}", types.MessageType.Warning)
        self._tell_status(state)

    def _tell_status(self, state: LinkState) -> None:
        welcome = state.welcome
        self.online = bool(welcome and welcome.online)
        shape = lsp_ext.Status(
            connection=state.connection,
            name=printable.line(welcome.name) if welcome else "",
            is_mentor=bool(welcome and welcome.is_mentor),
            online=self.online,
            text=state.text,
        )
        self.editor.notify(lsp_ext.STATUS, shape)

    def presence_changed(self, *, online: bool, why: str) -> None:
        """The mentor was taken on or off the list."""
        welcome = self.state().welcome
        self.online = online
        said = printable.line(why) or ("You are offered asks." if online else "You are offline.")
        shape = lsp_ext.Status(
            connection=self.state().connection,
            name=printable.line(welcome.name) if welcome else "",
            is_mentor=True,
            online=online,
            text=said,
        )
        self.editor.notify(lsp_ext.STATUS, shape)
        if why:
            self.editor.say(f"Codementor: {said}")

    def _new_command_id(self) -> CommandId:
        return CommandId(f"{self._machine.randomness.getrandbits(96):024x}")


_SIGN_IN: Final = (
    "You are not signed in. Set CM_TOKEN to your token and restart the language server."
)
_PROPOSE: Final = "Propose: I decide on each change"
_LIVE: Final = "Live: let them type"
_MODE_OF_ANSWER: Final[Mapping[str, Mode]] = {_PROPOSE: "propose", _LIVE: "live"}


def _encoding(initialize: types.InitializeParams) -> PositionEncoding:
    """What the library negotiates: the client's first choice that we know, else UTF-16."""
    general = initialize.capabilities.general
    for offered in (general.position_encodings if general else None) or ():
        try:
            return PositionEncoding(str(getattr(offered, "value", offered)))
        except ValueError:
            continue
    return PositionEncoding.UTF16


def _roots(initialize: types.InitializeParams) -> list[str]:
    folders = initialize.workspace_folders or []
    if folders:
        return [folder.uri for folder in folders]
    return [initialize.root_uri] if initialize.root_uri else []


def _log_failure(task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and task.exception() is not None:
        log.error("the link failed", exc_info=task.exception())
