"""House rules that no linter has. The lists of exceptions may only shrink: one that is no longer needed fails too."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from tests.support import state_diagrams

ROOT = Path(__file__).parents[1]
FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 50

LONG_FILES = {
    "tests/contract/test_payment_gateway.py",
    "tests/integration/billing/test_nasty_scenarios.py",
    "tests/integration/test_meter.py",
    "tests/support/planted_secrets.py",
}
LONG_FUNCTIONS = {
    "tests/contract/test_stripe_requests_are_typed.py:every_command",
    "tests/integration/test_whole_session.py:_play",
}
PRIVATE_IMPORTS = {
    "cm_server/billing/charges.py: meter.store",
    "cm_server/billing/charges.py: session.store",
    "cm_server/billing/receipt_document.py: meter.store",
    "cm_server/billing/refunds.py: meter.store",
    "cm_server/billing/store.py: session.model",
    "cm_server/cli/commands/case.py: billing.model",
    "cm_server/flow/meeting.py: meter.store",
    "cm_server/flow/payments.py: billing.model",
    "cm_server/flow/payments.py: billing.store",
    "cm_server/flow/ticking.py: billing.store",
    "cm_server/matching/lineup.py: people.store",
}
FLOATS = {
    "cm_server/billing/export_beancount.py",
    "cm_server/billing/receipt_text.py",
    "cm_server/billing/statements.py",
    "cm_server/billing/stripe_http.py",
}
"""Milliseconds made an instant, and timeouts of sockets; no amount of money."""

SAY_NOTHING = {"base", "common", "core", "data", "helper", "helpers", "info", "manager", "misc", "service", "util", "utils"}  # fmt: skip
BANNED = re.compile(r"\b(?:TODO|FIXME|XXX|HACK)\b|(?<![\w.])/(?:work|root)/\w")
SILENCED = re.compile(
    r"# noqa(?!: [A-Z]+[0-9]+(?:, ?[A-Z]+[0-9]+)*(?: - |, )\w)|# type: ignore(?!\[)"
)


def python_files(*roots: str) -> Iterator[tuple[str, Path]]:
    for root in roots or ("cm_wire", "cm_lsp", "cm_server", "tests", "bench"):
        for path in sorted((ROOT / root).rglob("*.py")):
            if "versions" not in path.parts:
                yield path.relative_to(ROOT).as_posix(), path


def trees(*roots: str) -> Iterator[tuple[str, ast.Module]]:
    for name, path in python_files(*roots):
        yield name, ast.parse(path.read_text(encoding="utf-8"))


def test_no_file_is_longer_than_can_be_read_at_once() -> None:
    long = {
        name
        for name, path in python_files()
        if len(path.read_text(encoding="utf-8").splitlines()) > FILE_LINES_MAX
    }
    assert long == LONG_FILES


def test_no_function_is_longer_than_a_screen() -> None:
    long = {
        f"{name}:{node.name}"
        for name, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno >= FUNCTION_LINES_MAX
    }
    assert long == LONG_FUNCTIONS


def test_no_module_has_a_name_that_says_nothing() -> None:
    assert not [name for name, path in python_files() if path.stem in SAY_NOTHING]


def test_nothing_is_left_for_later_and_no_machine_is_named() -> None:
    found = [
        f"{name}:{number}: {line.strip()}"
        for name, path in [*python_files(), *_pages()]
        if name != "tests/test_tidy.py"
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if BANNED.search(line)
    ]
    assert not found


def test_who_silences_a_check_says_why() -> None:
    found = [
        f"{name}:{number}: {line.strip()}"
        for name, path in python_files()
        if name != "tests/test_tidy.py"
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if SILENCED.search(line)
    ]
    assert not found


def test_a_package_opens_with_what_it_owns_and_does_nothing_else() -> None:
    wrong = [
        name
        for name, tree in trees("cm_wire", "cm_lsp", "cm_server")
        if name.endswith("__init__.py") and (len(tree.body) != 1 or not ast.get_docstring(tree))
    ]
    assert not wrong


def test_tables_and_sql_stay_inside_their_stage() -> None:
    found = {
        f"{name}: {stage}.{part}"
        for name, tree in trees("cm_server")
        for stage, part in _private(tree)
        if not name.startswith(f"cm_server/{stage}/")
    }
    assert found == PRIVATE_IMPORTS


def test_no_float_comes_near_money() -> None:
    found = {
        name
        for root in ("cm_server/billing", "cm_server/meter")
        for name, tree in trees(root)
        if _has_float(tree)
    }
    assert not _has_float(ast.parse((ROOT / "cm_wire" / "money.py").read_text(encoding="utf-8")))
    assert found == FLOATS


def test_the_state_diagrams_are_what_the_tables_say() -> None:
    drawn = state_diagrams.PAGE.read_text(encoding="utf-8")
    assert drawn == state_diagrams.page(), "python -m tests.support.state_diagrams"


def test_the_changelog_knows_the_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    headings = re.findall(
        r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE
    )
    assert headings[0] == "Unreleased"
    assert headings[1] == project["version"]


def test_every_link_between_pages_leads_somewhere() -> None:
    broken = [
        f"{name}: {target}"
        for name, path in _pages()
        for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", path.read_text("utf-8"))
        if not (path.parent / target).exists()
    ]
    assert not broken


def _pages() -> list[tuple[str, Path]]:
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    return [(path.relative_to(ROOT).as_posix(), path) for path in sorted(pages)]


def _private(tree: ast.Module) -> set[tuple[str, str]]:
    """The `store` and `model` modules a module imports, with their stage."""
    modules = [
        f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    ]
    found = (re.match(r"cm_server\.(\w+)\.(store|model)\b", module) for module in modules)
    return {(match[1], match[2]) for match in found if match}


def _has_float(tree: ast.Module) -> bool:
    return any(
        (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div))
        or (isinstance(node, ast.Constant) and isinstance(node.value, float))
        or (isinstance(node, ast.Name) and node.id == "float")
        for node in ast.walk(tree)
    )
