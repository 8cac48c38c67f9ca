"""The rules one by one, with the document behind the check as at both doors."""

from functools import partial

import pytest
from pycrdt import Text

from cm_wire import limits
from cm_wire.ids import YjsClientId
from cm_wire.yjs import update as updates
from cm_wire.yjs.admission import AdmissionState
from cm_wire.yjs.rules import Relay
from cm_wire.yjs.structs import Collected, Deletes, Update
from cm_wire.yjs.varint import MalformedError
from cm_wire.yjs.verdict import (
    DOCUMENT_LIMITS,
    UPDATE_LIMITS,
    Admitted,
    Gap,
    Outcome,
    Refusal,
    RefusalCode,
    Replayed,
)
from tests.support.constructed_updates import at, deleting, insert, nested_value, of
from tests.support.guarded_document import (
    SEED_ID,
    AnyDoc,
    AnyMap,
    GuardedDocument,
    contents_of,
    participant,
    replica,
    seeded_update,
    text_in,
    update_of,
)

CONTENTS = {"a.py": "hello", "b.py": "other"}
ADA, BOB = 7, 8


def typed(document: AnyDoc, index: int, text: str, path: str = "a.py") -> bytes:
    return update_of(document, partial(text_in(document, path).insert, index, text))


def deleted(document: AnyDoc, start: int, stop: int, path: str = "a.py") -> bytes:
    return update_of(document, partial(text_in(document, path).__delitem__, slice(start, stop)))


def unshare(files: AnyMap) -> None:
    del files["a.py"]


def code_of(outcome: Outcome) -> RefusalCode:
    assert isinstance(outcome, Refusal), outcome
    return outcome.code


@pytest.fixture
def guarded() -> GuardedDocument:
    return GuardedDocument(CONTENTS)


@pytest.fixture
def ada(guarded: GuardedDocument) -> AnyDoc:
    return replica(ADA, guarded.start)


def test_admitted_update_is_passed_on_byte_for_byte(guarded: GuardedDocument, ada: AnyDoc) -> None:
    update = typed(ada, 2, "x")
    assert guarded.receive(update, participant(ADA)) == Admitted(update)
    assert guarded.contents["a.py"] == "hexllo"


def test_same_update_again_is_a_replay(guarded: GuardedDocument, ada: AnyDoc) -> None:
    for update in (typed(ada, 2, "x"), deleted(ada, 0, 1)):
        assert isinstance(guarded.receive(update, participant(ADA)), Admitted)
        assert guarded.receive(update, participant(ADA)) == Replayed()


def test_lost_update_makes_the_next_one_a_gap(guarded: GuardedDocument, ada: AnyDoc) -> None:
    typed(ada, 0, "lost")
    outcome = guarded.receive(typed(ada, 4, "next"), participant(ADA))
    assert isinstance(outcome, Gap)
    assert (outcome.client, outcome.known_clock) == (ADA, 0)


def test_gap_is_closed_by_sending_both(guarded: GuardedDocument, ada: AnyDoc) -> None:
    lost, following = typed(ada, 0, "lost"), typed(ada, 4, "next")
    guarded.receive(following, participant(ADA))
    for update in (lost, following):
        assert isinstance(guarded.receive(update, participant(ADA)), Admitted)
    assert guarded.contents == contents_of(ada)


def test_known_beginning_is_cut_off(guarded: GuardedDocument, ada: AnyDoc) -> None:
    before = ada.get_state()
    guarded.receive(typed(ada, 0, "ab"), participant(ADA))
    typed(ada, 2, "cd")
    outcome = guarded.receive(ada.get_update(before), participant(ADA))
    assert isinstance(outcome, Admitted)
    (block,) = updates.decode(outcome.update, UPDATE_LIMITS).blocks
    assert (block.clock, block.end) == (2, 4)
    assert guarded.contents["a.py"] == "abcdhello"
    guarded.assert_replicas_agree()


def test_deletes_known_already_are_left_out(guarded: GuardedDocument, ada: AnyDoc) -> None:
    bob = replica(BOB, guarded.start)
    guarded.receive(deleted(bob, 1, 3), participant(BOB))
    outcome = guarded.receive(deleted(ada, 0, 4), participant(ADA))
    assert isinstance(outcome, Admitted)
    (entry,) = updates.decode(outcome.update, UPDATE_LIMITS).deletes
    assert entry.ranges == [(1, 1), (4, 1)]
    guarded.assert_replicas_agree()


