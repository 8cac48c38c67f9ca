"""The share table: which files are in a session, from what text, and how they were left.

Owns: the rules for paths and texts on the way in, and the rows. Does not own the document: callers write its update
(`content.add_update`) in the same transaction. Nothing but what the learner shared is ever in here.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import func
from sqlmodel import Session, col, select

from cm_server.session import lifecycle, store
from cm_server.session.events import Moment
from cm_server.session.model import FileRow
from cm_server.session.standing import Standing
from cm_wire import faults, limits, paths
from cm_wire.ids import FilePath, PersonId, SessionId


@dataclass(frozen=True, slots=True)
class FileTexts:
    """A file's two ends. `last` is `None` while the document alone has it.

    `path` is what it is called now; the document knows it by `first_path`.
    """

    path: FilePath
    first_path: FilePath
    language_id: str
    first: str
    last: str | None


def check_text(text: str) -> None:
    """Refuse what is too large or no text: `too-large`, `not-text`."""
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise faults.refusal("not-text", "The file has half of a surrogate pair in it.") from None
    if "\0" in text:
        raise faults.refusal("not-text", "The file has a NUL in it: it is not a text file.")
    lines = text.count("\n") + 1
    longest = max(map(len, text.split("\n")))
    for got, limit, what in (
        (size, limits.FILE_BYTES_MAX, "bytes"),
        (lines, limits.FILE_LINES_MAX, "lines"),
        (longest, limits.LINE_CHARACTERS_MAX, "characters in one line"),
    ):
        if got > limit:
            raise faults.refusal(
                "too-large",
                f"The file has {got} {what}; at most {limit} can be shared.",
                "Share the part that matters as a file of its own.",
                field="text",
                limit=limit,
                got=got,
            )


def share(
    session: Session,
    session_id: SessionId,
    person: PersonId,
    file: FileTexts,
    at: Moment,
) -> Standing:
    """Put a file into the table. A path that is in it already is refused with `key-used`."""
    standing = _as_learner(session, session_id, person)
    path = paths.checked(file.path)
    check_text(file.first)
    _check_free(path, _taken(standing))
    _check_room(session, session_id, file.first, len(standing.files))
    lifecycle.note_event(
        session, standing, "file-shared", {"path": path, "sha256": _digest(file.first)}, at, person
    )
    number = session.exec(
        select(func.count()).select_from(FileRow).where(col(FileRow.session_id) == session_id)
    ).one()
    session.add(
        FileRow(
            session_id=session_id,
            number=number + 1,
            path=path,
            first_path=path,
            language_id=file.language_id[: limits.NAME_CHARACTERS_MAX],
            first_text=file.first,
            first_sha256=_digest(file.first),
        )
    )
    session.flush()
    return _now(session, session_id)


def unshare(
    session: Session,
    session_id: SessionId,
    person: PersonId,
    path: FilePath,
    last_text: str,
    at: Moment,
) -> Standing:
    """Take a file out; `last_text` is kept for the patch."""
    standing = _as_learner(session, session_id, person)
    row = _shared_row(session, session_id, path)
    lifecycle.note_event(session, standing, "file-unshared", {"path": path}, at, person)
    _leave(row, last_text)
    row.shared = False
    session.add(row)
    session.flush()
    return _now(session, session_id)


def rename(
    session: Session,
    session_id: SessionId,
    person: PersonId,
    path: FilePath,
    new_path: FilePath,
    at: Moment,
) -> Standing:
    """Change what a file is called. It keeps its first text, so the patch shows what became of it."""
    standing = _as_learner(session, session_id, person)
    row = _shared_row(session, session_id, path)
    others = frozenset(known.name for known in standing.files if known.path != path)
    _check_free(paths.checked(new_path), others)
    if paths.is_auto_run(new_path):
        raise faults.refusal(
            "bad-path",
            f"{new_path} is a file that tools run by themselves: the mentor may not have one open to write.",
            "Share it no more before it is renamed.",
            field="new_path",
        )
    lifecycle.note_event(
        session, standing, "file-renamed", {"path": path, "new_path": new_path}, at, person
    )
    row.path = new_path
    session.add(row)
    session.flush()
    return _now(session, session_id)


def keep_last_texts(session: Session, session_id: SessionId, texts: Mapping[FilePath, str]) -> None:
    """Write down how the shared files were left, once the session has ended."""
    for row in _rows(session, session_id):
        if row.shared and row.last_text is None and row.first_path in texts:
            _leave(row, texts[FilePath(row.first_path)])
            session.add(row)
    session.flush()


def all_texts(session: Session, session_id: SessionId) -> list[FileTexts]:
    """Every file that was ever shared, in the order of sharing."""
    return [
        FileTexts(
            FilePath(row.path),
            FilePath(row.first_path),
            row.language_id,
            row.first_text,
            row.last_text,
        )
        for row in _rows(session, session_id)
    ]


def _as_learner(session: Session, session_id: SessionId, person: PersonId) -> Standing:
    standing, role = lifecycle.of_member(session, session_id, person)
    if role != "learner":
        raise faults.refusal("not-allowed", "Only the learner chooses what is shared.")
    return standing


def _taken(standing: Standing) -> frozenset[FilePath]:
    return frozenset(path for known in standing.files for path in (known.path, known.name))


def _check_free(path: FilePath, shared: frozenset[FilePath]) -> None:
    if path in shared:
        raise faults.refusal("key-used", f"{path} is shared already.", field="path")
    twin = paths.collides(path, shared)
    if twin is not None:
        raise faults.refusal(
            "bad-path",
            f"{path} would be the same file as {twin} on some machines.",
            "Rename one of them.",
            field="path",
        )


def _check_room(session: Session, session_id: SessionId, text: str, files: int) -> None:
    if files >= limits.FILES_MAX:
        raise faults.refusal(
            "too-many",
            f"{limits.FILES_MAX} files are shared already.",
            "Unshare one first.",
            limit=limits.FILES_MAX,
            got=files + 1,
        )
    before = sum(len(row.first_text.encode()) for row in _rows(session, session_id) if row.shared)
    size = before + len(text.encode())
    if size > limits.SESSION_BYTES_MAX:
        raise faults.refusal(
            "too-large",
            f"The shared files would come to {size} bytes; at most {limits.SESSION_BYTES_MAX} fit in a session.",
            "Unshare a file first.",
            limit=limits.SESSION_BYTES_MAX,
            got=size,
        )


def _shared_row(session: Session, session_id: SessionId, path: FilePath) -> FileRow:
    row = next(
        (row for row in _rows(session, session_id) if row.shared and row.first_path == path),
        None,
    )
    if row is None:
        raise faults.refusal("bad-path", f"{faults.shortened(path)} is not shared.", field="path")
    return row


def _rows(session: Session, session_id: SessionId) -> list[FileRow]:
    return list(
        session.exec(
            select(FileRow)
            .where(col(FileRow.session_id) == session_id)
            .order_by(col(FileRow.number))
        )
    )


def _leave(row: FileRow, text: str) -> None:
    row.last_text = text
    row.last_sha256 = _digest(text)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _now(session: Session, session_id: SessionId) -> Standing:
    standing = store.find(session, session_id)
    assert standing is not None
    return standing
