"""What looks like a secret and is none, by the learner's word: one finding at a time, seen in the preview before it is sent.

Owns the marks by which a finding is named without being told. What a reader would guess wrong: a mark names the text, not
its place, so that one who types on meanwhile cannot let another text pass.
"""

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

import msgspec

from cm_wire import faults, limits
from cm_wire.asking import AskContext
from cm_wire.secrets import refusing, scan

OFFERED_MAX: Final = 8


@dataclass(frozen=True, slots=True)
class Replaced:
    """A secret that is not sent: what it is and where, in words, and the mark to say that it is none."""

    kind: str
    where: str
    mark: str

    @property
    def title(self) -> str:
        return f"{self.kind} in {self.where}"


class Redacting:
    """Takes the secrets out of the texts of one ask but for those of `marks`; remembers which it took, which it left."""

    def __init__(self, marks: Collection[str] = ()) -> None:
        self._marks = frozenset(marks)
        self._taken: dict[str, Replaced] = {}
        self._left: dict[str, None] = {}

    def redacted(self, text: str, field: str) -> scan.Redacted:
        """Raises `faults.Refused` where the search took too long."""
        return refusing.redacted(text, field, is_kept=self._is_left)

    def without_secrets(self, text: str, where: str) -> str:
        redacted = self.redacted(text, where)
        self.took((found.kind, text[found.start : found.end], where) for found in redacted.findings)
        return redacted.text

    def took(self, secrets: Iterable[tuple[str, str, str]]) -> None:
        """Kind, text and place of each that was replaced in what is sent; of equal ones the first place is told."""
        for kind, text, where in secrets:
            mark = mark_of(text)
            self._taken.setdefault(mark, Replaced(kind, where, mark))

    @property
    def replaced(self) -> tuple[Replaced, ...]:
        return tuple(self._taken.values())

    def left(self) -> tuple[str, ...]:
        """Line by line what looked like a secret and stayed."""
        lines = (line for text in self._left for line in text.split("\n") if line.strip())
        return tuple(dict.fromkeys(lines))

    def _is_left(self, text: str) -> bool:
        is_left = bool(self._marks) and mark_of(text) in self._marks
        if is_left:
            self._left[text] = None
        return is_left


def mark_of(secret: str) -> str:
    """Says nothing of the secret to who reads an editor's log, and is the same whenever it is asked."""
    return hashlib.blake2b(secret.encode(errors="replace"), digest_size=16).hexdigest()


def titles(replaced: Iterable[Replaced]) -> dict[str, Replaced]:
    """To choose by, the first few; two of one kind in one place get a number."""
    named: dict[str, Replaced] = {}
    for one in islice(replaced, OFFERED_MAX):
        title, number = one.title, 2
        while title in named:
            title, number = f"{one.title} #{number}", number + 1
        named[title] = one
    return named


def said_in(context: AskContext, lines: Sequence[str]) -> AskContext:
    """`context` with those of `lines` that it sends; refused where a secret would go that nobody spoke of.

    That is the server's own check, so what leaves here is not refused there.
    """
    if not lines:
        return context
    texts = context.texts()
    sent = tuple(line for line in lines if any(line in text for _, text in texts))
    size = sum(len(line.encode()) for line in sent)
    if size > limits.NOT_SECRETS_BYTES_MAX:
        raise faults.refusal(
            "too-large",
            f"What you say is no secret has {size} bytes; an ask sends at most {limits.NOT_SECRETS_BYTES_MAX} of that.",
            "Leave it replaced, or select less.",
            field="notSecrets",
            limit=limits.NOT_SECRETS_BYTES_MAX,
            got=size,
        )
    for field, text in texts:
        refusing.check_text(text, field, "Leave all of them replaced.", besides=sent)
    return msgspec.structs.replace(context, not_secrets=sent)
