"""The OpenAPI 3.1 document, built from the endpoints and the very types they answer with."""

import re
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from cm_server import problems
from cm_server.endpoints import API, Endpoint

_REFERENCE: Final = "#/components/schemas/{name}"


def document(endpoints: Sequence[Endpoint], version: str, address: str) -> dict[str, Any]:
    types = [endpoint.answers for endpoint in endpoints]
    bodies = [endpoint.accepts or type(None) for endpoint in endpoints]
    schemas, components = msgspec.json.schema_components(
        [*types, *bodies, problems.Problem], ref_template=_REFERENCE
    )
    answers, accepted = schemas[: len(types)], schemas[len(types) : -1]
    paths: dict[str, dict[str, Any]] = {}
    for endpoint, answer, body in zip(endpoints, answers, accepted, strict=True):
        operation = _operation(endpoint, answer)
        if endpoint.accepts is not None:
            content = {"application/json": {"schema": body}}
            operation["requestBody"] = {"required": True, "content": content}
        paths.setdefault(API + endpoint.path, {})[endpoint.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Codementor in your editor",
            "version": version,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": address}],
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(endpoint: Endpoint, answer: dict[str, Any]) -> dict[str, Any]:
    return {
        "operationId": _operation_id(endpoint),
        "summary": endpoint.summary,
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in re.findall(r"\{(\w+)\}", endpoint.path)
        ],
        "responses": {
            str(endpoint.status): {
                "description": "As asked.",
                "content": {"application/json": {"schema": answer}},
            },
            "default": {
                "description": "A problem, with a code a program may branch on.",
                "content": {
                    problems.MEDIA_TYPE: {"schema": {"$ref": _REFERENCE.format(name="Problem")}}
                },
            },
        },
    }


def _operation_id(endpoint: Endpoint) -> str:
    words = re.findall(r"\w+", endpoint.path)
    return "_".join([endpoint.method.lower(), *words])
