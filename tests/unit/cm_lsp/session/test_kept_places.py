"""Where shared files are is kept for the user's next editor, privately, and a damaged file costs nothing."""

from pathlib import Path

from cm_lsp.session.kept_places import LEFTOVER_SECONDS, KeptPlaces, remove_leftovers
from cm_wire.ids import FilePath, SessionId

SESSION = SessionId("ses_0123456789abcdef")
APP = FilePath("src/app.py")


def test_another_editor_finds_what_one_kept(tmp_path: Path) -> None:
    KeptPlaces(tmp_path, SESSION).keep(APP, "file:///project/src/app.py")
    KeptPlaces(tmp_path, SESSION).keep(FilePath("b.py"), "file:///project/b.py")
    assert KeptPlaces(tmp_path, SESSION).all() == {
        APP: "file:///project/src/app.py",
        "b.py": "file:///project/b.py",
    }
    assert KeptPlaces(tmp_path, SessionId("ses_other")).all() == {}


def test_it_is_the_users_alone_and_follows_no_link(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    canary.write_text("untouched")
    KeptPlaces(tmp_path, SESSION).keep(APP, "one")
    file = tmp_path / "places" / f"{SESSION}.json"
    assert file.stat().st_mode & 0o777 == 0o600
    file.unlink()
    file.symlink_to(canary)
    KeptPlaces(tmp_path, SESSION).keep(APP, "two")
    assert canary.read_text() == "untouched"


def test_what_cannot_be_read_or_written_is_as_if_nothing_was_kept(tmp_path: Path) -> None:
    places = tmp_path / "places"
    places.mkdir()
    (places / f"{SESSION}.json").write_text('["no", "table"]')
    assert KeptPlaces(tmp_path, SESSION).all() == {}
    blocked = tmp_path / "a file, not a folder"
    blocked.touch()
    KeptPlaces(blocked, SESSION).keep(APP, "file:///project/src/app.py")
    assert KeptPlaces(blocked, SESSION).all() == {}


def test_it_goes_after_a_day_and_not_before(tmp_path: Path) -> None:
    KeptPlaces(tmp_path, SESSION).keep(APP, "x")
    file = tmp_path / "places" / f"{SESSION}.json"
    made = file.stat().st_mtime
    remove_leftovers(tmp_path, made + 60)
    assert file.exists()
    remove_leftovers(tmp_path, made + LEFTOVER_SECONDS + 1)
    assert not file.exists()
