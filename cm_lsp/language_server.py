"""The LSP library, made to measure: raw parameters where we check them ourselves, own texts, honest errors.

Owns how messages come in and errors go out. Does not own what any message does (`from_editor`). The library's own
document copies are switched off (`cm_lsp.documents` says why), its pop-ups too: an error reaches the user as the answer
to what the user did, or not at all.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

import msgspec
from lsprotocol import types
from pygls.exceptions import JsonRpcException, JsonRpcInvalidParams, JsonRpcMethodNotFound
from pygls.lsp.server import LanguageServer
from pygls.protocol.json_rpc import (
    JsonRPCNotification,
    JsonRPCRequestMessage,
    JsonRPCResponseMessage,
)
from pygls.protocol.language_server import LanguageServerProtocol, lsp_method

from cm_lsp import framing
from cm_lsp.answers_apart import AnswersApart, CallLater
from cm_wire import faults

log = logging.getLogger(__name__)

REQUEST_FAILED: Final = -32803
NOT_INITIALIZED: Final = -32002
INVALID_REQUEST: Final = framing.INVALID_REQUEST
INVALID_PARAMS: Final = -32602

_WAITED_FOR: Final = frozenset(
    {
        types.TEXT_DOCUMENT_CODE_ACTION,
        types.TEXT_DOCUMENT_DEFINITION,
        types.WORKSPACE_EXECUTE_COMMAND,
    }
)

RunCommand = Callable[[str, Sequence[object] | None], Awaitable[object]]


class Protocol(LanguageServerProtocol):
    """As the library's, but for what its docstrings above say."""

    _server: "Server"
    _apart: AnswersApart | None = None
    _waited_for: set[str | int]
    """Requests for which an editor of Emacs' kind stands still until it has the answer."""

    def set_answers_apart(self, call_later: CallLater | None = None) -> None:
        """From now on: for an editor that would lose what follows such an answer at once."""
        self._waited_for = set()
        self._apart = AnswersApart(super()._send_data, call_later)

    def _send_data(self, data: object) -> None:
        if self._apart is None:
            super()._send_data(data)
        else:
            self._apart.send(data)

    def _send_response(
        self, msg_id: str | int, result: object = None, error: types.ResponseError | None = None
    ) -> None:
        super()._send_response(msg_id, result, error)
        if self._apart is not None and msg_id in self._waited_for:
            self._waited_for.discard(msg_id)
            self._apart.pause()

    def structure_message(self, data: dict[str, Any]) -> Any:
        """Our own methods and command arguments stay plain JSON: `msgspec` checks them against their shapes."""
        method = data.get("method")
        if not isinstance(method, str):
            return self._structure_answer(data)
        if method == types.INITIALIZE:
            self._server.initialization_options = _options_of(data.get("params"))
        plain = method.startswith("codementor/") or self.get_message_type(method) is None
        if method == types.WORKSPACE_EXECUTE_COMMAND:
            plain = True
        if not plain:
            return super().structure_message(data)
        params = data.get("params")
        if "id" in data:
            return JsonRPCRequestMessage(data["id"], method, "2.0", params)
        return JsonRPCNotification(method, "2.0", params)

    def _structure_answer(self, data: dict[str, Any]) -> Any:
        identity: str | int = data.get("id") or ""
        if "result" in data and self._result_types.get(identity) is None:
            self._result_types.pop(identity, None)
            return JsonRPCResponseMessage(identity, "2.0", data["result"])
        return super().structure_message(data)

    def _handle_response(
        self, msg_id: str | int, result: object = None, error: types.ResponseError | None = None
    ) -> None:
        """An answer that nobody waits for any more is late, not wrong."""
        future = self._request_futures.pop(msg_id, None)
        if future is None or future.done():
            log.debug("late answer id=%s", msg_id)
        elif error is not None:
            future.set_exception(JsonRpcException.from_error(error))
        else:
            future.set_result(result)

    @lsp_method(types.TEXT_DOCUMENT_DID_OPEN)
    def lsp_text_document__did_open(self, params: types.DidOpenTextDocumentParams) -> None:
        self.fm.features[types.TEXT_DOCUMENT_DID_OPEN](params)

    @lsp_method(types.TEXT_DOCUMENT_DID_CHANGE)
    def lsp_text_document__did_change(self, params: types.DidChangeTextDocumentParams) -> None:
        self.fm.features[types.TEXT_DOCUMENT_DID_CHANGE](params)

    @lsp_method(types.TEXT_DOCUMENT_DID_CLOSE)
    def lsp_text_document__did_close(self, params: types.DidCloseTextDocumentParams) -> None:
        self.fm.features[types.TEXT_DOCUMENT_DID_CLOSE](params)

    @lsp_method(types.WORKSPACE_EXECUTE_COMMAND)
    async def lsp_workspace__execute_command(self, params: object) -> object:  # type: ignore[override]
        """Commands come with their arguments as they were sent."""
        given = params if isinstance(params, Mapping) else {}
        name, arguments = given.get("command"), given.get("arguments")
        if not isinstance(name, str) or not isinstance(arguments, list | None):
            raise JsonRpcInvalidParams("A command has a name and a list of arguments.")
        if name not in self.fm.commands:
            raise JsonRpcMethodNotFound(f"There is no command {faults.shortened(name)}.")
        return await self._server.run_command(name, arguments)

    @property
    def was_shut_down(self) -> bool:
        return self._shutdown

    def take(self, message: dict[str, Any]) -> None:
        """One message whose envelope was checked. Answers what cannot be understood; never raises."""
        method, identity = message.get("method"), message.get("id")
        is_request = isinstance(method, str) and identity is not None
        problem = self._order_problem(method, identity) if isinstance(method, str) else None
        if problem is not None:
            if is_request:
                self.refuse(identity, *problem)
            return
        if self._apart is not None and method in _WAITED_FOR and isinstance(identity, str | int):
            self._waited_for.add(identity)
        try:
            self.handle_message(self.structure_message(message))
        except JsonRpcException:
            log.warning("bad-message method=%s", method)
            if is_request:
                self.refuse(
                    identity, INVALID_PARAMS, f"{method}: its parameters have another form."
                )

    def refuse(self, identity: str | int | None, code: int, message: str) -> None:
        """Answer a request, or what could not be read (`identity` None), with an error."""
        self._send_data(
            {"jsonrpc": "2.0", "id": identity, "error": {"code": code, "message": message}}
        )

    def _order_problem(self, method: str, identity: object) -> tuple[int, str] | None:
        began = self._server.began
        if method == types.INITIALIZE:
            if began:
                return INVALID_REQUEST, "initialize comes once."
            self._server.began = True
        elif method not in {types.EXIT, types.CANCEL_REQUEST} and not began:
            return NOT_INITIALIZED, "initialize comes first."
        elif self._shutdown and method != types.EXIT:
            return INVALID_REQUEST, "We were told to shut down."
        elif isinstance(identity, str | int) and identity in self._request_futures:
            return INVALID_REQUEST, "A request with this id is not answered yet."
        return None


