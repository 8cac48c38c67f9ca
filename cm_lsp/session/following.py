"""Follow: go where the other is, and to another file again whenever they do.

The first time their very place is shown, and said in words for editors that open no documents; after that only another file
moves the user, whose caret is theirs. A plugin draws the cursors and follows them itself; it is only shown the file.
"""

from collections.abc import Mapping

from cm_lsp import lsp_ext
from cm_lsp.session.cursors import Cursors
from cm_lsp.session.place import Place
from cm_lsp.session.share_table import ShareTable
from cm_lsp.sharing.buffer import Buffer
from cm_wire import printable
from cm_wire.ids import FilePath


class Following:
    """`buffers` is the room's own table."""

    def __init__(
        self, place: Place, cursors: Cursors, table: ShareTable, buffers: Mapping[FilePath, Buffer]
    ) -> None:
        self._place = place
        self._cursors = cursors
        self._table = table
        self._buffers = buffers
        self._shown: FilePath | None = None
        self.whom: str | None = None

    async def begin(self, participant: str | None) -> None:
        """None ends it."""
        self.whom, self._shown = participant, None
        if participant is None:
            return
        cursor = self._cursor()
        if not self._place.editor.has_plugin:
            self._say_where(cursor)
        await self._show(cursor)

    def cursors_moved(self) -> None:
        if self.whom is not None:
            self._place.editor.later(self._show(None))

    async def _show(self, at: lsp_ext.RemoteCursor | None) -> None:
        path = self._path()
        uri = self._table.uri(path) if path is not None else None
        if uri is None or path == self._shown:
            return
        self._shown = path
        caret = None
        if at is not None and not self._place.editor.has_plugin:
            caret = lsp_ext.Range(start=at.position, end=at.position)
        await self._place.editor.show_document(uri, focus=caret is not None, selection=caret)

    def _say_where(self, cursor: lsp_ext.RemoteCursor | None) -> None:
        path = self._path()
        if cursor is None or path is None:
            self._place.editor.say("Codementor: their cursor is in no shared file now.")
            return
        line = cursor.position.line + 1
        self._place.editor.say(
            f"Codementor: {cursor.name} is in {printable.line(path)}, line {line}."
        )

    def _path(self) -> FilePath | None:
        return self._cursors.where_is(self.whom) if self.whom else None

    def _cursor(self) -> lsp_ext.RemoteCursor | None:
        path = self._path()
        buffer = self._buffers.get(path) if path is not None else None
        if path is None or buffer is None:
            return None
        cursors = self._cursors.in_file(path, buffer)
        return next((one for one in cursors if one.participant == self.whom), None)
