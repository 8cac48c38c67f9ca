"""Names of things on the wire: one type each, so that an ask's id cannot be passed for a session's.

Ids are made by the server from 128 random bits, written in lower-case base 32 behind a prefix of one letter group
(`ask_…`). The prefix is for people reading logs; no code takes an id apart.
"""

import re
from typing import Final, NewType

PersonId = NewType("PersonId", str)
AskId = NewType("AskId", str)
OfferId = NewType("OfferId", str)
SessionId = NewType("SessionId", str)
ReceiptId = NewType("ReceiptId", str)
ConnectionId = NewType("ConnectionId", str)

CommandId = NewType("CommandId", str)
"""Chosen by the client, echoed in the answer, and remembered: the same id again gets the same answer."""

YjsClientId = NewType("YjsClientId", int)
"""Given out by the server, one per participant and connection lineage; the author of every edit."""

FilePath = NewType("FilePath", str)
"""A shared file's name inside its session: relative, `/`-separated, checked by `paths.checked`."""

ID_PATTERN: Final = re.compile(r"[a-z]{2,4}_[a-z2-7]{26}")
ID_LENGTH_MAX: Final = 31
