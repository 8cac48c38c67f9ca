"""What becomes of the learner's shared files as files: renamed, deleted, made. As the editor reports it, or as it is found.

Owns what follows: a renamed file goes on being shared under its new name, a deleted one leaves the session, a new one is
offered to be shared. Does not own the text, which a rename never touches (`cm_wire.session.SharedFile`). What a reader would
guess wrong: many editors report none of this. So a shared file that is closed and gone from the disk is looked after here.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from cm_lsp import documents
from cm_lsp.documents import OpenDocument
from cm_lsp.session import kept_texts, share_table, views
from cm_lsp.session.changed_on_disk import ChangedOnDisk
from cm_lsp.session.choosing import Choosing
from cm_lsp.session.place import Place
from cm_lsp.session.share_table import ShareTable
from cm_lsp.sharing.buffer import Buffer
from cm_wire import faults, limits, printable
from cm_wire.ids import FilePath
from cm_wire.session import SessionView
from cm_wire.to_server import RenameFile, UnshareFile

LOOK_EVERY_SECONDS: Final = 2.0
GONE_LOOKS: Final = 3
"""A file that is away for less may be on its way to another name, or come back with the next checkout."""

CREATED_MAX: Final = 50
_NO: Final = "No"
_SHARE: Final = "Share it"


class FilesOnDisk:
    """Of the learner; a mentor's editor has nothing to say here. `reopened` is called for a document that was renamed."""

    def __init__(
        self,
        place: Place,
        table: ShareTable,
        buffers: Mapping[FilePath, Buffer],
        choosing: Choosing,
        view: Callable[[], SessionView],
        reopened: Callable[[OpenDocument], None],
    ) -> None:
        self._place = place
        self._table = table
        self._buffers = buffers
        self._choosing = choosing
        self._view = view
        self._reopened = reopened
        self._created: deque[str] = deque(maxlen=CREATED_MAX)
        self._looked_at = 0.0
        self._gone: dict[FilePath, int] = {}
        self._changed = ChangedOnDisk(place, table.uris())

    # As the editor reports it.

    def saved(self, document: OpenDocument) -> None:
        path = self._table.path(document.uri)
        if path is not None:
            self._changed.saved(path, document)

    def renamed(self, old_uri: str, new_uri: str) -> None:
        """A file, or a folder with all that is in it."""
        for path, rest in self._shared_under(old_uri):
            self._rename(path, new_uri + rest)

    def deleted(self, uri: str) -> None:
        """As `renamed`."""
        for path, _ in self._shared_under(uri):
            self._leave(path)

    def created(self, uri: str) -> None:
        """Offered once its user has it open: what is shared is a document, not a file."""
        if self._view().you != "learner":
            return
        self._created.append(documents.key(uri))
        document = self._place.documents.get(uri)
        if document is not None:
            self.opened(document)

    def opened(self, document: OpenDocument) -> None:
        key = documents.key(document.uri)
        if key in self._created:
            self._created.remove(key)
            if self._table.path(document.uri) is None:
                self._place.editor.later(self._offer(document.uri))

    # As it is found.

    def tick(self, now: float) -> None:
        """A few times a second; `now` is the loop's time in seconds."""
        if self._view().you != "learner" or now - self._looked_at < LOOK_EVERY_SECONDS:
            return
        self._looked_at = now
        self._changed.look()
        gone = {path: self._gone.get(path, 0) + 1 for path in self._closed_and_gone()}
        self._gone = gone
        for path, looks in tuple(gone.items()):
            twin = self._same_text_elsewhere(self._buffers[path])
            if twin is not None:
                self._rename(path, twin.uri)
            elif looks >= GONE_LOOKS:
                self._leave(path)

    def _closed_and_gone(self) -> Iterator[FilePath]:
        for path, buffer in self._buffers.items():
            parts = urlsplit(buffer.uri)
            if not buffer.is_open and parts.scheme == "file" and not _is_there(parts.path):
                yield path

    def _same_text_elsewhere(self, buffer: Buffer) -> OpenDocument | None:
        """What an editor shows that renames without a word: another file with the very text, and this one gone."""
        text = buffer.text()
        return next(
            (
                document
                for document in self._place.documents.all()
                if self._table.path(document.uri) is None and text and str(document.text) == text
            ),
            None,
        )

    # What follows.

    def _rename(self, path: FilePath, uri: str) -> None:
        """The document has its new address at once; the other side is told the name."""
        buffer, roots = self._buffers.get(path), self._place.roots
        self._gone.pop(path, None)
        try:
            name = share_table.session_path(uri, roots)
            share_table.refuse_unshareable(uri, roots, name)
        except faults.Refused as refused:
            self._place.editor.say_wrong(f"Codementor: {refused}")
            self._leave(path)
            return
        old_uri = self._table.uri(path)
        self._table.move(path, uri)
        self._choosing.places.keep(path, uri)
        if old_uri is not None:
            self._place.marks.forget(old_uri)
        if buffer is not None:
            buffer.uri = uri
            if buffer.is_open:
                buffer.closed()
        document = self._place.documents.get(uri)
        if document is not None:
            self._reopened(document)
        self._tell(RenameFile(session_id=self._view().session_id, path=path, new_path=name))

    def _leave(self, path: FilePath) -> None:
        """Its text is kept: the file is gone, and with it what the two have typed."""
        buffer = self._buffers.get(path)
        self._gone.pop(path, None)
        if buffer is not None:
            why = f"{printable.line(path)} is gone, so it is shared no more."
            kept_texts.keep(self._place, path, buffer.text(), why)
        self._tell(UnshareFile(session_id=self._view().session_id, path=path))

    def outgrown(self, path: FilePath) -> None:
        """The user typed more into it than a shared file may hold: at the learner's it leaves, whole as it is there."""
        now = f"{printable.line(path)} would have more than {limits.FILE_GROWN_BYTES_MAX} bytes"
        if self._view().you == "mentor":
            self._place.editor.say_wrong(f"Codementor: {now}; what you typed there was taken back.")
            return
        self._place.editor.say_wrong(
            f"Codementor: {now}, so it is shared no more; your text stays."
        )
        self._tell(UnshareFile(session_id=self._view().session_id, path=path))

    def _tell(self, command: RenameFile | UnshareFile) -> None:
        self._place.editor.later(self._guarded(self._place.send(command)))

    async def _offer(self, uri: str) -> None:
        mentor = views.display_name(self._view().mentor)
        name = printable.line(share_table.name_of_unshared(uri, self._place.roots))
        answer = await self._place.editor.ask(f"Share {name} with {mentor} too?", [_NO, _SHARE])
        if answer == _SHARE:
            await self._guarded(self._choosing.share(uri))

    async def _guarded(self, work: Awaitable[object]) -> None:
        try:
            await work
        except faults.Refused as refused:
            self._place.editor.say_wrong(f"Codementor: {refused}")

    def _shared_under(self, uri: str) -> list[tuple[FilePath, str]]:
        """The shared files at an address or below it, each with what its own address has beyond that."""
        if self._view().you != "learner":
            return []
        top = documents.key(uri).rstrip("/")
        found = []
        for path, shared_uri in self._table.uris().items():
            key = documents.key(shared_uri)
            if key == top or key.startswith(top + "/"):
                depth = key[len(top) :].count("/")
                rest = "/".join(shared_uri.rsplit("/", depth)[1:])
                found.append((path, f"/{rest}" if rest else ""))
        return found


def _is_there(uri_path: str) -> bool:
    return Path(unquote(uri_path)).exists()
