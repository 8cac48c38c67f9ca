"""The library's typed parameters turned into a strict judge of requests.

Owns: rebuilding a `TypedDict` of `stripe.params` so that unknown keys and wrong types are refused
at every depth. Does not own: which request has which parameters.
A reader would guess that the library checks them itself: its types exist for type checkers only.
"""

from __future__ import annotations

import functools
import operator
import sys
import types
from collections.abc import Mapping
from typing import (
    Annotated,
    Any,
    ForwardRef,
    Literal,
    NotRequired,
    Required,
    Union,
    get_args,
    get_origin,
)

from pydantic import ConfigDict, TypeAdapter
from stripe import RequestOptions
from stripe._stripe_object import UntypedStripeObject
from typing_extensions import (
    TypedDict,
    get_type_hints,
    is_typeddict,
)

_OPTIONS = frozenset(RequestOptions.__annotations__)
_OPTION_NAMES = {"StripeContext": str, "Mapping": Mapping}
"""What the options' annotations name without the modules that inherit them importing it."""


class Judge:
    """Raises pydantic's ValidationError, which names the path of what is wrong."""

    def __init__(self) -> None:
        self._rebuilt: dict[type, Any] = {}
        self._adapters: dict[type, TypeAdapter[Any]] = {}

    def judge_form(self, params: type, form: Mapping[str, Any]) -> None:
        """Of a decoded form, in which every leaf is text that must read as its type."""
        self._adapter(params).validate_python(dict(form), strict=False)

    def judge_json(self, params: type, body: Mapping[str, Any]) -> None:
        self._adapter(params).validate_python(dict(body), strict=True)

    def _adapter(self, params: type) -> TypeAdapter[Any]:
        if params not in self._adapters:
            self._adapters[params] = TypeAdapter(self._strict(params))
        return self._adapters[params]

    def _strict(self, type_: Any) -> Any:
        if is_typeddict(type_):
            return self._strict_dict(type_)
        origin = get_origin(type_)
        if origin is UntypedStripeObject:
            return dict[str, str]
        if origin in (Union, types.UnionType):
            strict = (self._strict(arg) for arg in _closed(get_args(type_)))
            return functools.reduce(operator.or_, strict)
        if origin in (NotRequired, Required, Annotated):
            return origin[self._strict(get_args(type_)[0])]
        if origin in (list, dict):
            return origin[tuple(self._strict(arg) for arg in get_args(type_))]
        return type_

    def _strict_dict(self, type_: Any) -> Any:
        if type_ not in self._rebuilt:
            namespace = vars(sys.modules[type_.__module__])
            hints = get_type_hints(type_, namespace, _OPTION_NAMES, include_extras=True)
            fields = {name: hint for name, hint in hints.items() if name not in _OPTIONS}
            assert not any(isinstance(hint, ForwardRef) for hint in fields.values())
            strict = {name: self._strict(hint) for name, hint in fields.items()}
            make: Any = TypedDict
            rebuilt = make(type_.__name__, strict)
            rebuilt.__pydantic_config__ = ConfigDict(extra="forbid")
            self._rebuilt[type_] = rebuilt
        return self._rebuilt[type_]


def _closed(alternatives: tuple[Any, ...]) -> tuple[Any, ...]:
    """An open enumeration (known words or any text) judged as the words known today."""
    words = [a for a in alternatives if get_origin(a) is Literal and get_args(a) != ("",)]
    return tuple(a for a in alternatives if a is not str) if words else alternatives
