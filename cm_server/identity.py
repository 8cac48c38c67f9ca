"""Makes the ids that go on the wire: 128 random bits in base 32 behind a readable prefix."""

import base64
import secrets
from collections.abc import Callable

NewId = Callable[[str], str]
"""From a prefix of two to four letters to a fresh id such as `ask_…`; passed in, so that a test can count instead."""


def random_id(prefix: str) -> str:
    return f"{prefix}_{base64.b32encode(secrets.token_bytes(16)).decode().rstrip('=').lower()}"
