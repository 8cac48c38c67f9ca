"""The page on the protocol says what the code does."""

from tests.support import protocol_tables


def test_the_protocol_page_is_what_the_code_says() -> None:
    written = protocol_tables.PAGE.read_text(encoding="utf-8")
    assert written == protocol_tables.page(), "python -m tests.support.protocol_tables"
