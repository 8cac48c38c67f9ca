"""Everything we ask of the editor, and which of its abilities decides how.

Owns the calls: each knows the capability it needs and what to do without it. Does not own when anything is said. A
question always has a time limit and a harmless first answer: some editors answer with the first when the user only meant
to go on typing, some never answer at all. Bare Neovim stops at a prompt on `window/showMessage`, so it is told by
progress.
"""

import asyncio
import contextlib
import logging
import uuid
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final, TypeVar

import msgspec
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from cm_lsp import foreign_markdown, lsp_ext
from cm_lsp.language_server import Server, builtins_of
from cm_lsp.sharing.bridge_messages import SendEdit, TextEdit
from cm_lsp.tasks import Tasks
from cm_wire import printable

log = logging.getLogger(__name__)

QUESTION_PATIENCE_SECONDS: Final = 120.0
EDIT_PATIENCE_SECONDS: Final = 30.0
PLUGIN_PATIENCE_SECONDS: Final = 5.0
LOOK_UP_PATIENCE_SECONDS: Final = 1.7
BARRIER_PATIENCE_SECONDS: Final = 1.0
FLASH_SECONDS: Final = 6.0
"""How long a message stands where it has to be told as progress."""
NAMES_OF_EMACS: Final = frozenset({"", "Eglot", "emacs"})
"""eglot 1.9 gives no name. What Emacs loses while it asks or waits is told in docs/decisions/0022."""
_DEFINITIONS_ID: Final = "codementor-definitions"

_Shape = TypeVar("_Shape", bound=msgspec.Struct)


class Progress:
    """One `$/progress` of ours. Ending it twice, or reporting after its end, does nothing."""

    def __init__(self, server: Server, token: str, *, is_shown: bool) -> None:
        self._server = server
        self._token = token
        self._ended = not is_shown

    def report(self, text: str) -> None:
        if not self._ended:
            self._send(types.WorkDoneProgressReport(message=text))

    def end(self, text: str = "") -> None:
        if not self._ended:
            self._ended = True
            self._send(types.WorkDoneProgressEnd(message=text or None))

    def _send(
        self,
        value: types.WorkDoneProgressBegin
        | types.WorkDoneProgressReport
        | types.WorkDoneProgressEnd,
    ) -> None:
        self._server.progress(types.ProgressParams(token=self._token, value=value))


