"""Recompute a receipt from the log inside it, offline, and say where it breaks."""

import argparse
from pathlib import Path

from cm_server.cli.arguments import Parser
from cm_server.cli.exits import Exit, Stopped


def add_arguments(parser: Parser) -> None:
    parser.add_argument("receipt", metavar="RECEIPT.json", help="a receipt as exported; - reads it")


def run(arguments: argparse.Namespace) -> int:
    from cm_server.billing import receipt_check, receipt_text

    document, findings = receipt_check.check(_raw(arguments.receipt))
    if document is not None and not findings:
        print(receipt_text.text(document), end="")
        print(f"Holds: {len(document.log)} log entries give exactly this bill.")
        return Exit.DONE
    for finding in findings:
        print(f"broken  {finding}")
    return Exit.FAULTS_FOUND


def _raw(name: str) -> bytes:
    import sys

    if name == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise Stopped(f"{name} cannot be read: {error.strerror}.", "another RECEIPT.json") from None
