"""The configuration that a page of the documentation tells people to use: tests run that, and nothing else."""

import re
from pathlib import Path

PAGES = Path(__file__).parents[3] / "docs" / "editors"


def block(page: str, language: str) -> str:
    """The first code block of that language on the page."""
    text = (PAGES / page).read_text(encoding="utf-8")
    found = re.search(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    assert found is not None, f"{page} has no {language} block"
    return found[1]
