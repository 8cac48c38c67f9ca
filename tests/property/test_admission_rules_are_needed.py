"""Each rule about order is needed: with any of them taken out, the mutants find a fork of the text."""

import pytest

from cm_wire.ids import YjsClientId
from cm_wire.yjs.known_document import KnownDocument
from cm_wire.yjs.order import Order, Piece, SharedText
from cm_wire.yjs.structs import ItemId
from tests.support import admission_mutants

RUNS = 8_000


def test_mutants_find_a_check_without_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Order, "obstacle", lambda *_: None)
    with pytest.raises(AssertionError, match="seed 1, round"):
        admission_mutants.run(RUNS, 1)


def test_mutants_find_a_check_that_only_asks_for_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Origins in document order are not enough: what lies between them must be unknown too."""
    whole_rule = Order.obstacle

    def order_only(
        order: Order,
        client: YjsClientId,
        text: SharedText,
        origin: ItemId | None,
        right: ItemId | None,
    ) -> str | None:
        obstacle = whole_rule(order, client, text, origin, right)
        if obstacle is None or _comes_before(order, text, origin, right):
            return None
        return obstacle

    monkeypatch.setattr(Order, "obstacle", order_only)
    with pytest.raises(AssertionError, match="seed 1, round"):
        admission_mutants.run(10 * RUNS, 1)


def test_mutants_find_a_check_that_lets_characters_be_parted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(KnownDocument, "_check_cut", lambda *_: None)
    with pytest.raises(Exception, match=r"."):
        admission_mutants.run(RUNS, 1)


def _comes_before(
    order: Order, text: SharedText, origin: ItemId | None, right: ItemId | None
) -> bool:
    end = None if right is None else order.piece_at(right)
    piece: Piece | None = text.first
    if origin is not None and (left := order.piece_at(origin)) is not None:
        piece = left.next
    while piece is not end:
        if piece is None:
            return False
        piece = piece.next
    return True
