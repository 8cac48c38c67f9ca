"""The single situations that went wrong once, or that an editor is known for."""

from cm_lsp.sharing.bridge import ANSWER_PATIENCE_MS, BARRIER_PATIENCE_MS, Bridge
from cm_lsp.sharing.bridge_messages import (
    Authority,
    AwaitBarrier,
    BridgeState,
    ChangeCrdt,
    Effect,
    RangeChange,
    SendEdit,
    TextEdit,
    Utf8Edit,
    WholeText,
)
from cm_lsp.sharing.client_profiles import REBASING, STANDARD, UNCHECKED, ClientProfile, profile_of
from cm_lsp.sharing.edits import Operation
from cm_lsp.sharing.judge import FRUITLESS_TRIES
from cm_lsp.sharing.positions import Position, PositionEncoding, Utf8Offset
from cm_lsp.sharing.shared_text import shared_text

NEOVIM = profile_of("Neovim", applies_edits=True, rebases=False)


def typed(line: int, character: int, text: str, gone: int = 0) -> RangeChange:
    return RangeChange(Position(line, character), Position(line, character + gone), text)


def open_bridge(
    text: str,
    profile: ClientProfile = STANDARD,
    encoding: PositionEncoding = PositionEncoding.UTF16,
    authority: Authority = Authority.EDITOR,
) -> Bridge:
    bridge = Bridge(shared_text(text)[0], profile=profile, encoding=encoding, authority=authority)
    assert bridge.opened(text, 1, 0) == []
    return bridge


def remote(bridge: Bridge, *operation: int | str, now_ms: int = 0) -> list[Effect]:
    return [*bridge.remote(Operation(operation)), *bridge.pump(now_ms)]


def sent(effects: list[Effect]) -> SendEdit:
    (edit,) = effects
    assert isinstance(edit, SendEdit)
    return edit


def shared(bridge: Bridge) -> str:
    assert bridge.standing.is_consistent()
    return str(bridge.standing.shared.text)


def buffer(bridge: Bridge) -> str:
    return str(bridge.standing.shadow)


def test_typing_reaches_the_crdt_in_bytes() -> None:
    bridge = open_bridge("é😀\n")
    effects = bridge.changed(2, [typed(0, 3, "x")], 0)
    assert effects == [ChangeCrdt((2, "x"), (Utf8Edit(Utf8Offset(6), Utf8Offset(6), "x"),))]


def test_remote_edit_is_sent_in_the_editors_units_with_its_version() -> None:
    bridge = open_bridge("é😀\n")
    edit = sent(remote(bridge, 2, "x"))
    assert (edit.version, edit.edits) == (1, (TextEdit(Position(0, 3), Position(0, 3), "x"),))


def test_all_changes_of_one_report_are_one_change_of_the_crdt() -> None:
    bridge = open_bridge("a\nb\n")
    (effect,) = bridge.changed(2, [typed(1, 0, "x"), typed(0, 0, "y")], 0)
    assert isinstance(effect, ChangeCrdt)
    assert effect.operation == ("y", 2, "x")


def test_only_one_edit_is_under_way_and_the_rest_goes_together() -> None:
    bridge = open_bridge("ab\n")
    first = sent(remote(bridge, 1, "1"))
    assert remote(bridge, 2, "2") == remote(bridge, 3, "3") == []
    bridge.answered(first.id, applied=True, version=None, now_ms=1)
    second = sent(bridge.changed(2, [typed(0, 1, "1")], 2))
    assert second.edits[0].text == "23"


def test_late_answer_to_an_older_edit_is_not_taken_for_the_new_one() -> None:
    bridge = open_bridge("ab\n", UNCHECKED)
    first = sent(remote(bridge, 1, "1"))
    remote(bridge, 2, "2")
    second = sent(bridge.changed(2, [typed(0, 1, "1")], 0))
    assert bridge.answered(first.id, applied=False, version=None, now_ms=0) == []
    assert bridge.standing.in_flight is not None
    assert bridge.standing.in_flight.id == second.id


def test_typing_that_came_before_an_honest_no_is_kept_and_the_edit_is_sent_again() -> None:
    bridge = open_bridge("ab\n")
    edit = sent(remote(bridge, 1, "R"))
    assert bridge.changed(2, [typed(0, 1, "u")], 1) == []
    change, again = bridge.answered(edit.id, applied=False, version=None, now_ms=2)
    assert isinstance(change, ChangeCrdt)
    assert isinstance(again, SendEdit)
    assert (again.version, again.edits[0].start) == (2, Position(0, 2))
    assert shared(bridge) == "auRb\n"


