"""What the two see of one another's work beside the document: files shared, places pointed at, diagnostics."""

import asyncio
from typing import Final, assert_never

from cm_server.flow import meeting
from cm_server.flow.works import Works
from cm_server.session.standing import Standing
from cm_wire import asking, faults, limits
from cm_wire.ids import FilePath, PersonId
from cm_wire.secrets import refusing
from cm_wire.session import FileDiagnostics, Pointer
from cm_wire.to_client import DiagnosticsReported, Pointed
from cm_wire.to_server import (
    PointAt,
    RenameFile,
    ReportDiagnostics,
    ShareFile,
    UnshareFile,
)

_TAKE_IT_OUT: Final = (
    "Take it out and share the file again, and replace that secret: it has left your machine."
)

_REPLACE_IT: Final = "Replace that secret: it has left your machine."


async def change_files(
    works: Works, learner: PersonId, command: ShareFile | UnshareFile | RenameFile
) -> None:
    """Only the learner; in the document before it is in what both are told."""
    rooms, session_id = works.rooms, command.session_id
    match command:
        case ShareFile(path=path, language_id=language_id, text=text):
            await asyncio.to_thread(_refuse_secrets, path, text)
            standing = await rooms.share(session_id, learner, path, language_id, text)
        case UnshareFile(path=path):
            standing = await rooms.unshare(session_id, learner, path)
        case RenameFile(path=path, new_path=new_path):
            standing = await rooms.rename(session_id, learner, path, new_path)
        case _:
            assert_never(command)
    meeting.tell(works, standing)


async def point(works: Works, person: PersonId, command: PointAt) -> None:
    standing, role = await meeting.member(works, person, command.session_id)
    require_shared(standing, command.path)
    if len(command.note) > limits.NOTE_CHARACTERS_MAX:
        raise faults.refusal(
            "too-large",
            f"A note has at most {limits.NOTE_CHARACTERS_MAX} characters.",
            field="note",
            limit=limits.NOTE_CHARACTERS_MAX,
            got=len(command.note),
        )
    works.recorder.hear(command.session_id, role, active=True)
    pointer = Pointer(
        session_id=command.session_id,
        author=person,
        path=command.path,
        span=command.span,
        note=command.note,
    )
    works.desk.tell(standing.people, Pointed(pointer=pointer))


async def report_diagnostics(works: Works, person: PersonId, command: ReportDiagnostics) -> None:
    """The learner's tools on a shared file, as of now; the mentor's editor draws them."""
    standing, role = await meeting.member(works, person, command.session_id)
    if role != "learner":
        raise faults.refusal("not-allowed", "Only the learner's own diagnostics are shown.")
    require_shared(standing, command.path)
    if len(command.diagnostics) > limits.DIAGNOSTICS_MAX:
        raise faults.refusal(
            "too-many",
            f"At most {limits.DIAGNOSTICS_MAX} diagnostics of one file are shown.",
            "Send the first ones.",
            field="diagnostics",
            limit=limits.DIAGNOSTICS_MAX,
            got=len(command.diagnostics),
        )
    for diagnostic in command.diagnostics:
        size = len(diagnostic.message) + len(diagnostic.source) + len(diagnostic.code)
        if size > limits.DIAGNOSTIC_CHARACTERS_MAX:
            raise faults.refusal(
                "too-large",
                f"A diagnostic has at most {limits.DIAGNOSTIC_CHARACTERS_MAX} characters.",
                field="diagnostics",
                limit=limits.DIAGNOSTIC_CHARACTERS_MAX,
                got=size,
            )
    said = asking.lines_of(command.diagnostics)
    await asyncio.to_thread(refusing.check_text, said, "diagnostics", _REPLACE_IT)
    report = FileDiagnostics(
        session_id=command.session_id, path=command.path, diagnostics=command.diagnostics
    )
    works.live.keep_report(report)
    works.desk.tell([standing.mentor], DiagnosticsReported(report=report))


def require_shared(standing: Standing, path: FilePath) -> None:
    if standing.ended_at_ms is not None:
        raise faults.refusal("session-over", "This session has ended.", "Ask again to go on.")
    if all(file.path != path for file in standing.files):
        raise faults.refusal("bad-path", f"{faults.shortened(path)} is not shared.", field="path")


def _refuse_secrets(path: FilePath, text: str) -> None:
    """Work of up to a fifth of a second, so not for the event loop."""
    refusing.check_file_name(path, "path")
    refusing.check_text(text, "text", _TAKE_IT_OUT)
