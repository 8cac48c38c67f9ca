from cm_server.hub import FACTS_KEPT_MAX, Hub
from cm_wire.ids import ConnectionId, PersonId
from cm_wire.to_client import Happened, Noticed

ADA = PersonId("per_ada")
CONNECTION = ConnectionId("con_1")


def fact(text: str) -> Noticed:
    return Noticed(level=3, text=text)


def connected(hub: Hub) -> list[Happened]:
    heard: list[Happened] = []
    hub.connect(ADA, CONNECTION, heard.append)
    return heard


def test_facts_are_numbered_from_one_for_each_person() -> None:
    hub = Hub("epoch")
    heard = connected(hub)
    hub.tell(PersonId("per_bo"), fact("for another"))
    hub.tell(ADA, fact("a"))
    hub.tell(ADA, fact("b"))
    assert [happened.number for happened in heard] == [1, 2]


def test_who_comes_back_is_told_what_was_missed() -> None:
    hub = Hub("epoch")
    for text in "abc":
        hub.tell(ADA, fact(text))
    missed = hub.missed(ADA, "epoch", 1)
    assert missed is not None
    assert [happened.fact for happened in missed] == [fact("b"), fact("c")]


def test_another_epoch_or_a_forgotten_number_asks_for_the_whole_state() -> None:
    hub = Hub("epoch")
    for number in range(FACTS_KEPT_MAX + 2):
        hub.tell(ADA, fact(str(number)))
    assert hub.missed(ADA, "another", 1) is None
    assert hub.missed(ADA, "epoch", 1) is None
    assert hub.missed(ADA, "epoch", FACTS_KEPT_MAX + 99) is None
    assert hub.missed(ADA, "epoch", FACTS_KEPT_MAX + 2) == []


def test_what_is_only_mentioned_takes_no_number_and_no_place() -> None:
    hub = Hub("epoch")
    heard = connected(hub)
    hub.tell(ADA, fact("kept"))
    for _ in range(FACTS_KEPT_MAX * 2):
        hub.mention(ADA, fact("stored"))
    assert [happened.number for happened in heard[:2]] == [1, 0]
    assert hub.missed(ADA, "epoch", 0) == [Happened(1, fact("kept"))]