def test_refusal_without_a_change_is_retried_after_a_while_only() -> None:
    bridge = open_bridge("ab\n")
    edit = sent(remote(bridge, 1, "R"))
    assert bridge.answered(edit.id, applied=False, version=None, now_ms=0) == []
    assert bridge.tick(100) == []
    sent(bridge.tick(400))


def test_yes_of_an_editor_that_lies_does_not_count_against_the_text_it_reports() -> None:
    bridge = open_bridge("ab\n", NEOVIM)
    (barrier,) = remote(bridge, 1, "R")
    assert isinstance(barrier, AwaitBarrier)
    edit = sent(bridge.barrier_passed(barrier.id, 0))
    bridge.changed(2, [typed(0, 0, "u")], 1)
    bridge.answered(edit.id, applied=True, version=None, now_ms=2)
    assert (buffer(bridge), shared(bridge)) == ("uab\n", "uaRb\n")
    assert bridge.counts.refused == 1


def test_barrier_that_nobody_answers_does_not_hold_edits_back_for_ever() -> None:
    bridge = open_bridge("ab\n", NEOVIM)
    remote(bridge, 1, "R")
    assert bridge.tick(BARRIER_PATIENCE_MS - 1) == []
    sent(bridge.tick(BARRIER_PATIENCE_MS))


def test_edit_at_version_0_may_be_found_behind_typing_in_neovim() -> None:
    bridge = Bridge(
        shared_text("ab\n")[0],
        profile=NEOVIM,
        encoding=PositionEncoding.UTF8,
        authority=Authority.EDITOR,
    )
    bridge.opened("ab\n", 0, 0)
    (barrier,) = remote(bridge, 1, "R")
    assert isinstance(barrier, AwaitBarrier)
    bridge.barrier_passed(barrier.id, 0)
    bridge.changed(5, [typed(0, 0, "u"), typed(0, 1, "R")], 0)
    assert bridge.counts.repaired == 1
    assert buffer(bridge) == "uRab\n"
    assert shared(bridge) == "uaRb\n"


def test_edit_a_plugin_moved_is_known_by_its_version() -> None:
    bridge = open_bridge("ab\n", REBASING)
    edit = sent(remote(bridge, 1, "R"))
    assert edit.rebase
    bridge.changed(2, [typed(0, 1, "R")], 1)
    (change,) = bridge.answered(edit.id, applied=True, version=3, now_ms=1)
    assert isinstance(change, ChangeCrdt)
    assert change.operation == (1, "R")
    bridge.changed(3, [typed(0, 2, "R")], 2)
    assert buffer(bridge) == shared(bridge) == "aRRb\n"


def test_plugin_gets_all_scattered_changes_at_once_and_others_the_first() -> None:
    scattered: Operation = ("1", 2, "2", 2, "3")
    assert len(sent(remote(open_bridge("abcdef\n", REBASING), *scattered)).edits) == 3
    assert len(sent(remote(open_bridge("abcdef\n"), *scattered)).edits) == 1


def test_text_an_editor_put_in_the_wrong_place_is_moved_to_the_right_one() -> None:
    bridge = open_bridge("abcd\n", UNCHECKED)
    sent(remote(bridge, 2, "R"))
    bridge.changed(2, [typed(0, 0, "uu")], 1)
    repair = sent(bridge.changed(3, [typed(0, 2, "R")], 2))
    assert shared(bridge) == "uuabRcd\n"
    assert bridge.counts.repaired == 1
    assert repair.edits[0] in (
        TextEdit(Position(0, 2), Position(0, 3), ""),
        TextEdit(Position(0, 2), Position(0, 5), "abR"),
    )


def test_repairs_that_feed_themselves_stop_until_the_user_pauses() -> None:
    bridge = open_bridge("abcd\n", UNCHECKED)
    remote(bridge, 2, "R")
    version = 1
    for now_ms in range(0, 300, 10):
        flight = bridge.standing.in_flight
        if flight is None:
            break
        (edit,) = flight.sent
        echoed = RangeChange(edit.start, edit.end, edit.text)
        version += 1
        bridge.changed(version, [typed(0, 0, "u"), echoed], now_ms)
    assert bridge.state(300) is BridgeState.CALMING
    assert bridge.tick(400) == []
    assert bridge.tick(1_000) != []


