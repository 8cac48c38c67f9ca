"""Which protocol this code speaks and how far back it still understands.

A client names its version in `Hello`; the server answers with its own or refuses with `unsupported-version`.
Adding a field or a message needs no new version (unknown fields are ignored, unknown tags answered); changing the
meaning of an existing one does.
"""

from typing import Final

PROTOCOL_VERSION: Final = 1
OLDEST_SERVED_VERSION: Final = 1
