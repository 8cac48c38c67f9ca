"""`codementor.undoMentor`: takes back what the mentor changed, as the learner's own edit; the learner's typing stays."""

from collections.abc import Sequence

from cm_lsp.sharing.buffer import Buffer


def take_back(buffers: Sequence[Buffer], *, every: bool) -> bool:
    """The last burst of changes in whichever file it was, or all in every file; whether there was anything."""
    changed = [one for one in buffers if one.others_changed_ms is not None]
    changed.sort(key=lambda one: one.others_changed_ms or 0, reverse=True)
    if every:
        return bool([buffer for buffer in changed if buffer.take_back(every=True)])
    return any(buffer.take_back(every=False) for buffer in changed)
