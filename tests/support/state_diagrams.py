"""Draws `docs/states.md` from the transition tables: `python -m tests.support.state_diagrams` writes it anew."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from cm_server.ask import states as ask
from cm_server.billing import payment_states
from cm_server.matching import states as offer
from cm_server.session import states as session

PAGE: Final = Path(__file__).parents[2] / "docs" / "states.md"

_TABLES: Final[tuple[tuple[str, str, str, Mapping[Any, str]], ...]] = (
    ("Ask", "cm_server/ask/states.py", "searching", ask.TRANSITIONS),
    ("Offer", "cm_server/matching/states.py", "open", offer.TRANSITIONS),
    ("Session", "cm_server/session/states.py", "triage", session.TRANSITIONS),
    ("Payment", "cm_server/billing/payment_states.py", "authorising", payment_states.PAYMENT),
    ("Hold", "cm_server/billing/payment_states.py", "requested", payment_states.HOLD),
)


def page() -> str:
    parts = [
        "# States",
        "Drawn from the tables in the code by `python -m tests.support.state_diagrams`; a test holds it to them.\n"
        "Events that leave a state as it is are not drawn.",
    ]
    for title, path, first, table in _TABLES:
        parts.append(
            f"## {title}\n\nThe table is in [`{path}`](../{path}).\n\n{_diagram(first, table)}"
        )
    return "\n\n".join(parts) + "\n"


def _diagram(first: str, table: Mapping[Any, str]) -> str:
    arrows: dict[tuple[str, str], list[str]] = {}
    for (state, event), following in table.items():
        if state != following:
            arrows.setdefault((state, following), []).append(event)
    states = dict.fromkeys(state for arrow in arrows for state in arrow)
    left = {state for state, _ in arrows}
    lines = [
        "stateDiagram-v2",
        f"    [*] --> {first}",
        *(
            f"    {state} --> {after}: {', '.join(events)}"
            for (state, after), events in arrows.items()
        ),
        *(f"    {state} --> [*]" for state in states if state not in left),
    ]
    return "\n".join(["```mermaid", *lines, "```"])


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
