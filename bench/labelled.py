"""What a set of asks looks like in which it is known who could answer them. Not a benchmark itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cm_server.matching.candidate import Candidate
from cm_wire.asking import AskContext
from cm_wire.ids import PersonId


@dataclass(frozen=True)
class Question:
    """`text` is for ways that compare texts. A label is how good somebody would be, 0 for useless."""

    context: AskContext
    text: str
    labels: Mapping[PersonId, int]
    labels_in_time: Mapping[PersonId, float] = field(default_factory=dict)
    """The label times the chance that they answer an offer at all; empty where nobody knows."""


@dataclass(frozen=True)
class Labelled:
    """`texts` is all that is written of each candidate: what they claim and what they solved."""

    name: str
    candidates: Sequence[Candidate]
    texts: Mapping[PersonId, str]
    questions: Sequence[Question]
