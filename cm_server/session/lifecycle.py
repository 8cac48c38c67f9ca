"""What the two people, and the server, may do with a session: check, move the state, write the event. One
transaction of the caller's, or nothing.

Owns: who may do what when, and bounds of what they say. Does not own: what follows (meter, money, telling people), nor
the document. Every function takes the caller's database session, refuses by raising `faults.Refused`, and returns how
the session stands afterwards.
"""

from dataclasses import dataclass, replace
from typing import Final

import msgspec
from sqlmodel import Session

from cm_server.session import events, states, store
from cm_server.session.events import Moment
from cm_server.session.model import RatingRow
from cm_server.session.standing import Standing, member_role
from cm_wire import faults, limits
from cm_wire.ids import AskId, PersonId, SessionId
from cm_wire.money import Money
from cm_wire.session import MODES, ChatLine, Mode, PausedWhy, Role

ESTIMATE_MINUTES_MAX: Final = limits.CAP_MINUTES_MAX


@dataclass(frozen=True, slots=True)
class Opening:
    """What a session starts from. The mode is `propose` unless the learner has said otherwise: a stranger's hands."""

    session_id: SessionId
    ask_id: AskId
    learner: PersonId
    learner_name: str
    mentor: PersonId
    mentor_name: str
    price_per_quarter: Money
    cap_minutes: int
    question: str = ""
    mode: Mode = "propose"


@dataclass(frozen=True, slots=True)
class Rating:
    """`solved` is `None` when it was not said."""

    stars: int
    solved: bool | None = None
    comment: str = ""


def open_session(session: Session, opening: Opening, at: Moment) -> Standing:
    """Begin the free part."""
    standing = Standing(
        session_id=opening.session_id,
        ask_id=opening.ask_id,
        learner=opening.learner,
        learner_name=opening.learner_name,
        mentor=opening.mentor,
        mentor_name=opening.mentor_name,
        state="triage",
        mode=opening.mode,
        price_per_quarter=opening.price_per_quarter,
        cap_minutes=opening.cap_minutes,
        question=opening.question,
        opened_at_ms=at.at_ms,
    )
    store.add(session, standing)
    terms = {
        "ask": opening.ask_id,
        "learner": opening.learner,
        "mentor": opening.mentor,
        "price_per_quarter": opening.price_per_quarter,
        "cap_minutes": opening.cap_minutes,
        "mode": opening.mode,
    }
    _record(session, standing, "opened", terms, at)
    return standing


def of_member(session: Session, session_id: SessionId, person: PersonId) -> tuple[Standing, Role]:
    """The session and the person's role in it; `no-such-session` for everybody else."""
    standing = store.find(session, session_id)
    role = member_role(standing, person, session_id)
    assert standing is not None
    return standing, role


def diagnose(
    session: Session, session_id: SessionId, person: PersonId, text: str, minutes: int, at: Moment
) -> Standing:
    """The mentor says what is wrong and how long it takes; may be said again, better."""
    standing = _as_role(session, session_id, person, "mentor", "diagnose")
    line = _one_line(text, "diagnosis", limits.DIAGNOSIS_CHARACTERS_MAX)
    _within(minutes, 1, ESTIMATE_MINUTES_MAX, "minutes")
    said = {"text": line, "minutes": minutes}
    return _move(
        session, standing, "diagnosed", said, at, person, diagnosis=line, estimate_minutes=minutes
    )


def go_live(session: Session, session_id: SessionId, person: PersonId, at: Moment) -> Standing:
    """The learner's go: only after a diagnosis, so that nobody pays for what was not said."""
    standing = _as_role(session, session_id, person, "learner", "start the meter")
    if standing.state == "triage" and not standing.diagnosis:
        raise faults.refusal(
            "wrong-state",
            "The mentor has not said yet what is wrong and how long it takes.",
            "Wait for the diagnosis: this part is free.",
        )
    return _move(session, standing, "went-live", {}, at, person)


def pause(
    session: Session,
    session_id: SessionId,
    why: PausedWhy,
    at: Moment,
    by: PersonId = events.SERVER,
) -> Standing:
    """Either person, or the server for a reason of its own."""
    standing = _for(session, session_id, by)
    return _move(session, standing, "paused", {"why": why}, at, by, paused_why=why)


def resume(
    session: Session, session_id: SessionId, at: Moment, by: PersonId = events.SERVER
) -> Standing:
    """When the last reason is gone; the meter says when that is."""
    standing = _for(session, session_id, by)
    return _move(session, standing, "resumed", {}, at, by, paused_why="")


def extend_cap(
    session: Session, session_id: SessionId, person: PersonId, minutes: int, at: Moment
) -> Standing:
    """`minutes` come on top. Call it in the transaction that records the money as held."""
    standing = _as_role(session, session_id, person, "learner", "extend the cap")
    _within(minutes, 1, limits.CAP_MINUTES_MAX - standing.cap_minutes, "minutes")
    cap = standing.cap_minutes + minutes
    return _move(
        session, standing, "cap-extended", {"cap_minutes": cap}, at, person, cap_minutes=cap
    )


def set_mode(
    session: Session, session_id: SessionId, person: PersonId, mode: Mode, at: Moment
) -> Standing:
    """Only the learner, at any moment. Tell the room afterwards: it is what refuses edits."""
    standing = _as_role(session, session_id, person, "learner", "change the mode")
    if mode not in MODES:
        raise faults.refusal("bad-value", f"A mode is one of {', '.join(MODES)}.", field="mode")
    return _move(session, standing, "mode-set", {"mode": mode}, at, person, mode=mode)


