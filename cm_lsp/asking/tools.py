"""Which versions of languages and checkers the learner works with. Pure: texts in, names and versions out.

They are read from what the project says about itself. No program is run to ask it: a stranger's project could bring a program
of that name, and asking it would run it.
"""

import json
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Final

from cm_lsp.asking import manifests
from cm_wire.asking import Library

_Runtimes = dict[str, object]
_VERSION: Final = re.compile(r"[\w.*^~<>=!, |+-]{1,40}")
_PACKAGE_OF: Final = MappingProxyType(
    {"ts": "typescript", "tsserver": "typescript", "biome": "@biomejs/biome", "rust-analyzer": ""}
)
"""Where a checker signs its diagnostics otherwise than its package is named."""
_NAME_OF: Final = MappingProxyType({"nodejs": "node", "golang": "go"})


def runtimes(file_name: str, text: str) -> dict[str, str]:
    """Language to version, as one file of the project says; empty for a file that says nothing."""
    reader = READERS.get(file_name)
    try:
        found = reader(text) if reader is not None else {}
    except (ValueError, TypeError, AttributeError, RecursionError):
        return {}
    return {
        _NAME_OF.get(name, name): version.strip()
        for name, version in found.items()
        if isinstance(version, str) and _VERSION.fullmatch(version.strip())
    }


def in_use(
    sources: Iterable[str], versions: Mapping[str, str], running: Mapping[str, str]
) -> tuple[Library, ...]:
    """Languages, and those checkers among the diagnostics' `sources` whose version the project declares."""
    checkers = {}
    for source in sources:
        name = source.strip().lower()
        version = manifests.version_of(_PACKAGE_OF.get(name, name), versions) if name else ""
        if version:
            checkers[name] = version
    return tuple(Library(name, version) for name, version in {**running, **checkers}.items())


def _single(name: str) -> Callable[[str], _Runtimes]:
    return lambda text: {name: text.strip().splitlines()[0]} if text.strip() else {}


def _tool_versions(text: str) -> _Runtimes:
    words = (line.partition("#")[0].split() for line in text.splitlines())
    return {line[0]: line[1] for line in words if len(line) > 1}


def _go(text: str) -> _Runtimes:
    match = re.search(r"^go\s+([\d.]+)", text, re.MULTILINE)
    return {"go": match[1]} if match else {}


def _npm(text: str) -> _Runtimes:
    return {"node": json.loads(text).get("engines", {}).get("node", "")}


def _pyproject(text: str) -> _Runtimes:
    return {"python": tomllib.loads(text).get("project", {}).get("requires-python", "")}


def _cargo(text: str) -> _Runtimes:
    return {"rust": tomllib.loads(text).get("package", {}).get("rust-version", "")}


def _rust_toolchain(text: str) -> _Runtimes:
    return {"rust": tomllib.loads(text).get("toolchain", {}).get("channel", "")}


READERS: Final[Mapping[str, Callable[[str], _Runtimes]]] = MappingProxyType(
    {
        "pyproject.toml": _pyproject,
        "package.json": _npm,
        "Cargo.toml": _cargo,
        "go.mod": _go,
        ".python-version": _single("python"),
        ".nvmrc": _single("node"),
        ".node-version": _single("node"),
        ".ruby-version": _single("ruby"),
        "rust-toolchain.toml": _rust_toolchain,
        ".tool-versions": _tool_versions,
    }
)
"""The files that are read; of two that name one language the later one here is the more exact."""
