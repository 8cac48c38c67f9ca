"""What each fact of money books: from a fact to a ledger journal, and nothing else.

Owns: the debit and credit of every fact. Does not own: when it happens (`effects`, `payouts`, `refunds`). Keys come from
the call or event, so a fact told twice is booked once. The cause of what moved money at the provider is the provider's own
reference: by it `reconcile` finds the line of the statement.
"""

from cm_server.billing import accounts
from cm_server.billing.accounts import PaymentId
from cm_server.billing.ledger import Journal, Leg, Resolve
from cm_wire.ids import PersonId
from cm_wire.money import Money


def held(key: str, payment: PaymentId, amount: Money) -> Journal:
    currency = amount.currency
    leg = Leg(accounts.held(currency), accounts.limit(currency), amount.minor, "pending")
    return Journal(key, "held", payment, key, (leg,))


def hold_ended(hold_key: str, payment: PaymentId, cause: str) -> Journal:
    return Journal(f"{hold_key}:over", "hold-ended", payment, cause, (Resolve(hold_key),))


def captured(key: str, payment: PaymentId, hold_key: str, amount: Money, cause: str) -> Journal:
    """The reservation is used for what is captured; the rest of it returns to the card."""
    legs = (Resolve(hold_key, amount.minor), _into_escrow(payment, amount))
    return Journal(key, "captured", payment, cause, legs)


def charged(key: str, payment: PaymentId, amount: Money, cause: str) -> Journal:
    return Journal(key, "charged", payment, cause, (_into_escrow(payment, amount),))


def fee(source: str, payment: str, currency: str, minor: int) -> Journal:
    """What the provider kept for the charge or dispute `source`; a negative one was given back."""
    kept, ours = accounts.fees(currency), accounts.gateway(currency)
    leg = Leg(kept, ours, minor) if minor > 0 else Leg(ours, kept, -minor)
    return Journal(f"fee:{source}", "fee", payment, source, (leg,))


def owed(key: str, payment: PaymentId, learner: PersonId, amount: Money) -> Journal:
    """The charge was declined: a debt, and nobody's income."""
    currency = amount.currency
    leg = Leg(
        accounts.learner_debt(learner, currency), accounts.uncollected(currency), amount.minor
    )
    return Journal(f"{key}:owed", "owed", payment, key, (leg,))


def debt_withdrawn(key: str, payment: PaymentId, learner: PersonId, amount: Money) -> Journal:
    """It is being charged anew under `key`; refused again, it comes back as that charge's debt."""
    currency = amount.currency
    leg = Leg(
        accounts.uncollected(currency), accounts.learner_debt(learner, currency), amount.minor
    )
    return Journal(f"{key}:withdrawn", "debt-withdrawn", payment, key, (leg,))


def released(
    key: str,
    payment: PaymentId,
    mentor: PersonId,
    share: Money,
    set_off_minor: int,
    commission: Money,
) -> Journal:
    """Escrow becomes the mentor's and ours; `set_off_minor` of the mentor's share pays back what they owe."""
    currency = share.currency
    source = accounts.escrow(payment, currency)
    targets = (
        (accounts.mentor_payable(mentor, currency), share.minor - set_off_minor),
        (accounts.mentor_receivable(mentor, currency), set_off_minor),
        (accounts.revenue(currency), commission.minor),
    )
    legs = tuple(Leg(source, target, minor) for target, minor in targets if minor)
    return Journal(key, "released", payment, key, legs)


def paid_out(key: str, payment: PaymentId, mentor: PersonId, amount: Money, cause: str) -> Journal:
    currency = amount.currency
    leg = Leg(accounts.mentor_payable(mentor, currency), accounts.gateway(currency), amount.minor)
    return Journal(key, "paid-out", payment, cause, (leg,))


def refund_reserved(key: str, payment: PaymentId, amount: Money) -> Journal:
    """Inside the window the money leaves escrow: nobody else has had it yet."""
    currency = amount.currency
    source = accounts.escrow(payment, currency)
    leg = Leg(source, accounts.refunds_pending(currency), amount.minor)
    return Journal(key, "refund-reserved", payment, key, (leg,))


