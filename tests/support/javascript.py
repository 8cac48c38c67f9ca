"""The JavaScript Yjs client of `tests/yjs_client_js`: where its Node is, and one replica driven over pipes."""

import base64
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

PROGRAMS = Path(__file__).parents[1] / "yjs_client_js"
INSTALLER = Path(__file__).parents[2] / "editor-clients" / "vscode" / "test" / "install_vscode.sh"
PATIENCE_SECONDS = 60


def node() -> str | None:
    """The Node that `make vscode` installed, else the machine's own."""
    where = subprocess.run(
        ["sh", INSTALLER, "--where"], capture_output=True, text=True, check=True
    ).stdout.strip()
    installed = Path(where, "bin", "node")
    return str(installed) if installed.exists() else shutil.which("node")


def required_node() -> str:
    """Skip the test where there is no Node or client, or fail it where CODEMENTOR_EDITORS=required."""
    found = node()
    if found is not None and (PROGRAMS / "node_modules" / "yjs").exists():
        return found
    missing = "Node is missing" if found is None else "the JavaScript Yjs client is not installed"
    if os.environ.get("CODEMENTOR_EDITORS") == "required":
        pytest.fail(f"{missing}. Try: make yjs")
    pytest.skip(f"{missing}. Try: make yjs")


def output_of(
    program: str, *arguments: object, given: bytes = b"", patience_seconds: float = PATIENCE_SECONDS
) -> str:
    """What a program prints that is given its input at once."""
    ended = subprocess.run(
        [required_node(), PROGRAMS / program, *map(str, arguments)],
        input=given,
        capture_output=True,
        timeout=patience_seconds,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr.decode()[-2000:]
    return ended.stdout.decode()


class Replica:
    """One person's document in JavaScript. What it would send stands in what each call returns."""

    def __init__(self, client: int) -> None:
        self._process = subprocess.Popen(
            [required_node(), PROGRAMS / "replica.mjs", str(client)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def connect(self) -> list[bytes]:
        return self._frames(self._ask(connect=True))

    def disconnect(self) -> None:
        self._ask(disconnect=True)

    def receive(self, frame: bytes) -> list[bytes]:
        return self._frames(self._ask(frame=base64.b64encode(frame).decode()))

    def act(self, what: str, place: int, size: int, text: str) -> tuple[str, list[bytes]]:
        """What was removed, and what is to be sent. A place is a thousandth of the text."""
        answer = self._ask(act={"what": what, "place": place, "size": size, "text": text})
        return answer["removed"], self._frames(answer)

    def text(self) -> str | None:
        """None until the file is there."""
        text: str | None = self._ask(read=True)["text"]
        return text

    def stop(self) -> None:
        self._process.kill()
        self._process.communicate()

    def _ask(self, **command: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(command).encode() + b"\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def _frames(self, answer: Any) -> list[bytes]:
        return [base64.b64decode(frame) for frame in answer["frames"]]
