"""The look at the files around a document: its manifests, and which packages are the project's own.

The only module of asking that reads the disk. It reads a few small files by fixed names between the document and its
workspace folder, and nothing outside of that folder.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from cm_lsp.asking import libraries, manifests, tools
from cm_wire import limits
from cm_wire.asking import Library

MANIFEST_BYTES_MAX: Final = 256 * 1024
FOLDERS_MAX: Final = 8
_TOOLS_MAX: Final = 20


@dataclass(frozen=True, slots=True)
class Project:
    """What is known of a document's project; empty for a document that is not on disk or in no workspace."""

    versions: Mapping[str, str] = field(default_factory=dict)
    runtimes: Mapping[str, str] = field(default_factory=dict)
    folders: tuple[Path, ...] = ()

    def libraries(self, language_id: str, text: str) -> tuple[Library, ...]:
        """What the text imports, without the project's own packages, each with the version the project declares."""
        foreign = [name for name in libraries.imported(language_id, text) if not self._is_own(name)]
        return tuple(
            Library(name, manifests.version_of(name, self.versions))
            for name in foreign[: limits.LIBRARIES_MAX - _TOOLS_MAX]
        )

    def tools(self, sources: Sequence[str]) -> tuple[Library, ...]:
        """The language and those of the diagnostics' `sources` whose version is known."""
        return tools.in_use(sources, self.versions, self.runtimes)[:_TOOLS_MAX]

    def _is_own(self, name: str) -> bool:
        """Whether an import is found beside the document or in a folder above it: the name of a customer stays here."""
        if "/" in name or "." in name:
            return False
        return any(
            (place / name).is_dir() or (place / f"{name}.py").is_file()
            for folder in self.folders
            for place in (folder, folder / "src")
        )


def around(uri: str, roots: Sequence[str]) -> Project:
    """The project of a document. What cannot be read is not there."""
    folders = tuple(_folders(uri, roots))
    versions: dict[str, str] = {}
    running: dict[str, str] = {}
    for folder in reversed(folders):
        for name in dict.fromkeys((*manifests.READERS, *tools.READERS)):
            text = _text(folder / name)
            if text is not None:
                versions |= manifests.declared(name, text)
                running |= tools.runtimes(name, text)
    return Project(versions, running, folders)


def _folders(uri: str, roots: Sequence[str]) -> Iterator[Path]:
    """From the document's folder up to its workspace folder."""
    if urlsplit(uri).scheme != "file":
        return
    here = Path(unquote(urlsplit(uri).path)).parent
    tops = [Path(unquote(urlsplit(root).path)) for root in roots]
    inside = [top for top in tops if here.is_relative_to(top)]
    if not inside:
        return
    top = max(inside, key=lambda path: len(path.parts))
    for folder in [here, *here.parents][:FOLDERS_MAX]:
        yield folder
        if folder == top:
            return


def _text(path: Path) -> str | None:
    """A regular file's text, if it is of a size a manifest has."""
    try:
        if not path.is_file() or path.stat().st_size > MANIFEST_BYTES_MAX:
            return None
        return path.read_text("utf-8")
    except (OSError, ValueError):
        return None
