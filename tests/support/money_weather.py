"""The world around the money, at random: faults, webhooks again and forged, days that pass, processes that die or wake late.

Owns: these rules. Does not own: what people do (`money_sessions`, `money_moves`).
"""

import json

import pytest
import stripe
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from cm_server.billing import inbox
from cm_server.billing.gateway import WebhookRefused
from cm_server.payment_service.faults import CallFault, DeliveryFault
from tests.support.market import SECRET
from tests.support.money_stage import CRASH, DAY_SLOTS, MoneyStage


class Weather(MoneyStage):
    @rule(
        calls=st.lists(st.sampled_from(list(CallFault)), max_size=2),
        deliveries=st.lists(st.sampled_from(list(DeliveryFault)), max_size=3),
        shuffle=st.booleans(),
        early=st.booleans(),
        clock_step=st.sampled_from([0, 0, -3600, 3600]),
    )
    def weather_changes(
        self,
        calls: list[CallFault],
        deliveries: list[DeliveryFault],
        shuffle: bool,
        early: bool,
        clock_step: int,
    ) -> None:
        faults = self.service.faults
        faults.calls.clear()
        faults.calls.extend(calls)
        faults.deliveries.extend(deliveries)
        faults.shuffle, faults.early = shuffle, early
        self.market.clock.jump_wall(clock_step)

    @rule(crash=CRASH)
    def webhooks_arrive(self, crash: tuple[int, bool] | None) -> None:
        self.mortally(self.market.deliver, crash)

    @rule(where=st.floats(0, 1), late_by=st.sampled_from([0, 0, 301, -301, -86_400]))
    def webhook_comes_again(self, where: float, late_by: int) -> None:
        """Signed anew it changes nothing that stands; with a stale, a future or a foreign signature it is not believed."""
        known = [record.body for record in self.market.world.state.events]
        body = json.dumps(known[min(int(where * len(known)), len(known) - 1)])
        at = int(self.market.clock.now().timestamp()) - late_by
        sign = stripe.WebhookSignature.generate_signature_header
        if late_by:
            with pytest.raises(WebhookRefused):
                self.run(inbox.receive(self.market.till, body.encode(), sign(body, SECRET, at)))
        else:
            with pytest.raises(WebhookRefused):
                self.run(inbox.receive(self.market.till, body.encode(), sign(body, "whsec_x", at)))
            self.service.faults.calls.clear()
            self.run(inbox.receive(self.market.till, body.encode(), sign(body, SECRET, at)))

    @rule(crash=CRASH)
    def worker_runs(self, crash: tuple[int, bool] | None) -> None:
        self.mortally(self.sweep, crash)

    @rule(days=st.sampled_from([1.0, 3.01, 8.0]))
    def days_pass(self, days: float) -> None:
        """The server runs all the while, so what was lost is found before it is too old."""
        self.service.faults.calls.clear()
        self.run(self.heal())
        self.run(self.market.clock.advance(days * 86_400))
        self.run(self.market.recorder.tick())
        for session in self.live:
            session.meter.pass_in_silence(round(days * DAY_SLOTS))
        self.run(self.heal())
        self.run(self.sweep())

    @rule(seconds=st.just(0))
    def server_is_killed(self, seconds: int) -> None:
        self.restart()

    @precondition(lambda self: self.live)
    @rule()
    def process_wakes_that_lost_its_meters(self) -> None:
        """It slept, another took over, and it goes on as if nothing had been; not a second of that may count. (9)"""
        self.run(self.market.take_over_from_a_sleeper([session.id for session in self.live]))
        for session in self.live:
            session.meter.restart()
