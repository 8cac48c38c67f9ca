import os
from pathlib import Path

import pytest

from cm_lsp.session import share_table
from cm_wire import faults, limits
from cm_wire.ids import FilePath, SessionId

SESSION = SessionId("ses_" + "a" * 26)


def test_a_path_is_relative_to_the_innermost_workspace_folder() -> None:
    roots = ("file:///home/me/w", "file:///home/me/w/inner")
    path = share_table.session_path
    assert path("file:///home/me/w/src/a%20b.py", roots) == "src/a b.py"
    assert path("file:///home/me/w/inner/x.py", roots) == "x.py"
    assert path("file:///elsewhere/secret/x.py", roots) == "x.py"
    assert path("untitled:Untitled-1", ()) == "Untitled-1"
    assert path("vscode-notebook-cell:/w/a.ipynb", ()) == "a.ipynb"


def test_a_shared_address_names_one_session_and_one_path() -> None:
    uri = share_table.shared_uri(SESSION, FilePath("src/a b%.py"))
    assert uri == f"codementor://{SESSION}/src/a%20b%25.py"
    assert share_table.path_of_shared_uri(uri, SESSION) == "src/a b%.py"
    assert share_table.path_of_shared_uri(uri, SessionId("ses_other")) is None
    assert share_table.path_of_shared_uri("file:///etc/passwd", SESSION) is None


def test_files_outside_the_workspace_linked_out_or_no_files_are_not_shared(tmp_path: Path) -> None:
    workspace, outside = tmp_path / "w", tmp_path / "outside.py"
    workspace.mkdir()
    outside.write_text("x")
    (workspace / "link.py").symlink_to(outside)
    os.mkfifo(workspace / "pipe")
    roots = (workspace.as_uri(),)

    def refused(uri: str, name: str) -> str:
        with pytest.raises(faults.Refused) as refusal:
            share_table.refuse_unshareable(uri, roots, FilePath(name))
        return refusal.value.fault.message

    assert "outside the workspace" in refused(outside.as_uri(), "outside.py")
    assert "outside the workspace" in refused(f"{roots[0]}/../outside.py", "outside.py")
    assert "outside the workspace" in refused((workspace / "link.py").as_uri(), "link.py")
    assert "not a regular file" in refused((workspace / "pipe").as_uri(), "pipe")
    assert "run by themselves" in refused((workspace / ".envrc").as_uri(), ".envrc")
    share_table.refuse_unshareable((workspace / "new.py").as_uri(), roots, FilePath("new.py"))


@pytest.mark.parametrize(
    "text",
    [
        "x" * (limits.LINE_CHARACTERS_MAX + 1),
        "\n" * (limits.FILE_LINES_MAX + 1),
        "🌴\n" * 300_000,
        "a\0b",
    ],
)
def test_a_text_over_a_limit_is_refused(text: str) -> None:
    with pytest.raises(faults.Refused):
        share_table.check_text(FilePath("x.py"), text)


def test_a_path_that_a_renamed_file_was_shared_as_is_not_given_twice() -> None:
    taken = {"src/a.py", "src/a~2.py", "Makefile"}
    assert share_table.free_path(FilePath("src/b.py"), taken) == "src/b.py"
    assert share_table.free_path(FilePath("src/a.py"), taken) == "src/a~3.py"
    assert share_table.free_path(FilePath("Makefile"), taken) == "Makefile~2"


def test_of_a_file_that_is_not_shared_the_place_on_this_machine_is_not_told() -> None:
    roots = ["file:///home/lea/project"]
    inside = "file:///home/lea/project/src/b%20c.py"
    assert share_table.name_of_unshared(inside, roots) == "src/b c.py"
    assert share_table.name_of_unshared("file:///usr/lib/python3/ast.py", roots) == "ast.py"
    assert share_table.name_of_unshared("file:///home/lea/project/CON", roots) == "another file"
