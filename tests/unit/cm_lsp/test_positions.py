import random

import pytest

from cm_lsp.sharing import indexed_text, positions
from cm_lsp.sharing.indexed_text import IndexedText
from cm_lsp.sharing.positions import Position, PositionEncoding

UTF8, UTF16, UTF32 = PositionEncoding.UTF8, PositionEncoding.UTF16, PositionEncoding.UTF32
ALPHABET = "ab\n\t é\u0301😀\u2028\x0c\x85\x00"


@pytest.mark.parametrize(("encoding", "character"), [(UTF8, 7), (UTF16, 4), (UTF32, 3)], ids=str)
def test_a_place_behind_an_emoji_is_counted_in_the_units_of_the_connection(
    encoding: PositionEncoding, character: int
) -> None:
    text = IndexedText("one\nzé😀b\n")
    place = Position(1, character)
    assert text.offset_at(place, encoding) == 7
    assert text.position_at(7, encoding) == place


def test_only_line_feeds_end_a_line() -> None:
    text = IndexedText("a\u2028b\x0cc\x85d\x0be\nf")
    assert text.position_at(len(text), UTF16) == Position(1, 1)


def test_every_line_end_of_lsp_becomes_a_line_feed() -> None:
    assert positions.normalised("a\r\nb\rc\nd\r\r\n") == "a\nb\nc\nd\n\n"


def test_a_lone_carriage_return_stays_a_character_where_the_editor_counts_one() -> None:
    assert positions.normalised("a\rb\r\n", "\x1a") == "a\x1ab\n"


def test_half_a_surrogate_pair_becomes_one_replacement_character() -> None:
    assert positions.normalised("a\ud83db\ude00") == "a\ufffdb\ufffd"
    assert positions.normalised("\ud83d\ude00") == "😀"


def test_halves_of_a_pair_are_the_utf16_units() -> None:
    assert (
        "".join(positions.surrogate_halves("😀")).encode("utf-16", "surrogatepass").decode("utf-16")
        == "😀"
    )


def test_a_position_past_the_end_of_a_line_is_its_end_and_past_the_text_its_end() -> None:
    text = IndexedText("ab\ncd")
    assert text.offset_at(Position(0, 99), UTF16) == 2
    assert text.offset_at(Position(9, 0), UTF16) == 5
    assert text.offset_at(Position(10**12, 10**12), UTF16) == 5


def test_a_position_inside_a_surrogate_pair_is_before_it_and_is_told() -> None:
    text = IndexedText("😀")
    assert text.locate(Position(0, 1), UTF16) == (0, True)
    assert text.locate(Position(0, 2), UTF16) == (1, False)


def test_a_byte_inside_a_character_is_refused() -> None:
    text = IndexedText("é")
    with pytest.raises(ValueError, match="inside a character"):
        text.offset_at_utf8(1)
    with pytest.raises(ValueError, match="not in a text of 2 bytes"):
        text.offset_at_utf8(3)


def test_a_replacement_outside_the_text_is_refused() -> None:
    with pytest.raises(ValueError, match="not in a text of 2"):
        IndexedText("ab").replace(1, 3, "")


def test_a_copy_does_not_change_with_the_original() -> None:
    text = IndexedText("ab")
    twin = text.copy()
    text.replace(1, 1, "X")
    assert (str(text), str(twin)) == ("aXb", "ab")


@pytest.mark.parametrize("seed", range(25))
def test_every_coordinate_agrees_with_counting_by_hand_after_any_edits(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexed_text, "CHUNK_CODE_POINTS", 16)
    rng = random.Random(seed)
    plain = _random_text(rng, 80)
    text = IndexedText(plain)
    for _ in range(60):
        start = rng.randint(0, len(plain))
        end = min(len(plain), start + rng.choice((0, 0, 1, 5, 60)))
        inserted = _random_text(rng, rng.choice((0, 1, 2, 50)))
        text.replace(start, end, inserted)
        plain = plain[:start] + inserted + plain[end:]
        assert str(text) == plain
        assert len(text) == len(plain)
        _check_places(text, plain, rng)


def _check_places(text: IndexedText, plain: str, rng: random.Random) -> None:
    place = rng.randint(0, len(plain))
    assert text.utf8_at(place) == len(plain[:place].encode())
    assert text.offset_at_utf8(len(plain[:place].encode())) == place
    stop = rng.randint(place, len(plain))
    assert text.slice(place, stop) == plain[place:stop]
    lines = plain[:place].split("\n")
    for encoding, width in ((UTF8, 1), (UTF16, 2), (UTF32, 4)):
        codec = encoding.value if width == 1 else encoding.value + "-le"
        position = Position(len(lines) - 1, len(lines[-1].encode(codec)) // width)
        assert text.position_at(place, encoding) == position
        assert text.offset_at(position, encoding) == place


@pytest.mark.parametrize("seed", range(25))
def test_the_difference_to_another_text_is_one_replacement_that_makes_it(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexed_text, "CHUNK_CODE_POINTS", 8)
    rng = random.Random(seed)
    for _ in range(40):
        old = "".join(rng.choice("ab") for _ in range(rng.randint(0, 60)))
        cut = rng.randint(0, len(old))
        new = old[:cut] + rng.choice(("", "a", "bb", "aaa")) + old[cut + rng.randint(0, 3) :]
        start, end, inserted = IndexedText(old).difference(new)
        assert old[:start] + inserted + old[end:] == new
        assert end - start <= max(len(old) - cut, 3)


def _random_text(rng: random.Random, most: int) -> str:
    return "".join(rng.choice(ALPHABET) for _ in range(rng.randint(0, most)))
