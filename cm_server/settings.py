"""Every number and switch an operator may set, with its default and the reason for the default.

Owns: names, types, ranges, and which settings contradict one another. Does not own where values come from
(`settings_sources`). Units are the last word of a name; there are no durations or sizes with suffixes to parse.
"""

from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from cm_wire.money import CURRENCIES

Positive = Annotated[int, Field(ge=1, le=1_000_000)]
Percent = Annotated[int, Field(ge=0, le=100)]
Seconds = Annotated[int, Field(ge=1, le=86_400)]
PaymentService = Literal["demo", "stripe"]
LogLevel = Literal["debug", "info", "warning", "error"]
LogForm = Literal["auto", "json", "console"]


class Settings(BaseModel):
    """Frozen: a running server never changes its mind. Each field is `CM_<NAME>` or a key of the TOML file."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    # Where it serves.
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 8765
    public_url: str = ""
    behind_proxy: bool = False
    """TLS is ended by a proxy in front, which is the only way to serve beyond this machine."""
    allowed_origins: tuple[str, ...] = ()
    """Browser pages that may open sockets; our own address is always one."""

    # What it keeps, and where.
    data_folder: Path = Path("data")
    database_url: str = ""
    """Empty: SQLite in the data folder."""

    # What it says.
    log_level: LogLevel = "info"
    log_form: LogForm = "auto"
    """`auto`: for people on a terminal, JSON lines elsewhere."""

    # Demonstration.
    demo: bool = False
    clock_factor: Annotated[int, Field(ge=1, le=3600)] = 1
    """How many times as fast billed time passes; other than 1 only in a demonstration."""

    # Price and what of it is ours.
    currency: str = "USD"
    commission_percent: Percent = 20
    """All-in, nothing on top for the learner: CodeMentor's own 20 %."""
    billing_increment_seconds: Positive = 60
    """Only completed increments are billed: rounding always for the learner."""

    # Before the meter.
    triage_minutes: Positive = 5
    """Free until diagnosis, estimate and the learner's go; paying for time that was not help is the commonest complaint."""
    cap_warning_percent: Percent = 80

    # When the meter pauses by itself.
    heartbeat_seconds: Seconds = 3
    silent_seconds: Seconds = 7
    """No sign of life for this long: the connection is taken for dead."""
    link_lost_pause_seconds: Seconds = 10
    idle_pause_seconds: Seconds = 180
    idle_end_seconds: Seconds = 900

    # Finding a mentor; ride hailing's figures.
    offer_window_seconds: Seconds = 15
    offer_grace_seconds: Annotated[int, Field(ge=0, le=60)] = 1
    offer_wave_size: Annotated[int, Field(ge=1, le=20)] = 3
    nobody_after_seconds: Seconds = 5
    """How soon an ask that nobody fits says so."""
    ask_expires_seconds: Seconds = 180
    ask_waits_minutes: Annotated[int, Field(ge=1, le=1440)] = 120
    """How long an ask that found nobody waits when its learner wants it to; after that the question has gone cold."""
    asks_per_ten_minutes: Positive = 5
    asks_per_day: Positive = 30

    # After a session.
    refund_window_hours: Annotated[int, Field(ge=1, le=24 * 90)] = 72
    """Payouts wait for it to close."""
    rating_window_days: Annotated[int, Field(ge=1, le=90)] = 7

    # Payment.
    payment_service: PaymentService = "demo"
    stripe_secret_key: SecretStr = SecretStr("")
    stripe_webhook_secret: SecretStr = SecretStr("")
    stripe_webhook_secret_before: SecretStr = SecretStr("")
    """The secret before a rotation, taken beside the present one while both are set."""

    # Signing in.
    token_days: Annotated[int, Field(ge=1, le=3650)] = 365
    """A token made on the command line, kept by a person in their editor's settings."""
    ticket_seconds: Seconds = 60
    """A browser's socket address carries a ticket that works once and not for long."""

    # What one client may cost us.
    connections_per_person: Positive = 6
    connections_max: Positive = 5_000
    requests_per_second: Positive = 20
    requests_burst: Positive = 60
    anonymous_requests_per_second: Positive = 5
    """From one address, without a token or with a wrong one."""
    anonymous_requests_burst: Positive = 20
    sign_in_seconds: Seconds = 5
    http_head_seconds: Seconds = 10
    http_body_bytes: Positive = 256 * 1024
    graceful_stop_seconds: Annotated[int, Field(ge=1, le=60)] = 4

    @property
    def database(self) -> str:
        """The database's address, with the embedded default filled in."""
        return self.database_url or f"sqlite:///{self.data_folder / 'codementor.sqlite3'}"

    @property
    def address(self) -> str:
        """Where clients reach this server."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.public_url or f"http://{host}:{self.port}"


def contradictions(settings: Settings) -> list[tuple[str, str]]:
    """Settings that are each well formed and wrong together: the name to change, and the sentence saying why."""
    return [
        (name, problem)
        for name, problem in (
            *_serving(settings),
            *_timing(settings),
            *_paying(settings),
        )
        if problem
    ]


def is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _serving(settings: Settings) -> list[tuple[str, str]]:
    url = urlsplit(settings.public_url)
    exposed = not is_loopback(settings.host) and not settings.behind_proxy
    plain = url.scheme == "http" and not is_loopback(url.hostname or "")
    malformed = bool(settings.public_url) and (
        url.scheme not in ("http", "https") or url.path not in ("", "/") or "@" in url.netloc
    )
    return [
        (
            "host",
            f"{settings.host} is reachable from other machines without TLS; "
            "put a TLS proxy in front and set behind_proxy, or use 127.0.0.1"
            if exposed
            else "",
        ),
        ("public_url", "must be https:// off this machine" if plain else ""),
        (
            "public_url",
            "must be like https://mentor.example.org, without path or user" if malformed else "",
        ),
        (
            "allowed_origins",
            "'*' would let any page act for a signed-in person; list the pages"
            if "*" in settings.allowed_origins
            else "",
        ),
        (
            "clock_factor",
            "only a demonstration may run its clock faster; set demo or use 1"
            if settings.clock_factor != 1 and not settings.demo
            else "",
        ),
    ]


def _timing(settings: Settings) -> list[tuple[str, str]]:
    return [
        _below(settings, "heartbeat_seconds", "silent_seconds"),
        _below(settings, "silent_seconds", "link_lost_pause_seconds"),
        _below(settings, "idle_pause_seconds", "idle_end_seconds"),
        _below(settings, "offer_window_seconds", "ask_expires_seconds"),
    ]


def _paying(settings: Settings) -> list[tuple[str, str]]:
    key = settings.stripe_secret_key.get_secret_value()
    signing = settings.stripe_webhook_secret.get_secret_value()
    stripe = settings.payment_service == "stripe"
    faults = [
        (
            "currency",
            f"{settings.currency!r} is not one of {', '.join(CURRENCIES)}"
            if settings.currency not in CURRENCIES
            else "",
        )
    ]
    if not stripe:
        stray = key.startswith(("sk_live_", "rk_live_"))
        faults.append(
            (
                "stripe_secret_key",
                "a live key, but payment_service is demo; set payment_service to stripe"
                if stray
                else "",
            )
        )
        return faults
    live = key.startswith(("sk_live_", "rk_live_"))
    known = key.startswith(("sk_test_", "rk_test_")) or live
    faults.append(("stripe_secret_key", "" if known else "must be a secret key (sk_… or rk_…)"))
    faults.append(
        (
            "stripe_webhook_secret",
            ""
            if signing.startswith("whsec_")
            else "must be the endpoint's signing secret, whsec_…",
        )
    )
    local = is_loopback(urlsplit(settings.address).hostname or "")
    faults.append(
        (
            "public_url",
            "a live Stripe key needs the public https address of this server"
            if live and local
            else "",
        )
    )
    faults.append(
        ("demo", "a live Stripe key has no place in a demo" if live and settings.demo else "")
    )
    return faults


def _below(settings: Settings, lower: str, upper: str) -> tuple[str, str]:
    low, high = _number(settings, lower), _number(settings, upper)
    return lower, (f"{low} must be below {upper}, which is {high}" if low >= high else "")


def _number(settings: Settings, name: str) -> int:
    value: Any = getattr(settings, name)
    assert isinstance(value, int)
    return value
