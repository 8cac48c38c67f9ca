"""The pages on the protocol and on testing say what the code does."""

import re
from pathlib import Path

from tests.support import protocol_tables

ROOT = Path(__file__).parents[1]


def test_the_protocol_page_is_what_the_code_says() -> None:
    written = protocol_tables.PAGE.read_text(encoding="utf-8")
    assert written == protocol_tables.page(), "python -m tests.support.protocol_tables"


def test_every_test_that_the_page_on_testing_names_exists() -> None:
    page = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", page)
    assert named
    missing = [f"{path}::{name}" for path, name in named if not _exists(path, name)]
    assert not missing


def _exists(path: str, name: str) -> bool:
    file = ROOT / path
    return file.is_file() and (not name or f"def {name}(" in file.read_text(encoding="utf-8"))
