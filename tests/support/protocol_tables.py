"""Draws the tables of `docs/protocol.md` from the code: `python -m tests.support.protocol_tables` writes them anew.

The prose between them is written by hand. A table stands between `<!-- drawn: NAME -->` and `<!-- end -->`.
"""

import re
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final, get_args

import msgspec
from starlette.routing import Route

from cm_lsp import commands, lsp_ext
from cm_server import app, problems
from cm_server.cli import main as command_line
from cm_server.clock import SystemClock
from cm_server.settings import Settings
from cm_wire import faults, to_client, to_server

PAGE: Final = Path(__file__).parents[2] / "docs" / "protocol.md"
_TABLE: Final = re.compile(r"(<!-- drawn: ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
_HIDDEN: Final = frozenset({"GET", "POST"})


def page() -> str:
    """The page as it should be; a table nobody knows, or that is not on the page, is an error."""
    text = PAGE.read_text(encoding="utf-8")
    named = [name for _, name, _ in _TABLE.findall(text)]
    assert sorted(named) == sorted(_TABLES), "the page lacks a table, or has one too many"
    return _TABLE.sub(lambda found: found[1] + _TABLES[found[2]]() + "\n" + found[3], text)


def _editor_commands() -> str:
    rows = ((f"`{name}`", _members(shape)) for name, shape in commands.SHAPES.items())
    return _table(("command", "members of its argument (`*`: required)"), rows)


def _editor_messages() -> str:
    methods = [
        value
        for name, value in vars(lsp_ext).items()
        if name.isupper() and isinstance(value, str) and value.startswith("codementor/")
    ]
    return _table(("method", "members", ""), (_method(method) for method in methods))


def _method(method: str) -> tuple[str, str, str]:
    name = method.partition("/")[2]
    shape = getattr(lsp_ext, name[0].upper() + name[1:])
    return f"`{method}`", _members(shape), _first_sentence(shape)


def _control_commands() -> str:
    rows = ((f"`{kind.__name__}`", _members(kind)) for kind in get_args(to_server.Command))
    return _table(("`type`", "members"), rows)


def _results() -> str:
    rows = ((f"`{kind.__name__}`", _members(kind)) for kind in get_args(to_client.Result))
    return _table(("`type`", "members"), rows)


def _facts() -> str:
    rows = ((f"`{kind.__name__}`", _members(kind)) for kind in get_args(to_client.Fact))
    return _table(("`type`", "members"), rows)


def _fault_codes() -> str:
    rows = (
        (f"`{code}`", str(problems.STATUS.get(code, 422))) for code in get_args(faults.FaultCode)
    )
    return _table(("code", "HTTP status"), rows)


def _routes() -> str:
    with tempfile.TemporaryDirectory() as folder:
        built = app.build(Settings(data_folder=Path(folder)), SystemClock())
        built.database.engine.dispose()
        found = [route for route in built.asgi.routes if isinstance(route, Route)]
    rows = ((", ".join(sorted((route.methods or set()) & _HIDDEN)), f"`{route.path}`", _said(route)) for route in found)  # fmt: skip
    return _table(("", "path", ""), rows)


def _said(route: Route) -> str:
    """The summary of an endpoint; the others are named after a function."""
    return route.name if " " in route.name else ""


def _operator_commands() -> str:
    rows = (
        (f"`cm-server {name}`", (module.__doc__ or "").strip().partition("\n")[0])
        for name, module in command_line._commands().items()
    )
    return _table(("command", ""), rows)


def _settings() -> str:
    rows = (
        (f"`CM_{name.upper()}`", f"`{_default(field.default)}`")
        for name, field in Settings.model_fields.items()
    )
    return _table(("setting", "default"), rows)


def _default(value: Any) -> str:
    shown = "" if value == () or "Secret" in type(value).__name__ else str(value)
    return shown or "none"


def _members(shape: type[msgspec.Struct]) -> str:
    fields = msgspec.structs.fields(shape)
    shown = (f"`{field.encode_name}`{'*' * field.required}" for field in fields)
    return ", ".join(shown) or "none"


def _first_sentence(shape: type) -> str:
    """Of the docstring, which may begin with the method's name."""
    text = " ".join((shape.__doc__ or "").partition("\n\n")[0].split())
    told = re.sub(r"^`codementor/\w+`[:,] ", "", text)
    return re.split(r"[.;](?: |$)", told)[0].replace("|", "\\|")


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [heads, tuple("---" for _ in heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |".replace("|  |", "| |") for line in lines)


_TABLES: Final[dict[str, Callable[[], str]]] = {
    "editor-commands": _editor_commands,
    "editor-messages": _editor_messages,
    "control-commands": _control_commands,
    "results": _results,
    "facts": _facts,
    "fault-codes": _fault_codes,
    "routes": _routes,
    "operator-commands": _operator_commands,
    "settings": _settings,
}


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
