"""What a learner can do when nobody who fits is there, as titles with the command each runs. Pure.

The same list is put as a question and offered as code actions.
"""

from collections.abc import Mapping
from typing import Final

from cm_lsp import commands
from cm_wire import printable
from cm_wire.asking import AskView

LEAVE_OPEN: Final = "Leave it open: ring whoever comes"
TELL_ME: Final = "Ring nobody, but tell me when someone comes"
ASK_NOW: Final = "Ask now"


def offered(view: AskView) -> dict[str, tuple[str, Mapping[str, object]]]:
    """Title to command and arguments."""
    tell: tuple[str, Mapping[str, object]] = (commands.KEEP_ASK, {"tellOnly": True})
    ring: tuple[str, Mapping[str, object]] = (commands.KEEP_ASK, {})
    if view.someone_fits:
        return {ASK_NOW: ring}
    ways = {LEAVE_OPEN: ring, TELL_ME: tell}
    if view.raise_to is not None:
        ways[f"Raise the limit to {view.raise_to} per 15 min"] = (commands.RAISE_LIMIT, {})
    return ways


def question(view: AskView) -> str:
    """The sentence that the ways out are put below."""
    why = printable.line(view.why)
    if view.someone_fits:
        return f"Codementor: {why} Ask now?"
    return f"Codementor: nobody who fits is free now. {why}"
