"""A session's state as a plugin is told it, and in words. Pure."""

from collections.abc import Mapping

from cm_lsp import commands, lsp_ext
from cm_lsp.session import meter_view
from cm_lsp.sharing.bridge_messages import Typing
from cm_wire import limits, printable
from cm_wire.ids import FilePath
from cm_wire.session import Participant, SessionView, SharedFile


def shape(
    view: SessionView, uris: Mapping[FilePath, str], *, look_ups: bool = False
) -> lsp_ext.Session:
    """`uris`: where each file is in this editor; files it has no place for are left out."""
    me, partner = (
        (view.learner, view.mentor) if view.you == "learner" else (view.mentor, view.learner)
    )
    return lsp_ext.Session(
        session_id=view.session_id,
        state=view.state,
        you=view.you,
        me=_person(me),
        partner=_person(partner),
        mode=view.mode,
        files=tuple(
            lsp_ext.SharedFile(
                uri=uris[file.path],
                path=printable.line(file.name),
                language_id=file.language_id,
                read_only=is_read_only(view, file),
            )
            for file in view.files
            if file.path in uris
        ),
        cap_minutes=view.cap_minutes,
        price_text=meter_view.per_minute(view.price_per_quarter),
        question=printable.plain(view.question),
        diagnosis=printable.line(view.diagnosis),
        estimate_minutes=view.estimate_minutes,
        ended_why=printable.line(view.ended_why),
        rated=view.rated,
        can=possible_commands(view),
        text=text(view),
        look_ups=look_ups,
    )


def is_over(view: SessionView) -> bool:
    return view.state in {"ended", "closed"}


def typing(view: SessionView, *, read_only_file: bool) -> Typing:
    """What becomes of what this side types."""
    if is_over(view):
        return Typing.TAKEN_BACK
    if view.you == "learner":
        return Typing.SHARED
    if read_only_file or view.mode == "readOnly":
        return Typing.TAKEN_BACK
    return Typing.SHARED if view.mode == "live" else Typing.PROPOSED


def is_read_only(view: SessionView, file: SharedFile) -> bool:
    """Whether this user's typing into it is taken back."""
    return typing(view, read_only_file=file.read_only) is Typing.TAKEN_BACK


def possible_commands(view: SessionView) -> tuple[str, ...]:
    """What makes sense now, the likeliest first; the server decides."""
    after = (commands.RECEIPT, commands.PATCH, commands.NOTE)
    if is_over(view):
        rate = () if view.rated else (commands.RATE,)
        refund = (commands.REFUND,) if view.you == "learner" else ()
        return (*rate, *after, *refund)
    always = (commands.CHAT, commands.POINT, commands.FOLLOW, commands.END)
    if view.you == "mentor":
        first = {
            "triage": (commands.DIAGNOSE,),
            "live": (commands.PAUSE,),
            "paused": (commands.RESUME,),
        }
        return (*first[view.state], *always)
    mine = (
        commands.MODE,
        commands.SHARE,
        commands.UNSHARE,
        commands.LOOK_UPS,
        commands.EXTEND,
    )
    start = {
        "triage": (commands.START_METER,) if view.diagnosis else (),
        "live": (commands.PAUSE,),
        "paused": (commands.RESUME,),
    }
    return (*start[view.state], *always, *mine)


def text(view: SessionView) -> str:
    """The state in a few words."""
    partner = display_name(view.mentor if view.you == "learner" else view.learner)
    match view.state:
        case "triage":
            said = f": {printable.line(view.diagnosis)}" if view.diagnosis else ""
            return f"{partner} is looking at it, free{said}"
        case "live":
            return f"with {partner}"
        case "paused":
            return f"with {partner}, paused"
        case "ended" | "closed":
            return f"the session with {partner} is over"


def display_name(participant: Participant) -> str:
    return printable.display_name(participant.name, limits.NAME_CHARACTERS_MAX)


def _person(participant: Participant) -> lsp_ext.Person:
    return lsp_ext.Person(
        participant=participant.person,
        name=display_name(participant),
        role=participant.role,
        colour=participant.colour,
        connected=participant.connected,
    )
