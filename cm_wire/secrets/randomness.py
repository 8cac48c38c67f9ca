"""What tells a secret from a word: pure questions about one value.

A made secret changes between lower case, upper case and digits every two or three characters; names and words of code do so
every four or more, and hold few digits. The length of these stretches separates the two better than Shannon's entropy
does on the 16 to 40 characters a token has.
"""

import math
import re
from typing import Final

RANDOM_LENGTH_MIN: Final = 16
_STRETCH: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
_STRETCH_MEAN_MAX: Final = 3.1
_ONE_CASE_MEAN_MAX: Final = 5.0
_WORD: Final = re.compile(r"[A-Z]?[a-z]{3,}")
_WORDS_SHARE_MAX: Final = 0.5
_SEPARATOR: Final = re.compile(r"[-_./:]")
_BITS_PER_CHARACTER_MIN: Final = 2.8
_TOKEN: Final = re.compile(r"[A-Za-z0-9+/=_.~:%!@#$^&*?-]+")
_ONE_CASE: Final = re.compile(
    r"[A-Z2-7]+={0,6}|(?=.{0,60}[a-fA-F])(?:[0-9a-f-]{32,}|[0-9A-F-]{32,})"
)
"""Base32 and hexadecimal: fewer classes of characters to change between."""

_PLACEHOLDER: Final = re.compile(
    r"example|sample|dummy|placeholder|change[-_ ]?me|replace|redacted|your[-_ ]?|insert|xxxx|\*\*\*|\.\.\.|…|"
    r"^<.*>$|^\[.*\]$|\$\{|\$\(|\{\{|^\{.*\}$|#\{|%\(|%[sdr]$|^%\w+%$|^\$[A-Za-z_]\w*$|^\$\w+\$$|⟨secret:"
)
_WORDS_OF_DOCUMENTATION: Final = frozenset(
    {
        *("password", "passwd", "pass", "pwd", "pw", "secret", "token", "user", "username", "name"),
        *(
            "none",
            "null",
            "nil",
            "true",
            "false",
            "undefined",
            "string",
            "str",
            "test",
            "foo",
            "bar",
        ),
        *("baz", "foobar", "abc", "abcdef", "qwerty", "admin", "hidden", "required", "optional"),
        *("empty", "default", "unknown", "123456", "12345678", "mypassword", "mysecret", "mytoken"),
    }
)
_NAME: Final = re.compile(r"[A-Za-z_$]+(?:[-_./:\\ ][A-Za-z_$]+)*")
_NAMED: Final = re.compile(r"passw|passphrase|secret|token|credential|apikey|api_key")


def is_placeholder(value: str) -> bool:
    """Whether a value only shows where a secret would go."""
    lowered = value.lower()
    return (
        lowered in _WORDS_OF_DOCUMENTATION
        or len(set(value)) < 3
        or _PLACEHOLDER.search(lowered) is not None
    )


def looks_random(value: str) -> bool:
    """Whether a machine made it: a token, key or hash, also where it stands in another's name."""
    if len(value) < RANDOM_LENGTH_MIN or not _TOKEN.fullmatch(value) or "://" in value:
        return False
    if not any(map(str.isdigit, value)) or is_placeholder(value):
        return False
    lengths = [len(stretch) for stretch in _STRETCH.findall(value)]
    mean = sum(lengths) / len(lengths)
    if _ONE_CASE.fullmatch(value):
        return mean <= _ONE_CASE_MEAN_MAX
    if _SEPARATOR.search(value) and _in_words(value) > sum(lengths) * _WORDS_SHARE_MAX:
        return False
    return mean <= _STRETCH_MEAN_MAX and _bits_per_character(value) >= _BITS_PER_CHARACTER_MIN


def looks_chosen(value: str) -> bool:
    """Whether it may be a password that a person or a password manager made: no word, no name, no sentence."""
    if len(value) < 6 or len(value) > 128 or any(map(str.isspace, value)):
        return False
    if is_placeholder(value) or _NAME.fullmatch(value) or _NAMED.search(value.lower()):
        return False
    has_letter = any(map(str.isalpha, value))
    has_digit = any(map(str.isdigit, value))
    return has_letter and has_digit and not _is_code(value)


_CODE: Final = re.compile(
    r"[(\[{<>;|\\]|^[./~#&@]|^--|^0[xX][0-9a-fA-F]+$|::|://|->|=>|==|^\w+\.\w+\.\w|\.(?:js|ts|py|go|json|ya?ml|html?|css|txt|pem|key|h|c|png|svg|md)$"
)


def _is_code(value: str) -> bool:
    """Paths, selectors, calls and numbers with a unit are not passwords."""
    return _CODE.search(value) is not None


def _in_words(value: str) -> int:
    return sum(map(len, _WORD.findall(value)))


def _bits_per_character(value: str) -> float:
    total = len(value)
    return -sum(
        share * math.log2(share) for share in (value.count(one) / total for one in set(value))
    )
