"""Secrets that only a name gives away: `password = "…"`, `API_KEY=…`, `Authorization: Bearer …`.

A word such as `password` in a name is looked for, then the value the name is given, in the ways of some thirty
languages and formats; what the value looks like decides. Passwords may be anything that is no word or code; of every
other name only what a machine made counts, or ordinary code would be full of secrets.
"""

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Final

from cm_wire.secrets import randomness
from cm_wire.secrets.finding import Finding

_PASSWORD_WORDS: Final = ("passw", "passphrase", "pwd", "_pass", "pass=", "pass:", "identified by")
_TOKEN_WORDS: Final = (
    "secret", "token", "apikey", "api_key", "api-key", "access_key", "accesskey", "access-key", "auth_key",
    "authkey", "private_key", "privatekey", "private-key", "encryption_key", "encryptionkey", "encryption-key",
    "signing_key", "signingkey", "signing-key", "account_key", "accountkey", "account-key", "master_key",
    "masterkey", "master-key", "credential", "_auth", "x-auth",
)  # fmt: skip
_PUBLIC: Final = re.compile(r"(?i)public[-_]?key|publishable|checksum|cancel|site[-_]?key")

_REST_OF_NAME: Final = r"[\w$.-]{0,60}+(?:\(\))?"
_GIVEN: Final = re.compile(
    _REST_OF_NAME + r"(?P<quote>[\"'`\])]{0,3})"
    r"(?:"
    # {"name": "x_token", "value": "…"}, and the like in YAML and XML
    r"\s{0,20},?\s{0,20}[\"']?[vV]alue[\"']?\s{0,4}[:=]"
    # get; set; } and a type between the name and its value
    r"|\s{0,4}\{[ \w;]{0,20}\}\s{0,4}="
    r"|[ \t]{0,4}:[ \t]{0,4}[&'*\w][\w'.<>\[\]| *&]{0,40}=(?![=>])"
    r"|\[\]\s{0,4}="
    r"|[ \t]{0,20}+(?P<sign>:=|=>|->|\|\||\?\?|[=:,>])(?![=>])"
    r"|(?=[ \t])"
    r")[ \t]{0,20}+(?:[rbuf@$L](?=[\"'`]))?"
    r"(?:\"(?P<double>[^\"\n]{6,256})\"|'(?P<single>[^'\n]{6,256})'|`(?P<tick>[^`\n]{6,256})`"
    r"|(?P<bare>[^\s\"'`,;<>(){}\[\]]{6,256}))"
)
_LATER_QUOTED: Final = re.compile(r"[^\n\"'`]{0,60}?[\"'](?P<double>[^\"'\n\\]{6,256})[\"']")
_BEARER: Final = re.compile(
    r"(?:bearer|token|apikey)\s{1,4}(?P<value>[A-Za-z0-9_.~+/=-]{16,2000})", re.IGNORECASE
)
_BASIC: Final = re.compile(r"basic\s{1,4}(?P<value>[A-Za-z0-9+/]{8,400}={0,2})", re.IGNORECASE)
_ENVIRONMENT_LINE: Final = re.compile(
    r"[ \t]{0,40}(?:export |set |env |arg |- |//)?[\s\"']{0,4}[\w.:/$-]{1,120}(?:=|:[ \t]{1,4})\Z",
    re.IGNORECASE,
)
_NETRC: Final = re.compile(
    r"(?:^|[ \t])passw(?:or)?d[ \t]+(?P<value>\S{6,128})[ \t]*$", re.MULTILINE
)
_IDENTIFIER: Final = re.compile(r"[A-Za-z_$][\w$]*(?:\.[\w$]+)*")
_LINE_CHARACTERS_MAX: Final = 200
"""How far back the beginning of a line is looked for."""


