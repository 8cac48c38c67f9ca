"""Hypothesis strategies for every message of `cm_wire`, derived from the message types themselves."""

from functools import partial
from typing import Any

import msgspec
from hypothesis import strategies as st

from cm_wire.money import CURRENCIES, MINOR_UNITS_MAX, Money

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
_MONEY = st.builds(
    Money,
    st.integers(-MINOR_UNITS_MAX, MINOR_UNITS_MAX),
    st.sampled_from(sorted(CURRENCIES)),
)


def messages(message_type: Any) -> st.SearchStrategy[Any]:
    """Any value of a wire type, unions and nested structures included."""
    return _of(msgspec.inspect.type_info(message_type))


def _of(info: msgspec.inspect.Type) -> st.SearchStrategy[Any]:  # noqa: C901 - one line a kind of type
    match info:
        case msgspec.inspect.StructType(cls=cls) if cls is Money:
            return _MONEY
        case msgspec.inspect.StructType(cls=cls, fields=fields):
            members = st.fixed_dictionaries({f.name: _of(f.type) for f in fields})
            return members.map(partial(_build, cls))
        case msgspec.inspect.UnionType(types=types):
            return st.one_of([_of(t) for t in types])
        case msgspec.inspect.LiteralType(values=values):
            return st.sampled_from(values)
        case msgspec.inspect.VarTupleType(item_type=item):
            return st.lists(_of(item), max_size=3).map(tuple)
        case msgspec.inspect.DictType(key_type=key, value_type=value):
            return st.dictionaries(_of(key), _of(value), max_size=3)
        case msgspec.inspect.StrType():
            return _TEXT
        case msgspec.inspect.BoolType():
            return st.booleans()
        case msgspec.inspect.IntType(ge=ge, le=le):
            return st.integers(-(2**63) if ge is None else ge, 2**63 - 1 if le is None else le)
        case msgspec.inspect.NoneType():
            return st.none()
        case _:
            raise TypeError(f"no strategy for {info}")


def _build(cls: type[Any], members: dict[str, Any]) -> Any:
    return cls(**members)
