"""The check every Yjs update passes before it may reach the CRDT library, at both doors.

Owns the decision: whole updates in, one outcome out, and a refusal leaves no trace. Does not own the
document: after an Admitted, apply, log and relay `Admitted.update`, which may be less than what came.
A reader would guess that refusing odd bytes is enough; well-formed updates can make replicas differ
for good, which is what `order` is for.
"""

from collections import deque
from collections.abc import Callable, Iterator, KeysView

from cm_wire.ids import YjsClientId
from cm_wire.yjs import keystroke
from cm_wire.yjs import rules as rulebook
from cm_wire.yjs import update as updates
from cm_wire.yjs.known_document import KnownDocument
from cm_wire.yjs.order import Piece, TooFarError
from cm_wire.yjs.rules import Participant, Relay, Rules
from cm_wire.yjs.structs import Block, Clock, Deletes, Update, from_clock
from cm_wire.yjs.update import TooMuchError, UnsupportedContentError
from cm_wire.yjs.varint import MalformedError
from cm_wire.yjs.verdict import (
    Admitted,
    Gap,
    MissingError,
    Outcome,
    Refusal,
    RefusalCode,
    RefusedError,
    Replayed,
)


def _nothing_is_protected(path: str) -> bool:  # noqa: ARG001, the shape of the question
    return False


class AdmissionState:
    """What the check knows of one session's document. Show it everything the document gets."""

    def __init__(self, is_protected: Callable[[str], bool] = _nothing_is_protected) -> None:
        """Begin with an empty document; `is_protected` names paths only their owner may change."""
        self._document = KnownDocument(is_protected)

    @classmethod
    def from_trusted_update(
        cls, encoded: bytes, is_protected: Callable[[str], bool] = _nothing_is_protected
    ) -> "AdmissionState":
        """Begin with the whole state of a document of ours (`doc.get_update()`)."""
        state = cls(is_protected)
        state.record_trusted(encoded)
        return state

    def record_trusted(self, encoded: bytes) -> None:
        """Take over an update of our own: the seed's, the log's, or what was typed right here.

        Trusted as to who wrote it, not as to its shape: raise MalformedError for what cannot be ours.
        """
        outcome = self._decide(encoded, rulebook.TRUSTED)
        if isinstance(outcome, Gap | Refusal):
            raise MalformedError(
                f"an update of our own does not fit its document: {outcome.reason}"
            )

    def admit(
        self, encoded: bytes, participant: Participant, *, is_answer: bool = False
    ) -> Outcome:
        """Decide about a person's update; `is_answer` marks a sync step 2.

        An answer may carry others' structs: what is known of them is dropped, the rest withheld. It is taken as far as it
        rests on what is known: after a crash two may both have text that rests on the other's.
        """
        return self._decide(encoded, rulebook.of_participant(participant, is_answer=is_answer))

    def admit_relayed(self, encoded: bytes, relay: Relay) -> Outcome:
        """Decide, in a language server, about an update or a sync step 2 of its server."""
        return self._decide(encoded, rulebook.of_relay(relay))

    def next_clock(self, client: YjsClientId) -> Clock:
        """Return the clock of the client's next struct; 0 for an id that never wrote."""
        return self._document.order.next_clock(client)

    def state_vector(self) -> dict[YjsClientId, Clock]:
        """Return the next clock of everyone who has written."""
        return self._document.order.state_vector()

    def shared_paths(self) -> KeysView[str]:
        """Return the paths of the files that are shared now: a view, which changes as they do."""
        return self._document.live_paths

    def shown_pieces(self, path: str) -> Iterator[tuple[Piece, list[tuple[Clock, Clock]]]]:
        """Walk over a file's pieces in the order of the text, each with what of it is not deleted."""
        return self._document.shown_pieces(path)

    def _decide(self, encoded: bytes, rules: Rules) -> Outcome:
        document = self._document
        typed = keystroke.read(encoded)
        if (
            typed is not None
            and rules.allows_author(typed.client)
            and document.type_on(typed, rules)
        ):
            return Admitted(encoded)
        clocks_before: dict[YjsClientId, Clock] = {}
        deletes: list[Deletes] | None = None
        try:
            update = updates.decode(encoded, rules.limits) if typed is None else typed.as_update()
            blocks, withheld = _new_blocks(update.blocks, document, rules)
            missing: set[YjsClientId] = set()
            clocks_before = {
                block.client: document.order.next_clock(block.client) for block in blocks
            }
            document.order.begin_update(rules.steps)
            blocks = _take_in_order(blocks, document, rules, missing)
            deletes = _checked_deletes(update.deletes, document, rules, missing)
        except (MalformedError, RefusedError, MissingError, TooFarError) as fault:
            return _outcome_of(fault)
        finally:
            if deletes is None:
                document.undo(clocks_before)
        document.commit(deletes)
        lacking = tuple(sorted(missing))
        if not blocks and not deletes:
            return Replayed(withheld, lacking)
        new = Update(blocks, deletes)
        return Admitted(encoded if new == update else updates.encode(new), withheld, lacking)


