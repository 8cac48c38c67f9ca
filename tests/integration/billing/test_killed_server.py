"""The real server, killed at random moments while people pay: no cent is lost, none is taken twice.

CM_SOAK_RUNS is how many times (default 1), CM_SOAK_SEED the first seed. Billed time runs 120 times as fast, so every
second between two kills is two minutes on somebody's bill, and a second of a server that is down would show.
"""

import asyncio
import os
import random
import signal
import sqlite3
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest
from sqlmodel import Session, col, select

from cm_server import app as composition
from cm_server import demo_cards, schema
from cm_server.ask import board
from cm_server.billing import ledger, receipts, store
from cm_server.billing.model import OutboxRow, Payment
from cm_server.billing.receipt_document import Document
from cm_server.clock import SystemClock
from cm_server.db import Database
from cm_server.payment_service.records import PaymentIntent, Refund
from cm_server.people import accounts, auth
from cm_server.people.accounts import Profile
from cm_server.people.person import Skill
from cm_server.session import register
from cm_server.settings import Settings
from cm_wire.ids import AskId, SessionId
from cm_wire.money import Money
from tests.support import server_process
from tests.support.paying_pair import Member, Pair
from tests.support.server_process import cm_server

RUNS = int(os.environ.get("CM_SOAK_RUNS", "1"))
SEED = int(os.environ.get("CM_SOAK_SEED", "1"))
KILLS, PAIRS, LEARNERS_PER_PAIR = 3, 3, 12
FACTOR = 120
SETTINGS = {"CM_DEMO": "true", "CM_CLOCK_FACTOR": str(FACTOR)}
REST_SECONDS = 30
UNFINISHED = ("authorising", "challenged", "authorised", "settling")


@pytest.mark.slow
@pytest.mark.timeout(180)
@pytest.mark.parametrize("seed", range(SEED, SEED + RUNS))
async def test_killed_while_people_pay_it_loses_no_cent_and_takes_none_twice(
    tmp_path: Path, seed: int
) -> None:
    data, chance = tmp_path / "data", random.Random(seed)
    pairs = await _people(data, chance)
    for _ in range(KILLS):
        with server_process.running(data, settings=SETTINGS) as server:
            working = [asyncio.create_task(pair.work(server.address)) for pair in pairs]
            await asyncio.sleep(chance.uniform(0.5, 5))
            server.kill()
            await asyncio.gather(*working)
    with server_process.running(data, settings=SETTINGS) as server:
        for pair in pairs:
            await pair.end_what_is_open(server.address)
        await _at_rest(data)
        assert server.stop(signal.SIGINT) == 0
        assert "Traceback" not in server.logged()

    for command in ("reconcile", "ledger"):
        ended = cm_server(command, data=data, **SETTINGS)
        assert ended.returncode == 0, ended.stdout + ended.stderr
    books = await _books(data)
    taken_minor, back_minor = books.captured_minor, books.refunded_minor
    _check(books)
    longest = {s: seconds for pair in pairs for s, seconds in pair.connected_seconds.items()}
    for document in books.documents:
        seconds = longest.get(SessionId(document.session_id), 0.0)
        assert document.bill.billed_seconds <= seconds * FACTOR, document.session_id
    print(  # noqa: T201 - what the run came to, beside its seed
        f"seed {seed}: {len(books.documents)} sessions, {sum(pair.cut_off for pair in pairs)} cut off, "
        f"{taken_minor} cents taken, {back_minor} given back"
    )
    assert taken_minor, [pair.refusals for pair in pairs]


@dataclass
class Books:
    """Both sides' own records. `intents` and `refunds` are the payment service's."""

    payments: list[Payment]
    documents: list[Document]
    balances: dict[str, int]
    intents: dict[str, list[PaymentIntent]] = field(default_factory=lambda: defaultdict(list))
    refunds: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    @property
    def captured_minor(self) -> int:
        return sum(intent.amount_received for all_ in self.intents.values() for intent in all_)

    @property
    def refunded_minor(self) -> int:
        return sum(self.refunds.values())


