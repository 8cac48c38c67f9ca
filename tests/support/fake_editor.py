"""An editor on the other end of the real `cm-lsp`: a pytest-lsp client with buffers, a user who answers, and a memory.

It follows the specification: an edit for another version than the buffer's is refused, an applied one is reported after the
answer. pytest-lsp holds every message against the capabilities the editor announced. Positions are UTF-16.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Union

from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pytest_lsp import LanguageClient, make_test_lsp_client

from cm_lsp.sharing.indexed_text import IndexedText
from cm_lsp.sharing.positions import Position, PositionEncoding
from tests.support import client_capabilities
from tests.support.server_process import environment
from tests.support.waiting import until

PATIENCE_SECONDS = 20.0
UTF16 = PositionEncoding.UTF16

ALL_CLAIMS: Mapping[str, bool] = {
    "cursors": True,
    "meter": True,
    "offers": True,
    "sharedBuffers": True,
    "chat": True,
    "rebase": True,
}


Answers = Callable[[str, Sequence[str]], str | None]


@dataclass
class EditorBuffer:
    text: IndexedText
    version: int
    language_id: str


@dataclass
class FakeEditor:
    """`answers` decides each question by its text; None dismisses it. `heard` are our own notifications, by method."""

    client: LanguageClient
    answers: Answers
    claims: Mapping[str, bool]
    buffers: dict[str, EditorBuffer] = field(default_factory=dict)
    heard: dict[str, list[Any]] = field(default_factory=dict)
    questions: list[tuple[str, list[str]]] = field(default_factory=list)
    look_ups: list[Any] = field(default_factory=list)
    """What the mentor asked this user's tools, which answer by `tools`."""
    tools: Callable[[Any], Mapping[str, object]] = lambda _: {}
    edits: list[str] = field(default_factory=list)
    """`applied` or `refused`, for each edit that came."""
    _waiting: "list[tuple[str, int, Sequence[tuple[Position, Position, str]]]]" = field(
        default_factory=list
    )

    # What the user does.

    def open(self, uri: str, text: str, language_id: str = "python", version: int = 1) -> None:
        self.buffers[uri] = EditorBuffer(IndexedText(text), version, language_id)
        item = types.TextDocumentItem(uri, language_id, version, text)
        self.client.text_document_did_open(types.DidOpenTextDocumentParams(item))

    def close(self, uri: str) -> None:
        del self.buffers[uri]
        self.client.text_document_did_close(
            types.DidCloseTextDocumentParams(types.TextDocumentIdentifier(uri))
        )

    def type_at(self, uri: str, offset: int, text: str, deleted: int = 0) -> None:
        """Replace code points as a user does: one change, one version."""
        buffer = self.buffers[uri]
        start = buffer.text.position_at(offset, UTF16)
        end = buffer.text.position_at(offset + deleted, UTF16)
        self._change(uri, [(start, end, text)])

    def take_edits(self, uri: str, edits: Sequence[types.TextEdit]) -> None:
        """What was answered to a request of the user's, all of it over one text."""
        self._change(uri, sorted(map(_text_edit, edits), reverse=True))

    def append(self, uri: str, text: str) -> None:
        self.type_at(uri, len(self.buffers[uri].text), text)

    def save(self, uri: str) -> None:
        saved = types.TextDocumentIdentifier(uri)
        self.client.text_document_did_save(types.DidSaveTextDocumentParams(saved, self.text(uri)))

    def swallow(self, uri: str, text: str) -> None:
        """The user types at the end, and the editor forgets to report it."""
        now = self.buffers[uri].text
        now.replace(len(now), len(now), text)

    def text(self, uri: str) -> str:
        buffer = self.buffers.get(uri)
        return "" if buffer is None else str(buffer.text)

    async def request(self, method: str, params: object) -> Any:
        """One of our own requests."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            protocol: Any = self.client.protocol
            return await protocol.send_request_async(method, params)

    async def command(self, name: str, /, **argument: object) -> Any:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self.client.workspace_execute_command_async(
                types.ExecuteCommandParams(f"codementor.{name}", [argument] if argument else [])
            )

    async def refusal(self, name: str, /, **argument: object) -> JsonRpcException:
        """The error a command is answered with; fails when there is none."""
        try:
            result = await self.command(name, **argument)
        except JsonRpcException as error:
            return error
        raise AssertionError(f"{name} was not refused: {result}")

    async def actions(
        self,
        uri: str,
        start: tuple[int, int] = (0, 0),
        end: tuple[int, int] | None = None,
        diagnostics: Sequence[types.Diagnostic] = (),
        only: Sequence[types.CodeActionKind] | None = None,
    ) -> list[types.CodeAction]:
        where = types.Range(types.Position(*start), types.Position(*(end or start)))
        params = types.CodeActionParams(
            types.TextDocumentIdentifier(uri),
            where,
            types.CodeActionContext(list(diagnostics), only=list(only) if only else None),
        )
        async with asyncio.timeout(PATIENCE_SECONDS):
            found = await self.client.text_document_code_action_async(params)
        return [action for action in found or [] if isinstance(action, types.CodeAction)]

    async def lenses(self, uri: str) -> list[types.CodeLens]:
        params = types.CodeLensParams(types.TextDocumentIdentifier(uri))
        async with asyncio.timeout(PATIENCE_SECONDS):
            return list(await self.client.text_document_code_lens_async(params) or [])

    async def choose(self, action: types.CodeAction) -> Any:
        return await self.take(action.command)

    async def take(self, command: types.Command | None) -> Any:
        assert command is not None
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self.client.workspace_execute_command_async(
                types.ExecuteCommandParams(command.command, command.arguments)
            )

    # What the user sees.

    def last(self, method: str) -> Any:
        told = self.heard.get(f"codementor/{method}")
        return told[-1] if told else None

    def said(self) -> list[str]:
        return [message.message for message in self.client.messages]

    def progress(self) -> list[str]:
        return [
            getattr(report, "message", None) or ""
            for reports in self.client.progress_reports.values()
            for report in reports
        ]

    def shown(self) -> list[str]:
        return [document.uri for document in self.client.shown_documents]

    async def until(self, happened: Callable[[], bool], what: str) -> None:
        await until(happened, what, PATIENCE_SECONDS)

    async def until_text(self, uri: str, text: str) -> None:
        deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        while self.text(uri) != text:
            if asyncio.get_running_loop().time() > deadline:
                raise AssertionError(f"{uri} holds {self.text(uri)!r}, not {text!r}")
            await asyncio.sleep(0.005)

    # What the editor does by itself.

    def apply_workspace_edit(self, edit: types.WorkspaceEdit) -> bool:
        """All or nothing; the report follows the answer."""
        documents = _edits_of(edit)
        fits = all(
            uri in self.buffers and (version is None or version == self.buffers[uri].version)
            for uri, version, _ in documents
        )
        self.edits.append("applied" if fits else "refused")
        if fits:
            for uri, _, changes in documents:
                self._apply_and_report_later(uri, changes)
        return fits

    def apply_rebased(self, params: Any) -> dict[str, object]:
        """The plugin's answer; this one has no history, so a stale version is the honest refusal of the contract."""
        buffer = self.buffers.get(params.uri)
        if buffer is None or params.version != buffer.version:
            self.edits.append("refused")
            return {"applied": False, "version": buffer.version if buffer else None}
        changes = [
            (_position(edit.range.start), _position(edit.range.end), edit.newText)
            for edit in params.edits
        ]
        self.edits.append("applied")
        self._apply_and_report_later(params.uri, changes)
        return {"applied": True, "version": buffer.version}

    def _change(self, uri: str, changes: "Sequence[tuple[Position, Position, str]]") -> None:
        buffer = self.buffers[uri]
        buffer.version += 1
        self._apply(buffer, changes)
        self._report_what_waits()
        self._report(uri, buffer.version, changes)

    def _apply_and_report_later(
        self, uri: str, changes: "Sequence[tuple[Position, Position, str]]"
    ) -> None:
        buffer = self.buffers[uri]
        buffer.version += 1
        version = buffer.version
        last_first = sorted(changes, reverse=True)
        self._apply(buffer, last_first)
        self._waiting.append((uri, version, last_first))
        asyncio.get_running_loop().call_soon(self._report_what_waits)

    def _report_what_waits(self) -> None:
        """In its order, and before any key that was pressed on top of it."""
        waiting, self._waiting = self._waiting, []
        for uri, version, changes in waiting:
            self._report(uri, version, changes)

    def _apply(
        self, buffer: EditorBuffer, changes: "Sequence[tuple[Position, Position, str]]"
    ) -> None:
        for start, end, text in changes:
            first = buffer.text.offset_at(start, UTF16)
            last = buffer.text.offset_at(end, UTF16)
            buffer.text.replace(first, last, text)

    def _report(
        self, uri: str, version: int, changes: "Sequence[tuple[Position, Position, str]]"
    ) -> None:
        self.client.text_document_did_change(
            types.DidChangeTextDocumentParams(
                types.VersionedTextDocumentIdentifier(version, uri),
                [
                    types.TextDocumentContentChangePartial(
                        range=types.Range(types.Position(*start), types.Position(*end)), text=text
                    )
                    for start, end, text in changes
                ],
            )
        )


