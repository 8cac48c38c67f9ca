r"""The documents the editor has open, as it reports them.

Owns the text of each, in code points with `\n` line ends. Exists because the library's own copy splits lines at form
feeds and U+2028 and so loses its place. Does not know which of them are shared.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from cm_lsp import lsp_ext
from cm_lsp.sharing.bridge_messages import Change
from cm_lsp.sharing.indexed_text import IndexedText
from cm_lsp.sharing.positions import Position, PositionEncoding
from cm_lsp.sharing.reported import ReportReader
from cm_wire.asking import Place, Span


@dataclass(slots=True)
class OpenDocument:
    """`uri` is written the editor's way; compare by `key`."""

    uri: str
    language_id: str
    version: int
    text: IndexedText
    diagnostics: tuple[lsp_ext.ReportedDiagnostic, ...] = field(default=())


class OpenDocuments:
    """One text per open document, at the version the editor last reported."""

    def __init__(self, encoding: PositionEncoding, lone_carriage_return: str) -> None:
        self.encoding = encoding
        self._reader = ReportReader(encoding, lone_carriage_return)
        self._by_key: dict[str, OpenDocument] = {}

    def opened(self, uri: str, language_id: str, version: int, text: str) -> OpenDocument:
        document = OpenDocument(
            uri, language_id, version, IndexedText(self._reader.normalised(text))
        )
        self._by_key[key(uri)] = document
        return document

    def changed(self, uri: str, version: int, changes: Sequence[Change]) -> OpenDocument | None:
        """The document after the changes, or None for one that is not open."""
        document = self.get(uri)
        if document is None:
            return None
        for change in changes:
            document.text.replace(*self._reader.replacement(document.text, change))
        document.version = version
        return document

    def normalised(self, text: str) -> str:
        """A text of the editor's in the form documents have here."""
        return self._reader.normalised(text)

    def closed(self, uri: str) -> None:
        self._by_key.pop(key(uri), None)

    def get(self, uri: str) -> OpenDocument | None:
        return self._by_key.get(key(uri))

    def all(self) -> tuple[OpenDocument, ...]:
        return tuple(self._by_key.values())

    def span_of(self, document: OpenDocument, given: lsp_ext.Range) -> Span:
        """An editor's range in code points: cut to the text, and turned round where it is reversed."""
        start, end = sorted(
            document.text.offset_at(Position(place.line, place.character), self.encoding)
            for place in (given.start, given.end)
        )
        return Span(self._place(document, start), self._place(document, end))

    def range_of(self, document: OpenDocument, span: Span) -> lsp_ext.Range:
        """The opposite of `span_of`."""
        return lsp_ext.Range(
            start=self._position(document, span.start), end=self._position(document, span.end)
        )

    def _place(self, document: OpenDocument, offset: int) -> Place:
        return Place(*document.text.position_at(offset, PositionEncoding.UTF32))

    def _position(self, document: OpenDocument, place: Place) -> lsp_ext.Position:
        offset = document.text.offset_at(Position(place.line, place.column), PositionEncoding.UTF32)
        line, character = document.text.position_at(offset, self.encoding)
        return lsp_ext.Position(line=line, character=character)


def key(uri: str) -> str:
    """One form for all spellings of an address: editors differ in what they percent-encode."""
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc.lower()}{unquote(parts.path)}"
