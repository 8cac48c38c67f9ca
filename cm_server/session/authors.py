"""Whose Yjs client ids are whose in a session, and what each person may change there.

Owns: giving ids out, binding those that plain Yjs clients chose, rights by role and mode. Does not own the rows: each new id
is written before the first edit that carries it.
"""

from typing import Final

from cm_server.session.document import FIRST_PERSON_CLIENT_ID, SEED_CLIENT_ID
from cm_server.session.standing import Standing
from cm_wire.ids import PersonId, YjsClientId
from cm_wire.session import Mode
from cm_wire.yjs import update
from cm_wire.yjs.rules import Participant
from cm_wire.yjs.verdict import (
    ANSWER_LIMITS,
    UPDATE_LIMITS,
    Admitted,
    Outcome,
    Refusal,
    RefusalCode,
    Replayed,
)

CLIENT_IDS_MAX: Final = 512


class Authors:
    def __init__(self, standing: Standing, clients: dict[int, PersonId]) -> None:
        self._learner = standing.learner
        self._mode = standing.mode
        self._clients = {YjsClientId(client): person for client, person in clients.items()}
        self._is_writable = True
        self._participants: dict[PersonId, Participant] = {}

    def owner(self, client: YjsClientId) -> PersonId | None:
        return self._clients.get(client)

    def new_id(self) -> YjsClientId | None:
        """The next free id, small because every edit carries it; `None` when the session has used up its number."""
        if len(self._clients) >= CLIENT_IDS_MAX:
            return None
        client = FIRST_PERSON_CLIENT_ID
        while client in self._clients:
            client = YjsClientId(client + 1)
        return client

    def may_bind(self, client: YjsClientId) -> bool:
        return self._is_free(client) and len(self._clients) < CLIENT_IDS_MAX

    def own(self, client: YjsClientId, person: PersonId) -> None:
        """From now on and for good the id is this person's."""
        self._clients[client] = person
        self._participants.clear()

    def set_mode(self, mode: Mode) -> None:
        self._mode = mode
        self._participants.clear()

    def stop_writing(self) -> None:
        """Nobody may change anything any more: the session's store is full."""
        self._is_writable = False
        self._participants.clear()

    def participant(self, person: PersonId) -> Participant:
        """Propose and read-only refuse the mentor's edits here; auto-run files refuse them in every mode."""
        known = self._participants.get(person)
        if known is None:
            is_learner = person == self._learner
            known = self._participants[person] = Participant(
                frozenset(client for client, owner in self._clients.items() if owner == person),
                may_edit=self._is_writable and (is_learner or self._mode == "live"),
                may_edit_protected=is_learner,
            )
        return known

    def stranger(self, outcome: Outcome, encoded: bytes, *, is_answer: bool) -> YjsClientId | None:
        """The one unknown author of an update, if there is exactly one: a plain Yjs client picks its id itself."""
        if isinstance(outcome, Admitted | Replayed):
            unknown = set(outcome.withheld)
        elif isinstance(outcome, Refusal) and outcome.code is RefusalCode.NOT_YOURS:
            decoded = update.decode(encoded, ANSWER_LIMITS if is_answer else UPDATE_LIMITS)
            unknown = {block.client for block in decoded.blocks}
        else:
            return None
        free = [client for client in unknown if self._is_free(client)]
        return free[0] if len(free) == 1 else None

    def _is_free(self, client: YjsClientId) -> bool:
        return client != SEED_CLIENT_ID and client not in self._clients
