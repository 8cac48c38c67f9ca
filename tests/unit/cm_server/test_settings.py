import ast
import os
from pathlib import Path

import pytest

import cm_server
from cm_server import settings_sources
from cm_server.settings import Settings
from cm_server.settings_sources import SettingsInvalid


def faults(environment: dict[str, str], config: Path | None = None) -> list[str]:
    with pytest.raises(SettingsInvalid) as invalid:
        settings_sources.load(environment, config)
    return [str(fault) for fault in invalid.value.faults]


def written(folder: Path, text: str) -> Path:
    path = folder / "server.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_every_setting_has_an_effect() -> None:
    """Each is read as an attribute somewhere in the server; checks against one another name them as strings."""
    trees = [ast.parse(path.read_text()) for path in Path(cm_server.__file__).parent.rglob("*.py")]
    read = {
        node.attr for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Attribute)
    }
    assert set(Settings.model_fields) - read == set()


def test_the_defaults_hold_together() -> None:
    assert settings_sources.load({}) == Settings()


def test_the_command_line_wins_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    config = written(tmp_path, 'port = 1\nhost = "::1"\nlog_level = "debug"\n')
    chosen = settings_sources.load({"CM_PORT": "2", "CM_HOST": "localhost"}, config, {"port": 3})
    assert (chosen.port, chosen.host, chosen.log_level) == (3, "localhost", "debug")


def test_the_file_may_be_named_by_the_environment(tmp_path: Path) -> None:
    config = written(tmp_path, "port = 4321\n")
    assert settings_sources.load({"CM_CONFIG": str(config)}).port == 4321


def test_what_belongs_to_the_editor_side_is_passed_over() -> None:
    environment = {"CM_TOKEN": "x", "CM_SERVER_URL": "http://h", "CM_LSP_LOG": "x", "HOME": "/"}
    assert settings_sources.load(environment) == Settings()


def test_an_empty_value_is_as_unset_and_blanks_around_one_are_nothing() -> None:
    assert settings_sources.load({"CM_PORT": "", "CM_CURRENCY": " EUR\n"}).currency == "EUR"


def test_a_list_is_written_with_commas() -> None:
    chosen = settings_sources.load({"CM_ALLOWED_ORIGINS": "https://a.example, https://b.example"})
    assert chosen.allowed_origins == ("https://a.example", "https://b.example")


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("CM_OFER_WINDOW_SECONDS", "3", "is no setting; did you mean CM_OFFER_WINDOW_SECONDS?"),
        ("CM_ZZZ", "1", "is no setting"),
        ("CM_PORT", "http", "valid integer"),
        ("CM_PORT", "70000", "less than or equal to 65535"),
        ("CM_COMMISSION_PERCENT", "120", "less than or equal to 100"),
        ("CM_COMMISSION_PERCENT", "-1", "greater than or equal to 0"),
        ("CM_COMMISSION_PERCENT", "0.2", "valid integer"),
        ("CM_OFFER_WINDOW_SECONDS", "0", "greater than or equal to 1"),
        ("CM_OFFER_WINDOW_SECONDS", "10x", "valid integer"),
        ("CM_REFUND_WINDOW_HOURS", "0", "greater than or equal to 1"),
        ("CM_LOG_LEVEL", "loud", "'debug', 'info', 'warning' or 'error'"),
        ("CM_CURRENCY", "usd", "not one of USD"),
        ("CM_HEARTBEAT_SECONDS", "7", "must be below silent_seconds, which is 7"),
        ("CM_SILENT_SECONDS", "10", "must be below link_lost_pause_seconds"),
        ("CM_CLOCK_FACTOR", "60", "only a demonstration"),
        ("CM_HOST", "0.0.0.0", "without TLS"),
        ("CM_ALLOWED_ORIGINS", "*", "any page"),
        ("CM_PUBLIC_URL", "http://mentor.example.org", "must be https://"),
        ("CM_PUBLIC_URL", "https://mentor.example.org/path", "without path"),
        ("CM_PUBLIC_URL", "https://me@mentor.example.org", "without path or user"),
        ("CM_STRIPE_SECRET_KEY", "sk_live_x", "payment_service is demo"),
    ],
)
def test_a_wrong_value_is_named_with_what_would_be_right(
    variable: str, value: str, said: str
) -> None:
    (fault,) = faults({variable: value})
    assert fault.startswith(f"{variable}: ")
    assert said in fault


