"""What opening an editor loads, and which modules stand at the edges; the import contracts are in pyproject.toml."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {"alembic", "pycrdt", "pydantic", "pygls", "sqlalchemy", "sqlmodel", "starlette", "stripe", "uvicorn", "websockets"}  # fmt: skip


def loaded_by(statement: str) -> set[str]:
    """Top-level names of all modules that are loaded after `statement` in a fresh interpreter."""
    report = "import sys, json; sys.stderr.write(json.dumps(sorted({m.partition('.')[0] for m in sys.modules})))"
    finished = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import atexit\natexit.register(lambda: exec({report!r}))\n{statement}",
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return set(json.loads(finished.stderr.splitlines()[-1]))


@pytest.fixture(scope="module")
def bare() -> set[str]:
    return loaded_by("pass")


@pytest.mark.parametrize(
    "module",
    ["asking", "faults", "frames", "ids", "limits", "money", "paths", "printable", "session", "to_client", "to_server", "version", "yjs.admission"],
)  # fmt: skip
def test_the_agreement_needs_msgspec_and_the_standard_library_only(
    bare: set[str], module: str
) -> None:
    ours = loaded_by(f"import cm_wire.{module}") - bare
    # msgspec itself takes typing_extensions where it is installed.
    foreign = {name for name in ours if name not in sys.stdlib_module_names}
    assert {name.lstrip("_") for name in foreign} <= {"cm_wire", "msgspec", "typing_extensions"}


def test_asking_the_language_server_for_its_version_loads_nothing_heavy(bare: set[str]) -> None:
    statement = "import sys; sys.argv = ['cm-lsp', '--version']; from cm_lsp.__main__ import main; sys.exit(main())"
    loaded = loaded_by(statement) - bare
    assert "cm_lsp" in loaded
    assert not loaded & HEAVY
    assert "cm_server" not in loaded


def test_wrong_usage_of_the_server_is_told_before_anything_heavy_is_loaded(bare: set[str]) -> None:
    statement = "import sys; from cm_server.cli.main import main; main(['run', '--port', 'x'])"
    loaded = loaded_by(statement) - bare
    assert not loaded & HEAVY


def test_the_import_contracts_hold() -> None:
    finished = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout
