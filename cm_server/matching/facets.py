"""What an ask is about: the language, libraries and complaints that a mentor can be compared with. Pure.

Facts first: what the editor knows (language id, imports, the exception's module) says more than any word of the
question, so words count only where a mentor names them as a skill. What was solved is remembered under keys of five
levels, from this very message to the libraries of the file; none holds anything of the learner's own code, for
particulars are taken out and the rest is hashed.
"""

import hashlib
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from cm_wire.asking import AskContext, Diagnostic

ACCUSED_WEIGHT: Final = 3.0
"""A library or tool that the diagnostic itself names."""
LANGUAGE_WEIGHT: Final = 4.0
LIBRARY_WEIGHT: Final = 1.0
COMPLAINTS_MAX: Final = 20
LIBRARIES_COUNTED_MAX: Final = 10
KIND_CHARACTERS_MAX: Final = 100
MESSAGE_CHARACTERS_READ: Final = 1_000
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
_ABOUT: Final = "about"
_WITH: Final = "with"
_PLAIN: Final = frozenset({"", "plaintext", "text", "unknown"})
_ENGLISH_TOO: Final = frozenset(
    {"c", "click", "d", "dart", "dash", "express", "go", "less", "make", "next", "r"}
    | {"requests", "rest", "spring", "swift"}
)
"""Skills that a question may hold as plain words: "where does it go" is no wish for Go."""
_EXCEPTION: Final = re.compile(
    r"\b([a-z_]\w*)(?:\.\w+)*\.[A-Z]\w*|\b([A-Z]\w*(?:Error|Exception))\b"
)
_PARTICULAR: Final = re.compile(
    r"(?<!\w)(['\"`])(?P<quoted>.*?)\1|(?<!\w)[\w.~-]*[/\\][\w./\\~-]+|\b0x[0-9a-f]+\b|\d+",
    re.IGNORECASE,
)
_WORD: Final = re.compile(r"[a-z][a-z0-9+#._-]*[a-z0-9+#]|[a-z]", re.IGNORECASE)
_MESSAGE: Final = re.compile(r"#[0-9a-f]{16}\Z")
_FAMILY: Final = re.compile(r"[a-z]{1,8}(?=[-_]?\d+\Z)|.+?(?=/)", re.IGNORECASE)
"""What the codes of one set of rules begin with: `PD` of `PD901`, `react-hooks` of `react-hooks/exhaustive-deps`."""

Level = Literal["message", "code", "family", "about", "library"]
"""How near a solved ask is: the very message, the code or exception, the code's family or else its tool, the library
that the diagnostic named, a library that the file imported."""


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
    accused = sorted(_accused(context.diagnostics, weights) - {language, ""})
    imported = [name for name in weights if name not in (language, "")]
    weights |= dict.fromkeys(accused, ACCUSED_WEIGHT)
    weights.pop("", None)
    keys = [complaint(one, weights) for one in context.diagnostics[:COMPLAINTS_MAX]]
    keys.append(tuple(f"{_ABOUT}:{name}" for name in accused))
    keys.append(tuple(f"{_WITH}:{name}" for name in imported[:LIBRARIES_COUNTED_MAX]))
    words = {skill(word) for word in _WORD.findall(context.question)[:QUESTION_WORDS_MAX]}
    return Facets(
        skills=tuple(weights.items()),
        complaints=tuple(dict.fromkeys(key for some in keys for key in some)),
        words=frozenset(words - _ENGLISH_TOO),
    )


def skill(name: str) -> str:
    """One spelling per skill: `TSX` and `typescriptreact` are `typescript`."""
    lower = name.strip().lower()
    return _SAME.get(lower, lower)


def complaint(diagnostic: Diagnostic, known: Collection[str] = ()) -> tuple[str, ...]:
    """The keys of a diagnostic: this very message of this tool, its code and that code's family, where it has one.

    Without a code, the exception that is named stands for it. Quoted names, paths and numbers are the learner's own
    and are left out, but for the names in `known`: which library cannot be found matters, which variable does not.
    """
    source = diagnostic.source.strip().lower()
    read = diagnostic.message[:MESSAGE_CHARACTERS_READ]
    raised = _EXCEPTION.search(read)
    family: tuple[str, ...] = ()
    if diagnostic.code:
        kind = f"{source}:{diagnostic.code}"
        begins = _FAMILY.match(diagnostic.code)
        family = (f"{source}:{begins.group() if begins else ''}"[:KIND_CHARACTERS_MAX] + "*",)
    elif raised:
        kind = f"raised:{raised.group()}"
    else:
        kind = f"{source}:"
    kind = kind[:KIND_CHARACTERS_MAX]
    exact = f"{kind}#{_digest(_without_particulars(read, known))}"
    return (exact,) if kind.endswith(":") else (exact, kind, *family)


def level(key: str) -> Level:
    if _MESSAGE.search(key):
        return "message"
    if key.startswith(f"{_ABOUT}:"):
        return "about"
    if key.startswith(f"{_WITH}:"):
        return "library"
    return "family" if key.endswith("*") else "code"


def spoken(key: str) -> str:
    """A key as people would say it, such as `this mypy attr-defined error`; at each level another phrase."""
    source, _, what = _MESSAGE.sub("", key).partition(":")
    name = what if source == "raised" else f"{source} {what}".strip()
    match level(key):
        case "message":
            return f"this {name}" if source == "raised" else f"this {name} error".replace("  ", " ")
        case "code":
            return name
        case "family":
            return f"{name.removesuffix('*')} errors".replace("  ", " ")
        case "about":
            return f"asks about {what}"
        case "library":
            return f"asks with {what}"


def _without_particulars(message: str, known: Collection[str]) -> str:
    def kept(match: re.Match[str]) -> str:
        quoted = match["quoted"]
        return skill(quoted) if quoted and skill(quoted) in known else "…"

    return " ".join(_PARTICULAR.sub(kept, message).lower().split())


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(errors="replace"), digest_size=8).hexdigest()


def _accused(diagnostics: Iterable[Diagnostic], known: dict[str, float]) -> set[str]:
    """Libraries a diagnostic's message names, by an exception's module or outright."""
    accused: set[str] = set()
    for diagnostic in diagnostics:
        read = diagnostic.message[:MESSAGE_CHARACTERS_READ]
        accused |= {skill(match.group(1)) for match in _EXCEPTION.finditer(read) if match.group(1)}
        accused |= {word for word in map(skill, _WORD.findall(read)) if word in known}
    return accused
