"""Cuts two published copies of Stripe's OpenAPI description down to the calls that we make, as plain JSON Schema.

`python -m tests.support.stripe_spec_pruning SPEC3.json STRIPE_SPEC.py` writes `tests/contract/stripe_spec/schemas.json.gz`;
the README beside it says where both come from. Owns: which calls, what is left out. Does not own: judging (`stripe_spec`).
A reader would guess that everything an answer may refer to is kept: an expandable field keeps the objects of `SERVED` only.
"""

import ast
import gzip
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

Json = dict[str, Any]
DATA: Final = Path(__file__).parents[1] / "contract" / "stripe_spec" / "schemas.json.gz"
_REF: Final = "#/components/schemas/"
_FORM, _JSON = "application/x-www-form-urlencoded", "application/json"
_SAYS_NOTHING: Final = frozenset(
    {"description", "title", "example", "format", "nullable", "discriminator", "explode"}
)
SERVED: Final = frozenset(
    {"balance_transaction", "charge", "customer", "payment_intent", "payment_method", "refund"}
)
CALLS: Final = (
    "POST /v1/customers",
    "GET /v1/customers/{customer}",
    "GET /v1/customers/{customer}/payment_methods",
    "GET /v1/payment_methods/{payment_method}",
    "POST /v1/payment_methods/{payment_method}/attach",
    "POST /v1/payment_methods/{payment_method}/detach",
    "POST /v1/checkout/sessions",
    "GET /v1/checkout/sessions/{session}",
    "POST /v1/payment_intents",
    "GET /v1/payment_intents",
    "GET /v1/payment_intents/{intent}",
    "POST /v1/payment_intents/{intent}/confirm",
    "POST /v1/payment_intents/{intent}/capture",
    "POST /v1/payment_intents/{intent}/cancel",
    "GET /v1/charges",
    "GET /v1/charges/{charge}",
    "POST /v1/refunds",
    "GET /v1/refunds",
    "GET /v1/refunds/{refund}",
    "POST /v1/transfers",
    "GET /v1/transfers",
    "GET /v1/transfers/{transfer}",
    "POST /v1/transfers/{id}/reversals",
    "GET /v1/transfers/{id}/reversals",
    "GET /v1/disputes",
    "GET /v1/disputes/{dispute}",
    "POST /v1/disputes/{dispute}",
    "POST /v1/disputes/{dispute}/close",
    "GET /v1/balance",
    "GET /v1/balance_transactions",
    "GET /v1/events",
    "GET /v1/events/{id}",
    "POST /v2/core/accounts",
    "GET /v2/core/accounts/{id}",
    "POST /v2/core/account_links",
    "GET /v2/core/events/{id}",
)
"""All that the stand-in answers to, and the shape of the events it sends."""


def pruned(v1: Json, v2: Json) -> Json:
    """Per version of the interface: the calls with their schemas, and the schemas these refer to."""
    return {
        "versions": {"v1": v1["info"]["version"], "v2": v2["info"]["version"]},
        "v1": _half(v1, [call for call in CALLS if " /v1/" in call]),
        "v2": _half(v2, [call for call in CALLS if " /v2/" in call]),
    }


def _half(spec: Json, names: list[str]) -> Json:
    calls = {name: _call(spec, *name.split(" ")) for name in names}
    definitions: Json = {}
    waiting = [ref for call in calls.values() for ref in _references(call)]
    while waiting:
        name = waiting.pop()
        if name not in definitions:
            definitions[name] = _closed(_plain(spec["components"]["schemas"][name]))
            waiting.extend(_references(definitions[name]))
    return {"calls": calls, "$defs": definitions}


def _call(spec: Json, method: str, path: str) -> Json:
    operation = spec["paths"][path][method.lower()]
    answers = operation["responses"]
    good = answers.get("200") or answers["201"]
    return {
        "request": _closed(_plain(_request(operation, method))),
        "answer": _closed(_plain(good["content"][_JSON]["schema"])),
        "refusal": _closed(_plain(answers.get("default", good)["content"][_JSON]["schema"])),
    }


def _request(operation: Json, method: str) -> Json:
    if method == "POST":
        content = operation.get("requestBody", {}).get("content", {})
        found: Json = content.get(_FORM, content.get(_JSON, {})).get("schema", {"type": "object"})
        return found
    asked = [p for p in operation.get("parameters", []) if p["in"] == "query"]
    return {
        "type": "object",
        "properties": {parameter["name"]: parameter["schema"] for parameter in asked},
        "required": [parameter["name"] for parameter in asked if parameter.get("required")],
    }


def _plain(schema: Any) -> Any:
    """JSON Schema of what OpenAPI 3.0 says in its own way; without words for people."""
    if isinstance(schema, list):
        return [_plain(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return {"$ref": "#/$defs/" + schema["$ref"].removeprefix(_REF)}
    kept: Json = {}
    for name, value in schema.items():
        if name == "properties":
            kept[name] = {field: _plain(inner) for field, inner in value.items()}
        elif name not in _SAYS_NOTHING and not name.startswith("x-"):
            kept[name] = _plain(value)
    if "x-expansionResources" in schema:
        kept["anyOf"] = [one for one in kept["anyOf"] if _is_met(one)]
    return {"anyOf": [kept, {"type": "null"}]} if schema.get("nullable") else kept


def _is_met(alternative: Json) -> bool:
    return "$ref" not in alternative or alternative["$ref"].removeprefix("#/$defs/") in SERVED


def _closed(schema: Any) -> Any:
    """An object with named fields has no others, unless it says so."""
    if isinstance(schema, list):
        return [_closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: _closed(value) for name, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and schema["properties"]:
        closed.setdefault("additionalProperties", False)
    return closed


def _references(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"].removeprefix("#/$defs/")
        for inner in schema.values():
            yield from _references(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from _references(inner)


def main(v1_json: str, v2_python: str) -> None:
    v1 = json.loads(Path(v1_json).read_text(encoding="utf-8"))
    assignment = ast.parse(Path(v2_python).read_text(encoding="utf-8")).body[0]
    assert isinstance(assignment, ast.Assign)
    spec = pruned(v1, ast.literal_eval(assignment.value))
    text = json.dumps(spec, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    DATA.write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    counts = {half: len(spec[half]["$defs"]) for half in ("v1", "v2")}
    sys.stdout.write(f"{DATA}: {DATA.stat().st_size} bytes, schemas {counts}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
