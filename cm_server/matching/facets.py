"""What an ask is about: the language, libraries and complaints that a mentor can be compared with. Pure.

Facts first: what the editor knows (language id, imports, the exception's module) says more than any word of the
question, so words count only where a mentor names them as a skill.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from cm_wire.asking import AskContext, Diagnostic

ACCUSED_WEIGHT: Final = 3.0
"""A library or tool that the diagnostic itself names."""
LANGUAGE_WEIGHT: Final = 2.0
LIBRARY_WEIGHT: Final = 1.0
COMPLAINTS_MAX: Final = 20
COMPLAINT_CHARACTERS_MAX: Final = 120
QUESTION_WORDS_MAX: Final = 200

_SAME: Final = MappingProxyType(
    {
        "py": "python",
        "python3": "python",
        "js": "javascript",
        "javascriptreact": "javascript",
        "jsx": "javascript",
        "ts": "typescript",
        "typescriptreact": "typescript",
        "tsx": "typescript",
        "golang": "go",
        "c++": "cpp",
        "csharp": "c#",
        "shellscript": "bash",
        "sh": "bash",
        "postgres": "postgresql",
        "k8s": "kubernetes",
        "sklearn": "scikit-learn",
    }
)
_PLAIN: Final = frozenset({"", "plaintext", "text", "unknown"})
_EXCEPTION: Final = re.compile(
    r"\b([a-z_]\w*)(?:\.\w+)*\.[A-Z]\w*|\b([A-Z]\w*(?:Error|Exception))\b"
)
_QUOTED: Final = re.compile(r"(['\"`]).*?\1|\b0x[0-9a-f]+\b|\d+", re.IGNORECASE)
_WORD: Final = re.compile(r"[a-z][a-z0-9+#._-]*[a-z0-9+#]|[a-z]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Facets:
    """`skills` are weighted; `complaints` are keys under which solved diagnostics are remembered."""

    skills: tuple[tuple[str, float], ...]
    complaints: tuple[str, ...]
    words: frozenset[str]


def facets(context: AskContext) -> Facets:
    """The facets of one ask."""
    weights: dict[str, float] = {}
    language = skill(context.excerpt.language_id)
    if language not in _PLAIN:
        weights[language] = LANGUAGE_WEIGHT
    for library in context.libraries:
        weights.setdefault(skill(library.name), LIBRARY_WEIGHT)
    for accused in _accused(context.diagnostics, weights):
        weights[accused] = ACCUSED_WEIGHT
    weights.pop("", None)
    complaints = dict.fromkeys(complaint(diagnostic) for diagnostic in context.diagnostics)
    words = _WORD.findall(context.question)[:QUESTION_WORDS_MAX]
    return Facets(
        skills=tuple(weights.items()),
        complaints=tuple(complaints)[:COMPLAINTS_MAX],
        words=frozenset(skill(word) for word in words),
    )


def skill(name: str) -> str:
    """One spelling per skill: `TSX` and `typescriptreact` are `typescript`."""
    lower = name.strip().lower()
    return _SAME.get(lower, lower)


def complaint(diagnostic: Diagnostic) -> str:
    """The key of a diagnostic: its tool and code, else the exception it names, else its message without the particulars."""
    source = diagnostic.source.strip().lower()
    raised = _EXCEPTION.search(diagnostic.message)
    if diagnostic.code:
        key = f"{source}:{diagnostic.code}"
    elif raised:
        key = f"raised:{raised.group()}"
    else:
        key = f"{source}:{_QUOTED.sub('…', diagnostic.message).strip().lower()}"
    return key[:COMPLAINT_CHARACTERS_MAX]


def spoken(key: str) -> str:
    """A complaint's key as people would say it: `Pyright reportOptionalMemberAccess`, `sqlalchemy.exc.OperationalError`."""
    source, _, what = key.partition(":")
    return what if source in ("raised", "") else f"{source} {what}"


def _accused(diagnostics: Iterable[Diagnostic], known: dict[str, float]) -> set[str]:
    """Libraries a diagnostic's message names, by an exception's module or outright."""
    accused: set[str] = set()
    for diagnostic in diagnostics:
        accused |= {
            skill(match.group(1))
            for match in _EXCEPTION.finditer(diagnostic.message)
            if match.group(1)
        }
        accused |= {word for word in map(skill, _WORD.findall(diagnostic.message)) if word in known}
    return accused
