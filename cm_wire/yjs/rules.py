"""Who may have written what is in an update, for the three places updates come from.

Owns the rights as values. A reader would guess that trusted updates pass unread: they are held to
the same shape and order, only their authors are not questioned.
"""

from typing import Final

import msgspec

from cm_wire.ids import YjsClientId
from cm_wire.limits import FILE_GROWN_BYTES_MAX
from cm_wire.yjs.update import Limits
from cm_wire.yjs.verdict import (
    ANSWER_LIMITS,
    DOCUMENT_LIMITS,
    MAX_DOCUMENT_STEPS,
    MAX_STEPS,
    UPDATE_LIMITS,
)

_NOBODY: Final[frozenset[YjsClientId]] = frozenset()


class Participant(msgspec.Struct, frozen=True):
    """A person on a connection: the client ids bound to them in this session, and their rights.

    `client_ids` holds this connection's id and those of their earlier connections, under which they
    may still offer text that was never acknowledged.
    """

    client_ids: frozenset[YjsClientId]
    may_edit: bool = True
    may_edit_protected: bool = False


class Relay(msgspec.Struct, frozen=True):
    """A server, as its language servers see it: anybody's structs but one's own, and the seed's.

    `others_may_edit` is the learner's mode, `others_may_edit_protected` the rule for auto-run files.
    """

    own_client_ids: frozenset[YjsClientId]
    seed_client_ids: frozenset[YjsClientId]
    others_may_edit: bool = True
    others_may_edit_protected: bool = True


class Rules(msgspec.Struct, frozen=True):
    """One source of updates, spelled out.

    `authors`: whose new structs may be in it (None: anybody's), never those of `not_authors`.
    `sharers`: who may make entries of `files` and `meta` (None: anybody).
    """

    authors: frozenset[YjsClientId] | None
    not_authors: frozenset[YjsClientId]
    sharers: frozenset[YjsClientId] | None
    may_unshare: bool
    may_edit: bool
    may_edit_protected: bool
    withholds_strangers: bool
    limits: Limits
    steps: int
    text_units_max: int | None = None
    """What a text may have when the update is in, if it makes one longer (UTF-16 units)."""

    def allows_author(self, client: YjsClientId) -> bool:
        """Say whether new structs of the client may be in the update."""
        if client in self.not_authors:
            return False
        return self.authors is None or client in self.authors

    def is_sharer(self, client: YjsClientId) -> bool:
        """Say whether the client makes the structure of the document."""
        return self.sharers is None or client in self.sharers


TRUSTED: Final = Rules(
    authors=None,
    not_authors=_NOBODY,
    sharers=None,
    may_unshare=True,
    may_edit=True,
    may_edit_protected=True,
    withholds_strangers=False,
    limits=DOCUMENT_LIMITS,
    steps=MAX_DOCUMENT_STEPS,
)


def of_participant(participant: Participant, *, is_answer: bool) -> Rules:
    """Return the rules for a person's update, or for their sync step 2."""
    return Rules(
        authors=participant.client_ids,
        not_authors=_NOBODY,
        sharers=_NOBODY,
        may_unshare=False,
        may_edit=participant.may_edit,
        may_edit_protected=participant.may_edit_protected,
        withholds_strangers=is_answer,
        limits=ANSWER_LIMITS if is_answer else UPDATE_LIMITS,
        steps=MAX_STEPS,
        text_units_max=FILE_GROWN_BYTES_MAX,
    )


def of_relay(relay: Relay) -> Rules:
    """Return the rules for what a server sends."""
    return Rules(
        authors=None,
        not_authors=relay.own_client_ids,
        sharers=relay.seed_client_ids,
        may_unshare=True,
        may_edit=relay.others_may_edit,
        may_edit_protected=relay.others_may_edit_protected,
        withholds_strangers=False,
        limits=DOCUMENT_LIMITS,
        steps=MAX_DOCUMENT_STEPS,
    )
