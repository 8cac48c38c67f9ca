"""Write the ledger as a Beancount file, or a session's receipt as JSON."""

import argparse
import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from cm_server.cli import floor
from cm_server.cli.arguments import Parser
from cm_server.cli.exits import Exit, Stopped

if TYPE_CHECKING:
    from cm_server.settings import Settings


def add_arguments(parser: Parser) -> None:
    parser.add_argument("--receipt", type=int, metavar="NUMBER", help="this receipt as JSON")
    parser.add_argument("--out", metavar="FILE", help="write there; default: standard output")


def run(arguments: argparse.Namespace) -> int:
    text = asyncio.run(_text(floor.settings(arguments), arguments.receipt))
    if arguments.out is None:
        sys.stdout.write(text)
        return Exit.DONE
    try:
        Path(arguments.out).write_text(text, encoding="utf-8")
    except OSError as error:
        raise Stopped(
            f"{arguments.out} cannot be written: {error.strerror}.", "another --out FILE"
        ) from None
    return Exit.DONE


async def _text(chosen: "Settings", receipt: int | None) -> str:
    from cm_server.billing import export_beancount, ledger, receipt_document, receipts

    async with floor.database(chosen) as database:
        if receipt is None:
            postings = await database.read(ledger.postings)
            return export_beancount.text(postings, await database.read(ledger.balances))
        document = await database.read(lambda s: receipts.by_number(s, receipt))
    if document is None:
        raise Stopped(f"There is no receipt {receipt}.", "cm-server export --receipt 1")
    return receipt_document.encoded(document) + "\n"
