"""What leaves the machine with an ask, whatever the document, the selection and the diagnostics are."""

import msgspec
import pytest

from cm_lsp.asking import preview
from cm_lsp.asking.project import Project
from cm_server.ask import rules
from cm_wire import faults, frames, limits
from cm_wire.asking import AskContext, Library, OfferView, Place, Terms
from cm_wire.ids import AskId, CommandId, OfferId
from cm_wire.money import Money
from cm_wire.to_server import PostAsk, Request
from tests.support import asks, planted_secrets

TOKEN = "ghp_" + "a1B2" * 9
TERMS = Terms(cap_minutes=30, price_max=Money(1_500, "USD"), spoken_languages=("en", "pt-BR"))
KEY_LINES = [
    "-----BEGIN RSA PRIVATE" + " KEY-----",
    *["MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIB"] * 40,
    "-----END RSA PRIVATE" + " KEY-----",
]


def refused(
    text: str, start: tuple[int, int], end: tuple[int, int], **given: object
) -> faults.Fault:
    with pytest.raises(faults.Refused) as refusal:
        asks.built(text, start, end, **given)  # type: ignore[arg-type]
    return refusal.value.fault


def frame_of(about: AskContext) -> str:
    return frames.encode(Request(CommandId("1"), PostAsk(context=about, terms=TERMS)))


