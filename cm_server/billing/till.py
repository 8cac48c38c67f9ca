"""What billing works with: the parts it is given, and the operator's few choices."""

from dataclasses import dataclass

from cm_server.billing.gateway import PaymentGateway
from cm_server.clock import Clock
from cm_server.db import Database
from cm_server.meter.rating import COMMISSION, BasisPoints


@dataclass(frozen=True, slots=True)
class Till:
    """`environment` begins every key, so that two installations at one provider never share one.

    `clock` is the real one: card holds, windows and leases do not run faster in a demonstration.
    """

    clock: Clock
    database: Database
    gateway: PaymentGateway
    environment: str = "p"
    return_url: str = "http://127.0.0.1:8765/paid"
    commission: BasisPoints = COMMISSION
    refund_window_ms: int = 72 * 3_600_000

    def now_ms(self) -> int:
        """UTC milliseconds since 1970."""
        return int(self.clock.now().timestamp() * 1000)
