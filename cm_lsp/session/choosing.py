"""What the learner chooses to show: files join the session and leave it by their word alone.

Owns the order "look, send, remember", and the text of each file as it was sent until it is seen in the document. Does not own
which name a document gets (`share_table`) or what becomes of a text that left.
"""

from collections.abc import Callable, Container
from typing import Final

from cm_lsp.session import share_table
from cm_lsp.session.kept_places import KeptPlaces
from cm_lsp.session.place import Place
from cm_lsp.session.share_table import ShareTable
from cm_wire import faults
from cm_wire.ids import FilePath
from cm_wire.session import SessionView
from cm_wire.to_server import RenameFile, ShareFile, UnshareFile

_OPEN_IT: Final = "Open it in the editor, then share it."


class Choosing:
    """`shared` are the paths that are in the session's document as it is here, `view` is the session as last told."""

    def __init__(
        self,
        place: Place,
        table: ShareTable,
        shared: Container[FilePath],
        view: Callable[[], SessionView],
    ) -> None:
        self._place = place
        self._table = table
        self._shared = shared
        self._view = view
        self.places = KeptPlaces(place.cache_folder, view().session_id)
        self.sent_texts: dict[FilePath, str] = {}
        """What the editor's document and the shared text both come from, until the document is here."""

    async def share(self, uri: str) -> FilePath:
        """Put a document of the learner's into the session; its path there."""
        name = path = share_table.session_path(uri, self._place.roots)
        if self._table.path(uri) is None:
            renamed = {file.path for file in self._view().files if file.name != file.path}
            path = share_table.free_path(name, renamed)
        share_table.refuse_unshareable(uri, self._place.roots, path)
        document = self._place.documents.get(uri)
        if document is None:
            raise faults.refusal("not-text", f"{path} is not open.", _OPEN_IT)
        text = share_table.check_text(path, str(document.text))
        self._table.add(path, document.uri)
        self.sent_texts[path] = text
        share = ShareFile(
            session_id=self._view().session_id,
            path=path,
            language_id=document.language_id,
            text=text,
        )
        try:
            await self._place.send(share)
        except faults.Refused:
            if path not in self._shared:
                self._table.remove(path)
            raise
        self.places.keep(path, document.uri)
        if name != path:
            await self._place.send(
                RenameFile(session_id=self._view().session_id, path=path, new_path=name)
            )
        return path

    async def unshare(self, uri: str) -> None:
        path = self.path_of(uri)
        await self._place.send(UnshareFile(session_id=self._view().session_id, path=path))

    def path_of(self, uri: str) -> FilePath:
        """The path of a shared document, or `faults.Refused`."""
        path = self._table.path(uri)
        if path is None:
            raise faults.refusal(
                "bad-path", "This document is not shared.", "Share it with codementor.share first."
            )
        return path
