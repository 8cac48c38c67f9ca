"""Coverage-guided fuzzing of the check's reader and rules, on top of the mutants.

    pip install atheris
    python -m tests.fuzz.fuzz_admission -max_total_time=3600

atheris is not among the locked dependencies: it has no wheels for every platform we build on.
What it looks for: an exception that is not an outcome, and a refusal that leaves a trace.
"""

import sys

import atheris  # type: ignore[import-not-found, import-untyped, unused-ignore]

with atheris.instrument_imports(include=["cm_wire"]):
    from cm_wire.yjs import awareness, state_vector, sync_frames
    from cm_wire.yjs.admission import AdmissionState
    from cm_wire.yjs.varint import MalformedError
    from cm_wire.yjs.verdict import Admitted

from tests.support.constructed_updates import CONTENTS, WRITER
from tests.support.guarded_document import participant, replica, seeded_update

START = seeded_update(CONTENTS)
SENDER = participant(WRITER)


def offer(encoded: bytes) -> None:
    _offer(encoded, is_answer=False)
    _offer(encoded, is_answer=True)
    for read in (sync_frames.decode, state_vector.decode, awareness.decode):
        try:
            read(encoded)
        except MalformedError:
            continue


def _offer(encoded: bytes, *, is_answer: bool) -> None:
    state = AdmissionState.from_trusted_update(START)
    outcome = state.admit(encoded, SENDER, is_answer=is_answer)
    if isinstance(outcome, Admitted):
        replica(2, START, outcome.update)
    else:
        assert state.state_vector() == AdmissionState.from_trusted_update(START).state_vector()


if __name__ == "__main__":
    atheris.Setup(sys.argv, offer)
    atheris.Fuzz()
