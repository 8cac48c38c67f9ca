"""`cm-lsp`: arguments, and what is said to a person who started it by hand. Loads nothing heavy before it knows what for."""

import argparse
import gc
import logging
import os
import random
import sys
import time
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Final, TextIO

EXIT_DONE: Final = 0
EXIT_FAILED: Final = 1
EXIT_USAGE: Final = 2

LOG_LEVELS: Final = ("debug", "info", "warning", "error")

WHAT_IT_IS: Final = """\
cm-lsp is a language server: your editor starts it and talks to it over stdin and stdout.
By hand there is nothing to see. Set your editor up (see the README), or run

  cm-lsp doctor    to find out why it does not work
  cm-lsp --help    for everything else
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code."""
    parsed = _parser().parse_args(arguments)
    configure_logging(parsed.log_level, sys.stderr)
    if parsed.what == "doctor":
        from cm_lsp import doctor_cli

        return doctor_cli.run(os.environ, cache_folder())
    if parsed.what == "conformance":
        from cm_lsp import conformance_cli

        return conformance_cli.run(os.environ)
    if parsed.tcp is None and parsed.ws is None and sys.stdin.isatty():
        print(WHAT_IT_IS, file=sys.stderr, end="")
        return EXIT_USAGE
    return _serve(parsed)


def configure_logging(level: str, stream: TextIO) -> None:
    """To stderr: stdout belongs to the editor. The library's own log is only for debugging, it repeats every message."""
    logging.basicConfig(
        stream=stream,
        level=level.upper(),
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
        force=True,
    )
    quiet = logging.DEBUG if level == "debug" else logging.CRITICAL
    logging.getLogger("pygls").setLevel(quiet)
    logging.getLogger("websockets").setLevel(quiet)


def version() -> str:
    try:
        return metadata.version("codementor-lsp")
    except metadata.PackageNotFoundError:
        return "0+unknown"


def cache_folder() -> Path:
    """Where previews and mirrors go: the user's cache, for this user alone."""
    import platformdirs

    folder = Path(platformdirs.user_cache_dir("codementor", appauthor=False))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _serve(parsed: argparse.Namespace) -> int:
    # While the program is loaded nothing is garbage, and later a look at all of it would hold up a keystroke.
    gc.disable()
    from cm_lsp import methods, transports
    from cm_lsp.app import Machine
    from cm_lsp.language_server import Server

    environment = _taken(os.environ)
    server = Server(version())
    now = time.time  # noqa: TID251 - the command line is the edge
    machine = Machine(environment, cache_folder(), random.SystemRandom(), version(), now)
    methods.register(server, machine)
    gc.freeze()
    gc.enable()
    if parsed.tcp is not None:
        return transports.serve_tcp(server, parsed.tcp)
    if parsed.ws is not None:
        return transports.serve_websocket(server, parsed.ws)
    return transports.serve_stdio(server)


def _taken(environment: Mapping[str, str]) -> Mapping[str, str]:
    """Our variables; the token is not left for the programs we might start."""
    taken = {name: value for name, value in environment.items() if name.startswith("CM_")}
    os.environ.pop("CM_TOKEN", None)
    return taken


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="cm-lsp",
        description="Ask a mentor from your editor: the language server.",
        epilog="environment: CM_SERVER_URL (default http://127.0.0.1:8765), CM_TOKEN",
        allow_abbrev=False,
    )
    parser.add_argument(
        "what",
        nargs="?",
        choices=["doctor", "conformance"],
        help="doctor: find out what does not work; conformance: play the mentor against a new client",
    )
    parser.add_argument("--version", action="version", version=f"cm-lsp {version()}")
    parser.add_argument("--stdio", action="store_true", help="talk over stdin and stdout (default)")
    parser.add_argument("--tcp", type=_port, metavar="PORT", help="listen on 127.0.0.1 instead")
    parser.add_argument("--ws", type=_port, metavar="PORT", help="the same, over a websocket")
    parser.add_argument(
        "--log-level",
        choices=LOG_LEVELS,
        default=os.environ.get("CM_LOG_LEVEL", "warning"),
        help="how much goes to stderr (default: warning; also CM_LOG_LEVEL)",
    )
    return parser


def _port(text: str) -> int:
    if not text.isdigit() or not 0 <= int(text) <= 65_535:
        raise argparse.ArgumentTypeError("a port is a whole number 0 to 65535")
    return int(text)
