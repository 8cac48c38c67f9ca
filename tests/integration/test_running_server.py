import json
import re
import signal
import socket
import sqlite3
import time
from pathlib import Path

import httpx
import pytest

from tests.support import server_process
from tests.support.server_process import cm_server


def token_of(printed: list[str], name: str) -> str:
    return next(found[1] for line in printed if (found := re.search(rf"{name}\s+(cmt_\S+)", line)))


def test_a_demo_server_prints_who_is_there_and_what_to_paste_and_ends_on_ctrl_c(
    tmp_path: Path,
) -> None:
    data = tmp_path / "data"
    with server_process.running(data, ["--demo"]) as server:
        text = "\n".join(server.printed)
        learner = token_of(server.printed, "Lena Learner")
        assert f"vim.env.CM_TOKEN = '{learner}'" in text
        assert f"CM_TOKEN={learner} CM_SERVER_URL={server.address} code ." in text
        header = {"Authorization": f"Bearer {learner}"}
        me = httpx.get(f"{server.address}/api/v1/me", headers=header).json()
        assert (me["name"], me["is_mentor"]) == ("Lena Learner", False)
        mentor = {"Authorization": f"Bearer {token_of(server.printed, 'Mira Okafor')}"}
        assert httpx.get(f"{server.address}/api/v1/me", headers=mentor).json()["is_mentor"]
        started = time.monotonic()
        assert server.stop(signal.SIGINT) == 0
        assert time.monotonic() - started < 5
        assert "Traceback" not in server.logged()


def test_started_again_it_goes_on_with_the_same_people_and_tokens(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with server_process.running(data, ["--demo"]) as server:
        before = server.printed[:8]
        server.stop(signal.SIGTERM)
    with server_process.running(data, ["--demo"]) as server:
        assert server.printed[:8] == before
        server.kill()
    assert (data / "demo-tokens.json").stat().st_mode & 0o777 == 0o600
    assert data.stat().st_mode & 0o777 == 0o700
    with server_process.running(data, ["--demo"]) as server:
        assert server.printed[:8] == before


def test_no_token_is_in_the_log_or_the_database(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with server_process.running(data, ["--demo"], {"CM_LOG_LEVEL": "debug"}) as server:
        token = token_of(server.printed, "Lena Learner")
        httpx.get(f"{server.address}/api/v1/me", headers={"Authorization": f"Bearer {token}"})
        httpx.get(f"{server.address}/api/v1/me?token={token}")
        server.stop()
        assert token not in server.logged()
    assert token.encode() not in b"".join(
        file.read_bytes() for file in data.glob("codementor.sqlite3*")
    )


def test_a_taken_port_is_said_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = cm_server("run", "--port", str(port), data=tmp_path / "data")
    assert ended.returncode == 1
    assert f"Port {port} is taken by another program." in ended.stderr
    assert "try: " in ended.stderr
    assert "Traceback" not in ended.stderr


def test_two_servers_never_share_a_data_folder(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with server_process.running(data) as server:
        ended = cm_server("run", "--port", "0", data=data)
        assert ended.returncode == 1
        assert f"in use by process {server.process.pid}." in ended.stderr
        assert httpx.get(f"{server.address}/healthz").status_code == 200
        server.kill()
    with server_process.running(data) as server:
        assert httpx.get(f"{server.address}/readyz").status_code == 200


def test_an_account_made_while_it_runs_can_sign_in_at_once(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with server_process.running(data) as server:
        ended = cm_server("user", "add", "ada@example.org", "--name", "Ada", data=data)
        header = {"Authorization": f"Bearer {ended.stdout.strip()}"}
        assert httpx.get(f"{server.address}/api/v1/me", headers=header).json()["name"] == "Ada"
        again = cm_server("token", "ada@example.org", "--revoke", data=data)
        assert httpx.get(f"{server.address}/api/v1/me", headers=header).status_code == 401
        header = {"Authorization": f"Bearer {again.stdout.strip()}"}
        assert httpx.get(f"{server.address}/api/v1/me", headers=header).status_code == 200


def test_it_says_unready_while_the_database_is_locked_and_ready_after(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with server_process.running(data) as server:
        shell = sqlite3.connect(data / "codementor.sqlite3", isolation_level=None)
        shell.execute("BEGIN IMMEDIATE")
        answer = httpx.get(f"{server.address}/readyz", timeout=15)
        assert (answer.status_code, answer.json()["why"]) == (503, "database")
        assert httpx.get(f"{server.address}/healthz").status_code == 200
        shell.execute("ROLLBACK")
        shell.close()
        assert httpx.get(f"{server.address}/readyz").status_code == 200


def test_a_head_that_dribbles_is_cut_off_and_a_whole_one_is_not(tmp_path: Path) -> None:
    with server_process.running(
        tmp_path / "data", settings={"CM_HTTP_HEAD_SECONDS": "1"}
    ) as server:
        host, port = server.address.removeprefix("http://").split(":")
        with httpx.Client() as kept, socket.create_connection((host, int(port)), 10) as slow:
            assert kept.get(f"{server.address}/healthz").status_code == 200
            slow.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ")
            assert slow.recv(100) == b""
            assert kept.get(f"{server.address}/healthz").status_code == 200


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET /healthz HTTP/1.1\r\n\r\n", b"400"),
        (b"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", b"400"),
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 20_000, b"400"),
        (b"POST /api/v1/tickets HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n", b"400"),
    ],
)  # fmt: skip
def test_what_is_not_http_is_refused_and_the_server_lives(
    shared_server: server_process.ServerProcess, sent: bytes, status: bytes
) -> None:
    host, port = shared_server.address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), 10) as connection:
        connection.sendall(sent)
        assert connection.recv(100).split()[1] == status
    assert httpx.get(f"{shared_server.address}/healthz").status_code == 200


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory: pytest.TempPathFactory):  # type: ignore[no-untyped-def]
    with server_process.running(tmp_path_factory.mktemp("shared") / "data") as server:
        yield server


def test_the_log_is_one_json_object_a_line_off_a_terminal(tmp_path: Path) -> None:
    with server_process.running(tmp_path / "data") as server:
        server.stop()
        lines = [line for line in server.logged().splitlines() if not line.startswith("Made")]
    assert {"started", "stopped"} <= {json.loads(line)["event"] for line in lines}
