"""What an ask carries: the code the learner chose, its diagnostics, and the terms.

Nothing else ever leaves the learner's machine for an ask. Secrets are replaced before these values are made
(`cm_lsp.asking`), and the server refuses an ask in which it still finds one.
"""

from typing import Literal

import msgspec

from cm_wire.ids import AskId, OfferId, PersonId
from cm_wire.money import Money

Severity = Literal["error", "warning", "information", "hint"]

AskState = Literal["searching", "offered", "matched", "nobody", "cancelled", "expired"]


class Place(msgspec.Struct, frozen=True, order=True):
    """A position in a text as sent: zero-based line, and column in Unicode code points.

    Code points because both sides speak Python and neither editor's unit (UTF-8, UTF-16, UTF-32) should win;
    `cm_lsp.sharing.positions` converts at the editor's border.
    """

    line: int
    column: int


class Span(msgspec.Struct, frozen=True):
    """From `start` up to, not including, `end`."""

    start: Place
    end: Place


class Diagnostic(msgspec.Struct, frozen=True, kw_only=True):
    """One complaint of the learner's own tools, with its range in the file it is about."""

    message: str
    span: Span
    severity: Severity = "error"
    source: str = ""
    code: str = ""


class Excerpt(msgspec.Struct, frozen=True, kw_only=True):
    """The selection and as much around it as the learner's setting allows, verbatim but for redacted secrets.

    `first_line` is the zero-based line of the file at which `text` starts; `selection` is in the file's coordinates.
    """

    path: str
    language_id: str
    text: str
    first_line: int
    selection: Span
    redactions: int = 0


class Library(msgspec.Struct, frozen=True):
    """A library the excerpt or its project uses; `version` is empty when no manifest says."""

    name: str
    version: str = ""


class AskContext(msgspec.Struct, frozen=True, kw_only=True):
    """Everything of the learner's that an ask sends. The preview shows exactly this."""

    excerpt: Excerpt
    diagnostics: tuple[Diagnostic, ...] = ()
    libraries: tuple[Library, ...] = ()
    tools: tuple[Library, ...] = ()
    question: str = ""
    not_secrets: tuple[str, ...] = ()
    """What of these texts looks like a secret and is none, by the learner's word; one for each line of it."""

    def texts(self) -> tuple[tuple[str, str], ...]:
        """Each with its field: where both sides look for secrets."""
        named = " ".join(f"{one.name} {one.version}" for one in (*self.libraries, *self.tools))
        return (
            ("excerpt.text", self.excerpt.text),
            ("question", self.question),
            ("diagnostics", lines_of(self.diagnostics)),
            ("libraries", named),
        )


def lines_of(diagnostics: tuple[Diagnostic, ...]) -> str:
    """One line for each, so that a secret's line is the diagnostic's number."""
    return "\n".join(
        f"{one.source} {one.code} {one.message}".replace("\n", " ") for one in diagnostics
    )


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What the learner is ready to pay: minutes at most, and the dearest price per 15 minutes."""

    cap_minutes: int
    price_max: Money
    spoken_languages: tuple[str, ...] = ()


class RankedMentor(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the list the learner picks from. `reasons` are sentences, the weightiest first."""

    mentor: PersonId
    name: str
    price_per_quarter: Money
    reasons: tuple[str, ...]
    eta_seconds: int
    rating: str = ""
    sessions: int = 0


class AskView(msgspec.Struct, frozen=True, kw_only=True):
    """How an ask stands, for the learner. `ways_out` are sentences, filled when `state` is `nobody`."""

    ask_id: AskId
    state: AskState
    wave: int = 0
    offers_open: int = 0
    eta_seconds: int | None = None
    why: str = ""
    ways_out: tuple[str, ...] = ()
    raise_to: Money | None = None
    """The limit from which on somebody would fit, where that is all that stands in the way."""
    tell_only: bool = False
    """It rings nobody; `someone_fits` says that there is somebody to ask now."""
    someone_fits: bool = False


class OfferView(msgspec.Struct, frozen=True, kw_only=True):
    """An ask as a mentor sees it: the preview, the money, and how long there is to answer.

    `price_per_quarter` is the mentor's own; `earns_at_most` is their share of the learner's whole cap.
    """

    offer_id: OfferId
    ask_id: AskId
    learner_name: str
    context: AskContext
    price_per_quarter: Money
    cap_minutes: int
    earns_at_most: Money
    answer_within_ms: int
