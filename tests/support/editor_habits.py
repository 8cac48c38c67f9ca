"""What editors do differently as clients of a language server: each habit was measured at a real one."""

from dataclasses import dataclass
from enum import Enum

from cm_lsp.sharing.positions import PositionEncoding


class VersionCheck(Enum):
    EXACT = "exact"
    NEWER = "newer"
    """Refuses only if the document is newer, and never at version 0."""
    LEAKY = "leaky"
    """Exact, but now and then a stale edit slips in."""
    NONE = "none"


class Answer(Enum):
    HONEST = "honest"
    ALWAYS_YES = "alwaysYes"
    NEVER = "never"


@dataclass(frozen=True)
class Habits:
    version_check: VersionCheck = VersionCheck.EXACT
    answer: Answer = Answer.HONEST
    report_first: bool | None = None
    """Reports an applied edit before answering; None: now so, now so."""
    debounce_ms: int = 0
    idle: bool = False
    """The debounce starts again with every change."""
    whole_text: bool = False
    confirm_ms: int = 0
    """The user is asked before each edit, and takes up to this long."""
    rebases: bool = False
    pulls: bool = False
    """Takes edits only when its user asks for them, and answers none."""
    answers_barrier: bool = False
    encoding: PositionEncoding = PositionEncoding.UTF16
    line_end: str = "\n"
    keeps_final_newline: bool = False
    first_version: int = 1
