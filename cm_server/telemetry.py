"""What the server says to its operator: one line per event, with the session it is about.

Owns: the form of a line, what is hidden in it (tokens, keys) and how foreign text is shown (visibly, cut short).
Does not own what is worth saying. Bind a session with `structlog.contextvars.bound_contextvars(session=…)` around the
work; every line said inside then carries it. The lines of uvicorn and other libraries take the same road.
"""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, Final, TextIO

import structlog
from structlog.typing import Processor

from cm_server.settings import LogForm, Settings
from cm_wire import printable

VALUE_CHARACTERS_MAX: Final = 200
TRACE_CHARACTERS_MAX: Final = 6_000

_SECRET_NAME: Final = re.compile(
    r"token|secret|password|authorization|cookie|api_?key", re.IGNORECASE
)
_SECRET_VALUE: Final = re.compile(
    r"cmt_[\w-]{8,}|(?:sk|rk)_(?:live|test)_\w+|whsec_\w+|(?i:bearer\s+)[\w.~+/=-]+|(?<=token=)[^&\s\"']+|(?<=://)[^/@\s]+:[^/@\s]+(?=@)"
)
HIDDEN: Final = "[hidden]"


def configure(settings: Settings, stream: TextIO | None = None) -> None:
    """Say it once, before anything else speaks: sets up structlog and the standard library's logging for the process."""
    stream = stream or sys.stderr
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                made_safe,
                _renderer(settings.log_form, stream),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log_level.upper())
    for chatty in ("alembic", "uvicorn", "httpx", "httpcore", "stripe", "websockets"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def made_safe(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Hide secrets, make what cannot be seen visible, cut what is long."""
    for name, value in event.items():
        event[name] = HIDDEN if _SECRET_NAME.search(name) and value else _safe(name, value)
    return event


def _safe(name: str, value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {
            str(key): HIDDEN if _SECRET_NAME.search(str(key)) else _safe(str(key), inner)
            for key, inner in list(value.items())[:20]
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [_safe(name, inner) for inner in list(value)[:20]]
    characters_max = TRACE_CHARACTERS_MAX if name == "exception" else VALUE_CHARACTERS_MAX
    text = str(value)
    shown = printable.terminal(_SECRET_VALUE.sub(HIDDEN, text[: characters_max * 2]))
    if len(text) > characters_max:
        return f"{shown[:characters_max]}…(+{len(text) - characters_max})"
    return shown


def _renderer(form: LogForm, stream: TextIO) -> Processor:
    if form == "json" or (form == "auto" and not stream.isatty()):
        return structlog.processors.JSONRenderer(sort_keys=False, ensure_ascii=False)
    return structlog.dev.ConsoleRenderer(colors=stream.isatty())
