import pytest

from cm_wire import faults, paths
from cm_wire.ids import FilePath


@pytest.mark.parametrize(
    "path", ["app.py", "src/a b/ünï.py", "a/b/c/d.test.ts", ".gitignore", "…/x"]
)
def test_a_plain_relative_path_is_taken(path: str) -> None:
    assert paths.checked(path) == path


@pytest.mark.parametrize(
    "path",
    [
        "", "/etc/passwd", "../x", "a/../b", "a//b", "./a", "a/.", "C:/x", "C:x", "\\\\host\\share", "a\\b",
        "a\0b", "a\nb", "a\u202eb", "a\u200bb", "con", "NUL.txt", "src/lpt1", "a.", "a /b", "x" * 241, "e\u0301.py",
        "file:///x", "%00\x01",
    ],
)  # fmt: skip
def test_a_path_that_could_lead_astray_is_refused(path: str) -> None:
    with pytest.raises(faults.Refused) as refused:
        paths.checked(path)
    assert refused.value.fault.code == "bad-path"
    assert refused.value.fault.message.isprintable()


@pytest.mark.parametrize(
    "path",
    [
        ".vscode/settings.json", "sub/.git/hooks/pre-commit", ".envrc", "a/.ENVRC", ".nvim.lua", ".exrc",
        "x.code-workspace", ".idea/workspace.xml", ".husky/pre-push", ".GIT/config", "a/evil.pth",
    ],
)  # fmt: skip
def test_files_that_run_by_themselves_are_known(path: str) -> None:
    assert paths.is_auto_run(FilePath(path))


@pytest.mark.parametrize("path", ["src/app.py", "gitignore", ".gitignore", "vscode/settings.json"])
def test_ordinary_files_are_not_taken_for_such(path: str) -> None:
    assert not paths.is_auto_run(FilePath(path))


def test_two_paths_that_are_one_file_elsewhere_collide() -> None:
    shared = frozenset({FilePath("src/App.py")})
    assert paths.collides(FilePath("src/app.py"), shared) == "src/App.py"
    assert paths.collides(FilePath("src/App.py"), shared) is None
    assert paths.collides(FilePath("src/other.py"), shared) is None