def refund_reserved_after_release(
    key: str, payment: PaymentId, mentor: PersonId, share: Money, commission: Money
) -> Journal:
    """The mentor owes their part of it, and we give back our commission on it."""
    currency = share.currency
    pending = accounts.refunds_pending(currency)
    sources = (
        (accounts.mentor_receivable(mentor, currency), share.minor),
        (accounts.revenue(currency), commission.minor),
    )
    legs = tuple(Leg(source, pending, minor) for source, minor in sources if minor)
    return Journal(key, "refund-reserved", payment, key, legs)


def refunded(key: str, payment: PaymentId, amount: Money, cause: str) -> Journal:
    currency = amount.currency
    leg = Leg(accounts.refunds_pending(currency), accounts.gateway(currency), amount.minor)
    return Journal(key, "refunded", payment, cause, (leg,))


def refund_failed(
    key: str, payment: PaymentId, amount: Money, cause: str, *, paid: bool, released: bool
) -> Journal:
    """Back where it came from; after release it stays promised, for it is the learner's and a case decides how."""
    currency = amount.currency
    pending = accounts.refunds_pending(currency)
    legs: list[Leg | Resolve] = []
    if paid:
        legs.append(Leg(accounts.gateway(currency), pending, amount.minor))
    if not released:
        legs.append(Leg(pending, accounts.escrow(payment, currency), amount.minor))
    return Journal(f"{key}:failed", "refund-failed", payment, cause, tuple(legs))


def refund_paid_otherwise(key: str, payment: PaymentId, amount: Money) -> Journal:
    """From our own bank, past the provider."""
    currency = amount.currency
    leg = Leg(accounts.refunds_pending(currency), accounts.bank(currency), amount.minor)
    return Journal(f"{key}:otherwise", "refund-paid-otherwise", payment, key, (leg,))


def refund_withdrawn(key: str, payment: PaymentId, amount: Money) -> Journal:
    """The shares were taken back for it and nobody gets it: it stands against what we lose."""
    currency = amount.currency
    leg = Leg(accounts.refunds_pending(currency), accounts.losses(currency), amount.minor)
    return Journal(f"{key}:withdrawn", "refund-withdrawn", payment, key, (leg,))


def debt_written_off(payment: PaymentId, learner: PersonId, amount: Money) -> Journal:
    """Nobody expects it any more. It was nobody's income, so it is nobody's loss."""
    currency = amount.currency
    leg = Leg(
        accounts.uncollected(currency), accounts.learner_debt(learner, currency), amount.minor
    )
    key = debt_written_off_key(payment)
    return Journal(key, "debt-written-off", payment, key, (leg,))


def debt_written_off_key(payment: PaymentId) -> str:
    return f"{payment}:written-off"


def reversed_transfer(
    key: str, payment: PaymentId, mentor: PersonId, amount: Money, cause: str
) -> Journal:
    currency = amount.currency
    leg = Leg(
        accounts.gateway(currency), accounts.mentor_receivable(mentor, currency), amount.minor
    )
    return Journal(key, "reversed", payment, cause, (leg,))


def dispute_opened(ref: str, payment: PaymentId, amount: Money) -> Journal:
    currency = amount.currency
    leg = Leg(accounts.disputes(currency), accounts.gateway(currency), amount.minor)
    return Journal(f"dispute:{ref}:opened", "dispute-opened", payment, ref, (leg,))


def dispute_won(ref: str, payment: PaymentId, amount: Money) -> Journal:
    currency = amount.currency
    leg = Leg(accounts.gateway(currency), accounts.disputes(currency), amount.minor)
    return Journal(f"dispute:{ref}:closed", "dispute-won", payment, ref, (leg,))


def dispute_lost(ref: str, payment: PaymentId, amount: Money) -> Journal:
    """The platform bears it; taking it from the mentor is a person's decision."""
    currency = amount.currency
    leg = Leg(accounts.losses(currency), accounts.disputes(currency), amount.minor)
    return Journal(f"dispute:{ref}:closed", "dispute-lost", payment, ref, (leg,))


def bank_payout(ref: str, currency: str, minor: int) -> Journal:
    """Our own money going from the provider to our bank; negative when it came back."""
    there, here = accounts.bank(currency), accounts.gateway(currency)
    leg = Leg(there, here, minor) if minor > 0 else Leg(here, there, -minor)
    return Journal(f"payout:{ref}", "bank-payout", "", ref, (leg,))


def _into_escrow(payment: PaymentId, amount: Money) -> Leg:
    currency = amount.currency
    return Leg(accounts.gateway(currency), accounts.escrow(payment, currency), amount.minor)
