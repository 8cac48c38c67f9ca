"""A change the editor made and never reported: seen where it saves, since then it says the whole text.

Owns when a saved text counts. What a reader would guess wrong: not at once. An editor that reports when its user pauses may save
first, and report then what the saved text has already; taken at its word, that would be there twice.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from cm_lsp.session.place import Place
from cm_lsp.sharing.bridge_messages import Change, WholeText
from cm_wire import printable

log = logging.getLogger(__name__)

PATIENCE_SECONDS: Final = 2.0
"""Longer than any editor that was measured holds its reports back."""


@dataclass(frozen=True, slots=True)
class _Doubtful:
    text: str
    version: int
    since: float


class LostReports:
    """Of shared documents; `name_of` gives the name of one, None for any other."""

    def __init__(
        self,
        place: Place,
        name_of: Callable[[str], str | None],
        changed: Callable[[str, int, Sequence[Change]], None],
    ) -> None:
        self._place = place
        self._name_of = name_of
        self._changed = changed
        self._doubtful: dict[str, _Doubtful] = {}

    def saved(self, uri: str, text: str) -> None:
        document = self._place.documents.get(uri)
        self._doubtful.pop(uri, None)
        if document is None or self._name_of(uri) is None:
            return
        if self._place.documents.normalised(text) != str(document.text):
            now = asyncio.get_running_loop().time()
            self._doubtful[uri] = _Doubtful(text, document.version, now)

    def tick(self, now: float) -> None:
        """A few times a second."""
        for uri, one in tuple(self._doubtful.items()):
            document, name = self._place.documents.get(uri), self._name_of(uri)
            if document is None or name is None or document.version != one.version:
                del self._doubtful[
                    uri
                ]  # it has said more since, and will say all when it saves again
            elif now - one.since >= PATIENCE_SECONDS:
                del self._doubtful[uri]
                self._heal(uri, one, name)

    def _heal(self, uri: str, saved: _Doubtful, name: str) -> None:
        log.error("report-lost version=%d", saved.version)
        changes = [WholeText(saved.text)]
        self._place.documents.changed(uri, saved.version, changes)
        self._changed(uri, saved.version, changes)
        self._place.editor.say_wrong(
            f"Codementor: your editor had not told of a change of {printable.line(name)}; "
            "what you saved is shared now."
        )
