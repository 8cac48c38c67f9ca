"""Two real Neovims, each with its own `cm-lsp`, against the real server: the whole way of a session."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cm_server.demo import screenplay, stage
from cm_server.demo.neovim import Neovim, wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(300)]

CLOCK_FACTOR = 20


@pytest.fixture
def scene() -> Iterator[stage.Stage]:
    with stage.set_up(CLOCK_FACTOR, watch=False) as set_up:
        yield set_up


def say(who: str, what: str) -> None:
    sys.stdout.write(f"{who:<9}{what}\n")


def test_a_session_from_the_code_action_to_a_receipt_anyone_can_recompute(
    scene: stage.Stage, tmp_path: Path
) -> None:
    outcome = screenplay.play(scene, say)
    assert outcome.texts[0] == outcome.texts[1]
    assert "Nairobi: 24.8 degrees" in outcome.program_output
    assert "+import statistics" in outcome.patch
    assert "Billed: " in outcome.receipt
    receipt = exported_receipt(scene, tmp_path)
    verified = cm_server("verify", str(receipt))
    assert verified.returncode == 0, verified.stdout
    receipt.write_text(receipt.read_text().replace("paused", "resumed", 1).replace("133", "134"))
    assert cm_server("verify", str(receipt)).returncode == 4, "an edited receipt is believed"
    assert cm_server("ledger", "--data", str(scene.server.data)).returncode == 0


def test_a_server_killed_in_mid_session_loses_no_edit_and_bills_no_gap(
    scene: stage.Stage, tmp_path: Path
) -> None:
    learner, mentor = scene.learner, scene.mentor
    for step in (
        screenplay.meet,
        screenplay.ask,
        screenplay.accept,
        screenplay.see_each_other,
        screenplay.start_the_meter,
    ):
        step(scene, say)
    learner.press("ggO# typed before the kill<Esc>")
    wait_until(lambda: "before the kill" in mentor.text(), "the edit at the mentor's")
    wait_until(lambda: in_sync(learner), "the edit to be acknowledged")

    scene.server.kill()
    wait_until(lambda: not in_sync(learner), "the learner's editor to notice")
    learner.press("O# typed without a server<Esc>")
    scene.server.start()

    both = ("before the kill", "without a server")
    wait_until(
        lambda: mentor.text() == learner.text() and all(line in mentor.text() for line in both),
        "both edits on both sides",
    )
    wait_until(lambda: screenplay.session_of(learner, "state") == "live", "the meter to run again")
    screenplay.pay_for_some_minutes(scene, say)
    screenplay.end_and_rate(scene, say, screenplay.Outcome())
    receipt = json.loads(exported_receipt(scene, tmp_path).read_text())
    assert cm_server("verify", str(tmp_path / "receipt.json")).returncode == 0
    assert "server-restarted" in json.dumps(receipt), "the gap stands in the receipt as not billed"


def in_sync(editor: Neovim) -> bool:
    return bool(editor.lua("return (require('codementor.meter').sync() or {}).state == 'inSync'"))


def exported_receipt(scene: stage.Stage, folder: Path) -> Path:
    path = folder / "receipt.json"
    done = cm_server(
        "export", "--data", str(scene.server.data), "--receipt", "1", "--out", str(path)
    )
    assert done.returncode == 0, done.stderr
    return path


def cm_server(*words: str) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("cm-server")
    return subprocess.run([program, *words], capture_output=True, text=True, check=False)