class Editor:
    """Made after `initialize`, when its abilities are known."""

    def __init__(self, server: Server, claims: lsp_ext.Capabilities, client_name: str) -> None:
        self._server = server
        self.claims = claims
        self.has_plugin = any(msgspec.structs.astuple(claims))
        self._messages_block = client_name == "Neovim" and not self.has_plugin
        self._can = server.client_capabilities
        self._is_emacs = client_name in NAMES_OF_EMACS and not self.has_plugin
        if self._is_emacs:
            server.wire.set_answers_apart()
        self._cancel_handlers: dict[str, Callable[[], None]] = {}
        self._tasks = Tasks("editor")

    def later(self, work: Coroutine[Any, Any, object]) -> None:
        """Do something that waits for the editor, beside everything else; what goes wrong is logged."""
        self._tasks.later(work)

    # What is drawn by a plugin.

    def notify(self, method: str, shape: msgspec.Struct) -> None:
        """One of `lsp_ext`'s notifications, to a client with a plugin; others would only log it."""
        if self.has_plugin:
            self._server.protocol.notify(method, builtins_of(shape))

    async def prompt(self, title: str, placeholder: str = "") -> str | None:
        """A line of text from the user, where a plugin can ask for one."""
        if not self.claims.prompt:
            return None
        question = lsp_ext.Prompt(title=title, placeholder=placeholder)
        answer = await self._plugin(
            lsp_ext.PROMPT, question, lsp_ext.Prompted, QUESTION_PATIENCE_SECONDS
        )
        return answer.text if answer else None

    async def read_document(self, uri: str) -> lsp_ext.DocumentText | None:
        """The text of an open document as the plugin sees it."""
        if not self.claims.rebase:
            return None
        return await self._plugin(
            lsp_ext.READ_DOCUMENT,
            lsp_ext.ReadDocument(uri=uri),
            lsp_ext.DocumentText,
            PLUGIN_PATIENCE_SECONDS,
        )

    async def look_up(self, asked: lsp_ext.LookUp) -> lsp_ext.LookedUp | None:
        """What the user's other language servers say, where a plugin can ask them."""
        return await self._plugin(
            lsp_ext.LOOK_UP, asked, lsp_ext.LookedUp, LOOK_UP_PATIENCE_SECONDS
        )

    @property
    def learns_of_definitions(self) -> bool:
        """Whether it can be told in mid-session that definitions are answered."""
        of_document = self._can.text_document
        definition = of_document.definition if of_document else None
        return bool(definition and definition.dynamic_registration)

    async def announce_definitions(self, scheme: str) -> None:
        """From now on, in documents of a URI scheme; an editor that cannot learn of it was told at the start."""
        if not self.learns_of_definitions:
            return
        options = types.DefinitionRegistrationOptions(
            document_selector=[types.TextDocumentFilterScheme(scheme=scheme)]
        )
        method = types.TEXT_DOCUMENT_DEFINITION
        registration = types.Registration(_DEFINITIONS_ID, method, options)
        with contextlib.suppress(TimeoutError, JsonRpcException):
            async with asyncio.timeout(PLUGIN_PATIENCE_SECONDS):
                await self._server.client_register_capability_async(
                    types.RegistrationParams([registration])
                )

    async def withdraw_definitions(self) -> None:
        if not self.learns_of_definitions:
            return
        registration = types.Unregistration(_DEFINITIONS_ID, types.TEXT_DOCUMENT_DEFINITION)
        with contextlib.suppress(TimeoutError, JsonRpcException):
            async with asyncio.timeout(PLUGIN_PATIENCE_SECONDS):
                await self._server.client_unregister_capability_async(
                    types.UnregistrationParams([registration])
                )

    def hover(self, said: str, foreign: str) -> types.Hover:
        """`said` are sentences of ours; `foreign` is Markdown of the other side's, of which nothing is trusted."""
        of_document = self._can.text_document
        formats = (
            of_document.hover.content_format if of_document and of_document.hover else None
        ) or ()
        if types.MarkupKind.Markdown in formats:
            kind, shown = types.MarkupKind.Markdown, foreign_markdown.markdown(foreign)
            said = "  \n".join(map(printable.markdown, said.splitlines()))
        else:
            kind, shown = types.MarkupKind.PlainText, foreign_markdown.plain(foreign)
        return types.Hover(types.MarkupContent(kind, "\n\n".join(filter(None, (said, shown)))))

    # Messages and questions.

    def say(self, text: str, level: types.MessageType = types.MessageType.Info) -> None:
        """A sentence the user should see once."""
        self._server.window_log_message(types.LogMessageParams(level, text))
        if self._messages_block:
            self.later(self._flash_by_progress(text))
        else:
            self._server.window_show_message(types.ShowMessageParams(level, text))

    def say_wrong(self, text: str) -> None:
        self.say(text, types.MessageType.Error)

    async def ask(
        self,
        text: str,
        answers: Sequence[str],
        patience_seconds: float = QUESTION_PATIENCE_SECONDS,
    ) -> str | None:
        """The title that was chosen; None for no answer, an unknown one, or none in time.

        Put the harmless answer first. Where the editor must not be asked the time passes, and the code actions are the answers.
        """
        if not self.can_be_asked or self._may_show_no_questions:
            self.say(f"{text} Answer by code action.")
        if not self.can_be_asked:
            await asyncio.sleep(patience_seconds)
            return None
        params = types.ShowMessageRequestParams(
            types.MessageType.Info, text, [types.MessageActionItem(title) for title in answers]
        )
        try:
            async with asyncio.timeout(patience_seconds):
                chosen = await self._server.window_show_message_request_async(params)
        except (TimeoutError, JsonRpcException):
            return None
        return chosen.title if chosen is not None and chosen.title in answers else None

    @property
    def can_show_documents(self) -> bool:
        window = self._can.window
        return bool(window and window.show_document and window.show_document.support)

    async def show_document(
        self, uri: str, *, focus: bool = False, selection: lsp_ext.Range | None = None
    ) -> bool:
        """Whether the editor opened it."""
        if not self.can_show_documents:
            return False
        params = types.ShowDocumentParams(
            uri, take_focus=focus, selection=lsp_range(selection) if selection else None
        )
        try:
            async with asyncio.timeout(PLUGIN_PATIENCE_SECONDS):
                return (await self._server.window_show_document_async(params)).success
        except (TimeoutError, JsonRpcException):
            return False

    async def open_page(self, url: str) -> bool:
        """Whether the editor sent its user's browser there. The caller vouches for the address."""
        if not self.can_show_documents:
            return False
        params = types.ShowDocumentParams(url, external=True)
        try:
            async with asyncio.timeout(PLUGIN_PATIENCE_SECONDS):
                return (await self._server.window_show_document_async(params)).success
        except (TimeoutError, JsonRpcException):
            return False

    @property
    def can_be_asked(self) -> bool:
        """Where not, each answer is a code action, or another command."""
        return not self._is_emacs

    @property
    def _may_show_no_questions(self) -> bool:
        """Some leave them unanswered and unseen (ALE). Those say nothing of questions, nor that they take edits."""
        window, workspace = self._can.window, self._can.workspace
        return not (window and window.show_message) and not (workspace and workspace.apply_edit)

    # Progress.

    async def progress(
        self, title: str, text: str = "", on_cancel: Callable[[], None] | None = None
    ) -> Progress:
        """Begun on return, where the editor has progress at all."""
        token = str(uuid.uuid4())
        is_shown = bool(self._can.window and self._can.window.work_done_progress)
        progress = Progress(self._server, token, is_shown=is_shown)
        if not is_shown:
            return progress
        try:
            async with asyncio.timeout(PLUGIN_PATIENCE_SECONDS):
                await self._server.window_work_done_progress_create_async(
                    types.WorkDoneProgressCreateParams(token)
                )
        except (TimeoutError, JsonRpcException):
            log.info("the editor did not take a progress token")
        if on_cancel is not None:
            self._cancel_handlers[token] = on_cancel
        begin = types.WorkDoneProgressBegin(
            title=title, message=text or None, cancellable=on_cancel is not None
        )
        self._server.progress(types.ProgressParams(token=token, value=begin))
        return progress

    def progress_cancelled(self, token: object) -> None:
        handler = self._cancel_handlers.pop(str(token), None)
        if handler is not None:
            handler()

    # Edits.

    async def apply(self, uri: str, edit: SendEdit) -> tuple[bool, int | None]:
        """Whether the editor says it applied the edit, and at which version, where it tells."""
        try:
            async with asyncio.timeout(EDIT_PATIENCE_SECONDS):
                if edit.rebase:
                    return await self._apply_rebased(uri, edit)
                answer = await self._server.workspace_apply_edit_async(
                    types.ApplyWorkspaceEditParams(
                        self.workspace_edit(uri, edit.version, edit.edits)
                    )
                )
                return answer.applied, None
        except (TimeoutError, JsonRpcException, msgspec.ValidationError) as error:
            log.info("edit refused uri=%s reason=%s", uri, error)
            return False, None

    async def barrier(self) -> None:
        """Return when the editor has reported all its user typed so far, or soon after."""
        try:
            async with asyncio.timeout(BARRIER_PATIENCE_SECONDS):
                await self._server.workspace_semantic_tokens_refresh_async(None)
        except (TimeoutError, JsonRpcException):
            log.debug("no barrier")

    def workspace_edit(
        self, uri: str, version: int | None, changes: Sequence[TextEdit]
    ) -> types.WorkspaceEdit:
        """Edits of one document; for a version of it, where the editor can be told."""
        found = text_edits(changes)
        workspace = self._can.workspace
        versioned = workspace and workspace.workspace_edit
        if not (versioned and versioned.document_changes):
            return types.WorkspaceEdit(changes={uri: found})
        document = types.OptionalVersionedTextDocumentIdentifier(uri=uri, version=version)
        return types.WorkspaceEdit(document_changes=[types.TextDocumentEdit(document, found)])

    @property
    def confirms_changes(self) -> bool:
        """Whether it can show an edit change by change and let its user choose."""
        edit = self._can.workspace and self._can.workspace.workspace_edit
        return bool(edit and edit.document_changes and edit.change_annotation_support)

    # Marks in the text.

    def publish_diagnostics(self, uri: str, diagnostics: Sequence[types.Diagnostic]) -> None:
        self._server.text_document_publish_diagnostics(
            types.PublishDiagnosticsParams(uri, list(diagnostics))
        )

    def refresh_marks(self) -> None:
        """Ask the editor to ask for lenses and hints again, where it can."""
        workspace = self._can.workspace
        if workspace is None:
            return
        if workspace.code_lens and workspace.code_lens.refresh_support:
            self._server.workspace_code_lens_refresh(None)
        if workspace.inlay_hint and workspace.inlay_hint.refresh_support:
            self._server.workspace_inlay_hint_refresh(None)

    async def _apply_rebased(self, uri: str, edit: SendEdit) -> tuple[bool, int | None]:
        request = lsp_ext.ApplyEdit(
            uri=uri,
            version=edit.version or 0,
            edits=tuple(
                lsp_ext.TextEdit(
                    range=lsp_ext.Range(
                        start=lsp_ext.Position(
                            line=change.start.line, character=change.start.character
                        ),
                        end=lsp_ext.Position(line=change.end.line, character=change.end.character),
                    ),
                    new_text=change.text,
                )
                for change in edit.edits
            ),
        )
        raw = await self._server.protocol.send_request_async(
            lsp_ext.APPLY_EDIT, builtins_of(request)
        )
        answer = msgspec.convert(raw, lsp_ext.EditApplied)
        return answer.applied, answer.version

    async def _plugin(
        self, method: str, params: msgspec.Struct, shape: type[_Shape], patience_seconds: float
    ) -> _Shape | None:
        try:
            async with asyncio.timeout(patience_seconds):
                raw: Any = await self._server.protocol.send_request_async(
                    method, builtins_of(params)
                )
            return None if raw is None else msgspec.convert(raw, shape)
        except (TimeoutError, JsonRpcException, msgspec.ValidationError) as error:
            log.warning("the plugin does not answer %s as it claims: %s", method, error)
            return None

    async def _flash_by_progress(self, text: str) -> None:
        progress = await self.progress("Codementor", text)
        await asyncio.sleep(FLASH_SECONDS)
        progress.end(text)


def text_edits(changes: Sequence[TextEdit]) -> list[types.TextEdit]:
    return [
        types.TextEdit(
            types.Range(types.Position(*change.start), types.Position(*change.end)), change.text
        )
        for change in changes
    ]


def lsp_range(given: lsp_ext.Range) -> types.Range:
    """Our shape of a range as the library's."""
    return types.Range(
        types.Position(given.start.line, given.start.character),
        types.Position(given.end.line, given.end.character),
    )
