from cm_lsp import settings
from cm_wire.money import Money


def test_the_environment_wins_over_what_the_editor_passes_on() -> None:
    environment = {"CM_SERVER_URL": "https://mentors.example.com/", "CM_TOKEN": " cm_abc \n"}
    options = {"serverUrl": "http://127.0.0.1:1", "token": "other", "capMinutes": 45}
    read = settings.read(environment, options)
    assert read.settings.server_url == "https://mentors.example.com"
    assert read.settings.token == "cm_abc"
    assert read.settings.cap_minutes == 45
    assert read.warnings == ()


def test_a_wrong_value_costs_only_itself_and_is_named() -> None:
    options = {
        "capMinutes": 0,
        "maxPrice": "10,00",
        "surroundingLines": "many",
        "capabilities": {"cursors": True, "meter": "yes"},
    }
    read = settings.read({}, options)
    assert read.settings.capabilities.cursors
    assert not read.settings.capabilities.meter
    assert read.settings.cap_minutes == settings.Settings().cap_minutes
    assert read.settings.price_max == Money(3_000, "USD")
    named = " ".join(read.warnings)
    for key in ("capMinutes", "maxPrice", "surroundingLines", "capabilities.meter"):
        assert key in named


def test_options_that_are_no_object_are_ignored_with_a_warning() -> None:
    assert len(settings.read({}, ["x"]).warnings) == 1


def test_a_token_goes_over_a_bare_network_only_on_this_machine() -> None:
    assert settings.url_problem("http://127.0.0.1:8765") == ""
    assert settings.url_problem("http://[::1]:8765") == ""
    assert "https" in settings.url_problem("http://mentors.example.com")
    for wrong in ("ftp://x", "https://", "https://u:p@x", "https://x?y", "http://x:99999999", "x"):
        assert settings.url_problem(wrong)


def test_a_token_is_not_in_any_printed_form() -> None:
    read = settings.read({"CM_TOKEN": "cm_secret"}, None)
    assert "cm_secret" not in repr(read)


def test_channels_have_websocket_addresses() -> None:
    assert settings.websocket_url("https://x.example/", "/api") == "wss://x.example/api"
    assert settings.websocket_url("http://127.0.0.1:1", "/api") == "ws://127.0.0.1:1/api"
