"""Money: what a session costs, who owes it, and the calls that move it.

Owns: rating, the ledger, the outbox and inbox of the payment provider, refunds, payouts, receipts.
Does not own: when a session runs (the session and the meter decide that), people, or offers.
One would guess that anything here may talk to Stripe; only `stripe_gateway` does, everything else
speaks to the `gateway.PaymentGateway` it is given.
"""
