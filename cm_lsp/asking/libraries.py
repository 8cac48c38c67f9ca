"""Which libraries a file uses, by its imports. Pure: a text in, names out; only the names leave this machine.

Python is read by its own parser and, where the code is broken as code in an ask often is, like all other languages: Pygments
takes comments and texts of several lines away, then what is left is searched for the language's forms of an import.
Relative imports name no library. A local package looks like any other here: `project` knows the difference.
"""

import ast
import re
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

READ_CHARACTERS_MAX: Final = 64 * 1024
"""Imports stand at the top; what is further down is not worth the wait."""
READ_MS_MAX: Final = 200
"""CPU time. Some of Pygments' patterns take the square of a text's length, on texts made for it."""
_NAME_CHARACTERS_MAX: Final = 100


def imported(
    language_id: str, text: str, cpu_time_ns: Callable[[], int] = time.thread_time_ns
) -> tuple[str, ...]:
    """Names of imported libraries in the order of the text, each once; empty for a language not known here.

    Where reading takes longer than `READ_MS_MAX`, the names found until then.
    """
    start = text[:READ_CHARACTERS_MAX]
    found = _parsed_python(start) if language_id == "python" else None
    if found is None:
        language = _LANGUAGES.get(language_id)
        if language is None:
            return ()
        found = _searched(language, start, cpu_time_ns)
    names = dict.fromkeys(name for name in found if _NAME.fullmatch(name))
    return tuple(name for name in names if len(name) <= _NAME_CHARACTERS_MAX)


_NAME: Final = re.compile(r"@?[A-Za-z_][\w.+/:-]*")


@dataclass(frozen=True, slots=True)
class _Language:
    """`forms` each have one group, the imported path; `library` takes from that path the library, or nothing."""

    lexer: str
    forms: tuple[str, ...]
    library: Callable[[str], str]


def _parts(separator: str, count: int, own: frozenset[str] = frozenset()) -> Callable[[str], str]:
    """The first parts of a path, or nothing where the first one is the language's `own`."""

    def library(path: str) -> str:
        parts = path.split(separator)
        return "" if parts[0] in own else separator.join(part for part in parts[:count] if part)

    return library


def _package(path: str) -> str:
    """`@scope/name/deep` is `@scope/name`, `name/deep` is `name`, `./own` is nothing, `node:fs` is `fs`."""
    bare = path.removeprefix("node:")
    if bare.startswith((".", "/", "#", "~")) or ":" in bare:
        return ""
    return "/".join(bare.split("/")[: 2 if bare.startswith("@") else 1])


def _module(path: str) -> str:
    """Go: the module is the host and two parts, for the standard library the whole path."""
    parts = path.split("/")
    return "/".join(parts[:3]) if "." in parts[0] else path


def _dart(path: str) -> str:
    return path.removeprefix("package:").split("/")[0] if path.startswith("package:") else ""


def _header(path: str) -> str:
    return path.split("/", maxsplit=1)[0].partition(".")[0]


def _module_of_perl(path: str) -> str:
    """Names in lower case are switches of the language."""
    return "" if path.islower() else path


_QUOTED: Final = r"""["']([^"'\n]{1,200})["']"""
_SCRIPT: Final = (
    rf"\b(?:from|import)\s{{0,8}}{_QUOTED}",
    rf"\b(?:require|import)\s{{0,4}}\(\s{{0,8}}{_QUOTED}",
)
_JVM: Final = r"^[ \t]*import[ \t]+(?:static[ \t]+)?([A-Za-z_][\w.]*)"
_script: Final = _Language("typescript", _SCRIPT, _package)
_c: Final = _Language("c", (r"^[ \t]*#[ \t]*include[ \t]*<([\w./+-]{1,200})>",), _header)
_java: Final = _Language("java", (_JVM,), _parts(".", 2, frozenset({"java", "javax"})))