def _check(books: Books) -> None:
    """Every session's price was taken once, whole, by the payment service's own records; nothing else was."""
    charged = {document.payment_id: document.charged.minor for document in books.documents}
    for payment in books.payments:
        intents = books.intents.pop(payment.id, [])
        taken = sum(intent.amount_received for intent in intents)
        assert taken == charged.pop(payment.id, 0), payment
        assert not [i for i in intents if i.status not in ("succeeded", "canceled")], payment
        assert payment.refunded_minor == books.refunds.pop(payment.id, 0) <= taken
    assert not charged
    assert not books.intents
    assert not books.refunds
    numbers = [document.number for document in books.documents]
    assert numbers == list(range(1, len(numbers) + 1))
    for document in books.documents:
        assert document.charged in (document.bill.amount, Money(0, "USD"))
    assert sum(books.balances.values()) == 0
    assert not [
        code for code in books.balances if code.startswith("memo:") and books.balances[code]
    ]


async def _books(data: Path) -> Books:
    database = Database(f"sqlite:///{data / 'codementor.sqlite3'}")
    try:
        books = await database.read(
            lambda s: Books(
                list(s.exec(select(Payment))),
                receipts.all_documents(s),
                {balance.code: balance.minor for balance in ledger.balances(s)},
            )
        )
    finally:
        await database.close()
    of_charge = {}
    with sqlite3.connect(data / "payment-service.sqlite3") as provider:
        records = list(provider.execute("SELECT kind, body FROM record"))
    provider.close()
    for kind, body in records:
        if kind == "payment_intent":
            intent = msgspec.json.decode(body, type=PaymentIntent)
            payment = intent.metadata["payment"]
            books.intents[payment].append(intent)
            of_charge[intent.charge] = payment
    for kind, body in records:
        if kind == "refund":
            refund = msgspec.json.decode(body, type=Refund)
            books.refunds[of_charge[refund.charge]] += refund.amount
    return books


async def _at_rest(data: Path) -> None:
    """Until nothing waits: no held money, no call without an outcome."""

    def waiting(session: Session) -> Mapping[str, str]:
        calls = select(OutboxRow).where(col(OutboxRow.state) == "queued")
        return {
            **{row.id: _where(session, row) for row in store.payments_in(session, UNFINISHED)},
            **{row.key: row.last_error for row in session.exec(calls)},
        }

    database = Database(f"sqlite:///{data / 'codementor.sqlite3'}")
    try:
        deadline = time.monotonic() + REST_SECONDS
        while left := await database.read(waiting):
            assert time.monotonic() < deadline, left
            await asyncio.sleep(0.2)
    finally:
        await database.close()


def _where(session: Session, payment: Payment) -> str:
    ask_id = AskId(payment.ask_id)
    ask = board.find(session, ask_id)
    sessions = [(s.state, s.ended_why) for s in register.of_ask(session, ask_id)]
    return f"{payment.state}, ask {ask and ask.state}, {sessions}"


async def _people(data: Path, chance: random.Random) -> list[Pair]:
    """Made before the first server starts: mentors, and learners with a card."""
    data.mkdir(mode=0o700)
    clock = SystemClock()
    app = composition.build(Settings(data_folder=data), clock)
    schema.migrate(app.database.engine)
    profile = Profile(
        price_per_quarter=Money(1000, "USD"),
        skills=(Skill("python", 4),),
        spoken_languages=("en",),
        years=7,
    )
    embedded = app.payments.embedded
    assert embedded is not None

    async def member(name: str, profile: Profile | None) -> Member:
        email = f"{name}@example.org"
        person = await accounts.add(clock, app.database, app.new_id, email, name, profile)
        if profile is None:
            await demo_cards.save(app.assembly.works.desk.till, embedded, email)
        return Member(person.id, await auth.issue(clock, app.database, person.id, days=1))

    pairs = [
        Pair(
            mentor=await member(f"mentor{number}", profile),
            learners=[
                await member(f"learner{number}.{each}", None) for each in range(LEARNERS_PER_PAIR)
            ],
            chance=random.Random(chance.random()),
        )
        for number in range(PAIRS)
    ]
    await app.payments.gateway.close()
    embedded.close()
    await app.database.close()
    return pairs
