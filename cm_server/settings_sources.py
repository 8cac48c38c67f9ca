"""Reads settings from a TOML file and the environment, and names every fault at once.

Owns: which source wins (environment over file over default), secrets from files, unknown names with their nearest
known one. Does not own any setting. The editor side has variables of its own under `CM_`; those are passed over.
"""

import difflib
import os
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
from pydantic import SecretStr, ValidationError

from cm_server import settings as known
from cm_server.settings import Settings

PREFIX: Final = "CM_"
CONFIG_VARIABLE: Final = "CM_CONFIG"
CONFIG_BYTES_MAX: Final = 1024 * 1024
OTHERS: Final = frozenset({CONFIG_VARIABLE, "CM_TOKEN", "CM_SERVER_URL"})
"""Under our prefix, but not settings of the server: `cm-lsp` reads the last two."""
OTHERS_PREFIX: Final = "CM_LSP_"
FILE_SUFFIX: Final = "_FILE"


@dataclass(frozen=True, slots=True)
class SettingFault:
    """`name` as the operator wrote it: `CM_PORT` or `port in server.toml`."""

    name: str
    problem: str

    def __str__(self) -> str:
        return f"{self.name}: {self.problem}"


class SettingsInvalid(Exception):  # noqa: N818 - reads as what happened
    """All faults found, in the order of their sources."""

    def __init__(self, faults: list[SettingFault]) -> None:
        super().__init__("; ".join(str(fault) for fault in faults))
        self.faults = tuple(faults)


def load(
    environment: Mapping[str, str] = os.environ,
    config: Path | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Settings:
    """Settings from `overrides` (the command line), the environment, and the file, in that order of precedence.

    The file is `config`, or what `CM_CONFIG` names. Raises `SettingsInvalid`.
    """
    path = config or (Path(named) if (named := environment.get(CONFIG_VARIABLE)) else None)
    written, faults = _from_file(path) if path else ({}, [])
    exported, more = _from_environment(environment)
    faults += more
    merged = {**written, **exported, **(overrides or {})}
    try:
        settings = Settings.model_validate(merged)
    except ValidationError as error:
        raise SettingsInvalid(faults + _validation_faults(error, PREFIX)) from None
    faults += [
        SettingFault(PREFIX + name.upper(), why) for name, why in known.contradictions(settings)
    ]
    if faults:
        raise SettingsInvalid(faults)
    return settings


def _from_file(path: Path) -> tuple[dict[str, Any], list[SettingFault]]:
    try:
        text = _read_text(path)
        values = tomllib.loads(text.removeprefix("\ufeff"))
    except OSError as error:
        return {}, [SettingFault(str(path), error.strerror or "cannot be read")]
    except ValueError as error:  # not UTF-8, or not TOML; both say where
        return {}, [SettingFault(str(path), str(error))]
    where = f" in {path.name}"
    faults = [
        SettingFault(name + where, _unknown(name, list(Settings.model_fields)))
        for name in values
        if name not in Settings.model_fields
    ]
    values = {name: value for name, value in values.items() if name in Settings.model_fields}
    try:
        # By way of JSON: strict (a port is a number, not a text) and still a path may be written as a text.
        Settings.model_validate_json(msgspec.json.encode(values), strict=True)
    except ValidationError as error:
        wrong = _validation_faults(error, "")
        faults += [SettingFault(fault.name.lower() + where, fault.problem) for fault in wrong]
        values = {
            name: value
            for name, value in values.items()
            if name not in {fault.name.lower() for fault in wrong}
        }
    return values, faults


def _read_text(path: Path) -> str:
    if not stat.S_ISREG(path.stat().st_mode):
        raise ValueError("is not a file")
    if path.stat().st_size > CONFIG_BYTES_MAX:
        raise ValueError(f"is larger than {CONFIG_BYTES_MAX} bytes")
    return path.read_text(encoding="utf-8")


def _from_environment(environment: Mapping[str, str]) -> tuple[dict[str, Any], list[SettingFault]]:
    values: dict[str, Any] = {}
    faults: list[SettingFault] = []
    for variable in sorted(environment):
        if not variable.startswith(PREFIX) or variable in OTHERS:
            continue
        if variable.startswith(OTHERS_PREFIX):
            continue
        name = variable.removeprefix(PREFIX).lower()
        text = environment[variable].strip()
        if not text:
            continue
        if name in Settings.model_fields:
            values[name] = _listed(name, text)
        elif _is_secret(owner := name.removesuffix("_file")) and name.endswith("_file"):
            if environment.get(PREFIX + owner.upper()):
                faults.append(SettingFault(variable, f"and {PREFIX}{owner.upper()} are both set"))
                continue
            secret, problem = _secret_from_file(Path(text))
            values[owner] = secret
            faults += [SettingFault(variable, problem)] if problem else []
        else:
            variables = [PREFIX + field.upper() for field in Settings.model_fields]
            faults.append(SettingFault(variable, _unknown(variable, variables)))
    return values, faults


def _listed(name: str, text: str) -> Any:
    """A list is written with commas in a variable."""
    if isinstance(Settings.model_fields[name].default, tuple):
        return tuple(part.strip() for part in text.split(",") if part.strip())
    return text


def _is_secret(name: str) -> bool:
    field = Settings.model_fields.get(name)
    return field is not None and field.annotation is SecretStr


def _secret_from_file(path: Path) -> tuple[str, str]:
    try:
        if path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
            return "", f"{path} can be read by others; chmod 600 it"
        return _read_text(path).strip(), ""
    except OSError as error:
        return "", f"{path}: {error.strerror}"
    except ValueError as error:
        return "", f"{path} {error}"


def _unknown(name: str, names: list[str]) -> str:
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    return f"is no setting; did you mean {near[0]}?" if near else "is no setting"


def _validation_faults(error: ValidationError, prefix: str) -> list[SettingFault]:
    faults = []
    for problem in error.errors(include_url=False, include_context=False, include_input=False):
        name = str(problem["loc"][0]) if problem["loc"] else ""
        faults.append(SettingFault((prefix + name).upper(), problem["msg"]))
    return faults
