from pathlib import Path

import pytest

from cm_lsp.asking import manifests, project, tools
from cm_wire.asking import Library

MANIFESTS = {
    "pyproject.toml": '[project]\nrequires-python = ">=3.11"\ndependencies = ["httpx[http2]>=0.28", "PyYAML==6.0.3", "x @ https://u:p@h/x.whl"]\n[dependency-groups]\ndev = ["ruff>=0.15", {include-group = "y"}]\n',
    "requirements.txt": "# c\n-r other.txt\nDjango==5.1 ; python_version > '3'\nnumpy\n-e git+https://t@h/x\n",
    "package.json": '{"dependencies": {"react": "^19.0.0", "own": "file:../own"}, "devDependencies": {"eslint": "9"}, "engines": {"node": ">=22"}}',
    "Cargo.toml": '[package]\nrust-version = "1.80"\n[dependencies]\nserde = { version = "1.0", features = ["derive"] }\ntokio = "1"\nown = { path = "../own" }\n',
    "go.mod": "module own\n\ngo 1.23\n\nrequire (\n\tgithub.com/gin-gonic/gin v1.10.0\n)\nrequire golang.org/x/net v0.30.0\n",
    "composer.json": '{"require": {"laravel/framework": "^11.0"}}',
    "Gemfile": "source 'https://rubygems.org'\ngem 'rails', '~> 8.0'\ngem \"puma\"\n",
}  # fmt: skip
DECLARED = {
    "pyproject.toml": {"httpx": ">=0.28", "pyyaml": "6.0.3", "x": "", "ruff": ">=0.15"},
    "requirements.txt": {"django": "5.1", "numpy": ""},
    "package.json": {"react": "^19.0.0", "own": "", "eslint": "9"},
    "Cargo.toml": {"serde": "1.0", "tokio": "1", "own": ""},
    "go.mod": {"github.com/gin-gonic/gin": "v1.10.0", "golang.org/x/net": "v0.30.0"},
    "composer.json": {"laravel/framework": "^11.0"},
    "Gemfile": {"rails": "~> 8.0", "puma": ""},
}
RUNTIMES = {
    "pyproject.toml": {"python": ">=3.11"},
    "package.json": {"node": ">=22"},
    "Cargo.toml": {"rust": "1.80"},
    "go.mod": {"go": "1.23"},
}


@pytest.mark.parametrize("name", sorted(MANIFESTS))
def test_manifest_gives_names_and_versions_and_never_an_address(name: str) -> None:
    assert manifests.declared(name, MANIFESTS[name]) == DECLARED[name]
    assert tools.runtimes(name, MANIFESTS[name]) == RUNTIMES.get(name, {})


@pytest.mark.parametrize("name", sorted({*manifests.READERS, *tools.READERS}))
@pytest.mark.parametrize(
    "text",
    ["", "[", "{", "null", "[]", "[1]", '{"dependencies": 1}', '{"engines": []}', "project = 1", "[project]\ndependencies = 5", "[dependencies]\nx = 1", "\0", "[" * 50_000],
)  # fmt: skip
def test_broken_manifest_says_nothing(name: str, text: str) -> None:
    assert all(isinstance(v, str) for v in manifests.declared(name, text).values())
    assert all(isinstance(v, str) for v in tools.runtimes(name, text).values())


def test_import_and_package_of_different_names_are_one_library() -> None:
    assert manifests.version_of("yaml", {"pyyaml": "6"}) == "6"
    assert manifests.version_of("typing_extensions", {"typing-extensions": "4"}) == "4"
    assert manifests.version_of("os", {"pyyaml": "6"}) == ""


def test_tools_are_languages_and_the_diagnostics_own_checkers() -> None:
    versions = {"ruff": ">=0.15", "typescript": "5.6", "eslint": "9"}
    assert tools.in_use(["Ruff", "ts", "Pyright", ""], versions, {"python": "3.12"}) == (
        Library("python", "3.12"),
        Library("ruff", ">=0.15"),
        Library("ts", "5.6"),
    )


def test_project_is_read_up_to_its_workspace_folder_and_the_nearest_manifest_wins(
    tmp_path: Path,
) -> None:
    (tmp_path / "requirements.txt").write_text("secret-customer==1\n")
    root = tmp_path / "w"
    nested = root / "services" / "api"
    nested.mkdir(parents=True)
    (root / "requirements.txt").write_text("httpx==0.27\nattrs==26\n")
    (nested / "requirements.txt").write_text("httpx==0.28\n")
    (nested / ".python-version").write_text("3.13.1\n")
    (nested / "billing.py").write_text("")
    (root / "acme").mkdir()
    found = project.around((nested / "app.py").as_uri(), [root.as_uri()])
    code = "import attr\nimport httpx\nimport billing\nimport acme.prices\nimport json\n"
    assert found.libraries("python", code) == (
        Library("attr", "26"),
        Library("httpx", "0.28"),
        Library("json"),
    )
    assert found.tools([]) == (Library("python", "3.13.1"),)
    assert "secret-customer" not in found.versions


@pytest.mark.parametrize("uri", ["untitled:1", "file:///elsewhere/app.py", "vscode-vfs://x/y.py"])
def test_document_outside_of_the_workspace_has_no_project(uri: str, tmp_path: Path) -> None:
    assert project.around(uri, [tmp_path.as_uri()]) == project.Project()


def test_manifest_that_is_no_small_text_file_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "package.json").mkdir()
    (tmp_path / "requirements.txt").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "go.mod").write_text("x" * (project.MANIFEST_BYTES_MAX + 1))
    assert project.around((tmp_path / "a.py").as_uri(), [tmp_path.as_uri()]).versions == {}
