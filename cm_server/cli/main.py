"""From the arguments to the command, and from how it ended to an exit code."""

import argparse
import importlib
import os
import pkgutil
import sys
from collections.abc import Sequence
from types import ModuleType

from cm_server.cli import arguments, commands, floor
from cm_server.cli.arguments import Parser
from cm_server.cli.exits import Exit, Stopped
from cm_wire import printable


def main(words: Sequence[str]) -> int:
    _tolerate_terminals()
    found = _commands()
    parser = _parser(found)
    if not words:
        parser.print_usage(sys.stderr)
        return Exit.USAGE
    try:
        chosen = parser.parse_args([_as_utf8(word) for word in words])
        code: int = found[chosen.command].run(chosen)
        sys.stdout.flush()
    except Stopped as stopped:
        complain(str(stopped), stopped.attempt)
        return stopped.code
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except BrokenPipeError:
        # Whoever read us has gone; the interpreter must not complain of it once more while it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.PIPE_CLOSED
    return code


def complain(message: str, attempt: str = "") -> None:
    sys.stderr.write(f"cm-server: error: {printable.terminal(message)}\n")
    if attempt:
        sys.stderr.write(f"try: {printable.terminal(attempt)}\n")


def _commands() -> dict[str, ModuleType]:
    return {
        module.name: importlib.import_module(f"{commands.__name__}.{module.name}")
        for module in pkgutil.iter_modules(commands.__path__)
    }


def _parser(found: dict[str, ModuleType]) -> Parser:
    parser = Parser(prog="cm-server", description="The server of Codementor in your editor.")
    parser.add_argument("--version", action="version", version=floor.version())
    chosen = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    parser.set_defaults(config=None, data=None)
    for name, module in found.items():
        summary = (module.__doc__ or "").strip().partition("\n")[0]
        command = chosen.add_parser(
            name,
            help=summary,
            description=summary,
            parents=[arguments.common()],
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(command)
    return parser


def _as_utf8(word: str) -> str:
    """An argument in a C locale arrives as escaped bytes; they are UTF-8 all the same."""
    return os.fsencode(word).decode(errors="replace")


def _tolerate_terminals() -> None:
    """A name that the terminal's encoding has no letters for is drawn with replacements, not with a crash."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
