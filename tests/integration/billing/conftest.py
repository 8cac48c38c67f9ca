"""A world of money for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support import money_world
from tests.support.money_world import MoneyWorld


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[MoneyWorld]:
    made = money_world.new(tmp_path)
    await made.save_card()
    await made.onboard()
    yield made
    await made.close()
