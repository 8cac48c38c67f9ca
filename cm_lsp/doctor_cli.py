"""`cm-lsp doctor`: finds out why it does not work. One line for each check, a remedy for each that fails.

Owns what is looked at and how it is said. Changes nothing but a file it removes again.
"""

import asyncio
import email.utils
import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cm_lsp import settings
from cm_lsp.settings import Settings
from cm_lsp.to_server import pages
from cm_lsp.to_server.backoff import CLOSE_SIGN_IN
from cm_wire import frames
from cm_wire.ids import CommandId
from cm_wire.to_client import Answered, Declined, Welcome
from cm_wire.to_server import Hello, Request
from cm_wire.version import PROTOCOL_VERSION

EXIT_WELL: Final = 0
EXIT_FAULTS: Final = 4

PATIENCE_SECONDS: Final = 5.0
CLOCK_SKEW_SECONDS_MAX: Final = 120


@dataclass(frozen=True, slots=True)
class Finding:
    """`remedy` is empty where all is well."""

    what: str
    said: str
    remedy: str = ""


def run(environment: Mapping[str, str], cache_folder: Path) -> int:
    """Print what was found; the exit code."""
    findings = list(examine(environment, cache_folder, time.time))  # noqa: TID251 - the command line is the edge
    for finding in findings:
        mark = "fault" if finding.remedy else "ok"
        print(f"{mark:6}{finding.what}: {finding.said}")
        if finding.remedy:
            print(f"      try: {finding.remedy}")
    return EXIT_FAULTS if any(finding.remedy for finding in findings) else EXIT_WELL


def examine(
    environment: Mapping[str, str], cache_folder: Path, clock: Callable[[], float]
) -> Iterator[Finding]:
    read = settings.read(environment, None)
    yield _python()
    for warning in read.warnings:
        yield Finding("settings", warning, "correct it where your editor starts cm-lsp")
    yield _folder(cache_folder)
    reached, served_at = _reach(read.settings.server_url)
    yield reached
    if reached.remedy:
        return
    yield _clock(served_at, clock)
    yield asyncio.run(_token(read.settings))


def _python() -> Finding:
    found = ".".join(map(str, sys.version_info[:3]))
    return Finding("python", found)


def _folder(folder: Path) -> Finding:
    trial = folder / f".doctor-{os.getpid()}"
    try:
        trial.touch(mode=0o600, exist_ok=False)
        trial.unlink()
    except OSError as error:
        remedy = f"make {folder} a folder that you may write to"
        return Finding("cache folder", f"cannot write: {error.strerror}", remedy)
    if os.name == "posix" and folder.stat().st_mode & 0o077:
        return Finding("cache folder", "others may read it", f"chmod 700 {folder}")
    return Finding("cache folder", "private and writable")


def _reach(server_url: str) -> tuple[Finding, str]:
    """Whether the server answers at all, and its Date header."""
    request = urllib.request.Request(f"{server_url}/healthz")  # noqa: S310 - the scheme was checked by settings
    try:
        with pages.opener(server_url).open(request, timeout=PATIENCE_SECONDS) as answer:
            return Finding("server", f"{server_url} answers"), answer.headers.get("Date", "")
    except urllib.error.HTTPError as error:
        remedy = "check CM_SERVER_URL: something answers there, but no healthy codementor server"
        return Finding("server", f"{server_url} answers {error.code}", remedy), ""
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        remedy = "start it (make run), or set CM_SERVER_URL to where it is"
        if "certificate" in str(reason).lower():
            remedy = "install the certificate authority your company uses, or ask the operator"
        return Finding("server", f"{server_url} cannot be reached: {reason}", remedy), ""


def _clock(served_at: str, now: Callable[[], float]) -> Finding:
    try:
        there = email.utils.parsedate_to_datetime(served_at).timestamp()
    except ValueError:
        return Finding("clock", "the server did not say what time it is")
    skew = round(now() - there)
    if abs(skew) > CLOCK_SKEW_SECONDS_MAX:
        direction = "ahead of" if skew > 0 else "behind"
        said = f"{abs(skew)} s {direction} the server's"
        return Finding("clock", said, "set this machine's clock (timedatectl set-ntp true)")
    return Finding("clock", "agrees with the server's")


async def _token(read: Settings) -> Finding:
    """Greets as an editor would."""
    if not read.token:
        return Finding("token", "none is set", "set CM_TOKEN (cm-server token EMAIL makes one)")
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await _greet(read)
    except TimeoutError:
        return Finding("token", "the server does not answer a greeting", "see the server's log")


async def _greet(read: Settings) -> Finding:
    from websockets.asyncio.client import connect
    from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

    url = settings.websocket_url(read.server_url, "/api/v1/events")
    refused = Finding("token", "the server does not accept it", "set CM_TOKEN to a valid token")
    try:
        async with connect(
            url,
            additional_headers={"Authorization": f"Bearer {read.token}"},
            proxy=settings.proxy_for(url),
        ) as socket:
            hello = Hello(protocol=PROTOCOL_VERSION, client="cm-lsp doctor")
            await socket.send(frames.encode(Request(CommandId("doctor"), hello)))
            async for raw in socket:
                frame = frames.decode_from_server(raw)
                if isinstance(frame, Answered) and isinstance(frame.result, Welcome):
                    said = f"you are {frame.result.name}; server {frame.result.server}"
                    return Finding("token", said)
                if isinstance(frame, Declined) and frame.fault.code == "sign-in":
                    return refused
                if isinstance(frame, Declined):
                    remedy = frame.fault.do or "use the server's version of cm-lsp"
                    return Finding("version", frame.fault.message, remedy)
            return refused
    except InvalidStatus as error:
        if error.response.status_code in {401, 403}:
            return refused
        status = error.response.status_code
        return Finding("token", f"the server answers {status}", "check CM_SERVER_URL")
    except ConnectionClosed as error:
        if error.rcvd is not None and error.rcvd.code == CLOSE_SIGN_IN:
            return refused
        return Finding("token", f"the channel closes: {error}", "see the server's log")
    except (OSError, InvalidHandshake) as error:
        return Finding("token", f"the channel does not open: {error}", "look for a proxy between")
