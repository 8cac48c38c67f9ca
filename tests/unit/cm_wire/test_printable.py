import pytest
from hypothesis import given
from hypothesis import strategies as st

from cm_wire import printable


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b]52;c;x\x07", "⟨U+001B⟩]52;c;x⟨U+0007⟩"),
        ("a\u202eb", "a⟨U+202E⟩b"),
        ("a\u200bb", "a⟨U+200B⟩b"),
        ("\x9b31m", "⟨U+009B⟩31m"),
        ("\u2028", "⟨U+2028⟩"),
    ],
)
def test_what_cannot_be_seen_becomes_a_visible_token(hostile: str, shown: str) -> None:
    assert printable.plain(hostile) == shown


def test_text_keeps_its_lines_and_a_line_does_not() -> None:
    assert printable.plain("a\r\n\tb\n") == "a\n\tb\n"
    assert printable.line("a\n\tb") == "a⟨U+000A⟩⟨U+0009⟩b"


def test_a_lone_carriage_return_cannot_overwrite_a_line() -> None:
    assert printable.plain("pay $1\rpay $9") == "pay $1⟨U+000D⟩pay $9"


def test_a_statusline_runs_no_code() -> None:
    assert printable.statusline("%{system('x')}%#Error#") == "%%{system('x')}%%#Error#"


@pytest.mark.parametrize(
    "hostile", ["[x](command:run)", "![i](http://e/x)", "<img src=x>", "`a`", "**b**", "http://evil", "a\n# b"]
)  # fmt: skip
def test_markdown_gives_no_link_image_or_html(hostile: str) -> None:
    escaped = printable.markdown(hostile)
    assert "](" not in escaped
    assert not any(f"{mark}" in escaped.replace(f"\\{mark}", "") for mark in "[]()<>`*#:")


@given(st.text())
def test_no_control_or_bidi_character_reaches_a_terminal(text: str) -> None:
    shown = printable.terminal(text)
    assert not any(ord(c) < 32 and c not in "\n\t" for c in shown)
    assert not any(c in "\x7f\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u2069" for c in shown)


@given(st.text(st.characters(codec="ascii", categories=["L", "N", "P", "Zs"])))
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert printable.plain(text) == text


def test_a_name_is_bounded_composed_and_never_empty() -> None:
    assert printable.display_name("Ａda", 40) == "Ada"
    assert printable.display_name("e" + "\u0301" * 1000, 40).count("\u0301") <= 4
    assert len(printable.display_name("x" * 500, 40)) == 40
    assert printable.display_name("  ", 40) == "someone"


@pytest.mark.parametrize(
    "character",
    [
        *"\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069",
        *"\u200b\u200c\u200d\u2060\ufeff\U000e0041\U000e007f",
        *"\x00\x07\x08\x1b\x7f\x9b",
    ],
)
def test_a_hidden_character_in_code_is_found_where_it_stands(character: str) -> None:
    assert printable.hidden(f"is_{character}admin") == ((3, character),)


@pytest.mark.parametrize(
    "text",
    [
        "naïve 漢字 שלום مرحبا 😀\r\n\t",
        "family = '\U0001f468\u200d\U0001f469\u200d\U0001f467'",
        "\u2764\ufe0f\u200d\U0001f525 \U0001f44d\U0001f3fd \U0001f642\u200d\u2194\ufe0f",
        "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        "می\u200cخواهم PDF\u200cها",
        "क्\u200dष শ্\u200cর",
    ],
    ids=["languages", "family", "selectors", "flag", "persian", "indic"],
)
def test_what_belongs_to_emoji_and_to_writing_is_not_hidden(text: str) -> None:
    assert printable.hidden(text) == ()


def test_only_the_joiner_that_shapes_a_letter_belongs_to_it() -> None:
    assert printable.hidden("م\u200c\u200c\u200cx") == ((2, "\u200c"), (3, "\u200c"))
    assert printable.hidden("\U0001f3f4" + "\U000e0061" * 7 + "\U000e007f") != ()


def test_of_very_many_hidden_characters_the_first_are_named() -> None:
    assert len(printable.hidden("\u202e" * 100_000)) == 64