@asynccontextmanager
async def running(
    server_url: str,
    token: str,
    workspace: Path,
    *,
    claims: Mapping[str, bool] | None = None,
    answers: Answers = lambda _, titles: titles[0],
    capabilities: types.ClientCapabilities | None = None,
    name: str = "a test",
    cache: Path | None = None,
) -> AsyncIterator[FakeEditor]:
    """An editor with the real server beside it; at the end it leaves as editors do. Two editors of one user share `cache`."""
    client = make_test_lsp_client()
    editor = FakeEditor(client, answers, claims or {})
    _teach(client, editor)
    workspace.mkdir(parents=True, exist_ok=True)
    env = environment(
        CM_SERVER_URL=server_url,
        CM_TOKEN=token,
        CM_LOG_LEVEL="info",
        XDG_CACHE_HOME=str(cache or cache_of(workspace)),
    )
    await client.start_io(sys.executable, "-m", "cm_lsp", env=env)
    try:
        async with asyncio.timeout(3 * PATIENCE_SECONDS):
            await client.initialize_session(
                types.InitializeParams(
                    capabilities=capabilities or client_capabilities.plain(),
                    client_info=types.ClientInfo(name),
                    workspace_folders=[types.WorkspaceFolder(workspace.as_uri(), workspace.name)],
                    initialization_options={"codementor": {"capabilities": dict(claims or {})}},
                )
            )
        yield editor
    finally:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await client.shutdown_session()
            stopping: Any = client
            await stopping.stop()