def test_editor_that_will_not_lose_its_final_newline_has_it_back_in_the_crdt() -> None:
    bridge = open_bridge("ab\n")
    edit = sent(remote(bridge, 2, -1))
    bridge.changed(2, [typed(0, 2, "")], 1)
    (won,) = bridge.answered(edit.id, applied=True, version=None, now_ms=1)
    assert isinstance(won, ChangeCrdt)
    assert shared(bridge) == buffer(bridge) == "ab\n"


def test_editor_that_makes_nothing_of_an_edit_wins_after_some_tries() -> None:
    bridge = open_bridge("ab\n")
    effects = remote(bridge, 1, "\x00")
    for attempt in range(FRUITLESS_TRIES):
        edit = sent(effects)
        bridge.changed(attempt + 2, [typed(0, 1, "")], attempt)
        effects = bridge.answered(edit.id, applied=True, version=None, now_ms=attempt)
    (won,) = effects
    assert isinstance(won, ChangeCrdt)
    assert shared(bridge) == buffer(bridge) == "ab\n"


def test_lines_added_at_the_very_end_are_put_before_the_final_newline() -> None:
    (edit,) = sent(remote(open_bridge("ab\n"), 3, "cd\n")).edits
    assert edit == TextEdit(Position(0, 2), Position(0, 2), "\ncd")


def test_last_line_is_deleted_without_touching_the_very_end() -> None:
    (edit,) = sent(remote(open_bridge("ab\ncd\n"), 3, -3)).edits
    assert edit == TextEdit(Position(0, 2), Position(1, 2), "")


def test_change_of_line_ends_alone_is_no_change() -> None:
    bridge = open_bridge("a\nb\n")
    assert bridge.changed(2, [WholeText("a\r\nb\r\n")], 0) == []
    assert shared(bridge) == "a\nb\n"


def test_carriage_returns_of_a_strangers_client_are_taken_out_of_the_crdt() -> None:
    bridge = open_bridge("é\n")
    effects = remote(bridge, 1, "x\r\ny\r")
    assert effects[0] == ChangeCrdt(
        (),
        (
            Utf8Edit(Utf8Offset(6), Utf8Offset(7), ""),
            Utf8Edit(Utf8Offset(3), Utf8Offset(4), ""),
        ),
    )
    assert shared(bridge) == "éx\ny\n"


def test_half_of_an_emoji_replaced_makes_another_emoji() -> None:
    bridge = open_bridge("😀\n")
    bridge.changed(2, [RangeChange(Position(0, 1), Position(0, 2), "\ude01")], 0)
    assert shared(bridge) == "😁\n"


def test_learners_change_on_disk_and_the_mentors_typing_meanwhile_are_both_kept() -> None:
    bridge = open_bridge("one\ntwo\n")
    bridge.closed(0)
    assert remote(bridge, 3, " mentor") == []
    effects = bridge.opened("one\ntwo disk\n", 1, 0)
    assert [type(effect) for effect in effects] == [ChangeCrdt, SendEdit]
    assert shared(bridge) == "one mentor\ntwo disk\n"


def test_mentors_buffer_is_made_the_shared_text_on_opening() -> None:
    bridge = Bridge(
        shared_text("shared\n")[0],
        profile=STANDARD,
        encoding=PositionEncoding.UTF16,
        authority=Authority.CRDT,
    )
    sent(bridge.opened("stale shared\n", 1, 0))
    assert shared(bridge) == "shared\n"


def test_edit_that_went_in_unseen_before_closing_is_not_put_in_twice() -> None:
    bridge = open_bridge("ab\n")
    sent(remote(bridge, 1, "R"))
    bridge.closed(1)
    assert bridge.opened("aRb\n", 1, 2) == []
    assert shared(bridge) == "aRb\n"


def test_cursors_are_mapped_over_what_the_editor_has_not_got_yet() -> None:
    bridge = open_bridge("é b\n")
    remote(bridge, "XX")
    assert bridge.to_crdt(Position(0, 2)) == 5
    assert bridge.to_editor(Utf8Offset(5)) == Position(0, 2)
    assert bridge.to_editor(Utf8Offset(1)) == Position(0, 0)
    assert bridge.to_crdt(Position(99, 0)) == len("XXé b\n".encode())


