"""What an editor says in the library's shapes, as ours."""

import logging
from typing import TypeVar

import msgspec
from lsprotocol import types

from cm_lsp import lsp_ext
from cm_lsp.sharing.bridge_messages import Change, RangeChange, WholeText
from cm_lsp.sharing.positions import Position

log = logging.getLogger(__name__)

_Shape = TypeVar("_Shape", bound=msgspec.Struct)


def change(given: types.TextDocumentContentChangeEvent) -> Change:
    if isinstance(given, types.TextDocumentContentChangePartial):
        start, end = given.range.start, given.range.end
        return RangeChange(
            Position(start.line, start.character), Position(end.line, end.character), given.text
        )
    return WholeText(given.text)


def range_(given: types.Range) -> lsp_ext.Range:
    start, end = given.start, given.end
    return lsp_ext.Range(
        start=lsp_ext.Position(line=start.line, character=start.character),
        end=lsp_ext.Position(line=end.line, character=end.character),
    )


def position(given: lsp_ext.Position | types.Position) -> Position:
    return Position(given.line, given.character)


def shaped(params: object, shape: type[_Shape]) -> _Shape | None:
    """One of `lsp_ext`'s shapes; None, and a line in the log, for what is none."""
    try:
        return msgspec.convert(params, shape)
    except msgspec.ValidationError as error:
        log.warning("bad-message shape=%s reason=%s", shape.__name__, error)
        return None
