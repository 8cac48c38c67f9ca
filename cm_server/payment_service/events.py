"""Past events, for who lost their webhooks.

Owns: the list, at most 30 days back. Does not own: making (`world`) or sending them (`webhooks`).
A reader would guess that events of version 2 are in it: they are only sent.
"""

from __future__ import annotations

from cm_server.payment_service.parameters import Parameters
from cm_server.payment_service.records import Event
from cm_server.payment_service.world import Json, World, listed

KEPT_SECONDS = 30 * 86_400


def retrieve(world: World, parameters: Parameters, id_: str) -> Json:
    parameters.refuse_leftovers()
    return _as_json(world.state.events.get(id_))


def list_events(world: World, parameters: Parameters) -> Json:
    since = parameters.group("created").optional_integer("gte") or 0
    type_ = parameters.optional_text("type")
    limit = parameters.optional_integer("limit") or 10
    after = parameters.optional_text("starting_after")
    parameters.refuse_leftovers()
    oldest = max(since, world.now() - KEPT_SECONDS)
    found = [
        event
        for event in world.state.events.newest_first()
        if event.created >= oldest
        and type_ in (None, event.type)
        and event.body["object"] == "event"
    ]
    return listed(found, "/v1/events", limit=limit, after=after, as_json=_as_json)


def _as_json(event: Event) -> Json:
    return event.body