def find(text: str) -> Iterator[Finding]:
    """Every value whose name or header says that it is secret; findings may overlap."""
    lowered = _lowered(text)
    for word in _PASSWORD_WORDS:
        for at in _places(lowered, word):
            yield from _given(text, at, at + len(word), "password")
    for word in _TOKEN_WORDS:
        for at in _places(lowered, word):
            yield from _given(text, at, at + len(word), "token")
    yield from _headers(text, lowered)
    if "machine " in lowered:
        for match in _NETRC.finditer(text):
            follows_login = (
                "login" in text[max(0, match.start() - _LINE_CHARACTERS_MAX) : match.start()]
            )
            if follows_login and randomness.looks_chosen(match["value"]):
                yield Finding("password", match.start("value"), match.end("value"))


def _given(text: str, at: int, end: int, kind: str) -> Iterator[Finding]:
    match = _GIVEN.match(text, end)
    if match is None:
        return
    group = next(name for name in ("double", "single", "tick", "bare") if match[name] is not None)
    start, stop = match.span(group)
    if group == "bare":
        stop = start + len(match["bare"].rstrip("&|:\\" if kind == "password" else ".&|:\\"))
    value = text[start:stop]
    if randomness.looks_random(value):
        if kind == "password" or not _PUBLIC.search(text, max(0, at - 40), start):
            yield Finding(kind, start, stop)
    elif kind == "password" and _is_password(text, at, match, (start, stop)):
        yield Finding(kind, start, stop)
    elif group == "bare":
        yield from _later(text, end, stop, kind)


def _later(text: str, end: int, stop: int, kind: str) -> Iterator[Finding]:
    """`token = os.environ.get(NAME, "…")`: the first text in quotes after a name that is given an expression."""
    later = _LATER_QUOTED.match(text, end)
    if later is None or later.start("double") < stop - 1:
        return
    if randomness.looks_random(later["double"]):
        yield Finding(kind, later.start("double"), later.end("double"))


def _is_password(text: str, at: int, match: re.Match[str], span: tuple[int, int]) -> bool:
    value = text[slice(*span)]
    if not randomness.looks_chosen(value):
        return False
    if match["sign"] == "," and not match["quote"]:
        return False  # the next argument of a call, not what this one is given
    return (
        match["bare"] is None or not _IDENTIFIER.fullmatch(value) or _is_no_variable(text, at, span)
    )


def _is_no_variable(text: str, at: int, span: tuple[int, int]) -> bool:
    """Where a bare word is a value: alone on a line behind its name, in a flag, an element, a connection string."""
    start, end = span
    if text.startswith("</", end):
        return True
    name = max(text.rfind(sign, max(0, at - 60), at) for sign in " \t\n;\"'") + 1
    if text[start - 1] == "=" and text.startswith("--", name):
        return True
    if (
        text[start - 1] == "="
        and text[name - 1 : name] == ";"
        and text[end : end + 1] in {";", '"', "'"}
    ):
        return True
    begin = text.rfind("\n", max(0, at - _LINE_CHARACTERS_MAX), at) + 1
    is_last = text[end : end + 200].partition("\n")[0].strip() in {"", '"', "'"}
    return is_last and _ENVIRONMENT_LINE.fullmatch(text, begin, start) is not None


def _headers(text: str, lowered: str) -> Iterator[Finding]:
    for mark, pattern in (("bearer", _BEARER), ("token", _BEARER), ("apikey", _BEARER)):
        for at in _places(lowered, mark):
            match = pattern.match(text, at)
            if match and randomness.looks_random(match["value"]):
                yield Finding("token", match.start("value"), match.end("value"))
    for at in _places(lowered, "basic"):
        match = _BASIC.match(text, at)
        if match and _is_name_and_password(match["value"]):
            yield Finding("password", match.start("value"), match.end("value"))


def _is_name_and_password(value: str) -> bool:
    try:
        decoded = base64.b64decode(value, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return False
    return ":" in decoded and decoded.isprintable()


def _places(lowered: str, word: str) -> Iterator[int]:
    at = lowered.find(word)
    while at >= 0:
        yield at
        at = lowered.find(word, at + len(word))


def _lowered(text: str) -> str:
    """In lower case, with every character where it was: one capital of Turkish would become two."""
    return text.replace("\u0130", "i").lower()