class Server(LanguageServer):
    """The library's server with our protocol. `run_command` is set by whoever builds everything (`app`)."""

    def __init__(self, version: str) -> None:
        super().__init__("cm-lsp", version, protocol_cls=Protocol)
        self.initialization_options: object = None
        self.began = False
        self.run_command: RunCommand = _no_commands

    @property
    def wire(self) -> Protocol:
        """The protocol by its own type."""
        assert isinstance(self.protocol, Protocol)
        return self.protocol

    def report_server_error(self, error: Exception, source: object) -> None:
        """Log it. The library would open a pop-up, at which bare Neovim stops."""
        log.error("failed while handling a message (%s): %s", source, error)

    async def serve(self, reader: framing.ByteReader) -> int:
        """Read messages until the stream ends or breaks; the exit code."""
        while True:
            try:
                body = await framing.read_body(reader)
            except framing.BrokenStreamError as broken:
                log.critical("stopping: %s", broken)
                await self.leave()
                return 1
            if body is None:
                await self.leave()
                return 0
            self.take_body(body)

    def take_body(self, body: bytes) -> None:
        """One message; what is no message is answered and skipped."""
        try:
            self.wire.take(framing.parse_body(body))
        except framing.BadBodyError as bad:
            log.warning("bad-message: %s", bad)
            self.wire.refuse(bad.answer_to, bad.code, str(bad))

    async def leave(self) -> None:
        """The editor is gone, with or without `shutdown`: leave the session in order."""
        if self.began and not self.wire.was_shut_down:
            await self.protocol.fm.features[types.SHUTDOWN](None)


def answer_to_editor(refused: faults.Refused) -> JsonRpcException:
    """A refusal as an LSP error; `data` is the fault itself."""
    fault = refused.fault
    code = INVALID_PARAMS if fault.code in {"bad-value", "bad-message"} else REQUEST_FAILED
    return JsonRpcException(str(fault), code, msgspec.to_builtins(fault))


def builtins_of(shape: msgspec.Struct) -> Any:
    """One of `lsp_ext`'s values as the JSON it travels as."""
    return msgspec.to_builtins(shape)


def _options_of(params: object) -> object:
    options = params.get("initializationOptions") if isinstance(params, Mapping) else None
    return options.get("codementor") if isinstance(options, Mapping) else None


async def _no_commands(name: str, arguments: Sequence[object] | None) -> object:  # noqa: ARG001 - the shape pygls calls
    raise JsonRpcMethodNotFound(f"There is no command {name}.")
