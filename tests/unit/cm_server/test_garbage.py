"""Looks for garbage: not while the server is loaded, not through everything because much has come, and now and then all the same."""

import subprocess
import sys

import pytest

LOOKS = "[look['collections'] for look in gc.get_stats()]"


def told(script: str) -> list[int]:
    """The last line a process of its own prints: the collector belongs to the process."""
    code = f"import asyncio, gc\nfrom cm_server import garbage\n{script}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return [int(word) for word in done.stdout.splitlines()[-1].split()]


def test_while_the_program_is_loaded_nothing_is_looked_for() -> None:
    young, older, all_ = told(
        f"garbage.pause()\nbefore = {LOOKS}\nkept = [[n] for n in range(100_000)]\n"
        f"print(*(now - then for now, then in zip({LOOKS}, before)))"
    )
    assert (young, older, all_) == (0, 0, 0)


def test_however_much_stays_not_all_of_it_is_looked_through_for_that() -> None:
    young, older, all_ = told(
        f"garbage.pause()\ngarbage.settle()\nbefore = {LOOKS}\nkept = [[n] for n in range(1_000_000)]\n"
        f"print(*(now - then for now, then in zip({LOOKS}, before)))"
    )
    assert young > older > 0
    assert all_ == 0


def test_what_was_there_at_the_start_is_not_looked_at_again() -> None:
    frozen, left = told(
        "garbage.pause()\nkept = [[n] for n in range(100_000)]\ngarbage.settle()\n"
        "print(gc.get_freeze_count(), len(gc.get_objects()))"
    )
    assert frozen > 100_000
    assert left < 1_000


@pytest.mark.parametrize("looks", [1, 3])
def test_now_and_then_what_has_died_is_found(looks: int) -> None:
    (found,) = told(
        "import weakref\n"
        "class Held: pass\n"
        "def died(freed):\n"
        "    one = Held()\n"
        "    one.itself = one\n"
        "    weakref.finalize(one, freed.append, one.__class__)\n"
        "async def main():\n"
        "    garbage.LOOK_SECONDS = 0.001\n"
        "    garbage.pause()\n"
        "    garbage.settle()\n"
        "    freed = []\n"
        "    looking = asyncio.create_task(garbage.look_now_and_then())\n"
        f"    for number in range({looks}):\n"
        "        died(freed)\n"
        "        while len(freed) <= number:\n"
        "            await asyncio.sleep(0)\n"
        "    looking.cancel()\n"
        "    return len(freed)\n"
        "print(asyncio.run(main()))"
    )
    assert found == looks
