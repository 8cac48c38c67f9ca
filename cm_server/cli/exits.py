"""What a command's exit code means, and how it says that it failed."""

from enum import IntEnum


class Exit(IntEnum):
    DONE = 0
    FAILED = 1
    USAGE = 2
    CONFIGURATION = 3
    FAULTS_FOUND = 4
    CANNOT_REACH = 5
    INTERRUPTED = 130
    PIPE_CLOSED = 141


class Stopped(Exception):  # noqa: N818 - reads as what happened
    """Ends a command: what is wrong, what to try, and the exit code."""

    def __init__(self, message: str, attempt: str = "", code: Exit = Exit.FAILED) -> None:
        super().__init__(message)
        self.attempt = attempt
        self.code = code
