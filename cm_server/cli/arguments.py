"""argparse, stricter: no abbreviations, no option twice, and the nearest word for one it does not know."""

import argparse
import difflib
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from cm_server.cli.exits import Exit
from cm_wire import faults


class Parser(argparse.ArgumentParser):
    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **{**options, "allow_abbrev": False})
        self.register("action", None, _StoreOnce)
        self.register("action", "store", _StoreOnce)

    def error(self, message: str) -> NoReturn:
        usage = " ".join(self.format_usage().split()).removeprefix("usage: ")
        self.exit(Exit.USAGE, f"cm-server: error: {message}\ntry: {usage}\n")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is None or value in action.choices:
            return
        near = difflib.get_close_matches(str(value), list(action.choices), n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}?" if near else f"there is {', '.join(action.choices)}"
        kind = "command" if isinstance(action, argparse._SubParsersAction) else "choice"
        raise argparse.ArgumentError(None, f"{faults.shortened(str(value))!r} is no {kind}; {hint}")


def common() -> Parser:
    """What every command takes, for `parents=`; not given, it leaves what an outer parser has set."""
    parser = Parser(add_help=False, argument_default=argparse.SUPPRESS)
    parser.add_argument("--config", metavar="FILE", help="settings in TOML; or CM_CONFIG")
    parser.add_argument("--data", metavar="FOLDER", help="the data folder; or CM_DATA_FOLDER")
    return parser


def number_between(low: int, high: int) -> Callable[[str], int]:
    """For `type=`: a whole number in a range, written in plain digits."""

    def number(text: str) -> int:
        digits = text.removeprefix("-")
        if not digits.isascii() or not digits.isdigit() or not low <= int(text[:12]) <= high:
            raise argparse.ArgumentTypeError(
                f"{faults.shortened(text)!r} is not a whole number from {low} to {high}"
            )
        return int(text)

    return number


def checked_by(rule: Callable[[str], Any]) -> Callable[[str], Any]:
    """For `type=`: a rule that refuses with a fault."""

    def value(text: str) -> Any:
        try:
            return rule(text)
        except faults.Refused as refused:
            raise argparse.ArgumentTypeError(str(refused.fault)) from None

    return value


class _StoreOnce(argparse.Action):
    """The last of two would silently win."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        seen: set[str] = namespace.__dict__.setdefault("_seen", set())
        if option_string and self.dest in seen:
            parser.error(f"{option_string} is given twice")
        seen.add(self.dest)
        setattr(namespace, self.dest, values)