_LANGUAGES: Final[dict[str, _Language]] = {
    "python": _Language(
        "python",
        (r"^[ \t]*from[ \t]+([A-Za-z_][\w.]*)[ \t]+import\b", r"^[ \t]*import[ \t]+([A-Za-z_][\w.]*)"),
        _parts(".", 1),
    ),
    **dict.fromkeys(("javascript", "javascriptreact", "typescript", "typescriptreact"), _script),
    **dict.fromkeys(("vue", "svelte", "astro", "coffeescript"), _script),
    **dict.fromkeys(("c", "cpp", "objective-c", "objective-cpp", "cuda-cpp"), _c),
    "java": _java,
    "groovy": _java,
    "kotlin": _Language("kotlin", (_JVM,), _parts(".", 2, frozenset({"java", "javax", "kotlin"}))),
    "scala": _Language("scala", (_JVM,), _parts(".", 2, frozenset({"java", "javax", "scala"}))),
    "csharp": _Language(
        "csharp",
        (r"^[ \t]*(?:global[ \t]+)?using[ \t]+(?:static[ \t]+)?([A-Z][\w.]*)[ \t]*;",),
        _parts(".", 2, frozenset({"System"})),
    ),
    "go": _Language(
        "go",
        (r"^[ \t]*import[ \t]+(?:[\w.]+[ \t]+)?\"([^\"\n]+)\"", r"^[ \t]*(?:[\w.]+[ \t]+)?\"([\w./~-]+)\"[ \t]*$"),
        _module,
    ),
    "rust": _Language(
        "rust",
        (r"^[ \t]*(?:pub[ \t]+)?(?:use|extern[ \t]+crate)[ \t]+(?:::)?([a-z_]\w*)",),
        _parts("::", 1, frozenset({"crate", "self", "super", "std", "core", "alloc"})),
    ),
    "ruby": _Language("ruby", (rf"^[ \t]*require[ \t(]+{_QUOTED}",), _parts("/", 1)),
    "php": _Language("php", (r"^[ \t]*use[ \t]+\\?([A-Z]\w*)\\",), _parts("\\", 1, frozenset({"App"}))),
    "dart": _Language("dart", (rf"^[ \t]*(?:import|export)[ \t]+{_QUOTED}",), _dart),
    "elixir": _Language(
        "elixir", (r"^[ \t]*(?:use|import|alias|require)[ \t]+([A-Z][\w.]*)",), _parts(".", 1)
    ),
    "lua": _Language("lua", (rf"\brequire[ \t]*\(?[ \t]*{_QUOTED}",), _parts(".", 1)),
    "r": _Language("r", (r"\b(?:library|require)\([\"']?([A-Za-z][\w.]*)", r"\b([A-Za-z][\w.]*)::\w"), str),
    "julia": _Language("julia", (r"^[ \t]*(?:using|import)[ \t]+([A-Z]\w*)",), str),
    "haskell": _Language("haskell", (r"^import[ \t]+(?:qualified[ \t]+)?([A-Z][\w.]*)",), _parts(".", 2)),
    "perl": _Language("perl", (r"^[ \t]*use[ \t]+([A-Za-z][\w:]*)",), _module_of_perl),
    "swift": _Language("swift", (r"^[ \t]*(?:@testable[ \t]+)?import[ \t]+([A-Z]\w*)",), str),
}  # fmt: skip


def _parsed_python(text: str) -> list[str] | None:
    """In the order of the lines; None where the parser does not understand the text."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    names: list[str] = []
    for node in sorted(imports, key=lambda node: node.lineno):
        if isinstance(node, ast.Import):
            names += (alias.name.partition(".")[0] for alias in node.names)
        elif not node.level and node.module:
            names.append(node.module.partition(".")[0])
    return names


def _searched(language: _Language, text: str, cpu_time_ns: Callable[[], int]) -> list[str]:
    code = _without_comments(language.lexer, text, cpu_time_ns)
    found = [
        (match.start(), match[1])
        for form in language.forms
        for match in re.finditer(form, code, re.MULTILINE)
    ]
    return [library for _, path in sorted(found) if (library := language.library(path))]


def _without_comments(lexer_name: str, text: str, cpu_time_ns: Callable[[], int]) -> str:
    from pygments.lexers import get_lexer_by_name  # half of Pygments' cost is its import
    from pygments.token import Comment, String

    lexer = get_lexer_by_name(lexer_name, stripnl=False, ensurenl=False)
    end_ns = cpu_time_ns() + READ_MS_MAX * 1_000_000
    kept = []
    for kind, value in lexer.get_tokens(text):
        is_comment = (
            kind in Comment and kind not in Comment.Preproc and kind not in Comment.PreprocFile
        )
        kept.append(
            "\n" * value.count("\n") if is_comment or (kind in String and "\n" in value) else value
        )
        if cpu_time_ns() > end_ns:
            break
    return "".join(kept)
