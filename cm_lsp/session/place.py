"""What a session stands on in this process: the editor, its documents, the way to the server."""

import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cm_lsp.documents import OpenDocuments
from cm_lsp.session.marks import AllMarks
from cm_lsp.settings import Settings
from cm_lsp.sharing.client_profiles import ClientProfile
from cm_lsp.to_editor import Editor
from cm_wire.to_client import Result
from cm_wire.to_server import Command

SendCommand = Callable[[Command], Awaitable[Result]]


@dataclass(frozen=True, slots=True)
class Place:
    """The same for every session of this process."""

    editor: Editor
    documents: OpenDocuments
    profile: ClientProfile
    settings: Settings
    client: str
    cache_folder: Path
    write_file: Callable[[str, str], str]
    """Takes a name and a text to show; the file's address."""
    roots: Sequence[str]
    randomness: random.Random
    send: SendCommand
    round_trip_ms: Callable[[], int | None]
    marks: AllMarks
