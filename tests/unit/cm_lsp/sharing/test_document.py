"""The session's document beside the editor, against another copy that only speaks Yjs."""

import random

from pycrdt import Doc, Map, Text

from cm_lsp.sharing import document as documents
from cm_lsp.sharing import places
from cm_lsp.sharing.bridge_messages import ChangeCrdt, Utf8Edit
from cm_lsp.sharing.document import SessionDocument
from cm_lsp.sharing.positions import PositionEncoding, Utf8Offset, units
from cm_wire.ids import FilePath, YjsClientId
from cm_wire.yjs import state_vector
from cm_wire.yjs.admission import AdmissionState
from cm_wire.yjs.awareness import RelativePosition
from cm_wire.yjs.verdict import ANSWER_LIMITS, UPDATE_LIMITS, Admitted, Gap, Refusal
from tests.support.guarded_document import participant

SEED, US, OTHER = YjsClientId(1), YjsClientId(5), YjsClientId(9)
PATH = FilePath("app.py")


def seeded(text: str) -> bytes:
    doc: Doc[Map[Text]] = Doc(client_id=SEED)
    doc.get("files", type=Map)[PATH] = Text(text)
    return doc.get_update()


def session(text: str, author: YjsClientId = US) -> SessionDocument:
    document = SessionDocument(author, SEED)
    receive(document, seeded(text))
    return document


def receive(document: SessionDocument, update: bytes) -> documents.Changes:
    outcome, changes = document.receive(
        update, others_may_edit=True, others_may_edit_protected=False
    )
    assert isinstance(outcome, Admitted), outcome
    return changes


def insertion(offset: int, text: str) -> ChangeCrdt:
    return ChangeCrdt((), (Utf8Edit(Utf8Offset(offset), Utf8Offset(offset), text),))


def test_a_shared_file_appears_and_our_edits_reach_another_copy() -> None:
    ours, theirs = session("héllo"), session("héllo", OTHER)
    (update,) = ours.change(PATH, ChangeCrdt((), (Utf8Edit(Utf8Offset(1), Utf8Offset(3), "🌴"),)))
    assert receive(theirs, update).deltas == [
        (PATH, [{"retain": 1}, {"delete": 2}, {"insert": "🌴"}])
    ]
    assert theirs.text(PATH) == ours.text(PATH) == "h🌴llo"
    assert ours.unstored_count == 1
    ours.stored(US, 2)
    assert ours.unstored_count == 0


def test_another_authors_claim_to_our_name_is_refused_once_we_have_written() -> None:
    ours = session("x")
    ours.change(PATH, insertion(0, "a"))
    forged = session("x")
    (update,) = forged.change(PATH, insertion(0, "bb"))
    outcome, changes = ours.receive(update, others_may_edit=True, others_may_edit_protected=False)
    assert isinstance(outcome, Refusal)
    assert changes.deltas == []


def test_what_an_earlier_process_of_ours_wrote_is_taken_from_the_server() -> None:
    before = session("x")
    (update,) = before.change(PATH, insertion(0, "mine "))
    again = session("x")
    receive(again, update)
    (further,) = again.change(PATH, insertion(0, "still "))
    receive(before_copy := session("x", OTHER), update)
    receive(before_copy, further)
    assert before_copy.text(PATH) == again.text(PATH) == "still mine x"


def test_going_on_under_another_name_keeps_texts_and_offers_what_was_not_stored() -> None:
    ours, server = session("x"), session("x", OTHER)
    ours.change(PATH, insertion(1, " one"))
    ours.adopt_author(YjsClientId(6))
    ours.change(PATH, insertion(5, " two"))
    for update in ours.answer_to(server.state()):
        receive(server, update)
    assert server.text(PATH) == ours.text(PATH) == "x one two"
    assert ours.author == 6


def test_a_large_paste_travels_in_updates_that_each_keep_the_limit() -> None:
    ours, theirs = session("ab"), session("ab", OTHER)
    pasted = "🌴line\n" * 20_000
    updates = ours.change(PATH, insertion(1, pasted))
    assert len(updates) > 1
    assert max(map(len, updates)) <= UPDATE_LIMITS.update_bytes
    for update in documents.merged(updates):
        assert len(update) <= UPDATE_LIMITS.update_bytes
        receive(theirs, update)
    assert theirs.text(PATH) == "a" + pasted + "b"


