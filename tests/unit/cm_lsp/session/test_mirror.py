"""The mentor's copies on the disk: for this process alone, and gone at the next start when it died."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cm_lsp.session import mirror
from cm_lsp.session.mirror import LEFTOVER_SECONDS, Mirror
from cm_wire.ids import FilePath, SessionId

SESSION = SessionId("ses_aaaaaaaaaaaaaaaaaaaaaaaaaa")
A_LIVE_OWNER = """
import sys, time
from pathlib import Path
from cm_lsp.session.mirror import Mirror
print(Mirror(Path(sys.argv[1]), "ses_other").put("deep/a.py", "x"), flush=True)
time.sleep(600)
"""


def place_of(uri: str | None) -> Path:
    assert uri is not None
    return Path(uri.removeprefix("file://"))


def now(folder: Path) -> float:
    return folder.stat().st_mtime


@pytest.mark.skipif(sys.platform == "win32", reason="locks of files are another thing there")
def test_what_a_killed_process_left_goes_at_the_next_start_and_not_before(tmp_path: Path) -> None:
    words = [sys.executable, "-c", A_LIVE_OWNER, str(tmp_path)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        file = place_of(owner.stdout.readline().strip())
        mirror.remove_leftovers(tmp_path, now(tmp_path))
        assert file.read_text() == "x", "its owner lives"
        os.kill(owner.pid, signal.SIGKILL)
        owner.wait()
    mirror.remove_leftovers(tmp_path, now(tmp_path))
    assert list((tmp_path / "mirrors").iterdir()) == []


def test_ones_own_mirror_is_no_leftover_and_leaves_nothing(tmp_path: Path) -> None:
    own = Mirror(tmp_path, SESSION)
    file = place_of(own.put(FilePath("a.py"), "x"))
    mirror.remove_leftovers(tmp_path, now(tmp_path) + 2 * LEFTOVER_SECONDS)
    assert file.exists()
    own.take_away(FilePath("a.py"))
    assert not file.exists()
    own.remove()
    assert list((tmp_path / "mirrors").iterdir()) == []


def test_a_folder_nobody_locked_goes_after_a_day(tmp_path: Path) -> None:
    old = tmp_path / "mirrors" / "ses_old"
    old.mkdir(parents=True)
    mirror.remove_leftovers(tmp_path, now(old) + LEFTOVER_SECONDS - 1)
    assert old.exists()
    mirror.remove_leftovers(tmp_path, now(old) + LEFTOVER_SECONDS + 1)
    assert not old.exists()


def test_a_file_that_tools_run_by_themselves_is_not_put_on_the_disk(tmp_path: Path) -> None:
    assert Mirror(tmp_path, SESSION).put(FilePath(".envrc"), "x") is None
    assert not (tmp_path / "mirrors").exists()


def test_a_mirror_is_private_replaces_traps_and_leaves_nothing_behind(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    canary.write_text("untouched")
    own = Mirror(tmp_path, SESSION)
    uri = own.put(FilePath("src/app.py"), "one\r\n")
    assert uri is not None
    place = Path(uri.removeprefix("file://"))
    assert place.read_bytes() == b"one\r\n"
    assert place.stat().st_mode & 0o777 == 0o600
    place.unlink()
    place.symlink_to(canary)
    own.put(FilePath("src/app.py"), "two")
    assert canary.read_text() == "untouched"
    assert own.put(FilePath(".vscode/settings.json"), "{}") is None
    own.remove()
    assert not place.exists()
