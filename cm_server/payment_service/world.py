"""What every rule of the stand-in works on: the state, the clock, chance, the settings.

Owns: new ids, and the events that tell the outside. Does not own: any object's rules.
A reader would guess that time passes by itself: it is read once per request, from the clock.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from cm_server.payment_service.records import Delivery, Event, Record
from cm_server.payment_service.state import State, Table

Json = dict[str, Any]
API_VERSION: Final = "2026-10-28.endive"


@dataclass(frozen=True, slots=True)
class Settings:
    """`pages_url` is where the hosted pages are reached by a browser, without a final slash.

    `settlement_seconds` passes between a charge and its money becoming available.
    """

    pages_url: str = "http://127.0.0.1:8766"
    settlement_seconds: int = 2 * 86_400
    fee_basis_points: int = 290
    fee_fixed_minor: int = 30
    dispute_fee_minor: int = 1_500


class World:
    def __init__(
        self,
        state: State,
        now: Callable[[], datetime],
        chance: random.Random,
        settings: Settings,
    ) -> None:
        self.state = state
        self.chance = chance
        self.settings = settings
        self._now = now

    def now(self) -> int:
        return int(self._now().timestamp())

    def new_id(self, prefix: str, table: Table[Any]) -> str:
        """Unused also when a seeded chance starts over on a kept state."""
        while True:
            id_ = f"{prefix}_{self.chance.getrandbits(96):024x}"
            if id_ not in table:
                return id_

    def emit(self, type_: str, subject: Json, *, account: str | None = None) -> None:
        """Say that something happened to `subject`, as it is now."""
        id_ = self.new_id("evt", self.state.events)
        body: Json = {
            "id": id_,
            "object": "event",
            "type": type_,
            "api_version": API_VERSION,
            "created": self.now(),
            "livemode": False,
            "pending_webhooks": 1,
            "request": None,
            "data": {"object": subject},
        }
        if account is not None:
            body["account"] = account
        self._put(id_, type_, body)

    def emit_thin(self, type_: str, kind: str, subject: str, url: str) -> None:
        """Version 2 of the API names the object and sends nothing of it."""
        id_ = self.new_id("evt", self.state.events)
        body: Json = {
            "id": id_,
            "object": "v2.core.event",
            "type": type_,
            "created": iso(self.now()),
            "livemode": False,
            "context": None,
            "related_object": {"id": subject, "type": kind, "url": url},
        }
        self._put(id_, type_, body)

    def _put(self, id_: str, type_: str, body: Json) -> None:
        now = self.now()
        self.state.events.put(Event(id=id_, created=now, type=type_, body=body))
        delivery = self.new_id("del", self.state.deliveries)
        self.state.deliveries.put(Delivery(id=delivery, created=now, event=id_, due=now))


def iso(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def listed(
    items: list[Any], url: str, *, limit: int, after: str | None, as_json: Callable[[Any], Json]
) -> Json:
    """One page of `items`, which come newest first."""
    start = 0
    if after is not None:
        ids = [item.id for item in items]
        start = ids.index(after) + 1 if after in ids else len(ids)
    page: list[Record] = items[start : start + limit]
    return {
        "object": "list",
        "url": url,
        "has_more": start + limit < len(items),
        "data": [as_json(item) for item in page],
    }