def test_refusal_in_the_last_struct_takes_back_the_first_ones(guarded: GuardedDocument) -> None:
    good = insert(text=b"one", origin=at(3), right=at(4))
    further = insert(
        clock=3, text=b"two", origin=(YjsClientId(ADA), 0), right=(YjsClientId(ADA), 1)
    )
    bad = insert(clock=6, origin=at(5), right=at(2))
    assert code_of(guarded.receive(of(good, further, bad), participant(ADA))) == "wrong-order"
    assert guarded.state.next_clock(YjsClientId(ADA)) == 0
    assert isinstance(guarded.receive(of(good, further), participant(ADA)), Admitted)
    guarded.assert_replicas_agree()


def test_refused_delete_takes_back_the_text_it_came_with(guarded: GuardedDocument) -> None:
    text = updates.decode(of(insert(origin=at(3), right=at(4))), UPDATE_LIMITS)
    entry = updates.decode(deleting((0, 1)), UPDATE_LIMITS)
    both = updates.encode(Update(text.blocks, entry.deletes))
    assert code_of(guarded.receive(both, participant(ADA))) == "structure"
    assert guarded.state.next_clock(YjsClientId(ADA)) == 0


def test_text_of_an_earlier_connection_is_its_persons(
    guarded: GuardedDocument, ada: AnyDoc
) -> None:
    unacknowledged = typed(ada, 0, "kept")
    outcome = guarded.receive(unacknowledged, participant(ADA + 100, ADA))
    assert isinstance(outcome, Admitted)


def test_answer_holds_back_what_strangers_wrote(guarded: GuardedDocument, ada: AnyDoc) -> None:
    bob = replica(BOB, guarded.start)
    ada.apply_update(typed(bob, 0, "bob's, which the server lost"))
    typed(ada, len(text_in(ada, "a.py")), "ada's")
    answer = ada.get_update(guarded.document.get_state())
    outcome = guarded.receive(answer, participant(ADA), is_answer=True)
    assert isinstance(outcome, Admitted)
    assert outcome.withheld == (BOB,)
    assert guarded.contents["a.py"] == "helloada's"
    assert code_of(guarded.receive(answer, participant(ADA))) == "not-yours"


def test_an_answer_is_taken_as_far_as_it_rests_on_no_lost_text(
    guarded: GuardedDocument, ada: AnyDoc
) -> None:
    bob = replica(BOB, guarded.start)
    lost = typed(bob, 0, "lost")
    typed(ada, 5, " one")
    ada.apply_update(lost)
    typed(ada, 2, "between")
    typed(ada, len(text_in(ada, "a.py")), " two")
    start = guarded.document.get_state()
    outcome = guarded.receive(ada.get_update(start), participant(ADA), is_answer=True)
    assert isinstance(outcome, Admitted)
    assert outcome.missing == (BOB,)
    assert guarded.contents["a.py"] == "hello one"
    guarded.receive(lost, participant(BOB))
    rest = guarded.receive(ada.get_update(start), participant(ADA), is_answer=True)
    assert isinstance(rest, Admitted)
    assert rest.missing == rest.withheld == ()
    assert guarded.contents["a.py"] == "lobetweensthello one two"
    guarded.assert_replicas_agree()


def test_an_answers_delete_of_lost_text_is_called_missing(
    guarded: GuardedDocument, ada: AnyDoc
) -> None:
    bob = replica(BOB, guarded.start)
    lost = typed(bob, 0, "lost")
    ada.apply_update(lost)
    delete = deleted(ada, 0, 6)
    outcome = guarded.receive(delete, participant(ADA), is_answer=True)
    assert isinstance(outcome, Admitted)
    assert outcome.missing == (BOB,)
    assert guarded.contents["a.py"] == "llo"
    guarded.receive(lost, participant(BOB))
    assert guarded.receive(delete, participant(ADA), is_answer=True) == Admitted(
        updates.encode(Update([], [Deletes(YjsClientId(BOB), [(0, 4)])]))
    )
    assert guarded.contents["a.py"] == "llo"


def test_an_update_that_rests_on_lost_text_is_a_gap(guarded: GuardedDocument, ada: AnyDoc) -> None:
    bob = replica(BOB, guarded.start)
    ada.apply_update(typed(bob, 0, "lost"))
    outcome = guarded.receive(typed(ada, 2, "between"), participant(ADA))
    assert isinstance(outcome, Gap)
    assert (outcome.client, outcome.known_clock) == (BOB, 0)


