"""The meter: from who was there when to the seconds and the money they come to.

Owns: which stretches of a session count, the plan that turns them into billed seconds, the one place that rounds
(`rating`), live meters and their checkpoints. Does not own: the session's event log, holds, cards, receipts.
One would guess that something ticks up here; nothing is counted, everything is computed from recorded facts.
"""
