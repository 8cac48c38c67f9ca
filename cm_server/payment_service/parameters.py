"""What a request asks, decoded and read strictly: an unknown or ill-typed parameter is refused.

Owns: Stripe's bracketed form encoding and typed access to it. Does not own: what they mean.
A reader would guess that leftovers are ignored: `refuse_leftovers` is what makes a misspelt
parameter fail here as it does at Stripe.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

from cm_server.payment_service.problems import Problem, invalid_parameter

_KEY: Final = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_PART: Final = re.compile(r"\[([^\[\]]*)\]")
AMOUNT_MAX: Final = 99_999_999


def decode_form(text: str) -> dict[str, Any]:
    """`a[b]=1&c[0]=x&c[1]=y` gives `{"a": {"b": "1"}, "c": ["x", "y"]}`."""
    tree: dict[str, Any] = {}
    for name, value in parse_qsl(text, keep_blank_values=True, max_num_fields=1000):
        matched = _KEY.fullmatch(name)
        if matched is None:
            raise invalid_parameter(name, f"Invalid parameter name: {name}")
        _plant(tree, [matched[1], *_PART.findall(matched[2])], value)
    grown = _with_lists(tree)
    assert isinstance(grown, dict)
    return grown


def _plant(tree: dict[str, Any], path: list[str], value: str) -> None:
    node = tree
    for part in path[:-1]:
        node = node.setdefault(part, {})
        if not isinstance(node, dict):
            raise invalid_parameter(path[0], f"Invalid hash: {path[0]}")
    leaf = path[-1] or str(len(node))
    node[leaf] = value


def _with_lists(node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    if node and all(name.isdecimal() for name in node):
        return [_with_lists(node[name]) for name in sorted(node, key=int)]
    return {name: _with_lists(child) for name, child in node.items()}


class Parameters:
    """Typed reading of one request; every name read is crossed off."""

    def __init__(self, values: Mapping[str, Any], path: str = "") -> None:
        self._left = dict(values)
        self._path = path
        self._groups: list[Parameters] = []

    def text(self, name: str) -> str:
        value = self.optional_text(name)
        if value is None:
            full = self._full(name)
            raise invalid_parameter(full, f"Missing required param: {full}.", "parameter_missing")
        return value

    def optional_text(self, name: str) -> str | None:
        value = self._left.pop(name, None)
        if value is None or isinstance(value, str):
            return value
        raise invalid_parameter(self._full(name), f"Invalid string: {self._full(name)}")

    def one_of(self, name: str, *allowed: str, default: str) -> str:
        value = self.optional_text(name) or default
        if value not in allowed:
            message = f"Invalid {self._full(name)}: must be one of {', '.join(allowed)}"
            raise invalid_parameter(self._full(name), message)
        return value

    def optional_integer(self, name: str) -> int | None:
        value = self.optional_text(name)
        if value is None:
            return None
        if not re.fullmatch(r"-?[0-9]{1,18}", value):
            full = self._full(name)
            raise invalid_parameter(full, f"Invalid integer: {value}", "parameter_invalid_integer")
        return int(value)

    def amount(self, name: str) -> int:
        value = self.optional_amount(name)
        if value is None:
            full = self._full(name)
            raise invalid_parameter(full, f"Missing required param: {full}.", "parameter_missing")
        return value

    def optional_amount(self, name: str) -> int | None:
        value = self.optional_integer(name)
        if value is None:
            return None
        if value < 1:
            message = "This value must be greater than or equal to 1."
            raise invalid_parameter(self._full(name), message, "parameter_invalid_integer")
        if value > AMOUNT_MAX:
            message = f"Amount must be no more than {AMOUNT_MAX:,}."
            raise invalid_parameter(self._full(name), message, "amount_too_large")
        return value

    def flag(self, name: str) -> bool:
        value = self._left.pop(name, False)
        if value is True or value == "true":
            return True
        if value is False or value == "false":
            return False
        raise invalid_parameter(self._full(name), f"Invalid boolean: {value}")

    def texts(self, name: str) -> list[str]:
        value = self._left.pop(name, [])
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return value
        raise invalid_parameter(self._full(name), f"Invalid array: {self._full(name)}")

    def metadata(self) -> dict[str, str]:
        value = self._left.pop("metadata", {})
        if not isinstance(value, dict) or not all(isinstance(v, str) for v in value.values()):
            raise invalid_parameter(self._full("metadata"), "Invalid hash: metadata")
        if len(value) > 50 or any(len(k) > 40 or len(v) > 500 for k, v in value.items()):
            message = "Metadata can have up to 50 keys of 40 characters with values of up to 500."
            raise invalid_parameter(self._full("metadata"), message)
        return value

    def group(self, name: str) -> Parameters:
        value = self._left.pop(name, {})
        if not isinstance(value, dict):
            raise invalid_parameter(self._full(name), f"Invalid hash: {self._full(name)}")
        group = Parameters(value, self._full(name))
        self._groups.append(group)
        return group

    def refuse_leftovers(self) -> None:
        """Of this group and all groups taken from it; so it comes last."""
        for group in self._groups:
            group.refuse_leftovers()
        for name in self._left:
            full = self._full(name)
            raise Problem(
                400,
                "parameter_unknown",
                f"Received unknown parameter: {full}",
                param=full,
                remembered=False,
            )

    def _full(self, name: str) -> str:
        return f"{self._path}[{name}]" if self._path else name
