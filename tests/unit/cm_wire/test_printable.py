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


@pytest.mark.parametrize("text", ["a\u202eb", "a\u2066b", "x\u200dy"])
def test_trojan_source_is_noticed(text: str) -> None:
    assert printable.suspicious(text)


def test_ordinary_multilingual_text_is_not_suspicious() -> None:
    assert not printable.suspicious("naïve 漢字 שלום مرحبا 😀\r\n\t")
