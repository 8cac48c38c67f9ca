"""Serve until Ctrl-C."""

import argparse
import asyncio
from typing import TYPE_CHECKING

from cm_server.cli import floor
from cm_server.cli.arguments import Parser, number_between
from cm_server.cli.exits import Stopped

if TYPE_CHECKING:
    from cm_server.settings import Settings


def add_arguments(parser: Parser) -> None:
    parser.add_argument("--host", help="address to listen on (127.0.0.1)")
    parser.add_argument(
        "--port",
        type=number_between(0, 65_535),
        help="port to listen on (8765); 0 takes a free one",
    )
    parser.add_argument("--demo", action="store_true", help="with demo people to try it with")
    parser.add_argument("--migrate", action="store_true", help="migrate an older database first")
    parser.add_argument(
        "--clock-factor",
        type=number_between(1, 3600),
        metavar="N",
        help="demo: how many times as fast time is billed",
    )


def run(arguments: argparse.Namespace) -> int:
    from cm_server import garbage

    garbage.pause()
    from cm_server import serve, telemetry

    chosen = floor.settings(
        arguments,
        host=arguments.host,
        port=arguments.port,
        demo=arguments.demo or None,
        clock_factor=arguments.clock_factor,
    )
    telemetry.configure(chosen)
    try:
        with floor.folder_alone(chosen):
            floor.check_shape(chosen, may_migrate=arguments.migrate)
            return _serve(chosen)
    except serve.CannotListen as cannot:
        raise Stopped(str(cannot), "cm-server run --port 0, or another --host or --port") from None


def _serve(chosen: "Settings") -> int:
    from cm_server import app, demo_people, serve
    from cm_server.clock import SystemClock

    listening = serve.listen(chosen.host, chosen.port)
    chosen = chosen.model_copy(update={"port": listening.getsockname()[1]})
    clock = SystemClock(chosen.clock_factor)
    built = app.build(chosen, clock)
    lines = [f"Serving on {chosen.address}; Ctrl-C stops it."]
    if chosen.demo:
        people = asyncio.run(
            demo_people.present(clock, built.database, built.new_id, chosen.data_folder)
        )
        lines = [*demo_people.introduction(chosen, people), *lines]

    def on_serving() -> None:
        print(*lines, sep="\n", flush=True)

    return serve.run(built.asgi, chosen, listening, on_serving)
