"""Which LSP method is answered by which handler, and what is announced with it."""

from collections.abc import Callable
from functools import partial

from lsprotocol import types

from cm_lsp import commands, lsp_ext
from cm_lsp.app import Machine
from cm_lsp.from_editor import Handlers
from cm_lsp.language_server import Server


def register(server: Server, machine: Machine) -> Handlers:
    """The library marks what it is given, which a method of an object cannot bear."""
    handlers = Handlers(server, machine)
    for method, handler in _methods(handlers).items():
        server.feature(method)(partial(handler))
    server.feature(types.TEXT_DOCUMENT_CODE_ACTION, _code_action_options())(
        partial(handlers.code_action)
    )
    server.feature(types.TEXT_DOCUMENT_SEMANTIC_TOKENS_FULL, _no_tokens())(
        partial(handlers.semantic_tokens)
    )
    whole_text = types.SaveOptions(include_text=True)
    server.feature(types.TEXT_DOCUMENT_DID_SAVE, whole_text)(partial(handlers.did_save))
    for method, handler in _file_methods(handlers).items():
        server.feature(method, _any_file())(partial(handler))
    server.run_command = handlers.command
    for name in commands.SHAPES:
        server.command(name)(partial(handlers.command))
    return handlers


def _methods(handlers: Handlers) -> dict[str, Callable[..., object]]:
    return {
        types.INITIALIZE: handlers.initialize,
        types.INITIALIZED: handlers.initialized,
        types.SHUTDOWN: handlers.shutdown,
        types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS: handlers.folders_changed,
        types.TEXT_DOCUMENT_DID_OPEN: handlers.did_open,
        types.TEXT_DOCUMENT_DID_CHANGE: handlers.did_change,
        types.TEXT_DOCUMENT_DID_CLOSE: handlers.did_close,
        types.TEXT_DOCUMENT_DOCUMENT_HIGHLIGHT: handlers.document_highlight,
        types.TEXT_DOCUMENT_HOVER: handlers.hover,
        types.TEXT_DOCUMENT_INLAY_HINT: handlers.inlay_hint,
        types.TEXT_DOCUMENT_CODE_LENS: handlers.code_lens,
        types.WINDOW_WORK_DONE_PROGRESS_CANCEL: handlers.progress_cancel,
        lsp_ext.CURSOR: handlers.cursor,
        lsp_ext.DIAGNOSTICS: handlers.diagnostics,
        lsp_ext.OPEN_SHARED: handlers.open_shared,
    }


def _file_methods(handlers: Handlers) -> dict[str, Callable[..., object]]:
    return {
        types.WORKSPACE_DID_RENAME_FILES: handlers.files_renamed,
        types.WORKSPACE_DID_DELETE_FILES: handlers.files_deleted,
        types.WORKSPACE_DID_CREATE_FILES: handlers.files_created,
    }


def _any_file() -> types.FileOperationRegistrationOptions:
    everything = types.FileOperationPattern(glob="**")
    return types.FileOperationRegistrationOptions([types.FileOperationFilter(everything, "file")])


def _code_action_options() -> types.CodeActionOptions:
    return types.CodeActionOptions(
        code_action_kinds=[
            types.CodeActionKind.QuickFix,
            types.CodeActionKind.Refactor,
            types.CodeActionKind.Empty,
        ]
    )


def _no_tokens() -> types.SemanticTokensLegend:
    return types.SemanticTokensLegend(token_types=[], token_modifiers=[])
