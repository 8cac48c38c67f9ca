"""When to ask what is on disk, and what an answer is worth."""

from cm_lsp.session.resuming import UPDATES_PER_QUERY, Resuming


def caught_up() -> Resuming:
    resuming = Resuming()
    resuming.caught_up()
    return resuming


def answered(resuming: Resuming, own: int, number: int) -> int:
    query = resuming.query(own)
    assert query is not None
    return resuming.answered(query, number)


def test_nothing_is_asked_before_what_was_missed_is_in() -> None:
    resuming = Resuming()
    assert resuming.query(0) is None
    resuming.caught_up()
    assert resuming.query(0) is not None


def test_who_has_caught_up_asks_at_once_and_then_at_every_so_many_updates_of_either_side() -> None:
    resuming = caught_up()
    assert answered(resuming, 3, number=10) == 3
    own_since = UPDATES_PER_QUERY // 2
    for _ in range(UPDATES_PER_QUERY - own_since - 1):
        resuming.heard()
    assert resuming.query(own_since) is None
    resuming.heard()
    assert answered(resuming, own_since, number=90) == own_since
    assert resuming.after == 90


def test_who_was_away_asks_anew_when_what_was_missed_is_in() -> None:
    resuming = caught_up()
    answered(resuming, 0, number=10)
    resuming.fell_behind()
    assert resuming.query(0) is None
    resuming.caught_up()
    assert answered(resuming, 0, number=30) == 0
    assert resuming.after == 30


def test_an_answer_confirms_what_was_made_before_its_query_and_nothing_later() -> None:
    resuming = caught_up()
    query = resuming.query(5)
    assert query is not None
    assert resuming.query(9) is None
    assert resuming.answered(query, 40) == 5
    assert resuming.after == 40


def test_a_query_that_stays_unanswered_is_put_again_and_its_late_answer_not_taken() -> None:
    resuming = caught_up()
    first = resuming.query(0)
    assert first is not None
    second = resuming.query(UPDATES_PER_QUERY)
    assert second is not None
    assert resuming.answered(first, 7) == 0
    assert resuming.after is None
    assert resuming.answered(second, 80) == UPDATES_PER_QUERY


def test_an_answer_that_was_given_before_something_was_missed_is_not_taken() -> None:
    resuming = caught_up()
    query = resuming.query(2)
    assert query is not None
    resuming.fell_behind()
    assert resuming.answered(query, 12) == 0
    assert resuming.query(2) is None
    assert resuming.after is None


def test_a_copy_that_left_something_out_is_never_resumed_by_number() -> None:
    resuming = caught_up()
    answered(resuming, 0, number=5)
    query = resuming.query(1_000)
    assert query is not None
    resuming.left_out()
    assert resuming.answered(query, 40) == 1_000
    assert resuming.after is None
    assert answered(resuming, 1_000, number=90) == 1_000
    assert resuming.after is None


def test_an_answer_nobody_asked_for_changes_nothing() -> None:
    resuming = caught_up()
    assert resuming.answered(0, 99) == 0
    assert resuming.answered(1, 99) == 0
    assert resuming.after is None
