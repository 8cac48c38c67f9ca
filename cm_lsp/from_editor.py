"""One short function for each LSP method we answer.

Owns the mapping from LSP to our parts, and the one guard that turns whatever goes wrong into an honest answer. Nothing here
decides. Handlers that report a change run to their end without waiting, so that changes keep their order.
"""

import asyncio
import logging
import secrets
from collections.abc import Sequence
from functools import partial
from typing import Final

from lsprotocol import types
from pygls.exceptions import JsonRpcInternalError

from cm_lsp import (
    code_actions,
    commands,
    from_lsp,
    from_server,
    learners_diagnostics,
    lsp_ext,
    run_command,
    to_editor,
)
from cm_lsp.app import Codementor, Machine
from cm_lsp.language_server import Server, answer_to_editor, builtins_of
from cm_lsp.sharing.bridge_messages import Change, RangeChange
from cm_lsp.sharing.positions import Position
from cm_wire import faults

log = logging.getLogger(__name__)

REPORT_SECONDS: Final = 0.3
"""Linters report at every key; the mentor is told this often at most."""


class Handlers:
    """`here` exists from `initialize` on, which the server makes sure comes first."""

    def __init__(self, server: Server, machine: Machine) -> None:
        self._server = server
        self._machine = machine
        self._here: Codementor | None = None
        self._reports_due: dict[str, asyncio.TimerHandle] = {}

    @property
    def here(self) -> Codementor:
        assert self._here is not None
        return self._here

    # Life.

    def initialize(self, params: types.InitializeParams) -> None:
        self._here = Codementor(self._server, self._machine, params)
        if not self.here.editor.learns_of_definitions:
            self._answer_definitions()
        if self.here.profile.pulls:
            self._server.feature(types.TEXT_DOCUMENT_FORMATTING)(partial(self.formatting))

    def initialized(self, _: types.InitializedParams) -> None:
        if self.here.editor.learns_of_definitions:
            self._answer_definitions()
        self.here.start(from_server.take)

    async def shutdown(self, _: object = None) -> None:
        await self.here.stop()

    def folders_changed(self, params: types.DidChangeWorkspaceFoldersParams) -> None:
        added, removed = params.event.added, params.event.removed
        self.here.folders_changed([f.uri for f in added], [f.uri for f in removed])

    def _answer_definitions(self) -> None:
        """Before `initialize` is answered it is announced for good; an editor that can, learns of it in a session only.

        An editor sets keys and tags up for whoever announces it, which is for the user's own server to do.
        """
        self._server.feature(types.TEXT_DOCUMENT_DEFINITION)(partial(self.definition))

    # Documents.

    def did_open(self, params: types.DidOpenTextDocumentParams) -> None:
        item = params.text_document
        document = self.here.documents.opened(
            item.uri,
            str(getattr(item.language_id, "value", item.language_id)),
            item.version,
            item.text,
        )
        if self.here.room is not None:
            self.here.room.opened(document)
            learners_diagnostics.draw(self.here, document.uri)

    def did_change(self, params: types.DidChangeTextDocumentParams) -> None:
        uri, version = params.text_document.uri, params.text_document.version
        changes = [from_lsp.change(change) for change in params.content_changes]
        if self.here.documents.changed(uri, version, changes) is None:
            log.warning("change-of-closed-document")
            self.here.editor.later(self._read_again(uri))
            return
        if self.here.room is not None:
            self.here.room.changed_text(uri, version, changes)
            self._infer_cursor_from_typing(uri, changes)

    def did_close(self, params: types.DidCloseTextDocumentParams) -> None:
        self.here.documents.closed(params.text_document.uri)
        if self.here.room is not None:
            self.here.room.closed(params.text_document.uri)

    def did_save(self, params: types.DidSaveTextDocumentParams) -> None:
        """The whole text, from an editor that was asked for it and gives it: a report that was lost shows in it."""
        room, uri = self.here.room, params.text_document.uri
        document = self.here.documents.get(uri)
        if room is not None and document is not None:
            room.on_disk.saved(document)
        if room is not None and params.text is not None:
            room.lost_reports.saved(uri, params.text)

    # Files.

    def files_renamed(self, params: types.RenameFilesParams) -> None:
        room = self.here.room
        if room is not None:
            for file in params.files:
                room.on_disk.renamed(file.old_uri, file.new_uri)

    def files_deleted(self, params: types.DeleteFilesParams) -> None:
        room = self.here.room
        if room is not None:
            for file in params.files:
                room.on_disk.deleted(file.uri)

    def files_created(self, params: types.CreateFilesParams) -> None:
        room = self.here.room
        if room is not None:
            for file in params.files:
                room.on_disk.created(file.uri)

    # What plain LSP asks.

    def code_action(self, params: types.CodeActionParams) -> list[types.CodeAction]:
        here = self.here
        self._infer_cursor(params.text_document.uri, params.range.start, params.range.end)
        actions = code_actions.ask(params, params.context.only)
        if params.context.only:
            return actions
        actions += [*self._waiting_changes(params.text_document.uri), *self._proposals(params)]
        actions += code_actions.of_pending(
            here.asking.pending, here.asking.choices, here.asking.replaced
        )
        if here.editor.has_plugin:
            return actions
        uri, place = params.text_document.uri, params.range
        document = here.documents.get(uri)
        line = ""
        if document is not None and (here.room or here.last_session):
            lines = str(document.text).split("\n")
            line = lines[min(place.start.line, len(lines) - 1)]
        view = here.room.view if here.room is not None else here.last_session
        is_shared = here.room is not None and here.room.table.path(uri) is not None
        welcome = here.state().welcome
        return [
            *actions,
            *code_actions.of_waiting(here.asking.waiting.open_ask, here.asking.waiting.nobody),
            *code_actions.of_offers(here.offers.open_offers()),
            *code_actions.of_session(view, line),
            *code_actions.of_document(view, uri, from_lsp.range_(place), is_shared=is_shared),
            *code_actions.of_presence(
                is_mentor=bool(welcome and welcome.is_mentor) and here.room is None,
                online=here.online,
            ),
        ]

    def formatting(self, params: types.DocumentFormattingParams) -> list[types.TextEdit] | None:
        """Brings the document up to date, in an editor that takes edits only when told to."""
        room, uri = self.here.room, params.text_document.uri
        path = room.table.path(uri) if room is not None else None
        if room is None or path is None:
            return None
        return to_editor.text_edits(room.waiting_changes.offer(path)) or None

    def _waiting_changes(self, uri: str) -> list[types.CodeAction]:
        here, document = self.here, self.here.documents.get(uri)
        path = here.room.table.path(uri) if here.room is not None else None
        if here.room is None or path is None or document is None:
            return []
        waiting = here.room.waiting_changes
        title, offered = waiting.title(path), waiting.offer(path)
        if not offered:
            return []
        edit = here.editor.workspace_edit(uri, document.version, offered)
        return [code_actions.of_waiting_changes(title, edit)]

    def _proposals(self, params: types.CodeActionParams) -> list[types.CodeAction]:
        """Of the lines that are asked about; where there is none, of the whole file."""
        uri, editor = params.text_document.uri, self.here.editor
        found, document = self._located(uri), self.here.documents.get(uri)
        first, last = params.range.start.line, params.range.end.line
        near = [
            one for one in found if one.where.start.line <= last and one.where.end.line >= first
        ]
        review = None
        if found and document is not None and editor.confirms_changes:
            review = code_actions.review(uri, document.version, found)
        return code_actions.of_proposals(uri, near or found, review)

    def _located(self, uri: str) -> list[code_actions.Proposal]:
        room = self.here.room
        path = room.table.path(uri) if room is not None else None
        if room is None or path is None:
            return []
        return [
            code_actions.Proposal(
                one.hunk.number,
                one.title,
                types.Range(types.Position(*one.start), types.Position(*one.end)),
                one.change.text,
            )
            for one in room.proposing.located(path)
        ]

    def document_highlight(
        self, params: types.DocumentHighlightParams
    ) -> list[types.DocumentHighlight] | None:
        uri = params.text_document.uri
        self._infer_cursor(uri, params.position, params.position)
        return self.here.marks.of(uri).highlights() or None

    async def hover(self, params: types.HoverParams) -> types.Hover | None:
        """Some editors ask for highlights only where there may be a hover, and so tell where their user is."""
        here, uri, place = self.here, params.text_document.uri, params.position
        self._infer_cursor(uri, place, place)
        said = "" if here.editor.claims.cursors else here.marks.of(uri).said_at(place.line)
        found = ""
        if here.room is not None:
            found = await here.room.looking_up.hover(uri, from_lsp.position(place))
        return here.editor.hover(said, found) if said or found else None

    async def definition(self, params: types.DefinitionParams) -> list[types.Location] | None:
        """Of shared files at the mentor's: where the learner's tools say it is defined."""
        room, place = self.here.room, params.position
        if room is None:
            return None
        uri, position = params.text_document.uri, from_lsp.position(place)
        return await room.looking_up.definitions(uri, position) or None

    def inlay_hint(self, params: types.InlayHintParams) -> list[types.InlayHint] | None:
        if self.here.editor.claims.cursors:
            return None
        return self.here.marks.of(params.text_document.uri).hints() or None

    def code_lens(self, params: types.CodeLensParams) -> list[types.CodeLens] | None:
        """The meter where it is not drawn, and what to do with each proposal where no plugin draws them."""
        here, uri = self.here, params.text_document.uri
        if here.room is None or here.room.table.path(uri) is None:
            return None
        lenses = []
        if not here.editor.claims.meter:
            title = f"Codementor {here.meter.text or 'shared'}"
            top = types.Position(0, 0)
            command = types.Command(title=title, command=commands.STATUS, arguments=[])
            lenses.append(types.CodeLens(range=types.Range(top, top), command=command))
        if not here.editor.has_plugin:
            lenses += code_actions.lenses_of_proposals(uri, self._located(uri))
        return lenses or None

    def semantic_tokens(self, _: types.SemanticTokensParams) -> types.SemanticTokens:
        """Empty. That it may be asked for again is what makes an editor report all it has (`Editor.barrier`)."""
        return types.SemanticTokens(data=[])

    def progress_cancel(self, params: types.WorkDoneProgressCancelParams) -> None:
        self.here.editor.progress_cancelled(params.token)

    # What our plugins say.

    def cursor(self, params: object) -> None:
        said = from_lsp.shaped(params, lsp_ext.Cursor)
        if said is None or not said.selections or self.here.room is None:
            return
        main = said.selections[0]
        start, end = from_lsp.position(main.start), from_lsp.position(main.end)
        anchor, head = (end, start) if said.reversed else (start, end)
        self.here.room.cursor_moved(said.text_document.uri, anchor, head)

    def diagnostics(self, params: object) -> None:
        said = from_lsp.shaped(params, lsp_ext.Diagnostics)
        document = self.here.documents.get(said.uri) if said is not None else None
        if said is None or document is None:
            return
        document.diagnostics = said.diagnostics
        if said.uri not in self._reports_due:
            loop = asyncio.get_running_loop()
            due = loop.call_later(REPORT_SECONDS, self._report_diagnostics, said.uri)
            self._reports_due[said.uri] = due

    def open_shared(self, params: object) -> object:
        asked = from_lsp.shaped(params, lsp_ext.OpenShared)
        room = self.here.room
        text = room.shared_text(asked.uri) if asked is not None and room is not None else None
        if text is None:
            raise answer_to_editor(
                faults.refusal(
                    "no-such-session",
                    "There is no such shared file now.",
                    "It may have been unshared, or the session is over.",
                )
            )
        return builtins_of(text)

    # Commands.

    async def command(self, name: str, arguments: Sequence[object] | None) -> object:
        """The one place where a command's failure becomes an answer; shown once, by the plugin or by us."""
        try:
            return await run_command.run(self.here, name, commands.parse(name, arguments))
        except faults.Refused as refused:
            failure = answer_to_editor(refused)
        except Exception:
            reference = secrets.token_hex(4)
            log.exception("command-failed name=%s ref=%s", name, reference)
            failure = JsonRpcInternalError(
                f"Something went wrong here; it is logged as {reference}."
            )
        if not self.here.editor.has_plugin:
            self.here.editor.say_wrong(f"Codementor: {failure.message}")
        raise failure

    # Within.

    def _report_diagnostics(self, uri: str) -> None:
        self._reports_due.pop(uri, None)
        learners_diagnostics.report(self.here, uri)

    async def _read_again(self, uri: str) -> None:
        """An editor that reports changes of a document it has not opened: ask for the whole, where it can say."""
        read = await self.here.editor.read_document(uri)
        if read is not None:
            document = self.here.documents.opened(uri, read.language_id, read.version, read.text)
            if self.here.room is not None:
                self.here.room.opened(document)

    def _infer_cursor(self, uri: str, start: types.Position, end: types.Position) -> None:
        """Requests about a place tell where the user is, in editors that do not say it otherwise."""
        room = self.here.room
        if room is not None and not self.here.editor.claims.cursors:
            room.cursor_moved(
                uri, Position(start.line, start.character), Position(end.line, end.character)
            )

    def _infer_cursor_from_typing(self, uri: str, changes: Sequence[Change]) -> None:
        room = self.here.room
        last = changes[-1] if changes else None
        if room is None or self.here.editor.claims.cursors or not isinstance(last, RangeChange):
            return
        line = last.start.line + last.text.count("\n")
        tail = last.text.rpartition("\n")[2]
        before = 0 if "\n" in last.text else last.start.character
        place = Position(line, before + len(tail))
        room.cursor_moved(uri, place, place)
