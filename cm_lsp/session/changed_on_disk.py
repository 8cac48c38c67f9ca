"""A shared file that another program writes while the editor shows another text: the learner is told, once for each such text.

Owns when that is so. Looks itself, a stat for each shared file every other second: an editor that watches files for a server
would tell, but those that do are the ones that reload by themselves. What a reader would guess wrong: nothing is shared from
the disk. The document in the editor is what both see, and what becomes of it is for its user to say.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from lsprotocol import types

from cm_lsp.documents import OpenDocument
from cm_lsp.session.place import Place
from cm_lsp.sharing import positions
from cm_wire import limits, printable
from cm_wire.ids import FilePath


@dataclass(slots=True)
class _Watched:
    stamp: tuple[int, int] | None
    """When it was last written, and how long it was; None where it is gone."""

    is_doubtful: bool = False
    """It was written, and a reload by the editor may still come."""

    saved: str = ""
    """What the editor itself wrote last, as far as it says so."""


class ChangedOnDisk:
    """Of the learner. `uris` is the room's own table, as it is at the time."""

    def __init__(self, place: Place, uris: Mapping[FilePath, str]) -> None:
        self._place = place
        self._uris = uris
        self._watched: dict[FilePath, _Watched] = {}

    def saved(self, path: FilePath, document: OpenDocument) -> None:
        """The editor has written what it shows."""
        if path in self._watched:
            self._watched[path].saved = str(document.text)

    def look(self) -> None:
        """Every other second. A text is told of when it is still another one at the next look."""
        for path in self._watched.keys() - self._uris.keys():
            del self._watched[path]
        for path, uri in self._uris.items():
            document, file = self._place.documents.get(uri), _file(uri)
            if document is None or file is None:
                self._watched.pop(path, None)
                continue
            stamp = _stamp(file)
            watched = self._watched.setdefault(path, _Watched(stamp))
            if stamp != watched.stamp:
                watched.stamp, watched.is_doubtful = stamp, True
            elif watched.is_doubtful:
                watched.is_doubtful = False
                self._compare(path, file, watched, document)

    def _compare(
        self, path: FilePath, file: Path, watched: _Watched, document: OpenDocument
    ) -> None:
        there = self._text_of(file)
        if there is None or there in (str(document.text), watched.saved):
            return
        self._place.editor.say(
            f"Codementor: another program has written {printable.line(path)}. What is shared is the text in your "
            "editor: load the file again to share what is on the disk, or save to keep yours.",
            types.MessageType.Warning,
        )

    def _text_of(self, file: Path) -> str | None:
        """None for what can be no shared text, or is gone."""
        try:
            if file.stat().st_size > limits.FILE_GROWN_BYTES_MAX:
                return None
            text = file.read_bytes().decode("utf-8-sig")
        except (OSError, UnicodeDecodeError):
            return None
        return positions.normalised(text, self._place.profile.lone_carriage_return)


def _file(uri: str) -> Path | None:
    parts = urlsplit(uri)
    return Path(unquote(parts.path)) if parts.scheme == "file" else None


def _stamp(file: Path) -> tuple[int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