def test_user_is_told_that_the_editor_does_not_answer() -> None:
    bridge = open_bridge("ab\n")
    remote(bridge, 1, "R")
    assert bridge.state(0) is BridgeState.SENDING
    assert bridge.state(ANSWER_PATIENCE_MS) is BridgeState.WAITING


def test_keys_typed_while_the_editor_does_not_answer_are_shared_after_a_while() -> None:
    bridge = open_bridge("ab\n")
    remote(bridge, 1, "R")
    assert bridge.changed(2, [typed(0, 0, "u")], 10) == []
    change, again = bridge.tick(ANSWER_PATIENCE_MS)
    assert isinstance(change, ChangeCrdt)
    assert isinstance(again, SendEdit)
    assert shared(bridge) == "uaRb\n"


def test_edit_a_slow_plugin_applied_among_typing_is_not_there_twice() -> None:
    bridge = open_bridge("ab\n", REBASING)
    edit = sent(remote(bridge, 1, "R"))
    bridge.tick(ANSWER_PATIENCE_MS)
    # The plugin formatted what it inserted, so nothing tells this from typing yet.
    bridge.changed(2, [typed(0, 1, "R!")], ANSWER_PATIENCE_MS)
    bridge.answered(edit.id, applied=True, version=2, now_ms=ANSWER_PATIENCE_MS)
    assert buffer(bridge) == shared(bridge) == "aR!b\n"


def test_edit_a_plugin_changed_on_the_way_in_is_put_right() -> None:
    bridge = open_bridge("ab\n", REBASING)
    edit = sent(remote(bridge, 1, "R"))
    bridge.answered(edit.id, applied=True, version=2, now_ms=0)
    sent(bridge.changed(2, [typed(0, 1, "wrong")], 1))
    assert (buffer(bridge), shared(bridge)) == ("awrongb\n", "aRb\n")


def test_a_place_told_behind_an_edit_on_its_way_counts_with_that_edit() -> None:
    bridge = open_bridge("one\ntwo\n")
    edit = sent(remote(bridge, "new\n"))
    remote(bridge, 4, "X", 8)
    place = Utf8Offset(len("new\nXone\n"))
    assert bridge.to_editor(place) == Position(1, 0)
    assert bridge.to_editor_after_edit(place) == Position(2, 0)
    bridge.changed(2, [typed(0, 0, "new\n")], 1)
    bridge.answered(edit.id, applied=True, version=None, now_ms=1)
    assert bridge.to_editor(place) == Position(2, 0)


def test_before_a_document_is_opened_places_are_those_of_the_shared_text() -> None:
    shared_text_, _ = shared_text("one\n")
    bridge = Bridge(
        shared_text_, profile=STANDARD, encoding=PositionEncoding.UTF16, authority=Authority.CRDT
    )
    remote(bridge, "new\n")
    assert bridge.to_editor(Utf8Offset(len("new\n"))) == Position(1, 0)


def test_what_is_typed_into_a_line_goes_with_it_when_neovim_joins_it_to_the_one_before() -> None:
    bridge = open_bridge("one\ntwo\n", REBASING, PositionEncoding.UTF8)
    edit = sent(remote(bridge, 7, "!"))
    copied_and_deleted = [typed(0, 3, "two"), RangeChange(Position(1, 0), Position(2, 0), "")]
    bridge.changed(2, copied_and_deleted, 0)
    bridge.answered(edit.id, applied=False, version=2, now_ms=0)
    assert shared(bridge) == "onetwo!\n"


def test_a_line_that_is_replaced_is_not_compared_letter_by_letter() -> None:
    bridge = open_bridge("an inlet\n", REBASING, PositionEncoding.UTF8)
    replaced = [typed(0, 0, "", gone=8), typed(0, 0, "i"), typed(0, 1, "n")]
    (effect,) = bridge.changed(2, replaced, 0)
    assert isinstance(effect, ChangeCrdt)
    assert effect.operation in [("in", -8), (-8, "in")]


def test_edit_on_its_way_while_a_plugin_opens_the_document_anew_is_sent_again() -> None:
    bridge = open_bridge("ab\n", REBASING)
    edit = sent(remote(bridge, 1, "R"))
    bridge.closed(0)
    again = sent(bridge.opened("ab\n", 1, 0))
    assert bridge.answered(edit.id, applied=False, version=1, now_ms=0) == []
    assert again.edits == edit.edits
    assert (buffer(bridge), shared(bridge)) == ("ab\n", "aRb\n")
