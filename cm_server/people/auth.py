"""Tokens: proof of who is calling.

Owns: making, checking, spending and revoking them. A lasting token goes into an editor's settings; a ticket is for a
browser's socket address, works once and soon runs out. Every refusal has one text, so that it tells nothing about
which tokens exist; the look-up is by digest, so neither does its timing.
"""

import hashlib
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, NewType

from sqlmodel import Session

from cm_server.clock import Clock
from cm_server.db import Database
from cm_server.people import store
from cm_server.people.person import Person
from cm_wire import faults
from cm_wire.ids import PersonId

Token = NewType("Token", str)

TOKEN_PREFIX: Final = "cmt_"  # noqa: S105 - public: lets secret scanners find a leaked token
TOKEN_CHARACTERS_MAX: Final = 100


async def issue(clock: Clock, database: Database, person: PersonId, days: int) -> Token:
    """A lasting token. It is shown once, here; the database keeps its digest."""
    return await _issue(clock, database, person, timedelta(days=days), single_use=False)


async def issue_ticket(clock: Clock, database: Database, person: PersonId, seconds: int) -> Token:
    return await _issue(clock, database, person, timedelta(seconds=seconds), single_use=True)


async def authenticate(clock: Clock, database: Database, token: str) -> Person:
    """Who holds this lasting token; refuses with `sign-in`."""
    digest = _digest(token)
    return _known(await database.read(lambda s: store.person_by_token(s, digest, clock.now())))


async def redeem_ticket(clock: Clock, database: Database, token: str) -> Person:
    """Who this ticket was made for; it is spent by asking. Refuses with `sign-in`."""
    digest = _digest(token)
    return _known(await database.write(lambda s: store.take_ticket(s, digest, clock.now())))


async def revoke_all(database: Database, person: PersonId) -> int:
    """Sign the person out everywhere; says how many tokens that took."""
    return await database.write(lambda session: store.revoke_tokens(session, person))


async def _issue(
    clock: Clock, database: Database, person: PersonId, life: timedelta, *, single_use: bool
) -> Token:
    token = Token(TOKEN_PREFIX + secrets.token_urlsafe(32))
    made_at = clock.now()
    await database.write(
        _adding(_digest(token), person, made_at, made_at + life, single_use=single_use)
    )
    return token


def _adding(
    digest: str, person: PersonId, made_at: datetime, expires_at: datetime, *, single_use: bool
) -> Callable[[Session], None]:
    def work(session: Session) -> None:
        # The table stays as small as the tokens that still work.
        store.drop_expired_tokens(session, made_at)
        store.add_token(session, digest, person, made_at, expires_at, single_use=single_use)

    return work


def _digest(token: str) -> str:
    return hashlib.sha256(token[:TOKEN_CHARACTERS_MAX].encode(errors="replace")).hexdigest()


def _known(person: Person | None) -> Person:
    if person is None:
        raise faults.refusal(
            "sign-in",
            "The token is not known here, or no longer valid.",
            "Ask the operator for a new one (cm-server token EMAIL) and put it into CM_TOKEN or the editor's settings.",
        )
    return person
