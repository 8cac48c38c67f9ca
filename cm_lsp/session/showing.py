"""At the mentor's: the learner's files as documents of this editor.

Owns where each is (a shared buffer, or a copy in the private mirror), that it is shown once, and what its user is told when it
gets another name or leaves. Does not own the texts.
"""

from cm_lsp.session import share_table
from cm_lsp.session.mirror import Mirror
from cm_lsp.session.place import Place
from cm_wire import printable
from cm_wire.ids import FilePath, SessionId
from cm_wire.session import SessionView


class Showing:
    def __init__(self, place: Place, session_id: SessionId) -> None:
        self._place = place
        self._session_id = session_id
        self._mirror = Mirror(place.cache_folder, session_id)
        self._shown: set[FilePath] = set()

    def address(self, path: FilePath, text: str) -> str | None:
        """Where this editor can open it; None for a file that must not be on the disk."""
        if self._place.editor.claims.shared_buffers:
            return share_table.shared_uri(self._session_id, path)
        return self._mirror.put(path, text)

    def show(self, path: FilePath, uri: str) -> None:
        """Once; the first file with the focus, as its user has just accepted to look at it."""
        if path not in self._shown:
            self._shown.add(path)
            self._place.editor.later(self._show(path, uri, focus=len(self._shown) == 1))

    def changed(self, before: SessionView, view: SessionView) -> None:
        """The buffer of a renamed file keeps its address, so that nothing typed into it is lost."""
        known = {file.path: file.name for file in before.files}
        for file in view.files:
            if known.get(file.path, file.name) != file.name:
                was, now = printable.line(known[file.path]), printable.line(file.name)
                self._place.editor.say(f"Codementor: {was} is now called {now}.")

    def left(self, path: FilePath, *, is_open: bool) -> None:
        self._shown.discard(path)
        self._mirror.take_away(path)
        if is_open:
            said = f"{printable.line(path)} is shared no more; what you type there reaches nobody."
            self._place.editor.say(f"Codementor: {said}")

    def end(self) -> None:
        """The session is over here."""
        self._mirror.remove()

    async def _show(self, path: FilePath, uri: str, *, focus: bool) -> None:
        shown = await self._place.editor.show_document(uri, focus=focus)
        if not shown and not self._place.editor.has_plugin:
            self._place.editor.say(f"Codementor: open {uri} to see the learner's {path}.")
