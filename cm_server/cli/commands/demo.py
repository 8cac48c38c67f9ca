"""Play one real session between two Neovims while you watch."""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

from cm_server.cli.arguments import Parser, number_between
from cm_server.cli.exits import Exit, Stopped

CLOCK_FACTOR_DEFAULT = 20


def add_arguments(parser: Parser) -> None:
    parser.add_argument(
        "--watch", action="store_true", help="show both editors side by side (needs tmux)"
    )
    parser.add_argument(
        "--clock-factor",
        type=number_between(1, 3600),
        default=CLOCK_FACTOR_DEFAULT,
        help=f"how many times as fast time is billed ({CLOCK_FACTOR_DEFAULT})",
    )


def run(arguments: argparse.Namespace) -> int:
    from cm_server.demo import screenplay, stage
    from cm_server.demo.neovim import NotSeen

    if problem := stage.missing():
        raise Stopped(problem)
    if arguments.watch and shutil.which("tmux") is None:
        raise Stopped(
            "There is no tmux to show the editors in.", "apt-get install tmux, or without WATCH=1"
        )
    print(f"Billed time passes {arguments.clock_factor} times as fast; nothing else is simulated.")
    with stage.set_up(arguments.clock_factor, watch=arguments.watch) as scene:
        viewer = _viewer(scene.folder) if arguments.watch else None
        try:
            outcome = screenplay.play(scene, _silent if viewer else _say)
        except NotSeen as lost:
            kept = _keep_log(scene.folder)
            raise Stopped(f"The play stopped: {lost}.", f"look into {kept}") from None
        finally:
            if viewer:
                viewer.terminate()
                viewer.wait()
        if viewer:
            print(f"\nThe receipt:\n{outcome.receipt}\nThe patch:\n{outcome.patch}")
        _print_ledger(scene.server.data)
    return Exit.DONE


def _say(who: str, what: str) -> None:
    print(f"{who + ':' if who else '':<9}{what}", flush=True)


def _silent(who: str, what: str) -> None:
    """The editors themselves are on screen."""


def _viewer(folder: Path) -> "subprocess.Popen[bytes]":
    command = ["tmux", "-S", str(folder / "tmux.sock"), "attach-session", "-r", "-t", "demo"]
    return subprocess.Popen(command)


def _print_ledger(data: Path) -> None:
    print("\nThe ledger:")
    ledger = [str(Path(sys.executable).with_name("cm-server")), "ledger", "--data", str(data)]
    subprocess.run(ledger, check=True)


def _keep_log(folder: Path) -> Path:
    kept = Path("demo-server.log").resolve()
    shutil.copy(folder / "server.log", kept)
    return kept
