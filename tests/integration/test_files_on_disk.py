"""Shared files that are renamed, deleted or made while both are at work on them."""

from collections.abc import Sequence
from pathlib import Path

from lsprotocol import types

from tests.support import live_pair
from tests.support.live_pair import TEXT, Pair


def renamed(pair: Pair, old: str, new: str) -> None:
    files = [types.FileRename((pair.home / old).as_uri(), (pair.home / new).as_uri())]
    pair.learner.client.workspace_did_rename_files(types.RenameFilesParams(files))


async def test_a_renamed_file_goes_on_under_its_new_name_and_no_edit_on_its_way_is_lost(
    tmp_path: Path,
) -> None:
    async with live_pair.running(tmp_path) as pair:
        new = (pair.home / "main.py").as_uri()
        pair.learner.append(pair.uri, "# learner's\n")
        pair.mentor.type_at(pair.shared, 0, "# mentor's\n")
        (pair.home / "app.py").rename(pair.home / "main.py")
        before = pair.learner.text(pair.uri)
        pair.learner.close(pair.uri)
        pair.learner.open(new, before)
        renamed(pair, "app.py", "main.py")
        pair.uri = new
        pair.learner.append(new, "# after\n")
        await pair.until_both("# mentor's\n" + TEXT + "# learner's\n# after\n")
        await pair.mentor.until(lambda: pair.files == ["main.py"], "the new name")
        await pair.until_said(pair.mentor, "app.py is now called main.py")
        pair.mentor.append(pair.shared, "# and on\n")
        await pair.until_both("# mentor's\n" + TEXT + "# learner's\n# after\n# and on\n")
        patch = await pair.learner.command("patch")
        assert "rename from app.py\nrename to main.py\n" in patch["text"]

        old = pair.home / "app.py"
        old.write_text("another one\n")
        pair.learner.open(old.as_uri(), "another one\n")
        await pair.learner.command("share", uri=old.as_uri())
        await pair.mentor.until(lambda: sorted(pair.files) == ["app.py", "main.py"], "both names")


async def test_a_file_is_renamed_with_its_folder_and_leaves_when_its_new_name_may_not_be_shared(
    tmp_path: Path,
) -> None:
    async with live_pair.running(tmp_path) as pair:
        deep = pair.home / "old" / "deep" / "b c.py"
        deep.parent.mkdir(parents=True)
        deep.write_text("b = 1\n")
        pair.learner.open(deep.as_uri(), "b = 1\n")
        await pair.learner.command("share", uri=deep.as_uri())
        await pair.mentor.until(lambda: "old/deep/b c.py" in pair.files, "the second file")
        renamed(pair, "old", "new")
        await pair.mentor.until(lambda: "new/deep/b c.py" in pair.files, "the folder's new name")
        renamed(pair, "app.py", ".envrc")
        await pair.until_said(pair.learner, "tools run by themselves")
        await pair.mentor.until(lambda: pair.files == ["new/deep/b c.py"], "the file to leave")
        pair.mentor.append(pair.shared, "curl | sh\n")
        await pair.until_said(pair.mentor, "reaches nobody")
        assert pair.learner.text(pair.uri) == TEXT


async def test_where_the_editor_says_nothing_the_same_text_under_another_name_is_the_file(
    tmp_path: Path,
) -> None:
    async with live_pair.running(tmp_path) as pair:
        new = pair.home / "main.py"
        (pair.home / "app.py").rename(new)
        pair.learner.close(pair.uri)
        pair.learner.open(new.as_uri(), TEXT)
        await pair.mentor.until(lambda: pair.files == ["main.py"], "the new name")
        pair.learner.append(new.as_uri(), "# on\n")
        await pair.mentor.until_text(pair.shared, TEXT + "# on\n")


async def test_a_deleted_file_leaves_the_session_and_its_text_is_kept(tmp_path: Path) -> None:
    async with live_pair.running(tmp_path, mentor_claims={"rebase": True}) as pair:
        mirrored = Path(pair.shared.removeprefix("file://"))
        assert mirrored.exists()
        pair.mentor.append(pair.shared, "# the mentor's\n")
        await pair.until_both(TEXT + "# the mentor's\n")
        (pair.home / "app.py").unlink()
        pair.learner.close(pair.uri)
        deleted = types.DeleteFilesParams([types.FileDelete(pair.uri)])
        pair.learner.client.workspace_did_delete_files(deleted)
        await pair.until_said(pair.mentor, "is shared no more")
        assert not mirrored.exists()
        said = await pair.until_said(pair.learner, "is kept in")
        kept = Path(said.partition("file://")[2].rstrip("."))
        assert kept.read_text() == TEXT + "# the mentor's\n"
        await pair.mentor.until(lambda: pair.files == [], "nothing shared")


async def test_a_closed_file_that_is_gone_from_the_disk_leaves_too(tmp_path: Path) -> None:
    async with live_pair.running(tmp_path) as pair:
        pair.learner.close(pair.uri)
        (pair.home / "app.py").unlink()
        await pair.mentor.until(lambda: pair.files == [], "the file to leave")
        await pair.until_said(pair.learner, "app.py is gone")


async def test_a_new_file_is_offered_and_shared_at_a_word_only(tmp_path: Path) -> None:
    def answers(text: str, titles: Sequence[str]) -> str | None:
        return titles[0] if "Share no.py" in text else titles[1]

    async with live_pair.running(tmp_path, answers=answers) as pair:
        for name in ("no.py", "yes.py"):
            uri = (pair.home / name).as_uri()
            pair.learner.client.workspace_did_create_files(
                types.CreateFilesParams([types.FileCreate(uri)])
            )
            pair.learner.open(uri, f"# {name}\n")
        await pair.mentor.until(lambda: "yes.py" in pair.files, "the new file")
        asked = [text for text, _ in pair.learner.questions if text.startswith("Share ")]
        assert len(asked) == 2
        assert "no.py" not in pair.files


async def test_another_programs_writing_is_told_once_and_the_editors_own_saving_is_not(
    tmp_path: Path,
) -> None:
    async with live_pair.running(tmp_path) as pair:
        file = pair.home / "app.py"
        pair.learner.append(pair.uri, "# typed\n")
        file.write_text(TEXT + "# typed\n")
        pair.learner.save(pair.uri)
        pair.learner.append(pair.uri, "# and on\n")
        await pair.mentor.until_text(pair.shared, TEXT + "# typed\n# and on\n")
        await until_looked_at(pair)
        assert not told(pair)
        file.write_text("from = 'a checkout'\n")
        await pair.until_said(pair.learner, "another program has written app.py")
        await until_looked_at(pair)
        assert len(told(pair)) == 1
        assert pair.mentor.text(pair.shared) == TEXT + "# typed\n# and on\n"


async def until_looked_at(pair: Pair) -> None:
    """What a file that was closed and is gone waits for is looked at behind everything else: three looks."""
    other = pair.home / f"other{len(pair.learner.said())}.py"
    other.write_text("b = 1\n")
    pair.learner.open(other.as_uri(), "b = 1\n")
    await pair.learner.command("share", uri=other.as_uri())
    await pair.mentor.until(lambda: other.name in pair.files, "one more file")
    pair.learner.close(other.as_uri())
    other.unlink()
    await pair.mentor.until(lambda: other.name not in pair.files, "three looks")


def told(pair: Pair) -> list[str]:
    return [text for text in pair.learner.said() if "another program" in text]
