from types import SimpleNamespace
from typing import Any

from cm_lsp.session.storing import StoreWatch


def document(oldest: int | None) -> Any:
    return SimpleNamespace(oldest_unstored=oldest)


def test_an_edit_that_waits_for_the_disk_is_told_after_a_second_and_no_more_when_stored() -> None:
    watch = StoreWatch()
    for now, oldest, late in (
        (0.0, None, False),
        (0.25, 1, False),
        (1.0, 1, False),
        (1.25, 1, True),
        (9.0, 1, True),
        (9.25, None, False),
    ):
        watch.tick(document(oldest), now)
        assert watch.is_late == late, now


def test_typing_on_while_the_disk_keeps_up_is_never_told() -> None:
    watch = StoreWatch()
    for step in range(40):
        watch.tick(document(step), step / 4)
        assert not watch.is_late


def test_without_a_document_nothing_waits() -> None:
    watch = StoreWatch()
    watch.tick(document(1), 0.0)
    watch.tick(document(1), 2.0)
    watch.tick(None, 3.0)
    assert not watch.is_late
