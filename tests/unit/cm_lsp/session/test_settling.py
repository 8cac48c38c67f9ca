"""When a text that is being typed is looked at."""

from cm_lsp.session.settling import LATEST_SECONDS, SETTLED_SECONDS, Settling


def test_it_is_looked_at_once_after_a_pause_and_not_while_somebody_looks() -> None:
    settling = Settling()
    assert not settling.taken(100.0)
    settling.changed(100.0)
    assert not settling.taken(100.0 + SETTLED_SECONDS / 2)
    assert settling.taken(100.0 + SETTLED_SECONDS)
    settling.changed(102.0)
    assert not settling.taken(110.0)
    settling.is_looking = False
    assert settling.taken(110.0)
    settling.is_looking = False
    assert not settling.taken(120.0)


def test_who_never_pauses_is_looked_after_all_the_same() -> None:
    settling, now = Settling(), 100.0
    while now < 100.0 + LATEST_SECONDS:
        settling.changed(now)
        assert not settling.taken(now)
        now += SETTLED_SECONDS / 2
    settling.changed(now)
    assert settling.taken(now)