@pytest.mark.parametrize(
    "edit", [partial(typed, index=0, text="x"), partial(deleted, start=0, stop=1)]
)
def test_reader_may_not_edit(guarded: GuardedDocument, ada: AnyDoc, edit: partial[bytes]) -> None:
    outcome = guarded.receive(edit(ada), participant(ADA, may_edit=False))
    assert code_of(outcome) == "read-only"


def test_reader_may_repeat_what_is_known(guarded: GuardedDocument, ada: AnyDoc) -> None:
    update = typed(ada, 0, "x")
    guarded.receive(update, participant(ADA))
    assert guarded.receive(update, participant(ADA, may_edit=False)) == Replayed()


def test_protected_file_is_edited_by_its_owner_only() -> None:
    guarded = GuardedDocument(CONTENTS, is_protected=lambda path: path == "a.py")
    ada = replica(ADA, guarded.start)
    for update in (typed(ada, 0, "evil"), deleting((1, 1))):
        assert code_of(guarded.receive(update, participant(ADA))) == "protected-file"
    owner = participant(ADA, may_edit_protected=True)
    assert isinstance(guarded.receive(ada.get_update(), owner, is_answer=True), Admitted)


def test_file_shared_later_takes_text(guarded: GuardedDocument, ada: AnyDoc) -> None:
    ada.apply_update(guarded.seed_does(lambda files: files.__setitem__("new.py", Text(""))))
    assert "new.py" in guarded.state.shared_paths()
    assert isinstance(guarded.receive(typed(ada, 0, "x", "new.py"), participant(ADA)), Admitted)
    guarded.assert_replicas_agree()


def test_text_typed_while_the_file_was_unshared_goes_nowhere(
    guarded: GuardedDocument, ada: AnyDoc
) -> None:
    late = [typed(ada, 2, "late"), typed(ada, 3, "r"), deleted(ada, 0, 4)]
    guarded.seed_does(unshare)
    assert guarded.state.shared_paths() == {"b.py"}
    for update in late:
        assert isinstance(guarded.receive(update, participant(ADA)), Admitted)
    assert guarded.contents == {"b.py": "other"}
    guarded.assert_replicas_agree()


def test_text_typed_offline_into_an_unshared_file_comes_as_collected(
    guarded: GuardedDocument, ada: AnyDoc
) -> None:
    typed(ada, 2, "late")
    ada.apply_update(guarded.seed_does(unshare))
    typed(ada, 0, "b", "b.py")
    answer = ada.get_update(guarded.document.get_state())
    (block,) = updates.decode(answer, UPDATE_LIMITS).blocks
    assert isinstance(block.structs[0], Collected)
    outcome = guarded.receive(answer, participant(ADA), is_answer=True)
    assert isinstance(outcome, Admitted)
    assert guarded.contents == {"b.py": "bother"}
    guarded.assert_replicas_agree()


def test_text_may_not_hang_between_an_unshared_and_a_shared_file(guarded: GuardedDocument) -> None:
    guarded.seed_does(unshare)
    between = of(insert(origin=at(3), right=at(8)))
    assert code_of(guarded.receive(between, participant(ADA))) == "wrong-order"


def test_file_shared_anew_is_another_text(guarded: GuardedDocument, ada: AnyDoc) -> None:
    late = typed(ada, 0, "late")
    guarded.seed_does(lambda files: files.__setitem__("a.py", Text("fresh")))
    assert isinstance(guarded.receive(late, participant(ADA)), Admitted)
    assert guarded.contents["a.py"] == "fresh"
    guarded.assert_replicas_agree()


def test_trusted_update_is_held_to_its_shape() -> None:
    state = AdmissionState.from_trusted_update(seeded_update(CONTENTS))
    with pytest.raises(MalformedError, match="only plain values"):
        state.record_trusted(nested_value(20_000))


def test_trusted_update_out_of_order_is_named() -> None:
    with pytest.raises(MalformedError, match="known up to 0"):
        AdmissionState().record_trusted(of(insert(clock=4, origin=at(2))))


