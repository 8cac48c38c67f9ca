import pytest

from cm_lsp import commands
from cm_wire import faults

RANGE = {"start": {"line": 1, "character": 2}, "end": {"line": 3, "character": 4}}


def test_an_argument_becomes_a_value() -> None:
    parsed = commands.parse(
        commands.ASK,
        [{"uri": "untitled:x", "range": RANGE, "mentor": "fastest", "confirm": False, "else": 1}],
    )
    assert isinstance(parsed, commands.Ask)
    assert (parsed.range.start.line, parsed.range.end.character) == (1, 4)
    assert parsed.is_confirmed


@pytest.mark.parametrize("arguments", [None, [], [None], [{}]])
def test_a_command_without_arguments_takes_none_in_every_spelling(
    arguments: list[object] | None,
) -> None:
    assert commands.parse(commands.STATUS, arguments) == commands.Nothing()


def test_a_diagnostic_of_lsp_is_taken_with_all_it_may_lack_or_have() -> None:
    bare = {"range": RANGE, "message": "m"}
    full = {**bare, "severity": 2, "source": None, "code": 7, "data": {"x": 1}, "tags": [1]}
    parsed = commands.parse(
        commands.ASK, [{"uri": "file:///x", "range": RANGE, "diagnostics": [bare, full]}]
    )
    assert isinstance(parsed, commands.Ask)
    assert parsed.diagnostics is not None
    assert [found.code for found in parsed.diagnostics] == [None, 7]


@pytest.mark.parametrize("wrong", [-1, 1.5, "1", None])
def test_a_position_is_a_whole_number_of_0_or_more(wrong: object) -> None:
    given = {"start": {"line": wrong, "character": 0}, "end": {"line": 0, "character": 0}}
    with pytest.raises(faults.Refused) as refused:
        commands.parse(commands.POINT, [{"uri": "file:///x", "range": given}])
    assert refused.value.fault.field == "range"


@pytest.mark.parametrize("uri", ["", "x" * 5_000 + ":", "relative", "file:///a\0b"])
def test_an_address_has_a_scheme_and_no_hidden_characters(uri: str) -> None:
    with pytest.raises(faults.Refused) as refused:
        commands.parse(commands.SHARE, [{"uri": uri}])
    assert refused.value.fault.field == "uri"


def test_every_command_has_a_shape_that_says_no_to_a_list() -> None:
    for name in commands.SHAPES:
        with pytest.raises(faults.Refused, match="one object"):
            commands.parse(name, [["x"]])
