import contextlib
import json
import os
import sqlite3
import stat
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from cm_server.cli import main as cli
from tests.support import server_process


class Ended(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


class CommandLine:
    """Runs commands in this process: what they do is the same, and it starts at once."""

    def __init__(self, capture: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch) -> None:
        self._capture = capture
        self._patch = patch
        for name in [name for name in os.environ if name.startswith("CM_")]:
            patch.delenv(name)

    def __call__(self, *words: str, data: Path, **settings: str) -> Ended:
        with self._patch.context() as patch:
            for name, value in {"CM_DATA_FOLDER": str(data), **settings}.items():
                patch.setenv(name, value)
            try:
                code: Any = cli.main(words)
            except SystemExit as ended:
                code = ended.code
        return Ended(code, *self._capture.readouterr())


@pytest.fixture
def cm_server(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    return CommandLine(capsys, monkeypatch)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated data folder with one account, for commands that must leave it as it is."""
    folder = tmp_path_factory.mktemp("cli") / "data"
    ended = server_process.cm_server("user", "add", "ada@example.org", data=folder)
    assert ended.returncode == 0, ended.stderr
    return folder


def without_rights(*words: str, data: Path) -> subprocess.CompletedProcess[str]:
    """As an ordinary user where the tests run as root, to whom nothing is read-only."""
    drop = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] * (os.geteuid() == 0)
    return server_process.cm_server(*words, data=data, before=drop)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ([], 2, "usage: cm-server"),
        (["rnu"], 2, "did you mean run?"),
        (["run", "--prot", "1"], 2, "unrecognized arguments"),
        (["run", "-x="], 2, "unrecognized arguments"),
        (["run", "--mig"], 2, "unrecognized arguments"),
        (["run", "--port", "1", "--port", "2"], 2, "--port is given twice"),
        (["run", "--port", "70000"], 2, "from 0 to 65535"),
        (["run", "--port", "-1"], 2, "from 0 to 65535"),
        (["run", "--port", "http"], 2, "from 0 to 65535"),
        (["run", "--host", "0.0.0.0"], 3, "without TLS"),
        (["run", "--host", "127.0.0.1.9"], 3, "without TLS"),
        (["run", "--clock-factor", "60"], 3, "only a demonstration"),
        (["run", "--config", "absent.toml"], 3, "absent.toml"),
        (["user"], 2, "ACTION"),
        (["user", "ad"], 2, "did you mean add?"),
        (["user", "add"], 2, "email"),
        (["user", "add", "ada"], 2, "not an e-mail address"),
        (["user", "add", "a@b.org\r\nBcc: c@d.org"], 2, "not an e-mail address"),
        (["user", "add", "Ada@Example.org"], 1, "already has an account"),
        (["user", "add", "b@example.org", "--name", "\x1b[31mred"], 2, "cannot be seen"),
        (["user", "add", "b@example.org", "--price", "10"], 2, "--price is for mentors"),
        (["user", "add", "b@example.org", "--mentor"], 2, "needs --price"),
        (["user", "add", "b@example.org", "--mentor", "--price", "10"], 2, "needs --skills"),
        (["token", "nobody@example.org"], 1, "Nobody here has"),
        (["token", "nobody"], 2, "not an e-mail address"),
    ],
)  # fmt: skip
def test_wrong_usage_ends_with_its_code_and_a_sentence(
    cm_server: CommandLine, data: Path, words: list[str], code: int, said: str
) -> None:
    ended = cm_server(*words, data=data)
    assert (ended.returncode, ended.stdout) == (code, "")
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "\x1b" not in ended.stderr
    assert cm_server("token", "b@example.org", data=data).returncode == 1, "nothing was made"


@pytest.mark.parametrize("price", ["10,00", "-1", "1e3", "10.005", "", "0.5", "1000000"])
def test_a_wrong_price_is_refused_with_an_example_or_the_range(
    cm_server: CommandLine, data: Path, price: str
) -> None:
    words = ["user", "add", "b@example.org", "--mentor", f"--price={price}", "--skills", "python"]
    ended = cm_server(*words, data=data)
    assert ended.returncode == 2
    assert "10.00" in ended.stderr


@pytest.mark.parametrize("skills", ["", ",", "a" * 41, ",".join(f"s{n}" for n in range(200))])
def test_wrong_skills_are_refused_with_an_example(
    cm_server: CommandLine, data: Path, skills: str
) -> None:
    words = ["user", "add", "b@example.org", "--mentor", "--price", "10.00", f"--skills={skills}"]
    ended = cm_server(*words, data=data)
    assert ended.returncode == 2
    assert "python:5,asyncio" in ended.stderr


def test_a_token_goes_bare_to_a_pipe(cm_server: CommandLine, data: Path) -> None:
    ended = cm_server("token", "ada@example.org", data=data)
    assert ended.stdout.startswith("cmt_")
    assert len(ended.stdout.splitlines()) == 1


def test_a_name_the_terminal_cannot_draw_is_no_crash(tmp_path: Path) -> None:
    words = ["user", "add", "k@example.org", "--name", "山田"]
    drawn = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}
    ended = server_process.cm_server(*words, data=tmp_path / "data", **drawn)
    assert ended.returncode == 0, ended.stderr
    assert "?? has an account now." in ended.stderr


def test_migrate_twice_is_as_once(cm_server: CommandLine, tmp_path: Path) -> None:
    first = cm_server("migrate", data=tmp_path / "data")
    again = cm_server("migrate", data=tmp_path / "data")
    assert (first.returncode, again.returncode) == (0, 0)
    assert first.stdout == again.stdout


def test_a_new_data_folder_is_private_and_said(cm_server: CommandLine, tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "data"
    ended = cm_server("migrate", data=folder)
    assert f"Made the data folder {folder}." in ended.stderr
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_data_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.write_text("")
    ended = server_process.cm_server("run", "--port", "0", data=path)
    assert ended.returncode == 3
    assert "is a file" in ended.stderr


def test_a_data_folder_nobody_may_write_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o500)
    ended = without_rights("run", "--port", "0", data=folder)
    assert ended.returncode == 3
    assert "not writable" in ended.stderr
    assert not list(folder.iterdir())


def test_a_database_nobody_may_write_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    assert server_process.cm_server("migrate", data=folder).returncode == 0
    (folder / "codementor.sqlite3").chmod(0o400)
    for words in (["run", "--port", "0"], ["user", "add", "ada@example.org"]):
        ended = without_rights(*words, data=folder)
        assert ended.returncode == 3
        assert "is read-only" in ended.stderr
        assert "Traceback" not in ended.stderr


def test_a_locked_database_is_said_to_whoever_makes_an_account(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    assert server_process.cm_server("migrate", data=folder).returncode == 0
    path = folder / "codementor.sqlite3"
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as shell:
        shell.execute("BEGIN IMMEDIATE")
        ended = server_process.cm_server("user", "add", "ada@example.org", data=folder)
        assert ended.returncode == 1
        assert "locked" in ended.stderr
        assert "try: " in ended.stderr
        assert "Traceback" not in ended.stderr
    again = server_process.cm_server("user", "add", "ada@example.org", data=folder)
    assert again.returncode == 0, "nothing of the first is left"


@pytest.mark.parametrize(
    "content", [b"hello, I am a text file\n" * 10, b"SQLite format 3\0" + b"\1" * 200]
)
def test_a_file_that_is_not_our_database_is_left_alone(tmp_path: Path, content: bytes) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    path = folder / "codementor.sqlite3"
    path.write_bytes(content)
    for command in (["run", "--port", "0"], ["migrate"], ["user", "add", "a@example.org"]):
        ended = server_process.cm_server(*command, data=folder)
        assert ended.returncode == 3
        assert "database" in ended.stderr
        assert "Traceback" not in ended.stderr
    assert path.read_bytes() == content


def test_check_finds_nothing_wrong_with_a_good_folder(cm_server: CommandLine, data: Path) -> None:
    ended = cm_server("check", data=data, CM_PORT="0")
    assert ended.returncode == 0, ended.stdout
    assert "wrong" not in ended.stdout


def test_check_tells_every_fault_of_the_settings(cm_server: CommandLine, data: Path) -> None:
    ended = cm_server("check", data=data, CM_PORT="x", CM_HEARTBEAT="1")
    assert ended.returncode == 4
    assert ended.stdout.count("wrong") == 2
    assert "did you mean CM_HEARTBEAT_SECONDS?" in ended.stdout


def test_check_tells_every_fault_of_the_machine(cm_server: CommandLine, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "codementor.sqlite3").write_text("not a database, " * 10)
    ended = cm_server("check", data=folder, CM_PORT="0", CM_PUBLIC_URL="")
    assert ended.returncode == 4
    assert "not a codementor database" in ended.stdout


def test_help_and_version_answer_without_loading_the_server(
    cm_server: CommandLine, data: Path
) -> None:
    listed = cm_server("--help", data=data)
    assert listed.returncode == 0
    assert {"run", "migrate", "check", "user", "token"} <= set(listed.stdout.split())
    assert cm_server("--version", data=data).stdout.strip()


def test_a_mentors_profile_is_shown_changed_and_vetted(
    cm_server: CommandLine, tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    assert cm_server("user", "add", "mo@example.org", data=folder).returncode == 0
    nobody = cm_server("mentor", "show", "mo@example.org", data=folder)
    assert nobody.returncode != 0
    assert "no mentor" in nobody.stderr
    early = cm_server("mentor", "set", "mo@example.org", "--years", "3", data=folder)
    assert "needs price" in early.stderr
    words = ("--price", "12.50", "--skills", "python:5:8,asyncio", "--hours", "mon-fri 09:00-17:00")
    made = json.loads(cm_server("mentor", "set", "mo@example.org", *words, data=folder).stdout)
    assert made["price_per_quarter"] == {"minor": 1250, "currency": "USD"}
    assert {"name": "python", "level": 5, "years": 8} in made["skills"]
    assert cm_server("mentor", "vet", "mo@example.org", "vetted", data=folder).returncode == 0
    later = cm_server("mentor", "set", "mo@example.org", "--years", "3", data=folder)
    shown = json.loads(later.stdout)
    assert (shown["vetting"], shown["years"], shown["hours"]) == (
        "vetted", 3, "mon-fri 09:00-17:00",
    )  # fmt: skip
    wrong = cm_server("mentor", "set", "mo@example.org", "--hours", "always", data=folder)
    assert wrong.returncode == 2
    assert "mon-fri 09:00-17:30" in wrong.stderr
