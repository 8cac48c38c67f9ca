"""Which versions of which libraries a project declares. Pure: the texts of its manifests in, names and versions out.

A manifest that cannot be read says nothing; an ask is no place to complain about it. Where a manifest names a source instead of a
version, an address or a path, the version is empty: such a source may hold what must not leave this machine.
"""

import json
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Final

_Declared = Iterator[tuple[str, str]]

_VERSION: Final = re.compile(r"[\w.*^~<>=!, |+-]{1,60}")
_REQUIREMENT: Final = re.compile(r"\s*([A-Za-z0-9][\w.-]*)\s*(?:\[[^\]\n]*\])?\s*\(?([^;#()\n]*)")
_GO_REQUIRED: Final = re.compile(
    r"^\s*(?:require\s+)?([\w.-]+\.[\w./~-]+)\s+(v[\w.+-]+)", re.MULTILINE
)
_GEM: Final = re.compile(
    r"^\s*gem\s+[\"']([\w-]+)[\"'](?:\s*,\s*[\"']([^\"'\n]*)[\"'])?", re.MULTILINE
)

_DISTRIBUTION_OF: Final = MappingProxyType(
    {
        "attr": "attrs",
        "bs4": "beautifulsoup4",
        "cv2": "opencv-python",
        "dateutil": "python-dateutil",
        "dotenv": "python-dotenv",
        "git": "gitpython",
        "jwt": "pyjwt",
        "mysqldb": "mysqlclient",
        "pil": "pillow",
        "psycopg2": "psycopg2-binary",
        "serial": "pyserial",
        "skimage": "scikit-image",
        "sklearn": "scikit-learn",
        "yaml": "pyyaml",
        "zmq": "pyzmq",
    }
)
"""Where a Python import and the package that brings it have different names."""


def declared(file_name: str, text: str) -> dict[str, str]:
    """Library to version for one manifest, names as `key` writes them."""
    reader = READERS.get(file_name)
    if reader is None:
        return {}
    try:
        return {key(name): _version(version) for name, version in reader(text)}
    except (ValueError, TypeError, AttributeError, RecursionError):
        return {}


def version_of(library: str, versions: Mapping[str, str]) -> str:
    """What a project declares for an imported library; empty where it does not."""
    name = key(library)
    return versions.get(name) or versions.get(_DISTRIBUTION_OF.get(name, ""), "")


def key(name: str) -> str:
    """One spelling for `Foo_Bar`, `foo-bar` and `foo.bar`; paths of Go and scopes of npm stay."""
    return name.lower() if "/" in name else re.sub(r"[-_.]+", "-", name.lower())


def _version(given: str) -> str:
    stripped = given.strip().removeprefix("==").strip()
    return stripped if _VERSION.fullmatch(stripped) else ""


def _requirement(line: str) -> tuple[str, str] | None:
    match = _REQUIREMENT.match(line)
    return (match[1], match[2]) if match else None


def _requirements(text: str) -> _Declared:
    for line in text.splitlines():
        found = _requirement(line) if not line.lstrip().startswith(("#", "-")) else None
        if found:
            yield found


def _pyproject(text: str) -> _Declared:
    content = tomllib.loads(text)
    project = content.get("project", {})
    lists = [
        project.get("dependencies", []),
        *project.get("optional-dependencies", {}).values(),
        *content.get("dependency-groups", {}).values(),
    ]
    for line in (line for lines in lists for line in lines if isinstance(line, str)):
        found = _requirement(line)
        if found:
            yield found
    yield from _table(content.get("tool", {}).get("poetry", {}).get("dependencies", {}))


def _cargo(text: str) -> _Declared:
    content = tomllib.loads(text)
    for place in (content, content.get("workspace", {})):
        for name in ("dependencies", "dev-dependencies", "build-dependencies"):
            yield from _table(place.get(name, {}))


def _npm(text: str) -> _Declared:
    content = json.loads(text)
    for name in ("peerDependencies", "devDependencies", "dependencies"):
        yield from _table(content.get(name, {}))


def _composer(text: str) -> _Declared:
    content = json.loads(text)
    for name in ("require-dev", "require"):
        yield from _table(content.get(name, {}))


def _table(table: Mapping[str, object]) -> _Declared:
    """Name to version, or to a table with a version."""
    for name, value in table.items():
        version = value.get("version", "") if isinstance(value, dict) else value
        yield str(name), version if isinstance(version, str) else ""


def _go(text: str) -> _Declared:
    for match in _GO_REQUIRED.finditer(text):
        yield match[1], match[2]


def _gems(text: str) -> _Declared:
    for match in _GEM.finditer(text):
        yield match[1], match[2] or ""


READERS: Final[Mapping[str, Callable[[str], _Declared]]] = MappingProxyType(
    {
        "pyproject.toml": _pyproject,
        "requirements.txt": _requirements,
        "requirements-dev.txt": _requirements,
        "package.json": _npm,
        "Cargo.toml": _cargo,
        "go.mod": _go,
        "composer.json": _composer,
        "Gemfile": _gems,
    }
)
"""The manifests that are read, by their file's name."""
