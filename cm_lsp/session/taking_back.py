"""What is taken back in a session: the mentor's changes by the learner, and one's own typing by whoever typed it.

Either way the rest stays, also what was typed inside of it.
"""

from collections.abc import Mapping

from cm_lsp.session.share_table import ShareTable
from cm_lsp.sharing.buffer import Buffer
from cm_wire.ids import FilePath


class TakingBack:
    """`buffers` and `table` are the room's own."""

    def __init__(self, buffers: Mapping[FilePath, Buffer], table: ShareTable) -> None:
        self._buffers = buffers
        self._table = table

    def of_mentor(self, *, every: bool) -> bool:
        """Their last burst of changes in whichever file it was, or all in every file; whether there was anything."""
        changed = [one for one in self._buffers.values() if one.others_changed_ms is not None]
        changed.sort(key=lambda one: one.others_changed_ms or 0, reverse=True)
        if every:
            return bool([buffer for buffer in changed if buffer.take_back(every=True)])
        return any(buffer.take_back(every=False) for buffer in changed)

    def of_mine(self, uri: str, *, redo: bool) -> bool | None:
        """One's own last typing in a file, or that again (`Buffer.undo`)."""
        path = self._table.path(uri)
        buffer = self._buffers.get(path) if path is not None else None
        return buffer.undo(redo=redo) if buffer is not None else None
