"""Compare the ledger with the payment provider's statement; every difference and its cause. Exits with 4 on any."""

import argparse
import asyncio
from contextlib import nullcontext
from typing import TYPE_CHECKING

from cm_server.cli import floor
from cm_server.cli.arguments import Parser
from cm_server.cli.exits import Exit, Stopped

if TYPE_CHECKING:
    from cm_server.billing.reconcile import Reconciled
    from cm_server.settings import Settings


def add_arguments(parser: Parser) -> None:
    """There is nothing to choose."""
    del parser


def run(arguments: argparse.Namespace) -> int:
    chosen = floor.settings(arguments)
    embedded = chosen.payment_service == "demo"
    # The stand-in's books are a file that its server keeps in memory; Stripe's can be read at any time.
    with floor.folder_alone(chosen) if embedded else nullcontext():
        found = asyncio.run(_reconcile(chosen))
    for difference in found.differences:
        print(f"differs  {difference}")
    for problem in found.ledger_problems:
        print(f"broken   {problem}")
    for waiting in found.waiting:
        print(f"waits    {waiting}")
    verdict = "Both books agree" if found.is_clean else "The books differ"
    print(f"{verdict}: {found.lines} lines of the provider's statement, {found.booked} booked now.")
    return Exit.DONE if found.is_clean else Exit.FAULTS_FOUND


async def _reconcile(chosen: "Settings") -> "Reconciled":
    from cm_server import app
    from cm_server.billing import reconcile
    from cm_server.billing.gateway import GatewayRefused, GatewayUnavailable
    from cm_server.clock import SystemClock

    floor.check_shape(chosen)
    built = app.build(chosen, SystemClock())
    try:
        return await reconcile.reconcile(built.assembly.works.desk.till)
    except (GatewayUnavailable, GatewayRefused) as error:
        raise Stopped(
            f"The payment provider did not answer: {error}", "again later", Exit.CANNOT_REACH
        ) from error
    finally:
        await built.database.close()
        await built.payments.gateway.close()
