"""first."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ask",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("learner", sa.String(), nullable=False),
        sa.Column("learner_name", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("context", sa.LargeBinary(), nullable=False),
        sa.Column("terms", sa.LargeBinary(), nullable=False),
        sa.Column("wanted_mentor", sa.String(), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("funded", sa.Boolean(), nullable=False),
        sa.Column("posted_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("ask", schema=None) as batch_op:
        batch_op.create_index("ask_by_learner", ["learner", "posted_at_ms"], unique=False)
        batch_op.create_index(batch_op.f("ix_ask_state"), ["state"], unique=False)

    op.create_table(
        "billing_case",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("payment_id", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("opened_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("decided_at_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("key"),
    )
    with op.batch_alter_table("billing_case", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_billing_case_payment_id"), ["payment_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_billing_case_state"), ["state"], unique=False)

    op.create_table(
        "billing_customer",
        sa.Column("person", sa.String(length=31), nullable=False),
        sa.Column("ref", sa.String(), nullable=False),
        sa.Column("setups", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("person"),
        sa.UniqueConstraint("ref"),
    )
    op.create_table(
        "billing_dispute",
        sa.Column("ref", sa.String(length=255), nullable=False),
        sa.Column("payment_id", sa.String(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("ref"),
    )
    with op.batch_alter_table("billing_dispute", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_billing_dispute_payment_id"), ["payment_id"], unique=False
        )

    op.create_table(
        "billing_inbox",
        sa.Column("event_id", sa.String(length=255), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("body_sha256", sa.String(length=64), nullable=False),
        sa.Column("received_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("effect", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("event_id"),
    )
    op.create_table(
        "billing_outbox",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("call_key", sa.String(length=255), nullable=False),
        sa.Column("lane", sa.String(), nullable=False),
        sa.Column("payment_id", sa.String(), nullable=False),
        sa.Column("call", sa.Text(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("stored_failures", sa.Integer(), nullable=False),
        sa.Column("due_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("leased_until_ms", sa.BigInteger(), nullable=False),
        sa.Column("first_sent_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("made_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("call_key"),
        sa.UniqueConstraint("key"),
    )
    with op.batch_alter_table("billing_outbox", schema=None) as batch_op:
        batch_op.create_index("outbox_open", ["state", "lane", "id"], unique=False)

    op.create_table(
        "billing_payee",
        sa.Column("person", sa.String(length=31), nullable=False),
        sa.Column("ref", sa.String(), nullable=False),
        sa.Column("can_receive", sa.Boolean(), nullable=False),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("person"),
        sa.UniqueConstraint("ref"),
    )
    op.create_table(
        "billing_payment",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("ask_id", sa.String(length=31), nullable=False),
        sa.Column("learner", sa.String(), nullable=False),
        sa.Column("mentor", sa.String(), nullable=False),
        sa.Column("session_id", sa.String(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("commission_basis_points", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("gross_minor", sa.BigInteger(), nullable=False),
        sa.Column("refunded_minor", sa.BigInteger(), nullable=False),
        sa.Column("opened_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("ended_at_ms", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("refunded_minor >= 0", name="payment_refunded_whole"),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("billing_payment", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_billing_payment_ask_id"), ["ask_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_billing_payment_learner"), ["learner"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_billing_payment_session_id"), ["session_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_billing_payment_state"), ["state"], unique=False)

    op.create_table(
        "engagement",
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("session_id", sa.String(), nullable=False),
        sa.Column("since_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("person"),
    )
    with op.batch_alter_table("engagement", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_engagement_session_id"), ["session_id"], unique=False)

    op.create_table(
        "ledger_account",
        sa.Column("code", sa.String(length=120), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("guard", sa.String(length=6), nullable=False),
        sa.Column("dr", sa.BigInteger(), nullable=False),
        sa.Column("cr", sa.BigInteger(), nullable=False),
        sa.Column("dr_pending", sa.BigInteger(), nullable=False),
        sa.Column("cr_pending", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("guard <> 'credit' OR cr >= dr", name="ledger_credit_guard"),
        sa.CheckConstraint("guard <> 'debit' OR dr >= cr", name="ledger_debit_guard"),
        sa.CheckConstraint("guard IN ('none', 'credit', 'debit')", name="ledger_guard_known"),
        sa.CheckConstraint("dr_pending >= 0 AND cr_pending >= 0", name="ledger_pending_whole"),
        sa.PrimaryKeyConstraint("code"),
    )
    op.create_table(
        "ledger_journal",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("payment_id", sa.String(length=64), nullable=False),
        sa.Column("cause", sa.String(length=255), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key"),
    )
    with op.batch_alter_table("ledger_journal", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_ledger_journal_payment_id"), ["payment_id"], unique=False
        )

    op.create_table(
        "meter_mark",
        sa.Column("session_id", sa.String(length=31), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("boot_id", sa.String(), nullable=False),
        sa.Column("proved_ms", sa.BigInteger(), nullable=False),
        sa.Column("proved_utc_ms", sa.BigInteger(), nullable=False),
        sa.Column("paused_by", sa.String(), nullable=False),
        sa.Column("ended", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("session_id"),
    )
    with op.batch_alter_table("meter_mark", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_meter_mark_ended"), ["ended"], unique=False)

    op.create_table(
        "offer",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("ask", sa.String(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("wave", sa.Integer(), nullable=False),
        sa.Column("mentor", sa.String(), nullable=False),
        sa.Column("learner", sa.String(), nullable=False),
        sa.Column("price_minor_per_quarter", sa.Integer(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("made_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("answer_by_ms", sa.BigInteger(), nullable=False),
        sa.Column("ended_at_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("offer", schema=None) as batch_op:
        batch_op.create_index("offer_by_ask", ["ask", "attempt"], unique=False)
        batch_op.create_index(
            "offer_open_by_mentor",
            ["mentor"],
            unique=True,
            sqlite_where=sa.text("state = 'open'"),
            postgresql_where=sa.text("state = 'open'"),
        )

    op.create_table(
        "person",
        sa.Column("id", sa.String(length=31), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("name", sa.String(length=160), nullable=False),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("email"),
    )
    op.create_table(
        "presence",
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("online", sa.Boolean(), nullable=False),
        sa.Column("lost", sa.Boolean(), nullable=False),
        sa.Column("missed_in_row", sa.Integer(), nullable=False),
        sa.Column("changed_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("person"),
    )
    with op.batch_alter_table("presence", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_presence_online"), ["online"], unique=False)

    op.create_table(
        "receipt",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("id", sa.String(length=31), nullable=False),
        sa.Column("session_id", sa.String(length=31), nullable=False),
        sa.Column("payment_id", sa.String(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("issued_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("id"),
        sa.UniqueConstraint("session_id"),
    )
    with op.batch_alter_table("receipt", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_receipt_payment_id"), ["payment_id"], unique=False)

    op.create_table(
        "session",
        sa.Column("id", sa.String(length=31), nullable=False),
        sa.Column("ask_id", sa.String(), nullable=False),
        sa.Column("learner", sa.String(), nullable=False),
        sa.Column("learner_name", sa.String(), nullable=False),
        sa.Column("mentor", sa.String(), nullable=False),
        sa.Column("mentor_name", sa.String(), nullable=False),
        sa.Column("price_minor_per_quarter", sa.Integer(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("cap_minutes", sa.Integer(), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("paused_why", sa.String(), nullable=False),
        sa.Column("diagnosis", sa.String(), nullable=False),
        sa.Column("estimate_minutes", sa.Integer(), nullable=True),
        sa.Column("ended_why", sa.String(), nullable=False),
        sa.Column("opened_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("ended_at_ms", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("cap_minutes > 0", name="cap_positive"),
        sa.CheckConstraint("learner <> mentor", name="two_people"),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("session", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_session_ask_id"), ["ask_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_session_state"), ["state"], unique=False)
        batch_op.create_index("session_by_learner", ["learner", "opened_at_ms"], unique=False)
        batch_op.create_index("session_by_mentor", ["mentor", "opened_at_ms"], unique=False)

    op.create_table(
        "session_client",
        sa.Column("session_id", sa.String(), nullable=False),
        sa.Column("client_id", sa.BigInteger(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("session_id", "client_id"),
    )
    op.create_table(
        "session_snapshot",
        sa.Column("session_id", sa.String(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("session_id", "number"),
    )
    op.create_table(
        "session_update",
        sa.Column("session_id", sa.String(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("session_id", "number"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "solved_complaint",
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("complaint", sa.String(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("person", "complaint"),
    )
    op.create_table(
        "track_record",
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("offers", sa.Integer(), nullable=False),
        sa.Column("offers_answered", sa.Integer(), nullable=False),
        sa.Column("answer_ms_recent", sa.String(), nullable=False),
        sa.Column("sessions", sa.Integer(), nullable=False),
        sa.Column("sessions_judged", sa.Integer(), nullable=False),
        sa.Column("sessions_solved", sa.Integer(), nullable=False),
        sa.Column("stars", sa.Integer(), nullable=False),
        sa.Column("ratings", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("person"),
    )
    op.create_table(
        "ask_event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ask", sa.String(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("before", sa.String(), nullable=False),
        sa.Column("after", sa.String(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["ask"],
            ["ask.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("ask_event", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ask_event_ask"), ["ask"], unique=False)

    op.create_table(
        "billing_hold",
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("payment_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("ref", sa.String(), nullable=False),
        sa.Column("card_ref", sa.String(), nullable=False),
        sa.Column("capture_before_ms", sa.BigInteger(), nullable=True),
        sa.Column("challenge_url", sa.Text(), nullable=False),
        sa.Column("to_capture_minor", sa.BigInteger(), nullable=False),
        sa.Column("captured_minor", sa.BigInteger(), nullable=False),
        sa.Column("charge_ref", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.CheckConstraint("captured_minor <= amount_minor", name="hold_covers_capture"),
        sa.ForeignKeyConstraint(
            ["payment_id"],
            ["billing_payment.id"],
        ),
        sa.PrimaryKeyConstraint("key"),
    )
    with op.batch_alter_table("billing_hold", schema=None) as batch_op:
        batch_op.create_index("hold_by_payment", ["payment_id", "number"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_billing_hold_charge_ref"), ["charge_ref"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_billing_hold_ref"), ["ref"], unique=False)

    op.create_table(
        "billing_payout",
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("payment_id", sa.String(), nullable=False),
        sa.Column("mentor", sa.String(), nullable=False),
        sa.Column("hold_key", sa.String(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("ref", sa.String(), nullable=False),
        sa.Column("reversed_minor", sa.BigInteger(), nullable=False),
        sa.Column("reversals", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.CheckConstraint("reversed_minor <= amount_minor", name="payout_covers_reversal"),
        sa.ForeignKeyConstraint(
            ["payment_id"],
            ["billing_payment.id"],
        ),
        sa.ForeignKeyConstraint(
            ["hold_key"],
            ["billing_hold.key"],
        ),
        sa.PrimaryKeyConstraint("key"),
    )
    with op.batch_alter_table("billing_payout", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_billing_payout_mentor"), ["mentor"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_billing_payout_payment_id"), ["payment_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_billing_payout_ref"), ["ref"], unique=False)

    op.create_table(
        "ledger_transfer",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("journal_id", sa.Integer(), nullable=False),
        sa.Column("debit", sa.String(), nullable=False),
        sa.Column("credit", sa.String(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("phase", sa.String(length=7), nullable=False),
        sa.Column("pending_id", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "(phase IN ('post', 'void')) = (pending_id IS NOT NULL)", name="ledger_resolves"
        ),
        sa.CheckConstraint(
            "phase IN ('single', 'pending', 'post', 'void')", name="ledger_phase_known"
        ),
        sa.CheckConstraint("amount > 0", name="ledger_amount_positive"),
        sa.CheckConstraint("debit <> credit", name="ledger_two_accounts"),
        sa.ForeignKeyConstraint(
            ["credit"],
            ["ledger_account.code"],
        ),
        sa.ForeignKeyConstraint(
            ["debit"],
            ["ledger_account.code"],
        ),
        sa.ForeignKeyConstraint(
            ["journal_id"],
            ["ledger_journal.id"],
        ),
        sa.ForeignKeyConstraint(
            ["pending_id"],
            ["ledger_transfer.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("pending_id"),
    )
    with op.batch_alter_table("ledger_transfer", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ledger_transfer_credit"), ["credit"], unique=False)
        batch_op.create_index(batch_op.f("ix_ledger_transfer_debit"), ["debit"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_ledger_transfer_journal_id"), ["journal_id"], unique=False
        )

    op.create_table(
        "mentor",
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("price_minor_per_quarter", sa.Integer(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("spoken_languages", sa.String(), nullable=False),
        sa.Column("years", sa.Integer(), nullable=False),
        sa.Column("headline", sa.String(length=160), nullable=False),
        sa.CheckConstraint("price_minor_per_quarter >= 0", name="price_not_negative"),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["person.id"],
        ),
        sa.PrimaryKeyConstraint("person_id"),
    )
    op.create_table(
        "session_chat",
        sa.Column("session_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["session.id"],
        ),
        sa.PrimaryKeyConstraint("session_id", "number"),
    )
    op.create_table(
        "session_event",
        sa.Column("session_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("boot_id", sa.String(), nullable=False),
        sa.Column("monotonic_ms", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["session.id"],
        ),
        sa.PrimaryKeyConstraint("session_id", "number"),
    )
    op.create_table(
        "session_file",
        sa.Column("session_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("first_path", sa.String(), nullable=False),
        sa.Column("language_id", sa.String(), nullable=False),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.Column("first_text", sa.Text(), nullable=False),
        sa.Column("first_sha256", sa.String(length=64), nullable=False),
        sa.Column("last_text", sa.Text(), nullable=True),
        sa.Column("last_sha256", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["session.id"],
        ),
        sa.PrimaryKeyConstraint("session_id", "number"),
    )
    op.create_table(
        "session_rating",
        sa.Column("session_id", sa.String(), nullable=False),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("about", sa.String(), nullable=False),
        sa.Column("stars", sa.Integer(), nullable=False),
        sa.Column("solved", sa.Boolean(), nullable=True),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("stars BETWEEN 1 AND 5", name="stars_range"),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["session.id"],
        ),
        sa.PrimaryKeyConstraint("session_id", "author"),
    )
    with op.batch_alter_table("session_rating", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_session_rating_about"), ["about"], unique=False)

    op.create_table(
        "token",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("single_use", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["person.id"],
        ),
        sa.PrimaryKeyConstraint("digest"),
    )
    with op.batch_alter_table("token", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_token_person_id"), ["person_id"], unique=False)

    op.create_table(
        "billing_refund",
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("payment_id", sa.String(), nullable=False),
        sa.Column("hold_key", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("ref", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.CheckConstraint("amount_minor > 0", name="refund_positive"),
        sa.ForeignKeyConstraint(
            ["hold_key"],
            ["billing_hold.key"],
        ),
        sa.ForeignKeyConstraint(
            ["payment_id"],
            ["billing_payment.id"],
        ),
        sa.PrimaryKeyConstraint("key"),
    )
    with op.batch_alter_table("billing_refund", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_billing_refund_payment_id"), ["payment_id"], unique=False
        )

    op.create_table(
        "mentor_skill",
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.CheckConstraint("level BETWEEN 1 AND 5", name="level_range"),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["mentor.person_id"],
        ),
        sa.PrimaryKeyConstraint("person_id", "name"),
    )
    with op.batch_alter_table("mentor_skill", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_mentor_skill_name"), ["name"], unique=False)
