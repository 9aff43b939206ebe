"""How busy a worker's host is."""

from alembic import op

revision = "20261122_usage"
down_revision = "20261122_turns"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table trainer.worker add column usage jsonb not null default '{}'")


def downgrade() -> None:
    op.execute("alter table trainer.worker drop column usage")
