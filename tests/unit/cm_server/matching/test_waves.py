from cm_server.matching.candidate import Candidate
from cm_server.matching.ranking import Ranked
from cm_server.matching.waves import Nobody, Pace, Ring, Search, Wait, next_step
from cm_wire.ids import PersonId
from cm_wire.money import Money

PACE = Pace()


def test_a_new_search_rings_the_best_three() -> None:
    step = next_step(_search("abcde"), PACE)
    assert isinstance(step, Ring)
    assert [one.mentor for one in step.mentors] == ["a", "b", "c"]


def test_a_freed_seat_goes_to_the_next_and_the_others_keep_their_time() -> None:
    step = next_step(_search("abcde", rung="abc", open_offers=2), PACE)
    assert isinstance(step, Ring)
    assert [one.mentor for one in step.mentors] == ["d"]


def test_a_full_wave_waits() -> None:
    assert next_step(_search("abcde", rung="abc", open_offers=3), PACE) == Wait()


def test_who_is_taken_is_passed_over() -> None:
    step = next_step(_search("abcde", taken="ac"), PACE)
    assert isinstance(step, Ring)
    assert [one.mentor for one in step.mentors] == ["b", "d", "e"]


def test_nobody_is_said_at_once_when_nobody_fits() -> None:
    assert next_step(_search(""), PACE) == Nobody()


def test_who_is_merely_being_asked_is_waited_for_until_the_limit() -> None:
    assert next_step(_search("a", taken="a", searching_ms=4_999), PACE) == Wait()
    assert next_step(_search("a", taken="a", searching_ms=5_000), PACE) == Nobody()


def test_when_all_have_said_no_there_is_nobody() -> None:
    assert next_step(_search("abc", rung="abc"), PACE) == Nobody()


def _search(
    ranked: str, rung: str = "", taken: str = "", open_offers: int = 0, searching_ms: int = 0
) -> Search:
    return Search(
        ranked=[_ranked(mentor) for mentor in ranked],
        rung={PersonId(mentor) for mentor in rung},
        taken={PersonId(mentor) for mentor in taken},
        open_offers=open_offers,
        searching_ms=searching_ms,
    )


def _ranked(mentor: str) -> Ranked:
    candidate = Candidate(PersonId(mentor), mentor, Money(1000, "USD"), {"python": 3})
    return Ranked(candidate=candidate, score=0.5, reasons=(), answer_ms=5_000)
