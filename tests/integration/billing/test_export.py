"""The ledger as Beancount reads it."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from cm_server.billing import export_beancount, ledger, refunds, statements, sweeper
from tests.support.money_world import LEARNER, MENTOR, MoneyWorld


@pytest.fixture
async def exported(world: MoneyWorld) -> str:
    short, _ = await world.whole_session(minutes=4)
    await refunds.request(world.till, short, LEARNER, "")
    await world.whole_session(minutes=10)
    await world.pass_days(4)
    for _ in range(3):
        await sweeper.sweep(world.till)
    postings = await world.database.read(ledger.postings)
    return export_beancount.text(postings, await world.database.read(ledger.balances))


@pytest.mark.skipif(not importlib.util.find_spec("beancount"), reason="beancount is not installed")
async def test_bean_check_finds_nothing_wrong_and_finds_a_changed_leg(
    exported: str, tmp_path: Path
) -> None:
    assert bean_check(exported, tmp_path) == 0
    assert bean_check(exported.replace("  5.33 USD", "  5.34 USD", 1), tmp_path) != 0


def bean_check(text: str, folder: Path) -> int:
    file = folder / "ledger.beancount"
    file.write_text(text)
    command = [sys.executable, "-m", "beancount.scripts.check", str(file)]
    return subprocess.run(command, check=False, capture_output=True).returncode


async def test_a_mentors_statement_shows_price_commission_and_where_the_money_is(
    world: MoneyWorld, exported: str
) -> None:
    statement = await world.database.read(lambda s: statements.of_mentor(s, MENTOR))
    text = statements.text(statement, "Mo")
    assert "charged $6.66, back $0.00, commission $1.33, yours $5.33: paid" in text
    assert "charged $2.66, back $2.66" in text
    assert "Released and not sent yet: nothing" in text
