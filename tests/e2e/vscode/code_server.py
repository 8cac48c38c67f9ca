"""A real VS Code (code-server), with the built extension and a bridge for questions; driven in a real Chromium.

Owns: finding what is installed, building the extension, starting, asking inside the extension host, ending. Each has a
profile, a home and a folder of its own. What a person does goes through the page (`page.py`); the bridge is for what a
person would know by looking for longer than a test can.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from cm_server.demo.neovim import wait_until

HERE: Final = Path(__file__).parent
PROJECT: Final = HERE.parents[2]
EXTENSION: Final = PROJECT / "editor-clients" / "vscode"
INSTALL: Final = EXTENSION / "test" / "install_vscode.sh"
START_SECONDS: Final = 120.0
ANSWER_SECONDS: Final = 60.0
VIRTUAL_FOLDER: Final = "memory:/project"


def folder_of_installation() -> Path:
    """Where `install_vscode.sh` puts it; `complete` is in it when it is."""
    names = dict[str, str]()
    for line in INSTALL.read_text().splitlines():
        name, separator, value = line.partition("=")
        if separator and name in {"CODE_SERVER", "NODE"}:
            names[name] = value.split()[0]
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    place = os.environ.get("CODEMENTOR_TEST_CACHE") or f"{cache}/codementor-tests"
    return Path(place) / f"vscode-{names['CODE_SERVER']}-node-{names['NODE']}"


def missing() -> str:
    """What is not installed, with the cure; empty when all is there."""
    if not (folder_of_installation() / "complete").exists():
        return "There is no VS Code to test in. Try: make vscode"
    if shutil.which("chromium") is None:
        return "There is no Chromium to show VS Code in. Try: make vscode"
    return ""


def environment() -> dict[str, str]:
    """With the Node that came with this VS Code first on PATH."""
    path = f"{folder_of_installation() / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"
    return {**os.environ, "PATH": path}


def build(out: Path) -> list[Path]:
    """Installs the locked dependencies where they are not, bundles and packages; the packages."""
    if not (EXTENSION / "node_modules" / ".package-lock.json").exists():
        _run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], EXTENSION)
    _run(["node", "build.mjs"], EXTENSION)
    packages = [out / "codementor.vsix", out / "bridge.vsix"]
    vsce = str(EXTENSION / "node_modules" / ".bin" / "vsce")
    for package, source in zip(packages, (EXTENSION, HERE / "bridge"), strict=True):
        flags = ["--no-dependencies", "--allow-missing-repository", "--skip-license"]
        more = ["--no-rewrite-relative-links", "--allow-star-activation", "--out", str(package)]
        _run([vsce, "package", *flags, *more], source)
    return packages


class VisualStudioCode:
    """`folder` is all it knows of the machine; the workspace is `folder/work`."""

    def __init__(
        self,
        folder: Path,
        packages: Sequence[Path],
        variables: dict[str, str] | None = None,
        *,
        trusts: bool = True,
    ) -> None:
        self.folder = folder
        self.work = folder / "work"
        self.work.mkdir(parents=True, exist_ok=True)
        profile = folder / "profile" / "User"
        profile.mkdir(parents=True, exist_ok=True)
        settings = json.loads((HERE / "settings.json").read_text())
        settings["security.workspace.trust.enabled"] = not trusts
        (profile / "settings.json").write_text(json.dumps(settings))
        self._trusts = trusts
        (folder / "config.yaml").touch()
        self._environment = {
            **environment(),
            "HOME": str(folder / "home"),
            "XDG_CACHE_HOME": str(folder / "home" / ".cache"),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{environment()['PATH']}",
            "EXTENSIONS_GALLERY": '{"serviceUrl":""}',
            "CODEMENTOR_TEST_BRIDGE": str(self._socket_place),
            **(variables or {}),
        }
        (folder / "home").mkdir(exist_ok=True)
        # VS Code asks a login shell for the user's PATH, which sets it anew.
        (folder / "home" / ".profile").write_text(f"PATH='{self._environment['PATH']}'\n")
        self._command = [
            *(str(folder_of_installation() / "bin" / "code-server"),),
            *("--config", str(folder / "config.yaml")),
            *("--user-data-dir", str(folder / "profile")),
            *("--extensions-dir", str(folder / "extensions")),
        ]
        installs = [word for package in packages for word in ("--install-extension", str(package))]
        _run([*self._command, *installs, "--force"], self.work, self._environment)
        self._process: subprocess.Popen[bytes] | None = None
        self._bridge: _Bridge | None = None
        self.address = ""

    @property
    def _socket_place(self) -> Path:
        return self.folder / "bridge.sock"

    def start(self) -> None:
        port = _free_port()
        quiet = ["--disable-telemetry", "--disable-update-check"]
        if self._trusts:
            quiet.append("--disable-workspace-trust")
        alone = ["--disable-getting-started-override", "--disable-proxy", "--ignore-last-opened"]
        listen = ["--bind-addr", f"127.0.0.1:{port}", "--auth", "none"]
        with (self.folder / "code-server.log").open("wb") as log:
            self._process = subprocess.Popen(
                [*self._command, *listen, *quiet, *alone],
                env=self._environment,
                cwd=self.work,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        base = f"http://127.0.0.1:{port}"
        wait_until(lambda: _answers(f"{base}/healthz"), "code-server to serve", START_SECONDS)
        self.address = f"{base}/?folder={self.work}"

    def open_virtual_workspace(self) -> None:
        """The next window is about a folder that is on no disk."""
        workspace = self.folder / "virtual.code-workspace"
        workspace.write_text(json.dumps({"folders": [{"uri": VIRTUAL_FOLDER}]}))
        self.address = f"{self.address.partition('?')[0]}?workspace={workspace}"

    def connect(self) -> None:
        """To the window that was just opened; an earlier one's connection is given up."""
        if self._bridge is not None:
            self._bridge.close()
        self._bridge = wait_until(self._try_bridge, "the extension host", START_SECONDS)

    def js(self, body: str, **values: object) -> Any:
        """Runs the body of an async function in the extension host; `values` are names in it."""
        assert self._bridge is not None
        names = "".join(f"const {name} = {json.dumps(value)};\n" for name, value in values.items())
        return self._bridge.ask(names + body)

    def text(self) -> str:
        found: str = self.js("return vscode.window.activeTextEditor?.document.getText() ?? ''")
        return found

    def open(self, place: Path | str) -> None:
        """A file, or the document of an address."""
        self.js(
            """
            const document = await vscode.workspace.openTextDocument(vscode.Uri.parse(address, true));
            await vscode.window.showTextDocument(document, { preview: false });
            """,
            address=place.as_uri() if isinstance(place, Path) else place,
        )

    def write(self, address: str, text: str) -> None:
        """By VS Code's own way to files, whatever is behind the address."""
        self.js(
            """
            const content = new TextEncoder().encode(text);
            await vscode.workspace.fs.writeFile(vscode.Uri.parse(address, true), content);
            """,
            address=address,
            text=text,
        )

    def set(self, name: str, value: object) -> None:
        """A setting of the user's; None takes it away."""
        self.js(
            """
            const settings = vscode.workspace.getConfiguration();
            await settings.update(name, value ?? undefined, vscode.ConfigurationTarget.Global);
            """,
            name=name,
            value=value,
        )

    def select(self, line: int, character: int, to_line: int, to_character: int) -> None:
        self.js(
            """
            const editor = vscode.window.activeTextEditor;
            editor.selection = new vscode.Selection(...place);
            editor.revealRange(editor.selection);
            """,
            place=[line, character, to_line, to_character],
        )

    def complain_with_ruff(self, path: Path) -> list[dict[str, Any]]:
        """Shows what ruff really says of the text in the editor, as ruff's extension would; what it says."""
        ruff = Path(sys.executable).with_name("ruff")
        flags = ["check", "--isolated", "--output-format", "json", "--exit-zero"]
        command = [str(ruff), *flags, "--stdin-filename", str(path), "-"]
        said = subprocess.run(command, input=self.text().encode(), capture_output=True, check=True)
        found: list[dict[str, Any]] = json.loads(said.stdout)
        self.js(
            """
            kept.ruff ??= vscode.languages.createDiagnosticCollection('ruff');
            const at = (place) => new vscode.Position(place.row - 1, place.column - 1);
            kept.ruff.set(vscode.Uri.file(path), found.map((one) => {
              const range = new vscode.Range(at(one.location), at(one.end_location));
              const made = new vscode.Diagnostic(range, one.message, vscode.DiagnosticSeverity.Error);
              return Object.assign(made, { source: 'ruff', code: one.code });
            }));
            """,
            path=str(path),
            found=found,
        )
        return found

    def log(self) -> str:
        """What the extension wrote into its output channel."""
        logs = sorted(self.folder.glob("profile/logs/*/exthost*/**/*odementor*.log"))
        return "\n".join(log.read_text(errors="replace") for log in logs)

    def stop(self) -> None:
        if self._bridge is not None:
            self._bridge.close()
        if self._process is None or self._process.poll() is not None:
            return
        os.killpg(
            self._process.pid, signal.SIGTERM
        )  # its own session: what it started, and nothing else
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def _try_bridge(self) -> "_Bridge | None":
        try:
            return _Bridge(self._socket_place)
        except OSError:
            return None


class _Bridge:
    """Questions one after the other, each answered before the next."""

    def __init__(self, place: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        try:
            self._socket.settimeout(ANSWER_SECONDS)
            self._socket.connect(str(place))
        except OSError:
            self._socket.close()
            raise
        self._lines = self._socket.makefile("rb")
        self._number = 0
        self._turn = threading.Lock()

    def ask(self, body: str) -> Any:
        with self._turn:
            self._number += 1
            question = json.dumps({"number": self._number, "body": body})
            self._socket.sendall(question.encode() + b"\n")
            answer = json.loads(
                self._lines.readline() or b'{"error": "the extension host is gone"}'
            )
        if "error" in answer:
            raise AssertionError(f"{answer['error']}\nin\n{body}")
        return answer["value"]

    def close(self) -> None:
        with suppress(OSError):
            self._lines.close()
            self._socket.close()


def _run(command: Sequence[str], folder: Path, variables: dict[str, str] | None = None) -> None:
    done = subprocess.run(
        command,
        cwd=folder,
        env=variables or environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout}\n{done.stderr}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
