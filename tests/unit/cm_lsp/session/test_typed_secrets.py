"""Which lines of what was typed hold a secret."""

from cm_lsp.session import typed_secrets
from cm_lsp.session.typed_secrets import Part
from tests.support import planted_secrets


def test_the_line_and_the_columns_of_a_secret_are_found() -> None:
    planted = next(planted_secrets.cases(7, 1))
    line = next(line for line in planted.text.split("\n") if planted.secret in line)
    found = typed_secrets.found_in(["x = 1", line, "y = 2"])
    assert list(found) == [line]
    (part,) = found[line]
    assert planted.secret in line[part.start : part.end]


def test_of_a_key_over_several_lines_each_line_is_marked() -> None:
    body = ["MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7", "VJTUt9Us8cKjMzEfYyjiWA4R4"]
    kind = "PRIVATE" + " KEY"
    lines = [f"-----BEGIN {kind}-----", *body, f"-----END {kind}-----"]
    found = typed_secrets.found_in(["before", *lines, "behind"])
    assert set(body) <= set(found)
    assert found[body[0]] == (Part(found[body[0]][0].kind, 0, len(body[0])),)
    assert "behind" not in found


def test_where_there_is_none_nothing_is_said() -> None:
    assert typed_secrets.found_in(["import os", "token = os.environ['TOKEN']", ""]) == {}
