"""Checks a receipt with nothing but the receipt: on any machine, offline, naming where a changed one breaks.

Owns: that check. Does not own: the recomputation (`receipt_document`). A guess that would be wrong: it proves who wrote the
receipt. It proves that log, minutes and money fit each other; compare the digest with the server's to know it is the one
that was issued.
"""

from dataclasses import dataclass
from typing import Any, Final

import msgspec

from cm_server.billing import receipt_document
from cm_server.billing.receipt_document import Bill, Document
from cm_server.meter.minutes import FactsContradict
from cm_server.session import events

DOCUMENT_BYTES_MAX: Final = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Finding:
    """`where` names the member, as a path; `problem` says what it holds and what the log gives."""

    where: str
    problem: str

    def __str__(self) -> str:
        return f"{self.where}: {self.problem}"


def check(raw: bytes) -> tuple[Document | None, list[Finding]]:
    """The receipt if it can be read at all, and every place at which it does not hold; none: it is sound."""
    if len(raw) > DOCUMENT_BYTES_MAX:
        return None, [Finding("receipt", f"larger than {DOCUMENT_BYTES_MAX} bytes")]
    try:
        document = msgspec.json.decode(raw, type=Document)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        return None, [Finding("receipt", f"cannot be read: {error}")]
    if document.format != receipt_document.FORMAT:
        return document, [Finding("format", f"{document.format!r} is not one this program knows")]
    log_findings = _check_log(document)
    findings = log_findings or _check_bill(document)
    if receipt_document.digest_of(document) != document.digest:
        findings.append(
            Finding("digest", "does not fit the receipt: it was changed after it was issued")
        )
    return document, findings


def _check_log(document: Document) -> list[Finding]:
    log = receipt_document.recorded(document)
    broken = events.broken_at(log)
    if broken is not None:
        return [Finding(f"log entry {broken.number}", broken.problem)]
    last = log[-1].hash if log else ""
    if last != document.log_hash:
        return [
            Finding("log_hash", "is not the seal of the last entry: entries were cut off or added")
        ]
    return []


def _check_bill(document: Document) -> list[Finding]:
    try:
        bill = receipt_document.bill_of(receipt_document.recorded(document))
    except (FactsContradict, msgspec.ValidationError, ValueError) as error:
        return [Finding("log", f"no bill follows from it: {error}")]
    findings = _differences(document.bill, bill)
    if bill.payable < document.charged:
        findings.append(
            Finding(
                "charged", f"{document.charged} is more than the {bill.payable} that the log gives"
            )
        )
    return findings


def _differences(stated: Bill, computed: Bill) -> list[Finding]:
    findings: list[Finding] = []
    for name in Bill.__struct_fields__:
        said, true = getattr(stated, name), getattr(computed, name)
        if said != true:
            findings.append(_difference(name, said, true))
    return findings


def _difference(name: str, said: Any, true: Any) -> Finding:
    if isinstance(said, tuple) and isinstance(true, tuple):
        for index, (one, other) in enumerate(zip(said, true, strict=False), start=1):
            if one != other:
                return Finding(f"bill.{name}[{index}]", f"says {one}, the log gives {other}")
        return Finding(f"bill.{name}", f"has {len(said)} entries, the log gives {len(true)}")
    return Finding(f"bill.{name}", f"says {said}, the log gives {true}")