def end(
    session: Session,
    session_id: SessionId,
    why: states.EndedWhy,
    at: Moment,
    by: PersonId = events.SERVER,
) -> Standing:
    """Nothing is shared or counted after this. Ending what has ended is refused with `session-over`."""
    standing = _for(session, session_id, by)
    return _move(
        session,
        standing,
        "ended",
        {"why": why},
        at,
        by,
        ended_why=why,
        ended_at_ms=at.at_ms,
        paused_why="",
    )


def close(session: Session, session_id: SessionId, at: Moment) -> Standing:
    """Settled and rated, or past rating."""
    return _move(session, _for(session, session_id, events.SERVER), "closed", {}, at)


def rate(
    session: Session, session_id: SessionId, person: PersonId, rating: Rating, at: Moment
) -> Standing:
    """Once for each of the two, after the end."""
    standing, _ = of_member(session, session_id, person)
    _within(rating.stars, 1, 5, "stars")
    _bounded(rating.comment, "comment", limits.COMMENT_CHARACTERS_MAX)
    if person in standing.rated_by:
        raise faults.refusal("wrong-state", "You have rated this session already.")
    # The event says that it happened, not how many stars: the log is shown to both before ratings are.
    moved = _move(session, standing, "rated", {}, at, person)
    store.add_rating(
        session,
        RatingRow(
            session_id=session_id,
            author=person,
            about=standing.other(person),
            stars=rating.stars,
            solved=rating.solved,
            comment=rating.comment,
            at_ms=at.at_ms,
        ),
    )
    return replace(moved, rated_by=moved.rated_by | {person})


def say(
    session: Session, session_id: SessionId, person: PersonId, text: str, at: Moment
) -> ChatLine:
    """Keep a line of chat. Chat is not in the event log: it may have to be forgotten, the log never is."""
    standing, _ = of_member(session, session_id, person)
    if standing.state not in states.OPEN:
        raise faults.refusal("session-over", "This session has ended.", "Ask again to go on.")
    said = _bounded(text.strip(), "text", limits.CHAT_CHARACTERS_MAX)
    if not said:
        raise faults.refusal("bad-value", "There is nothing in this line.", field="text")
    if said.count("\n") >= limits.CHAT_LINES_MAX:
        raise faults.refusal(
            "too-large",
            "That is too many lines for a chat.",
            "Share a file instead.",
            field="text",
            limit=limits.CHAT_LINES_MAX,
        )
    number = store.add_chat(session, session_id, person, said, at.at_ms)
    return ChatLine(
        session_id=session_id, number=number, author=person, text=said, at=events.utc_text(at)
    )


def pause_after_restart(session: Session, at: Moment) -> list[Standing]:
    """Pause what was running when the last process ended: of the gap nothing is proved."""
    return [
        pause(session, standing.session_id, "server-restarted", at)
        for standing in store.open_sessions(session)
        if standing.state == "live"
    ]


def note_event(
    session: Session,
    standing: Standing,
    event: states.Event,
    payload: dict[str, object],
    at: Moment,
    by: PersonId = events.SERVER,
) -> None:
    """Write an event that only says something (a file shared, texts that differed), if the state allows it."""
    states.after(standing.state, event)
    _record(session, standing, event, payload, at, by)


def _move(
    session: Session,
    standing: Standing,
    event: states.Event,
    payload: dict[str, object],
    at: Moment,
    by: PersonId = events.SERVER,
    **changes: object,
) -> Standing:
    state = states.after(standing.state, event)
    moved: Standing = replace(standing, state=state, **changes)  # type: ignore[arg-type] # names are literal above
    store.put(session, moved)
    _record(session, moved, event, payload, at, by)
    return moved


def _record(
    session: Session,
    standing: Standing,
    event: states.Event,
    payload: dict[str, object],
    at: Moment,
    by: PersonId = events.SERVER,
) -> None:
    encoded = msgspec.json.encode(payload)
    events.append(session, standing.session_id, event, encoded, at=at, by=by)


def _for(session: Session, session_id: SessionId, by: PersonId) -> Standing:
    """The session for a person of it, or for the server."""
    if by != events.SERVER:
        return of_member(session, session_id, by)[0]
    standing = store.find(session, session_id)
    if standing is None:
        raise faults.refusal("no-such-session", f"There is no session {session_id}.")
    return standing


def _as_role(
    session: Session, session_id: SessionId, person: PersonId, needed: Role, doing: str
) -> Standing:
    standing, role = of_member(session, session_id, person)
    if role != needed:
        raise faults.refusal("not-allowed", f"Only the {needed} may {doing}.")
    return standing


def _within(value: int, lowest: int, highest: int, name: str) -> None:
    if not lowest <= value <= highest:
        raise faults.refusal(
            "bad-value",
            f"{name} must be a whole number from {lowest} to {highest}.",
            field=name,
            limit=highest,
            got=value,
        )


def _bounded(text: str, name: str, characters_max: int) -> str:
    if len(text) > characters_max:
        raise faults.refusal(
            "too-large",
            f"The {name} is longer than {characters_max} characters.",
            "Make it shorter.",
            field=name,
            limit=characters_max,
            got=len(text),
        )
    return text


def _one_line(text: str, name: str, characters_max: int) -> str:
    line = " ".join(_bounded(text, name, characters_max).split())
    if not line:
        raise faults.refusal("bad-value", f"The {name} is empty.", field=name)
    return line
