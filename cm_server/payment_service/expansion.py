"""`expand`: ids replaced by the objects they name.

Owns: the walk along a path such as `data.latest_charge.balance_transaction`. Does not own: how an
object is written. A reader would guess that an unknown path is an error: here it changes nothing.
"""

from __future__ import annotations

from typing import Any

from cm_server.payment_service import balance, charges, customers, payment_intents
from cm_server.payment_service.world import Json, World

DEPTH_MAX = 4


def expand(world: World, answer: Json, paths: list[str]) -> Json:
    for path in paths:
        _walk(world, answer, path.split(".")[:DEPTH_MAX])
    return answer


def _walk(world: World, node: Any, parts: list[str]) -> None:
    if isinstance(node, list):
        for item in node:
            _walk(world, item, parts)
    elif isinstance(node, dict) and parts and parts[0] in node:
        name, rest = parts[0], parts[1:]
        if isinstance(node[name], str):
            node[name] = _object(world, node[name])
        _walk(world, node[name], rest)


def _object(world: World, id_: str) -> Json | str:
    state = world.state
    match id_.partition("_")[0]:
        case "ch":
            return charges.as_json(world, state.charges.get(id_))
        case "txn":
            return balance.as_json(state.balance_lines.get(id_))
        case "cus":
            return customers.as_json(state.customers.get(id_))
        case "pm":
            return customers.method_as_json(state.payment_methods.get(id_))
        case "pi":
            return payment_intents.as_json(world, state.intents.get(id_))
        case _:
            return id_
