"""Which lines are marked for characters that cannot be seen, and how they are named."""

from cm_lsp.session import hidden_characters
from cm_lsp.session.hidden_characters import Hidden


def test_a_line_is_marked_from_its_first_to_its_last_hidden_character() -> None:
    line = "if \u202eadmin\u2066:"
    found = hidden_characters.found_in(["x = 1", line], {"\u202e", "\u2066"})
    assert found == {line: Hidden(3, 10, ("\u202e", "\u2066"))}
    assert found[line].names == "U+202E, U+2066"


def test_what_the_other_side_did_not_bring_is_not_its_doing() -> None:
    assert hidden_characters.found_in(["a\u200fb", "c\u202ed"], {"\u202e"}).keys() == {"c\u202ed"}


def test_of_many_kinds_in_one_line_five_are_named() -> None:
    characters = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067"
    (one,) = hidden_characters.found_in([characters * 2], set(characters)).values()
    assert one.names == "U+202A, U+202B, U+202C, U+202D, U+202E and 2 more"
