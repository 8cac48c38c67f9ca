"""What the user has set: the environment first, then what the editor passes on, then our defaults.

Owns every default of the editor's side and the check of each value. A wrong value is never fatal to an editor that just
opens a file: it gives the default and one warning naming the key.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal
from urllib.parse import urlsplit

import msgspec

from cm_lsp import lsp_ext
from cm_wire import limits, money
from cm_wire.money import Money

DEFAULT_SERVER_URL: Final = "http://127.0.0.1:8765"
SURROUNDING_LINES_MAX: Final = 1_000
PRICE_MAX: Final = Money(3_000, "USD")
_NOTHING_CLAIMED: Final = lsp_ext.Capabilities()
LOOPBACK_NAMES: Final = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, slots=True)
class Settings:
    """`token` is empty when nobody is signed in. It is left out of every printed form."""

    server_url: str = DEFAULT_SERVER_URL
    token: str = field(default="", repr=False)
    capabilities: lsp_ext.Capabilities = _NOTHING_CLAIMED
    surrounding_lines: int = 30
    cap_minutes: int = 30
    price_max: Money = PRICE_MAX
    spoken_languages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Read:
    """The settings, and a sentence for each value that was not taken."""

    settings: Settings
    warnings: tuple[str, ...]


def read(environment: Mapping[str, str], options: object) -> Read:
    """`options` is `initializationOptions.codementor` as it came; the environment's address and token win over it."""
    warnings: list[str] = []
    client = _client_options(options, warnings)
    defaults = Settings()
    return Read(
        Settings(
            server_url=_server_url(environment.get("CM_SERVER_URL") or client.server_url, warnings),
            token=_token(environment.get("CM_TOKEN") or client.token or "", warnings),
            capabilities=client.capabilities,
            surrounding_lines=_within(
                "surroundingLines",
                client.surrounding_lines,
                (0, SURROUNDING_LINES_MAX),
                defaults.surrounding_lines,
                warnings,
            ),
            cap_minutes=_within(
                "capMinutes",
                client.cap_minutes,
                (1, limits.CAP_MINUTES_MAX),
                defaults.cap_minutes,
                warnings,
            ),
            price_max=_price(client.max_price, defaults.price_max, warnings),
            spoken_languages=client.spoken_languages or (),
        ),
        tuple(warnings),
    )


def websocket_url(server_url: str, path: str) -> str:
    """The address of a channel: `ws` for `http`, `wss` for `https`."""
    return "ws" + server_url.removeprefix("http").rstrip("/") + path


def url_problem(url: str) -> str:
    """What is wrong with a server's address, or nothing. A token never goes over a bare network."""
    try:
        parts = urlsplit(url)
        port_is_fine = parts.port is None or parts.port > 0
    except ValueError:
        return "it is not an address"
    if parts.scheme not in {"http", "https"} or not parts.hostname or not port_is_fine:
        return "it must look like https://mentors.example.com"
    if parts.username or parts.query or parts.fragment:
        return "it must not hold a user name, a query or a fragment"
    if parts.scheme == "http" and parts.hostname not in LOOPBACK_NAMES:
        return "only https is safe for a server on another machine"
    return ""


def _client_options(options: object, warnings: list[str]) -> lsp_ext.ClientOptions:
    """Takes each member by itself, so that one wrong member does not cost the others."""
    if not isinstance(options, Mapping):
        if options is not None:
            warnings.append("initializationOptions.codementor must be an object; it is ignored.")
        return lsp_ext.ClientOptions()
    taken: dict[str, object] = {}
    for name, value in options.items():
        if name == "capabilities" and isinstance(value, Mapping):
            taken[name] = _each_valid(lsp_ext.Capabilities, value, "capabilities.", warnings)
        else:
            taken |= _each_valid(lsp_ext.ClientOptions, {name: value}, "", warnings)
    return msgspec.convert(taken, lsp_ext.ClientOptions)


def _each_valid(
    shape: type[msgspec.Struct], members: Mapping[object, object], prefix: str, warnings: list[str]
) -> dict[str, object]:
    taken: dict[str, object] = {}
    for name, value in members.items():
        try:
            msgspec.convert({name: value}, shape)
        except msgspec.ValidationError as error:
            problem = str(error).partition(" - at")[0]
            warnings.append(f"codementor.{prefix}{name} is ignored: {problem}.")
        else:
            taken[str(name)] = value
    return taken


def _server_url(url: str | None, warnings: list[str]) -> str:
    if not url:
        return DEFAULT_SERVER_URL
    problem = url_problem(url)
    if problem:
        warnings.append(f"The server's address is ignored: {problem}. Set CM_SERVER_URL.")
        return DEFAULT_SERVER_URL
    return url.rstrip("/")


def _token(token: str, warnings: list[str]) -> str:
    stripped = token.strip()
    if stripped and not (stripped.isascii() and stripped.isprintable() and " " not in stripped):
        warnings.append("The token is ignored: it has blanks or other characters no token has.")
        return ""
    return stripped


def _within(
    name: str, value: int | None, bounds: tuple[int, int], default: int, warnings: list[str]
) -> int:
    if value is None:
        return default
    low, high = bounds
    if low <= value <= high:
        return value
    warnings.append(f"codementor.{name} is ignored: it must be a whole number {low} to {high}.")
    return default


def _price(text: str | None, default: Money, warnings: list[str]) -> Money:
    if text is None:
        return default
    try:
        return money.parse(text, default.currency)
    except ValueError as error:
        warnings.append(f"codementor.maxPrice is ignored: {error}.")
        return default


def proxy_for(websocket_address: str) -> Literal[True] | None:
    """The system's proxy, but none to this machine."""
    return None if urlsplit(websocket_address).hostname in LOOPBACK_NAMES else True