def cache_of(workspace: Path) -> Path:
    return workspace.parent / f"{workspace.name}-cache"


def _teach(client: LanguageClient, editor: FakeEditor) -> None:
    """What pytest-lsp's client does not do by itself."""
    converter = client.protocol._converter
    converter.register_structure_hook(types.Command | types.CodeAction, _action_hook(converter))
    converter.register_structure_hook(
        Union[types.Command, types.CodeAction],  # noqa: UP007 - to the converter another type
        _action_hook(converter),
    )

    def apply_edit(params: types.ApplyWorkspaceEditParams) -> types.ApplyWorkspaceEditResult:
        return types.ApplyWorkspaceEditResult(applied=editor.apply_workspace_edit(params.edit))

    def question(params: types.ShowMessageRequestParams) -> types.MessageActionItem | None:
        titles = [action.title for action in params.actions or []]
        editor.questions.append((params.message, titles))
        chosen = editor.answers(params.message, titles)
        return types.MessageActionItem(chosen) if chosen is not None else None

    def look_up(params: Any) -> Mapping[str, object]:
        editor.look_ups.append(params)
        return editor.tools(params)

    client.feature("codementor/lookUp")(look_up)
    client.feature(types.WORKSPACE_APPLY_EDIT)(apply_edit)
    client.feature(types.WINDOW_SHOW_MESSAGE_REQUEST)(question)
    client.feature("codementor/applyEdit")(lambda params: editor.apply_rebased(params))  # noqa: PLW0108 - the library marks what it is given
    for method in (types.WORKSPACE_CODE_LENS_REFRESH, types.WORKSPACE_INLAY_HINT_REFRESH):
        client.feature(method)(lambda *_: None)
    for name in ("session", "status", "meter", "cursors", "point", "offer", "chat", "sync"):
        method = f"codementor/{name}"
        client.feature(method)(_remembering(editor.heard.setdefault(method, [])))


def _action_hook(converter: Any) -> Callable[[Any, Any], Any]:
    """The library takes every action that has a command for a bare command."""

    def structure(value: Any, _: Any) -> Any:
        bare = isinstance(value.get("command"), str)
        return converter.structure(value, types.Command if bare else types.CodeAction)

    return structure


def _remembering(told: list[Any]) -> Callable[[Any], None]:
    def remember(params: Any) -> None:
        told.append(params)

    return remember


def _edits_of(
    edit: types.WorkspaceEdit,
) -> list[tuple[str, int | None, list[tuple[Position, Position, str]]]]:
    found = []
    for change in edit.document_changes or []:
        assert isinstance(change, types.TextDocumentEdit), "files are never made or removed"
        document = change.text_document
        found.append((document.uri, document.version, [_text_edit(one) for one in change.edits]))
    for uri, edits in (edit.changes or {}).items():
        found.append((uri, None, [_text_edit(one) for one in edits]))
    return found


def _text_edit(edit: Any) -> tuple[Position, Position, str]:
    return _position(edit.range.start), _position(edit.range.end), edit.new_text


def _position(place: Any) -> Position:
    return Position(place.line, place.character)
