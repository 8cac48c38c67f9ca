"""What cm-lsp says beyond LSP, as JSON: the members of each shape with whether they may be missing, and the names."""

import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

import msgspec

from cm_lsp import commands, lsp_ext


def members(shape: type[msgspec.Struct]) -> list[str]:
    return [field.encode_name for field in msgspec.structs.fields(shape)]


def shapes() -> dict[str, Any]:
    return {
        name: members(value)
        for name, value in vars(lsp_ext).items()
        if isinstance(value, type)
        and issubclass(value, msgspec.Struct)
        and not name.startswith("_")
        and value.__module__ == lsp_ext.__name__
    }


if __name__ == "__main__":
    methods = [
        value
        for name, value in vars(lsp_ext).items()
        if isinstance(value, str) and value.startswith("codementor/") and name.isupper()
    ]
    names = [name.removeprefix("codementor.") for name in commands.SHAPES]
    json.dump({"shapes": shapes(), "methods": methods, "commands": names}, sys.stdout)
