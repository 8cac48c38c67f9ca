"""What holds for every test: folders mark themselves, editors come last, nothing leaves this machine."""

import socket
from collections import Counter
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from tests.support.manual_clock import ManualClock

HERE = Path(__file__).parent
WHY_AGAIN = 4_000
"""Characters of a first failure that the summary shows: its last lines say what was waited for."""
# How long an example takes is the machine's affair; what hangs is ended by the timeout of the test.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE / "e2e"):
            item.add_marker(pytest.mark.e2e)
    items.sort(key=lambda item: item.get_closest_marker("e2e") is not None)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How much was tried at random (tests record it as a property, also in other workers), and why a test ran again."""
    tried = Counter[str]()
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            if isinstance(value, int):
                tried[str(name)] += value
    for name, count in sorted(tried.items()):
        terminalreporter.write_line(f"{name}: {count:,}")
    for report in terminalreporter.getreports("rerun"):
        terminalreporter.section(f"ran again: {report.nodeid}", "-")
        terminalreporter.write_line(report.longreprtext[-WHY_AGAIN:])


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that tries to reach another machine fails here, by name."""
    connect = socket.socket.connect

    def connect_here(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and not _is_here(str(address[0])):
            raise AssertionError(f"A test tried to reach {address[0]}.")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect_here)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