def strings_in(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    inner = list(value.values()) if isinstance(value, dict) else value
    if not isinstance(inner, list | tuple):
        return []
    return [text for one in inner for text in strings_in(one)]


def rich_ask() -> AskContext:
    text = f"import httpx\nkey = '{TOKEN}'\n```\n[x](javascript:1)\n\u202eevil\n"
    found = asks.reported(f"no such *thing*\nas <b>{TOKEN}</b>", 1, 3)
    project = Project({"httpx": ">=0.28", "pyright": "1.1"}, {"python": "3.12"})
    return asks.built(
        text, (0, 0), (4, 2), question="why _this_ [x](y)?", diagnostics=(found,), project=project
    )


def test_the_preview_shows_every_text_that_is_sent_byte_for_byte() -> None:
    about = rich_ask()
    shown = preview.of_ask(about, TERMS)
    sent = [text for text in strings_in(msgspec.to_builtins(about)) if text]
    assert about.libraries == (Library("httpx", ">=0.28"),)
    assert about.tools == (Library("python", "3.12"), Library("pyright", "1.1"))
    assert len(sent) >= 12
    for text in sent:
        assert text in shown
    assert "cannot be seen" in shown
    assert "2 of ⟨secret:github-token⟩" in shown


def test_the_frame_on_the_wire_holds_what_the_preview_shows_and_nothing_else() -> None:
    about = rich_ask()
    shown = preview.of_ask(about, TERMS)
    decoded = msgspec.json.decode(frame_of(about))
    assert set(decoded) == {"id", "command"}
    assert set(decoded["command"]) == {"type", "context", "terms", "mentor"}
    assert msgspec.convert(decoded["command"]["context"], AskContext) == about
    terms = dict(decoded["command"]["terms"])
    assert terms.pop("price_max") == {"minor": 1_500, "currency": "USD"}
    for text in strings_in(decoded["command"]["context"]) + strings_in(terms):
        assert text in shown
    assert TOKEN not in frame_of(about)


def test_no_planted_secret_leaves_by_code_question_or_diagnostic() -> None:
    for planted in planted_secrets.cases(7, 300):
        if planted.provider in {"pem", "putty", "pgp"}:
            continue
        clean = asks.built(planted.text + "\nx = 1\n", (0, 0), (0, 0), question="why?")
        message = asks.reported(planted.text.replace("\n", " "))
        again = asks.built(
            planted.text + "\nx\n", question="? " + planted.text, diagnostics=(message,)
        )
        for about in (clean, again):
            rules.check(about, TERMS)


def test_a_private_key_goes_also_where_only_its_middle_is_near_the_selection() -> None:
    lines = ["a = 1", *KEY_LINES, "b = 2"]
    text = "\n".join(lines)
    about = asks.built(text, (20, 0), (22, 4), around=3, question="what is this?")
    assert "MIIEvQ" not in about.excerpt.text
    assert about.excerpt.redactions == 1
    assert about.excerpt.text.count("\n") == 8


def test_columns_behind_a_secret_move_with_the_text() -> None:
    text = f"x = f('{TOKEN}', wrong)\n"
    column = text.index("wrong")
    about = asks.built(
        text, (0, column), (0, column + 5), diagnostics=(asks.reported("m", 0, column),)
    )
    sent = about.excerpt.text.split("\n")[0]
    selected = about.excerpt.selection
    assert sent[selected.start.column : selected.end.column] == "wrong"
    assert about.diagnostics[0].span.start == Place(0, sent.index("wrong"))


def test_a_selection_with_nothing_but_a_secret_is_not_sent() -> None:
    text = f"a = 1\n{TOKEN}\nkey = '{TOKEN}'\n"
    for start, end in (((1, 0), (1, 40)), ((2, 7), (2, 47)), ((2, 6), (2, 48)), ((1, 5), (1, 20))):
        fault = refused(text, start, end)
        assert (fault.code, fault.field) == ("secret-found", "range")
        assert "question" in fault.do
    assert asks.built(text, (1, 0), (1, 40), question="is this one old?").excerpt.redactions == 2
    assert asks.built(text, (0, 0), (1, 40)).excerpt.text.startswith("a = 1\n⟨secret:github-token⟩")


@pytest.mark.parametrize("path", [".env", "app/id_rsa", "credentials.json"])
def test_a_file_made_for_secrets_is_not_asked_about(path: str) -> None:
    fault = refused("A=1\n", (0, 0), (0, 1), path=path)
    assert (fault.code, fault.field) == ("secret-found", "uri")


def test_an_empty_document_is_nothing_to_ask_about_unless_there_is_a_question() -> None:
    for text in ("", "\n\n", "   \n\t\n"):
        fault = refused(text, (0, 0), (1, 0))
        assert (fault.code, fault.field) == ("bad-value", "range")
    assert asks.built("", question="how do I begin?").excerpt.text == ""


def test_an_empty_selection_sends_its_line_and_the_surroundings() -> None:
    assert asks.built("a\nb\nc\n", (1, 1), (1, 1), around=1).excerpt.text == "a\nb\nc"


def test_binary_is_refused_as_no_text() -> None:
    for text in ("MZ\0\x01\x02", "\x01\x02\x03\x04\x05\x06\x07\x08\x0e\x0f abc"):
        assert refused(text, (0, 0), (0, 3)).code == "not-text"
    assert "NUL" not in asks.built("ok = 1\nb\0in\n", (0, 0), (0, 2)).excerpt.text


def test_a_file_read_in_a_wrong_encoding_is_refused_and_a_few_wrong_letters_are_not() -> None:
    fault = refused("\ufffd\ufffdn\ufffd" * 20, (0, 0), (0, 5))
    assert fault.code == "not-text"
    assert "encoding" in fault.message
    assert "caf\ufffd" in asks.built("x = 'caf\ufffd'\n", (0, 0), (0, 3)).excerpt.text
    halved = asks.built("x = '\ud83d'\n", (0, 0), (0, 3)).excerpt.text
    assert halved.encode()


def test_minified_code_is_refused_naming_the_limit() -> None:
    fault = refused("var a=1;" * 60_000, (0, 0), (0, 10))
    assert (fault.code, fault.limit) == ("too-large", limits.LINE_CHARACTERS_MAX)
    assert "minified" in fault.message


def test_surroundings_end_before_a_minified_line() -> None:
    text = "a = 1\nb = 2\n" + "x" * 20_000 + "\nc = 3\n"
    assert asks.built(text, (1, 0), (1, 1)).excerpt.text == "a = 1\nb = 2"


def test_a_gigantic_selection_is_refused_and_in_a_gigantic_file_a_small_one_is_sent() -> None:
    text = "x = 1  # line\n" * 200_000
    fault = refused(text, (0, 0), (199_999, 0))
    assert (fault.code, fault.limit) == ("too-large", limits.SELECTION_LINES_MAX)
    fault = refused(("y" * 9_000 + "\n") * 10, (0, 0), (9, 0))
    assert (fault.code, fault.limit) == ("too-large", limits.SELECTION_BYTES_MAX)
    about = asks.built(text, (100_000, 0), (100_000, 5), around=30)
    assert about.excerpt.first_line == 99_970
    assert about.excerpt.text.count("\n") == 60


@pytest.mark.parametrize("letter", ["x", '"', "é", "\U0001f334", "\x1b", "\\"])
def test_the_largest_ask_fits_into_a_frame_and_passes_the_server(letter: str) -> None:
    line = letter * 60
    found = tuple(asks.reported("é" * 5_000, 500) for _ in range(60))
    about = asks.built(
        f"{line}\n" * 4_000,
        (500, 0),
        (520, 0),
        around=1_000,
        question="é" * 1_000,
        diagnostics=found,
    )
    assert len(frame_of(about).encode()) <= limits.CONTROL_FRAME_BYTES_MAX
    assert len(about.excerpt.text.encode()) <= limits.SURROUNDINGS_BYTES_MAX
    rules.check(about, TERMS)


def test_of_ten_thousand_diagnostics_the_worst_fifty_are_sent() -> None:
    mild = tuple(asks.reported(f"hint {number}", severity=4) for number in range(9_990))
    bad = tuple(asks.reported(f"error {number}", severity=1) for number in range(10))
    about = asks.built("x = 1\n", diagnostics=(*mild, *bad))
    assert len(about.diagnostics) == limits.DIAGNOSTICS_MAX
    assert [found.severity for found in about.diagnostics[:11]] == ["error"] * 10 + ["hint"]
    rules.check(about, TERMS)


@pytest.mark.parametrize("language", ["", "cobol", "Not A Language!", "x" * 5_000, "питон"])
def test_an_unknown_language_is_sent_as_it_is_and_names_no_libraries(language: str) -> None:
    about = asks.built("import httpx\n", language=language)
    assert about.excerpt.language_id == language[:100]
    assert about.libraries == ()
    rules.check(about, TERMS)


def test_the_preview_counts_the_lines_a_person_would_count() -> None:
    about = asks.built("one\ntwo\nthree\n", (1, 0), (1, 3))
    assert "lines 1 to 3, selected: 2:1 to 2:4" in preview.of_ask(about, TERMS)


@pytest.mark.parametrize(
    ("path", "shown"), [("src/broken.py", "`src/broken.py`"), ("a`b.py", "`` a`b.py ``")]
)
def test_a_mentor_reads_the_files_name_as_it_is(path: str, shown: str) -> None:
    offer = OfferView(
        offer_id=OfferId("off_1"),
        ask_id=AskId("ask_1"),
        learner_name="Lea",
        context=asks.built("x = 1\n", path=path),
        price_per_quarter=Money(1000, "USD"),
        cap_minutes=30,
        earns_at_most=Money(1600, "USD"),
        answer_within_ms=15_000,
    )
    assert f"- File: {shown} (python)" in preview.of_offer(offer)
