"""Follow: the file the other is in, opened here, and again whenever they go to another."""

from cm_lsp.session.cursors import Cursors
from cm_lsp.session.place import Place
from cm_lsp.session.share_table import ShareTable
from cm_wire.ids import FilePath


class Following:
    def __init__(self, place: Place, cursors: Cursors, table: ShareTable) -> None:
        self._place = place
        self._cursors = cursors
        self._table = table
        self._shown: FilePath | None = None
        self.whom: str | None = None

    async def begin(self, participant: str | None) -> None:
        """None ends it."""
        self.whom, self._shown = participant, None
        await self._show()

    def cursors_moved(self) -> None:
        if self.whom is not None:
            self._place.editor.later(self._show())

    async def _show(self) -> None:
        path = self._cursors.where_is(self.whom) if self.whom else None
        uri = self._table.uri(path) if path is not None else None
        if uri is not None and path != self._shown:
            self._shown = path
            await self._place.editor.show_document(uri)