def test_an_update_that_rests_on_what_is_missing_is_a_gap_and_changes_nothing() -> None:
    theirs = session("x", OTHER)
    theirs.change(PATH, insertion(0, "first"))
    (second,) = theirs.change(PATH, insertion(5, " second"))
    ours = session("x")
    outcome, _ = ours.receive(second, others_may_edit=True, others_may_edit_protected=False)
    assert isinstance(outcome, Gap)
    assert ours.text(PATH) == "x"


def test_an_unshared_file_takes_no_more_edits() -> None:
    doc: Doc[Map[Text]] = Doc(client_id=SEED)
    files = doc.get("files", type=Map)
    files[PATH] = Text("x")
    ours = SessionDocument(US, SEED)
    receive(ours, doc.get_update())
    before = doc.get_state()
    del files[PATH]
    assert receive(ours, doc.get_update(before)).files_changed
    assert ours.paths() == frozenset()
    assert ours.change(PATH, insertion(0, "a")) == []


def test_places_stay_at_their_text_whatever_is_typed_and_deleted_around_them() -> None:
    randomness = random.Random(20_26)
    ours = session("0123456789🌴é")
    for _ in range(200):
        text = ours.text(PATH)
        at = randomness.randrange(len(text) + 1)
        place = places.place_at(ours.shown_pieces(PATH), units(text[:at], PositionEncoding.UTF16))
        assert _offset(ours, place) == units(text[:at], PositionEncoding.UTF16)
        kept = text[at:]
        start = randomness.randrange(at + 1)
        first, last = (len(text[:index].encode()) for index in (start, at))
        new = randomness.choice(["", "é", "🌴x", "abc"])
        ours.change(PATH, ChangeCrdt((), (Utf8Edit(Utf8Offset(first), Utf8Offset(last), new),)))
        if kept:
            moved = units(ours.text(PATH), PositionEncoding.UTF16) - units(
                kept, PositionEncoding.UTF16
            )
            assert _offset(ours, place) == moved
        if not ours.text(PATH):
            ours.change(PATH, insertion(0, "again"))


def _offset(document: SessionDocument, place: RelativePosition) -> int:
    return places.offset_of(document.shown_pieces(PATH), place)


def test_edits_that_are_many_at_once_stay_within_the_limits_of_one_update() -> None:
    """A formatter's thousand hunks, then a thousand keys of one frame; the server takes each update."""
    ours = session("x" * 3_000)
    server = AdmissionState.from_trusted_update(seeded("x" * 3_000))
    hunks = tuple(Utf8Edit(Utf8Offset(at), Utf8Offset(at + 1), "é") for at in range(2_998, 0, -2))
    made = ours.change(PATH, ChangeCrdt((), hunks))
    for _ in range(1_000):
        made += ours.change(PATH, insertion(0, "k"))
    sent = documents.merged(made)
    assert len(sent) < 10
    for update in sent:
        assert isinstance(server.admit(update, participant(US)), Admitted)
    assert server.state_vector() == state_vector.decode(ours.state())


def test_more_offline_edits_than_one_answer_may_hold_come_in_pieces() -> None:
    ours = session("x" * 60)
    server = AdmissionState.from_trusted_update(seeded("x" * 60))
    keys = tuple(Utf8Edit(Utf8Offset(0), Utf8Offset(0), "k") for _ in range(1_000))
    for _ in range(ANSWER_LIMITS.structs // len(keys) + 1):
        ours.change(PATH, ChangeCrdt((), keys))
    pieces = ours.answer_to(state_vector.encode(server.state_vector()))
    assert len(pieces) < 60
    for update in pieces:
        assert isinstance(server.admit(update, participant(US)), Admitted)
    assert server.state_vector() == state_vector.decode(ours.state())


def test_all_of_a_text_with_a_long_history_can_be_deleted() -> None:
    """Every second letter was deleted before: what is left are 20,000 runs, and no update may name so many."""
    runs = 20_000
    ours, server = session("ab" * runs), AdmissionState()
    server.record_trusted(seeded("ab" * runs))
    history = [deletion(at + 1, at + 2) for at in range(runs)]
    for change in history:
        for update in ours.change(PATH, change):
            server.record_trusted(update)
    everything = ours.change(PATH, deletion(0, runs))
    assert len(everything) > 1
    for update in everything:
        assert isinstance(server.admit(update, participant(US)), Admitted)
    assert ours.text(PATH) == "".join(shown(server)) == ""


def deletion(start: int, end: int) -> ChangeCrdt:
    return ChangeCrdt((), (Utf8Edit(Utf8Offset(start), Utf8Offset(end), ""),))


def shown(state: AdmissionState) -> list[str]:
    return ["x" for _, ranges in state.shown_pieces(PATH) for _ in ranges]