def _new_blocks(
    blocks: list[Block], document: KnownDocument, rules: Rules
) -> tuple[list[Block], tuple[YjsClientId, ...]]:
    """Return what is not known yet of the allowed authors, and the strangers left out."""
    new: list[Block] = []
    withheld: list[YjsClientId] = []
    for block in blocks:
        known = document.order.next_clock(block.client)
        if block.end <= known:
            continue
        if not rules.allows_author(block.client):
            if not rules.withholds_strangers:
                raise RefusedError(
                    RefusalCode.NOT_YOURS,
                    f"new structs of client {block.client}: a resend comes from their author",
                )
            withheld.append(block.client)
        elif block.clock > known:
            raise MissingError(
                block.client,
                known,
                f"client {block.client} goes on at clock {block.clock}, known up to {known}",
            )
        else:
            new.append(block if block.clock == known else _from_known(block, known))
    return new, tuple(withheld)


def _from_known(block: Block, known: Clock) -> Block:
    later = [struct for struct in block.structs if struct.clock + struct.length > known]
    later[0] = from_clock(block.client, later[0], max(known, later[0].clock))
    return Block(block.client, later)


def _take_in_order(
    blocks: list[Block], document: KnownDocument, rules: Rules, missing: set[YjsClientId]
) -> list[Block]:
    """Take all structs, each after those it rests on, whichever client's they are; return what was taken.

    All is taken, or this raises; but of an answer each block up to what rests on something unknown, whose author is put in
    `missing`.
    """
    if len(blocks) == 1:
        (block,) = blocks
        for struct in block.structs:
            lacking = document.missing_for(struct)
            if lacking is not None:
                _leave_out(_lacking(block.client, lacking, document), rules, missing)
                break
            document.take(block.client, struct, rules)
    else:
        _take_alternately(blocks, document, rules, missing)
    return blocks if not missing else _taken(blocks, document)


def _taken(blocks: list[Block], document: KnownDocument) -> list[Block]:
    cut = []
    for block in blocks:
        known = document.order.next_clock(block.client)
        structs = [struct for struct in block.structs if struct.clock < known]
        if structs:
            cut.append(Block(block.client, structs))
    return cut


def _leave_out(fault: Exception, rules: Rules, missing: set[YjsClientId]) -> None:
    if not rules.withholds_strangers or not isinstance(fault, MissingError):
        raise fault
    missing.add(fault.gap.client)


def _take_alternately(
    blocks: list[Block], document: KnownDocument, rules: Rules, missing: set[YjsClientId]
) -> None:
    waiting = {block.client: deque(block.structs) for block in blocks}
    for block in blocks:
        chain = [block.client]
        while chain:
            client = chain[-1]
            structs = waiting[client]
            lacking = document.missing_for(structs[0]) if structs else None
            if not structs:
                chain.pop()
            elif lacking is None:
                document.take(client, structs.popleft(), rules)
                # Only as far as the one that waits needs it: what comes next may rest on that one.
                if len(chain) > 1:
                    chain.pop()
            elif not waiting.get(lacking[0]) or lacking[0] in chain:
                _leave_out(_lacking(client, lacking, document), rules, missing)
                structs.clear()
            else:
                chain.append(lacking[0])


def _lacking(
    client: YjsClientId, missing: tuple[YjsClientId, Clock], document: KnownDocument
) -> Exception:
    if missing[0] == client:
        return RefusedError(
            RefusalCode.WRONG_ORDER, f"client {client} inserts next to text it has not written yet"
        )
    known = document.order.next_clock(missing[0])
    return MissingError(
        missing[0], known, f"an insert rests on clock {missing[1]} of client {missing[0]}: unknown"
    )


def _checked_deletes(
    deletes: list[Deletes], document: KnownDocument, rules: Rules, missing: set[YjsClientId]
) -> list[Deletes]:
    """The new ones; and with them in, no text is longer than it may be."""
    new = _new_deletes(deletes, document, rules, missing)
    document.check_growth(rules)
    return new


def _new_deletes(
    deletes: list[Deletes], document: KnownDocument, rules: Rules, missing: set[YjsClientId]
) -> list[Deletes]:
    if not deletes:
        return []
    for entry in deletes:
        known = document.order.next_clock(entry.client)
        clock, length = entry.ranges[-1]
        if clock + length > known:
            text = f"a delete of client {entry.client}'s text that is unknown"
            _leave_out(MissingError(entry.client, known, text), rules, missing)
    new = document.new_deletes(deletes)
    document.check_deletes(new, rules)
    return new


def _outcome_of(fault: Exception) -> Outcome:
    match fault:
        case RefusedError():
            return fault.refusal
        case MissingError():
            return fault.gap
        case UnsupportedContentError():
            return Refusal(RefusalCode.CONTENT_TYPE, str(fault))
        case TooMuchError():
            return Refusal(RefusalCode.UPDATE_TOO_LARGE, str(fault))
        case TooFarError():
            return Refusal(RefusalCode.WRONG_ORDER, "too much text between the origins of inserts")
        case _:
            return Refusal(RefusalCode.MALFORMED, str(fault))
