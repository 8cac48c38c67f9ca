"""What the admission check costs beside the CRDT library's own work, in one run.

    python -m bench.admission_cost

Prints CPU microseconds of a bare `apply_update` and of the check for the same updates, and fails when
a case's ratio passes its limit. Interleaved rounds, medians: only ratios are meant to be compared
between machines. The bare apply is the hardest measure there is: a document that somebody watches
takes several times longer for each update.
"""

import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from pycrdt import Doc, Map, Text

from cm_wire.ids import YjsClientId
from cm_wire.yjs.admission import AdmissionState
from cm_wire.yjs.rules import Participant
from cm_wire.yjs.verdict import Admitted

ROUNDS = 7
EDITS = 2_000
SEED_ID, WRITER_ID = 1, 3_000_000_001
WRITER = Participant(frozenset({YjsClientId(WRITER_ID)}))


def main() -> int:
    passed = True
    print(f"{'case':34} {'apply':>8} {'check':>8} {'ratio':>6}   (CPU us for one update)")
    for name, kilobytes, edit, max_ratio in (
        ("a keystroke, 10 kB", 10, _typing, 4),
        ("each edit elsewhere, 10 kB", 10, _scattered, 7),
        ("each edit elsewhere, 1 MB", 1000, _scattered, 5),
        ("each delete elsewhere, 100 kB", 100, _deleting, 4),
    ):
        apply_us, check_us = _measure(kilobytes, edit)
        passed &= check_us / apply_us <= max_ratio
        print(f"{name:34} {apply_us:8.1f} {check_us:8.1f} {check_us / apply_us:6.2f}")
    _print_opening()
    return 0 if passed else 1


def _typing(text: Text, index: int) -> None:
    text.insert(len(text), chr(97 + index % 26))


def _scattered(text: Text, index: int) -> None:
    text.insert(index * 7919 % len(text), chr(97 + index % 26))


def _deleting(text: Text, index: int) -> None:
    start = index * 7919 % (len(text) - 1)
    del text[start : start + 1]


def _seeded(kilobytes: int) -> bytes:
    document: Doc[Any] = Doc(client_id=SEED_ID)
    document.get("files", type=Map)["a.py"] = Text("x = 1\n" * (kilobytes * 1000 // 6))
    return document.get_update()


def _updates(start: bytes, edit: Callable[[Text, int], None]) -> list[bytes]:
    document: Doc[Any] = Doc(client_id=WRITER_ID)
    document.apply_update(start)
    updates: list[bytes] = []
    subscription = document.observe(lambda event: updates.append(event.update))
    text = document.get("files", type=Map)["a.py"]
    for index in range(EDITS):
        edit(text, index)
    document.unobserve(subscription)
    return updates


def _measure(kilobytes: int, edit: Callable[[Text, int], None]) -> tuple[float, float]:
    start = _seeded(kilobytes)
    updates = _updates(start, edit)
    apply_us, check_us = [], []
    for _ in range(ROUNDS):
        document = Doc[Any](client_id=2)
        document.apply_update(start)
        apply_us.append(_cpu_us(document.apply_update, updates))
        state = AdmissionState.from_trusted_update(start)
        check_us.append(_cpu_us(partial(_admitted, state), updates))
    return statistics.median(apply_us), statistics.median(check_us)


def _admitted(state: AdmissionState, update: bytes) -> None:
    outcome = state.admit(update, WRITER)
    assert isinstance(outcome, Admitted), outcome


def _cpu_us(act: Callable[[bytes], None], updates: list[bytes]) -> float:
    begin = time.process_time_ns()
    for update in updates:
        act(update)
    return (time.process_time_ns() - begin) / 1000 / len(updates)


def _print_opening() -> None:
    start = _seeded(10)
    document: Doc[Any] = Doc(client_id=2)
    document.apply_update(start)
    for edit in (_scattered, _deleting):
        for update in _updates(document.get_update(), edit):
            document.apply_update(update)
    snapshot = document.get_update()
    begin = time.process_time_ns()
    Doc(client_id=2).apply_update(snapshot)
    middle = time.process_time_ns()
    AdmissionState.from_trusted_update(snapshot)
    end = time.process_time_ns()
    print(
        f"opening {len(snapshot) // 1000} kB of {2 * EDITS} scattered edits: "
        f"document {(middle - begin) / 1e6:.1f} ms, check {(end - middle) / 1e6:.1f} ms"
    )


if __name__ == "__main__":
    sys.exit(main())
