"""The sizes and rates both sides hold each other to. Each refusal names the number from here."""

from typing import Final

CONTROL_FRAME_BYTES_MAX: Final = 256 * 1024
SYNC_FRAME_BYTES_MAX: Final = 256 * 1024
FIRST_SYNC_BYTES_MAX: Final = 16 * 1024 * 1024
"""Server to client only: the whole document on joining."""
JSON_DEPTH_MAX: Final = 32

SELECTION_LINES_MAX: Final = 500
SELECTION_BYTES_MAX: Final = 64 * 1024
SURROUNDINGS_BYTES_MAX: Final = 128 * 1024
QUESTION_CHARACTERS_MAX: Final = 1_000
DIAGNOSTICS_MAX: Final = 50
DIAGNOSTIC_CHARACTERS_MAX: Final = 1_000
LIBRARIES_MAX: Final = 100
NOT_SECRETS_BYTES_MAX: Final = 8 * 1024
"""What of an ask looks like a secret and is none by its learner's word, all together."""
SECRET_SCAN_MS_MAX: Final = 200
"""CPU time; past it a text is not sent, for nothing is known about it."""

FILE_BYTES_MAX: Final = 1024 * 1024
FILE_GROWN_BYTES_MAX: Final = 2 * 1024 * 1024
"""What a shared file may grow to by typing: room for as much again as the largest one that can be shared."""

FILE_LINES_MAX: Final = 20_000
LINE_CHARACTERS_MAX: Final = 10_000
FILES_MAX: Final = 20
SESSION_BYTES_MAX: Final = 8 * 1024 * 1024
PATH_CHARACTERS_MAX: Final = 240

HUNKS_MAX: Final = 200
PROPOSAL_BYTES_MAX: Final = 64 * 1024
"""Of one file: what its hunks put in and take out together."""

LOOK_UP_CHARACTERS_MAX: Final = 8_000
LOOK_UP_PLACES_MAX: Final = 20

CHAT_CHARACTERS_MAX: Final = 2_000
CHAT_LINES_MAX: Final = 20
NOTE_CHARACTERS_MAX: Final = 500
DIAGNOSIS_CHARACTERS_MAX: Final = 500
COMMENT_CHARACTERS_MAX: Final = 2_000
NAME_CHARACTERS_MAX: Final = 40
REASON_CHARACTERS_MAX: Final = 500

CAP_MINUTES_MAX: Final = 240
PRICE_IN_MINIMUM_CHARGES_MIN: Final = 2
PRICE_IN_MINIMUM_CHARGES_MAX: Final = 1_000
"""Of 15 minutes, in what a card takes at least: a dollar to 500 dollars, and about as much in every currency."""

CONTROL_MESSAGES_PER_SECOND: Final = 20
CONTROL_MESSAGES_BURST: Final = 60
UPDATES_PER_SECOND: Final = 60
UPDATES_BURST: Final = 300
CURSORS_PER_SECOND: Final = 20

OUTGOING_FRAMES_MAX: Final = 256
OUTGOING_BYTES_MAX: Final = 1024 * 1024
"""A reader slower than this is disconnected and resyncs; nothing is buffered without bound."""
