"""When the server is told what our texts are."""

import hashlib

from pycrdt import Doc, Map, Text

from cm_lsp.session.divergence import EVERY_SECONDS, SETTLED_SECONDS, Divergence
from cm_lsp.sharing.bridge_messages import ChangeCrdt, Utf8Edit
from cm_lsp.sharing.document import SessionDocument
from cm_lsp.sharing.positions import Utf8Offset
from cm_wire.ids import FilePath, SessionId, YjsClientId
from cm_wire.to_server import Command, ReportDigest

PATH = FilePath("app.py")
US, SEED = YjsClientId(5), YjsClientId(1)


def shared(text: str) -> SessionDocument:
    doc: Doc[Map[Text]] = Doc(client_id=SEED)
    doc.get("files", type=Map)[PATH] = Text(text)
    document = SessionDocument(US, SEED)
    document.receive(doc.get_update(), others_may_edit=True, others_may_edit_protected=True)
    return document


def typed(document: SessionDocument, text: str) -> None:
    document.change(PATH, ChangeCrdt((), (Utf8Edit(Utf8Offset(0), Utf8Offset(0), text),)))


def test_texts_are_told_soon_after_the_last_change_and_again_every_few_seconds() -> None:
    told: list[Command] = []
    document = shared("one 🌴\n")
    divergence = Divergence(SessionId("ses_1"), told.append)
    divergence.tick(document, 100.0)
    assert not told
    divergence.tick(document, 100.0 + SETTLED_SECONDS)
    (first,) = told
    assert isinstance(first, ReportDigest)
    assert first.digests == {PATH: hashlib.sha256("one 🌴\n".encode()).hexdigest()}
    assert first.state_vector == document.state().hex()
    divergence.tick(document, 100.0 + EVERY_SECONDS)
    assert len(told) == 1
    divergence.tick(document, 101.0 + SETTLED_SECONDS + EVERY_SECONDS)
    assert len(told) == 2


def test_nothing_is_told_while_an_edit_is_on_its_way() -> None:
    told: list[Command] = []
    document = shared("one\n")
    typed(document, "zero\n")
    divergence = Divergence(SessionId("ses_1"), told.append)
    for second in range(30):
        divergence.tick(document, float(second))
    assert not told
    document.stored(US, 5)
    divergence.tick(document, 31.0)
    assert len(told) == 1
