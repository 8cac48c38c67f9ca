"""What waits for the user of an editor that takes edits only when told to, and how it is known what they took."""

from cm_lsp.sharing.bridge import Bridge
from cm_lsp.sharing.bridge_messages import (
    Authority,
    BridgeState,
    ChangeCrdt,
    Effect,
    RangeChange,
    TextEdit,
    WholeText,
)
from cm_lsp.sharing.client_profiles import STANDARD, ClientProfile, profile_of
from cm_lsp.sharing.edits import Operation
from cm_lsp.sharing.positions import Position, PositionEncoding
from cm_lsp.sharing.shared_text import shared_text

PULLING = profile_of(None, applies_edits=False, rebases=False)


def open_bridge(text: str, profile: ClientProfile) -> Bridge:
    shared = shared_text(text)[0]
    encoding, authority = PositionEncoding.UTF16, Authority.EDITOR
    bridge = Bridge(shared, profile=profile, encoding=encoding, authority=authority)
    assert bridge.opened(text, 1, 0) == []
    return bridge


def typed(line: int, character: int, text: str) -> RangeChange:
    return RangeChange(Position(line, character), Position(line, character), text)


def remote(bridge: Bridge, *operation: int | str) -> list[Effect]:
    return [*bridge.remote(Operation(operation)), *bridge.pump(0)]


def shared(bridge: Bridge) -> str:
    assert bridge.standing.is_consistent()
    return str(bridge.standing.shared.text)


def test_client_that_takes_no_edits_is_sent_none_and_offered_all_that_waits() -> None:
    bridge = open_bridge("ab\n", PULLING)
    assert remote(bridge, 1, "R") == []
    assert bridge.state(0) is BridgeState.WAITING
    assert bridge.waiting() == (Position(0, 1),)
    assert bridge.offer() == (TextEdit(Position(0, 1), Position(0, 1), "R"),)
    assert bridge.changed(2, [WholeText("aRb\n")], 0) == []
    assert (bridge.waiting(), bridge.offer(), shared(bridge)) == ((), (), "aRb\n")


def test_what_is_offered_to_others_is_nothing() -> None:
    bridge = open_bridge("ab\n", STANDARD)
    remote(bridge, 1, "R")
    assert (bridge.offer(), bridge.waiting()) == ((), ())


def test_offer_that_was_left_is_in_the_next_and_typing_moves_it() -> None:
    bridge = open_bridge("ab\n", PULLING)
    remote(bridge, 2, "R")
    bridge.offer()
    bridge.changed(2, [typed(0, 0, "u")], 0)
    remote(bridge, 4, "\nS")
    assert bridge.offer() == (TextEdit(Position(0, 3), Position(0, 3), "R\nS"),)


def test_an_older_offer_is_known_when_it_is_taken_and_the_rest_waits() -> None:
    bridge = open_bridge("one\ntwo\n", PULLING)
    remote(bridge, "R")
    bridge.offer()
    remote(bridge, 5, "S")
    bridge.offer()
    bridge.changed(2, [typed(0, 0, "R")], 0)
    assert (str(bridge.standing.shadow), shared(bridge)) == ("Rone\ntwo\n", "Rone\nStwo\n")
    assert bridge.waiting() == (Position(1, 0),)


def test_an_offer_taken_among_typing_is_read_out_of_a_whole_text() -> None:
    bridge = open_bridge("one\ntwo\n", PULLING)
    remote(bridge, "remote\n")
    bridge.offer()
    change, *_ = bridge.changed(2, [WholeText("remote\none\ntwo!\n")], 0)
    assert isinstance(change, ChangeCrdt)
    assert change.operation == (14, "!")
    assert shared(bridge) == "remote\none\ntwo!\n"


def test_offers_count_only_columns_that_every_encoding_has() -> None:
    bridge = open_bridge("plain\ngrößer\nend\n", PULLING)
    remote(bridge, 2, "R", 8, "S", 1, "T")
    assert bridge.offer() == (
        TextEdit(Position(0, 2), Position(0, 2), "R"),
        TextEdit(Position(1, 0), Position(2, 0), "größSeTr\n"),
    )
