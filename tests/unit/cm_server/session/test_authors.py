"""Client ids are given once; rights follow role and mode."""

from cm_server.session.authors import CLIENT_IDS_MAX, Authors
from cm_server.session.document import SEED_CLIENT_ID
from cm_server.session.standing import Standing
from cm_wire.ids import AskId, YjsClientId
from cm_wire.money import Money
from tests.unit.cm_server.session.conftest import LEARNER, MENTOR, SESSION

STANDING = Standing(
    SESSION, AskId("ask_one"), LEARNER, "Lea", MENTOR, "Mo", "live", "live", Money(1000, "USD"), 30, "", 0
)  # fmt: skip


def test_ids_are_small_new_and_never_the_seeds() -> None:
    authors = Authors(STANDING, {2: LEARNER, 4: MENTOR})
    assert authors.new_id() == 3
    authors.own(YjsClientId(3), MENTOR)
    assert authors.new_id() == 5
    assert not authors.may_bind(SEED_CLIENT_ID)
    assert not authors.may_bind(YjsClientId(4))
    assert authors.may_bind(YjsClientId(4_000_000_000))


def test_ids_run_out_before_a_state_vector_grows_without_bound() -> None:
    authors = Authors(STANDING, dict.fromkeys(range(2, 2 + CLIENT_IDS_MAX), LEARNER))
    assert authors.new_id() is None
    assert not authors.may_bind(YjsClientId(99_999))


def test_a_person_speaks_for_all_ids_they_ever_had_and_no_others() -> None:
    authors = Authors(STANDING, {2: LEARNER, 3: MENTOR, 4: LEARNER})
    assert authors.participant(LEARNER).client_ids == {2, 4}
    authors.own(YjsClientId(5), LEARNER)
    assert authors.participant(LEARNER).client_ids == {2, 4, 5}


def test_rights_follow_mode_role_and_room_left() -> None:
    authors = Authors(STANDING, {})
    assert authors.participant(MENTOR).may_edit
    assert not authors.participant(MENTOR).may_edit_protected
    assert authors.participant(LEARNER).may_edit_protected
    for mode in ("propose", "readOnly"):
        authors.set_mode(mode)
        assert not authors.participant(MENTOR).may_edit
        assert authors.participant(LEARNER).may_edit
    authors.stop_writing()
    assert not authors.participant(LEARNER).may_edit
