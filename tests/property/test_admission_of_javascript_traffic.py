"""What people with the JavaScript Yjs send: not one refusal, and the server's text is theirs.

Concurrent edits with delays, offline times, undo and redo, characters of two units, pastes, deletes across what others
wrote, with and without garbage collection. CM_SOAK_RUNS sets how many edits each seed tries.
"""

import base64
import json
import os
from collections import Counter
from collections.abc import Callable

import pytest

from cm_wire.yjs.verdict import Admitted, Replayed
from tests.support import javascript
from tests.support.guarded_document import GuardedDocument, participant

STEPS = int(os.environ.get("CM_SOAK_RUNS", "4000"))
CONTENTS = {"a.py": "hello 😀 wörld\r\n" * 3, "b.py": ""}


@pytest.mark.timeout(300 + STEPS // 20)
@pytest.mark.parametrize("writers", [2, 3, 5])
@pytest.mark.parametrize("seed", range(4))
def test_javascript_writers_are_never_refused(
    seed: int, writers: int, record_property: Callable[[str, object], None]
) -> None:
    guarded = GuardedDocument(CONTENTS)
    start = base64.b64encode(guarded.start)
    traffic = javascript.output_of(
        "traffic.mjs", seed, writers, STEPS, given=start, patience_seconds=60 + STEPS / 100
    )
    *lines, texts, _ = traffic.split("\n")
    seen = Counter[str]()
    for number, line in enumerate(lines):
        client, is_answer, update = json.loads(line)
        outcome = guarded.receive(
            base64.b64decode(update), participant(client), is_answer=is_answer
        )
        seen[type(outcome).__name__] += 1
        assert isinstance(outcome, Admitted | Replayed), f"update {number}: {outcome}"
        assert outcome.withheld == (), f"update {number}: {outcome.withheld} are unknown"
    assert guarded.contents == json.loads(texts)
    guarded.assert_replicas_agree()
    assert seen["Admitted"] > STEPS // 8, "too little traffic to show anything"
    record_property("updates of JavaScript writers", len(lines))
