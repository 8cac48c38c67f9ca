import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from cm_server import telemetry
from cm_server.settings import Settings


@pytest.fixture
def said() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    stream = io.StringIO()
    telemetry.configure(Settings(log_form="json"), stream)
    yield stream
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


def last(stream: io.StringIO) -> dict[str, Any]:
    line: dict[str, Any] = json.loads(stream.getvalue().splitlines()[-1])
    return line


def test_a_line_carries_the_session_it_is_about(said: io.StringIO) -> None:
    with structlog.contextvars.bound_contextvars(session="ses_x"):
        structlog.stdlib.get_logger("here").info("meter started", seconds=3)
        logging.getLogger("elsewhere").warning("so it goes")
    first, second = (json.loads(line) for line in said.getvalue().splitlines())
    assert (first["session"], first["seconds"], first["event"]) == ("ses_x", 3, "meter started")
    assert second["session"] == "ses_x"


@pytest.mark.parametrize(
    "secret",
    [
        "cmt_0123456789abcdefghij",
        "sk_live_0123456789",
        "whsec_0123456789",
        "Bearer abc.def",
        "GET /sync?token=abcdef",
        "postgresql://cm:hunter2@db/cm",
    ],
)
def test_secrets_are_hidden_wherever_they_stand(said: io.StringIO, secret: str) -> None:
    structlog.stdlib.get_logger("x").info(f"got {secret}", url=secret, nested={"deep": [secret]})
    logging.getLogger("y").warning("got %s", secret)
    hidden = secret.rpartition("=")[2].removeprefix("Bearer ").removeprefix("postgresql://")
    assert hidden.removesuffix("@db/cm") not in said.getvalue()
    assert telemetry.HIDDEN in said.getvalue()


def test_a_value_called_a_secret_is_hidden_whatever_it_is(said: io.StringIO) -> None:
    structlog.stdlib.get_logger("x").info("signed in", token="plain", headers={"Cookie": "c"})
    assert last(said)["token"] == telemetry.HIDDEN
    assert last(said)["headers"]["Cookie"] == telemetry.HIDDEN


def test_foreign_text_cannot_draw_on_the_terminal_or_start_a_line(said: io.StringIO) -> None:
    structlog.stdlib.get_logger("x").info("said", text="\x1b[2J\u202eevil\x07")
    assert "\x1b" not in last(said)["text"]
    assert "\u202e" not in last(said)["text"]
    assert len(said.getvalue().splitlines()) == 1


def test_a_long_value_is_cut_and_says_by_how_much(said: io.StringIO) -> None:
    structlog.stdlib.get_logger("x").info("said", text="a" * 1000)
    assert last(said)["text"] == "a" * 200 + "…(+800)"


def test_an_error_keeps_its_trace_but_not_its_secrets(said: io.StringIO) -> None:
    try:
        raise ValueError("token cmt_0123456789abcdefghij")
    except ValueError:
        structlog.stdlib.get_logger("x").exception("broke")
    assert "ValueError" in last(said)["exception"]
    assert "cmt_0123456789" not in said.getvalue()