@pytest.mark.parametrize(
    ("key", "signing", "named"),
    [
        ("", "whsec_x", "CM_STRIPE_SECRET_KEY"),
        ("pk_test_x", "whsec_x", "CM_STRIPE_SECRET_KEY"),
        ("sk_test_x", "", "CM_STRIPE_WEBHOOK_SECRET"),
        ("sk_test_x", "nonsense", "CM_STRIPE_WEBHOOK_SECRET"),
        ("sk_live_x", "whsec_x", "CM_PUBLIC_URL"),
    ],
)
def test_stripe_needs_keys_that_are_what_they_should_be(key: str, signing: str, named: str) -> None:
    environment = {
        "CM_PAYMENT_SERVICE": "stripe",
        "CM_STRIPE_SECRET_KEY": key,
        "CM_STRIPE_WEBHOOK_SECRET": signing,
    }
    (fault,) = faults(environment)
    assert fault.startswith(named)
    assert not key or key not in fault


def test_every_fault_is_told_at_once() -> None:
    told = faults({"CM_PORT": "x", "CM_HEART": "1", "CM_COMMISSION_PERCENT": "101"})
    assert len(told) == 3


@pytest.mark.parametrize(
    ("text", "named", "said"),
    [
        ("prot = 1\n", "prot in server.toml", "did you mean port?"),
        ('port = "8765"\n', "port in server.toml", "valid integer"),
        ("port = \n", "server.toml", "line 1"),
        ("port = 1\nport = 2\n", "server.toml", "line 2"),
        ("commission_percent = 0.2\n", "commission_percent in server.toml", "valid integer"),
    ],
)
def test_a_fault_of_the_file_is_named_with_its_place(
    tmp_path: Path, text: str, named: str, said: str
) -> None:
    (fault,) = faults({}, written(tmp_path, text))
    assert named in fault
    assert said in fault


def test_a_file_with_a_byte_order_mark_and_windows_line_ends_is_fine(tmp_path: Path) -> None:
    path = tmp_path / "server.toml"
    path.write_bytes(b"\xef\xbb\xbfport = 5\r\n")
    assert settings_sources.load({}, path).port == 5


@pytest.mark.parametrize("kind", ["absent", "folder", "latin-1", "large"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "server.toml"
    if kind == "folder":
        path.mkdir()
    elif kind == "latin-1":
        path.write_bytes(b'host = "\xe4"\n')
    elif kind == "large":
        path.write_bytes(b"#" * (settings_sources.CONFIG_BYTES_MAX + 1))
    (fault,) = faults({}, path)
    assert fault.startswith(str(path))


def test_a_secret_comes_from_a_file_only_its_owner_reads(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("sk_test_abc\n")
    path.chmod(0o600)
    chosen = settings_sources.load({"CM_STRIPE_SECRET_KEY_FILE": str(path)})
    assert chosen.stripe_secret_key.get_secret_value() == "sk_test_abc"
    assert "sk_test_abc" not in repr(chosen)
    path.chmod(0o644)
    assert "can be read by others" in faults({"CM_STRIPE_SECRET_KEY_FILE": str(path)})[0]


def test_a_secret_given_twice_or_from_nowhere_is_a_fault(tmp_path: Path) -> None:
    absent = str(tmp_path / "absent")
    assert (
        "both set"
        in faults({"CM_STRIPE_SECRET_KEY": "sk_test_x", "CM_STRIPE_SECRET_KEY_FILE": absent})[0]
    )
    assert os.strerror(2) in faults({"CM_STRIPE_SECRET_KEY_FILE": absent})[0]


def test_only_secrets_are_read_from_files() -> None:
    assert "is no setting" in faults({"CM_PORT_FILE": "/etc/hostname"})[0]
