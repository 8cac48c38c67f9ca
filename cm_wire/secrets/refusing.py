"""Refuse a text that holds a secret, or a file made for them, by name and line.

For what cannot be redacted: a text the other side sent, and a file that two people are about to edit as it is.
"""

import time
from collections.abc import Callable, Collection
from typing import TypeVar

from cm_wire import faults, limits
from cm_wire.ids import FilePath
from cm_wire.secrets import file_names, scan
from cm_wire.secrets.finding import Finding

_T = TypeVar("_T")

NanosecondClock = Callable[[], int]


def check_text(
    text: str,
    field: str,
    do: str,
    cpu_time_ns: NanosecondClock = time.thread_time_ns,
    *,
    besides: Collection[str] = (),
) -> None:
    """Raise `faults.Refused` (`secret-found`) naming the first secret's line, counted from 1, and its kind, never itself.

    `besides` are lines of secrets that are none, by the word of whose they would be.
    """
    found = [
        one
        for one in findings(text, field, cpu_time_ns)
        if not besides or not all(line in besides for line in scan.lines_of(text, one))
    ]
    if found:
        first = found[0]
        line = text.count("\n", 0, first.start) + 1
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        raise faults.refusal(
            "secret-found",
            f"Line {line} of {field} holds a secret, {first.kind}{more}; nobody was shown it.",
            do,
            field=field,
        )


def check_file_name(path: FilePath, field: str) -> None:
    """Raise `faults.Refused` (`secret-found`) for a file whose name says that it holds secrets."""
    what = file_names.refusal(path)
    if what:
        raise faults.refusal(
            "secret-found",
            f"{path} is {what}; it stays on your machine.",
            "Type what matters into the question or the chat.",
            field=field,
        )


def findings(
    text: str, field: str, cpu_time_ns: NanosecondClock = time.thread_time_ns
) -> tuple[Finding, ...]:
    """`scan.find` within the time a scan may take; `unavailable` when that is over."""
    return _guarded(lambda is_over: scan.find(text, is_over), field, cpu_time_ns)


def redacted(
    text: str,
    field: str,
    cpu_time_ns: NanosecondClock = time.thread_time_ns,
    *,
    is_kept: scan.IsKept = scan.nothing_is_kept,
) -> scan.Redacted:
    """`scan.redacted` within the time a scan may take; `unavailable` when that is over, for then nothing is known."""
    return _guarded(lambda is_over: scan.redacted(text, is_over, is_kept), field, cpu_time_ns)


def _guarded(act: Callable[[scan.IsOver], _T], field: str, cpu_time_ns: NanosecondClock) -> _T:
    end_ns = cpu_time_ns() + limits.SECRET_SCAN_MS_MAX * 1_000_000
    try:
        return act(lambda: cpu_time_ns() > end_ns)
    except scan.TookTooLongError:
        raise faults.refusal(
            "unavailable",
            f"The search for secrets in {field} took longer than {limits.SECRET_SCAN_MS_MAX} ms, so it was not sent.",
            "Send a smaller part.",
            field=field,
            limit=limits.SECRET_SCAN_MS_MAX,
        ) from None
