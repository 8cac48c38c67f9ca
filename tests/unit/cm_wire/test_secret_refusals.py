import pytest

from cm_wire import faults, limits
from cm_wire.ids import FilePath
from cm_wire.secrets import refusing

TOKEN = "ghp_" + "a1B2" * 9


def test_refusal_names_field_line_and_kind_but_never_the_secret() -> None:
    with pytest.raises(faults.Refused) as refused:
        refusing.check_text(f"a = 1\nb = 2\nkey = '{TOKEN}'\n", "text", "Take it out.")
    fault = refused.value.fault
    assert (fault.code, fault.field) == ("secret-found", "text")
    assert "Line 3 of text" in fault.message
    assert "github-token" in fault.message
    assert TOKEN not in str(fault)


def test_text_without_secrets_and_redacted_text_pass() -> None:
    refusing.check_text("a = 1\n", "text", "")
    refusing.check_text(refusing.redacted(f"key = '{TOKEN}'", "text").text, "text", "")


def test_text_that_takes_too_long_to_scan_is_not_sent() -> None:
    ticks = iter(range(0, 10**12, 150_000_000))
    with pytest.raises(faults.Refused) as refused:
        refusing.check_text("x = 1\n" * 30_000, "text", "", cpu_time_ns=lambda: next(ticks))
    fault = refused.value.fault
    assert (fault.code, fault.limit) == ("unavailable", limits.SECRET_SCAN_MS_MAX)


def test_file_made_for_secrets_is_refused_whatever_is_in_it() -> None:
    with pytest.raises(faults.Refused, match="an environment file"):
        refusing.check_file_name(FilePath("app/.env"), "uri")
    refusing.check_file_name(FilePath("app/main.py"), "uri")
