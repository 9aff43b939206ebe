"""Whom to tell that a job has ended, and what came of it."""

from alembic import op

revision = "20261122_webhooks"
down_revision = "20261122_models"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table trainer.job add column webhook jsonb")
    op.execute("create index job_webhooks on trainer.job (finished_at)"
               " where webhook->>'state' = 'pending'")  # fmt: skip


def downgrade() -> None:
    op.execute("alter table trainer.job drop column webhook")