class TestRelayed:
    """What a language server lets in from its server."""

    relay = Relay(
        own_client_ids=frozenset({YjsClientId(ADA)}), seed_client_ids=frozenset({SEED_ID})
    )

    def test_whole_document_on_joining_comes_in(
        self, guarded: GuardedDocument, ada: AnyDoc
    ) -> None:
        guarded.receive(typed(ada, 0, "x"), participant(ADA))
        relay = Relay(own_client_ids=frozenset(), seed_client_ids=frozenset({SEED_ID}))
        state = AdmissionState()
        assert isinstance(state.admit_relayed(guarded.document.get_update(), relay), Admitted)
        assert state.shared_paths() == CONTENTS.keys()

    def test_text_of_others_and_files_of_the_seed_come_in(self, guarded: GuardedDocument) -> None:
        state = AdmissionState.from_trusted_update(guarded.start)
        bob = replica(BOB, guarded.start)
        assert isinstance(state.admit_relayed(typed(bob, 0, "x"), self.relay), Admitted)
        assert isinstance(state.admit_relayed(guarded.seed_does(unshare), self.relay), Admitted)
        assert state.shared_paths() == {"b.py"}

    def test_files_of_anybody_else_do_not(self) -> None:
        relay = Relay(own_client_ids=frozenset(), seed_client_ids=frozenset({YjsClientId(99)}))
        outcome = AdmissionState().admit_relayed(seeded_update(CONTENTS), relay)
        assert code_of(outcome) == "content-type"

    def test_server_cannot_speak_for_oneself(self, guarded: GuardedDocument, ada: AnyDoc) -> None:
        state = AdmissionState.from_trusted_update(guarded.start)
        assert code_of(state.admit_relayed(typed(ada, 0, "x"), self.relay)) == "not-yours"

    def test_learners_mode_holds_against_the_server(self, guarded: GuardedDocument) -> None:
        state = AdmissionState.from_trusted_update(guarded.start)
        bob = replica(BOB, guarded.start)
        relay = Relay(self.relay.own_client_ids, self.relay.seed_client_ids, others_may_edit=False)
        for update in (typed(bob, 0, "x"), deleted(bob, 1, 2)):
            assert code_of(state.admit_relayed(update, relay)) == "read-only"
        assert isinstance(state.admit_relayed(guarded.seed_does(unshare), relay), Admitted)


def test_many_deletes_are_read_in_an_answer_and_at_once(
    guarded: GuardedDocument, ada: AnyDoc
) -> None:
    typed(ada, 0, "ab" * 6000)
    for _ in range(3):
        guarded.receive(ada.get_update(), participant(ADA), is_answer=True)
    for index in range(5000):
        guarded.receive(deleted(ada, index, index + 1), participant(ADA))
    answer = ada.get_update()
    assert sum(len(d.ranges) for d in updates.decode(answer, DOCUMENT_LIMITS).deletes) > 4096
    assert isinstance(guarded.receive(answer, participant(ADA), is_answer=True), Replayed)
    everything = deleted(ada, 0, 12_000 - 5000)
    assert len(updates.decode(everything, DOCUMENT_LIMITS).deletes[0].ranges) > 4096
    assert isinstance(guarded.receive(everything, participant(ADA)), Admitted)


def test_a_text_grows_to_the_limit_and_not_beyond_and_what_was_deleted_makes_room() -> None:
    full = "x" * (limits.FILE_GROWN_BYTES_MAX - 10)
    guarded = GuardedDocument({"a.py": full, "b.py": ""})
    ada = replica(ADA, guarded.start)
    assert isinstance(guarded.receive(typed(ada, 0, "0123456789"), participant(ADA)), Admitted)
    before = ada.get_update()
    assert (
        code_of(guarded.receive(typed(ada, 0, "1"), participant(ADA))) is RefusalCode.FILE_TOO_LARGE
    )
    ada = replica(ADA, before)
    assert isinstance(
        guarded.receive(typed(ada, 0, "elsewhere", "b.py"), participant(ADA)), Admitted
    )
    assert isinstance(guarded.receive(deleted(ada, 0, 5), participant(ADA)), Admitted)
    assert isinstance(guarded.receive(typed(ada, 0, "12345"), participant(ADA)), Admitted)
    after = ada.get_update()
    assert (
        code_of(guarded.receive(typed(ada, 0, "1"), participant(ADA))) is RefusalCode.FILE_TOO_LARGE
    )
    reopened = AdmissionState.from_trusted_update(guarded.document.get_update())
    late = typed(replica(ADA, after), 0, "1")
    assert code_of(reopened.admit(late, participant(ADA))) is RefusalCode.FILE_TOO_LARGE
    guarded.assert_replicas_agree()
