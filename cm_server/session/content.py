"""SQL of the document: its log of updates, its snapshots, whose the Yjs client ids are.

Each row of content carries its SHA-256. Rows are written once; the only ones ever deleted are those below the snapshot
before the last, which is kept so that one damaged snapshot loses nothing.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Table, func
from sqlmodel import Session, SQLModel, col, delete, select

from cm_server.session.model import SnapshotRow, UpdateRow, YjsClientRow
from cm_wire.ids import PersonId, SessionId

UPDATES: Final[Table] = SQLModel.metadata.tables[UpdateRow.__tablename__]
CLIENTS: Final[Table] = SQLModel.metadata.tables[YjsClientRow.__tablename__]


class ContentDamaged(Exception):  # noqa: N818 - reads as what happened
    """What the disk gave back is not what was written; nothing of it is served."""


class WrittenByOther(Exception):  # noqa: N818 - reads as what happened
    """Another process has written under the same number: this one no longer owns the session."""


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """`snapshot` is the document as of `snapshot_number`; `updates` are what came after it, in order."""

    snapshot: bytes
    snapshot_number: int
    updates: list[tuple[int, bytes]]
    clients: dict[int, PersonId]

    @property
    def contents(self) -> list[bytes]:
        return [update for _, update in self.updates]

    @property
    def last_number(self) -> int:
        return self.updates[-1][0] if self.updates else self.snapshot_number


def update_row(session_id: SessionId, number: int, content: bytes) -> Mapping[str, Any]:
    """The row for `Database.append`."""
    return {
        "session_id": session_id,
        "number": number,
        "content": content,
        "sha256": hashlib.sha256(content).digest(),
    }


def client_row(session_id: SessionId, client_id: int, person: PersonId) -> Mapping[str, Any]:
    return {"session_id": session_id, "client_id": client_id, "person": person}


def add_update(session: Session, session_id: SessionId, number: int, content: bytes) -> None:
    """Write one update inside a transaction that writes more than that."""
    session.add(UpdateRow(**update_row(session_id, number, content)))
    session.flush()


def put_missing(
    session: Session, clients: Sequence[Mapping[str, Any]], updates: Sequence[Mapping[str, Any]]
) -> None:
    """Write rows of which some may be in already, from a commit whose answer was lost. Raises `WrittenByOther`."""
    for row in clients:
        known = session.get(YjsClientRow, (row["session_id"], row["client_id"]))
        if known is None:
            session.add(YjsClientRow(**row))
        elif known.person != row["person"]:
            raise WrittenByOther(f"Yjs client {row['client_id']} has become somebody else's.")
    for row in updates:
        written = session.get(UpdateRow, (row["session_id"], row["number"]))
        if written is None:
            session.add(UpdateRow(**row))
        elif written.sha256 != row["sha256"]:
            raise WrittenByOther(f"Update {row['number']} has been written by another process.")
    session.flush()


def add_snapshot(session: Session, session_id: SessionId, number: int, content: bytes) -> None:
    """Keep the document as of update `number`, and drop what the snapshot before makes superfluous."""
    of_session = col(SnapshotRow.session_id) == session_id
    before = session.exec(
        select(SnapshotRow.number).where(of_session).order_by(col(SnapshotRow.number).desc())
    ).first()
    if before is not None:
        session.exec(delete(SnapshotRow).where(of_session, col(SnapshotRow.number) < before))
        session.exec(
            delete(UpdateRow).where(
                col(UpdateRow.session_id) == session_id, col(UpdateRow.number) <= before
            )
        )
    digest = hashlib.sha256(content).digest()
    session.add(SnapshotRow(session_id=session_id, number=number, content=content, sha256=digest))
    session.flush()


def load(session: Session, session_id: SessionId) -> StoredDocument:
    """The newest snapshot that is as it was written, and the updates behind it; raises `ContentDamaged`."""
    snapshot, snapshot_number = _snapshot(session, session_id)
    updates = after(session, session_id, snapshot_number)
    owners = session.exec(select(YjsClientRow).where(col(YjsClientRow.session_id) == session_id))
    return StoredDocument(
        snapshot=snapshot,
        snapshot_number=snapshot_number,
        updates=updates,
        clients={owner.client_id: PersonId(owner.person) for owner in owners},
    )


def size_after(session: Session, session_id: SessionId, number: int) -> int:
    """The bytes of the updates behind `number`."""
    size = func.coalesce(func.sum(func.length(col(UpdateRow.content))), 0)
    of_session = (col(UpdateRow.session_id) == session_id, col(UpdateRow.number) > number)
    return int(session.exec(select(size).where(*of_session)).one())


def after(session: Session, session_id: SessionId, number: int) -> list[tuple[int, bytes]]:
    """The updates behind `number` that are still there, each with its own, in order; raises `ContentDamaged`."""
    rows = session.exec(
        select(UpdateRow.number, UpdateRow.content, UpdateRow.sha256)
        .where(col(UpdateRow.session_id) == session_id, col(UpdateRow.number) > number)
        .order_by(col(UpdateRow.number))
    ).all()
    for one, content, digest in rows:
        if hashlib.sha256(content).digest() != digest:
            raise ContentDamaged(f"Update {one} of session {session_id} has been changed.")
    return [(one, content) for one, content, _ in rows]


def _snapshot(session: Session, session_id: SessionId) -> tuple[bytes, int]:
    rows = session.exec(
        select(SnapshotRow)
        .where(col(SnapshotRow.session_id) == session_id)
        .order_by(col(SnapshotRow.number).desc())
    ).all()
    for row in rows:
        if hashlib.sha256(row.content).digest() == row.sha256:
            return row.content, row.number
    if rows:
        raise ContentDamaged(f"Every snapshot of session {session_id} has been changed.")
    return b"", 0
