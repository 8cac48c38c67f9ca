"""Which document of this editor is which file of the session.

Owns the names: a learner's document gets a path relative to the workspace, a mentor's file gets an address in the shared
scheme or in a mirror folder. A path from the other side is a key of this table, never a place on this machine's disk.
Pure, but for the look at what kind of file a learner wants to share.
"""

import re
from collections.abc import Container, Mapping, Sequence
from itertools import chain, count
from pathlib import Path, PurePosixPath
from typing import Final
from urllib.parse import quote, unquote, urlsplit

from cm_lsp import documents, lsp_ext
from cm_lsp.documents import OpenDocuments
from cm_wire import faults, limits, paths
from cm_wire.ids import FilePath, SessionId
from cm_wire.secrets import refusing

_UNFIT: Final = re.compile(r'[\\:\x00-\x1f\x7f<>"|?*]')


class ShareTable:
    """Both ways between addresses and paths; each path has one address."""

    def __init__(self) -> None:
        self._uri_of: dict[FilePath, str] = {}
        self._path_of: dict[str, FilePath] = {}

    def add(self, path: FilePath, uri: str) -> None:
        self._uri_of[path] = uri
        self._path_of[documents.key(uri)] = path

    def remove(self, path: FilePath) -> None:
        uri = self._uri_of.pop(path, None)
        if uri is not None:
            self._path_of.pop(documents.key(uri), None)

    def move(self, path: FilePath, uri: str) -> None:
        """The same file at another address."""
        self.remove(path)
        self.add(path, uri)

    def path(self, uri: str) -> FilePath | None:
        return self._path_of.get(documents.key(uri))

    def uri(self, path: FilePath) -> str | None:
        return self._uri_of.get(path)

    def uris(self) -> Mapping[FilePath, str]:
        return self._uri_of


def shared_uri(session_id: SessionId, path: FilePath) -> str:
    """A mentor's address for a file, in editors that can open it."""
    return f"{lsp_ext.SHARED_SCHEME}://{session_id}/{quote(path)}"


def path_of_shared_uri(uri: str, session_id: SessionId) -> FilePath | None:
    """The path in an address of ours; None for any other address, and for another session's."""
    parts = urlsplit(uri)
    if parts.scheme != lsp_ext.SHARED_SCHEME or parts.netloc != session_id:
        return None
    return FilePath(unquote(parts.path).removeprefix("/"))


def own_file(path: FilePath, roots: Sequence[str], open_documents: OpenDocuments) -> str | None:
    """Where nobody kept the file's place: the workspace's file of that name, the open one first."""
    uris = [f"{root.rstrip('/')}/{path}" for root in roots]
    return next(
        (uri for uri in uris if open_documents.get(uri) is not None), next(iter(uris), None)
    )


def session_path(uri: str, roots: Sequence[str]) -> FilePath:
    """The name a learner's document gets: relative to the innermost workspace folder, else its last part.

    Never tells the other side where on this machine the file is. Raises `faults.Refused` (`bad-path`).
    """
    parts = urlsplit(uri)
    whole = unquote(parts.path)
    candidates = [
        whole[len(folder) :]
        for root in roots
        if urlsplit(root).scheme == parts.scheme
        and whole.startswith(folder := unquote(urlsplit(root).path).rstrip("/") + "/")
    ]
    name = min(candidates, key=len) if candidates else PurePosixPath(whole).name
    return paths.checked(_UNFIT.sub("_", name) or "untitled")


def name_of_unshared(uri: str, roots: Sequence[str]) -> str:
    """What the other side may be told of a file they do not see: its name in the workspace, never where that is."""
    try:
        return session_path(uri, roots)
    except faults.Refused:
        return "another file"


def free_path(path: FilePath, taken: Container[str]) -> FilePath:
    """A path for a file whose own is what a renamed one was shared as: `a.py`, then `a~2.py`."""
    stem, dot, suffix = path.rpartition(".")
    numbered = (f"{stem}~{n}{dot}{suffix}" if stem else f"{path}~{n}" for n in count(2))
    return next(FilePath(name) for name in chain([path], numbered) if name not in taken)


def refuse_unshareable(uri: str, roots: Sequence[str], path: FilePath) -> None:
    """Raise `faults.Refused` for a file on disk that must not be shared: outside the workspace, linked out of it, no file.

    A document that is not on disk (no `file:` address) is what its user sees, and may be shared.
    """
    if paths.is_auto_run(path):
        raise faults.refusal(
            "bad-path",
            f"{path} is a file that tools run by themselves; it is not shared.",
            "Paste what matters into the chat.",
        )
    refusing.check_file_name(path, "uri")
    if urlsplit(uri).scheme != "file":
        return
    place = Path(unquote(urlsplit(uri).path))
    real = place.resolve()
    folders = [Path(unquote(urlsplit(root).path)).resolve() for root in roots]
    if folders and not any(real.is_relative_to(folder) for folder in folders):
        raise faults.refusal(
            "bad-path",
            f"{path} is outside the workspace.",
            "Open its folder as a workspace, if it is meant to be shared.",
        )
    if real.exists() and not real.is_file():
        raise faults.refusal("not-text", f"{path} is not a regular file.")


def check_text(path: FilePath, text: str) -> str:
    """The text, if it may be shared; raises `faults.Refused` naming the limit it breaks."""
    size = len(text.encode())
    if size > limits.FILE_BYTES_MAX:
        raise _too_large(path, "bytes", limits.FILE_BYTES_MAX, size)
    lines = text.split("\n")
    if len(lines) > limits.FILE_LINES_MAX:
        raise _too_large(path, "lines", limits.FILE_LINES_MAX, len(lines))
    longest = max(map(len, lines))
    if longest > limits.LINE_CHARACTERS_MAX:
        raise _too_large(path, "characters in a line", limits.LINE_CHARACTERS_MAX, longest)
    if "\0" in text:
        raise faults.refusal("not-text", f"{path} is not a text file: it has NUL characters.")
    refusing.check_text(text, path, "Move it out of the file, then share again.")
    return text


def _too_large(path: FilePath, what: str, limit: int, got: int) -> faults.Refused:
    return faults.refusal(
        "too-large",
        f"{path} has {got} {what}; the limit is {limit}.",
        "Ask about a part of it: the selection is sent anyway.",
        limit=limit,
        got=got,
    )
