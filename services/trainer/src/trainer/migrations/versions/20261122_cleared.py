"""Which succeeded jobs still have objects that only a resumed attempt would need."""

from alembic import op

revision = "20261122_cleared"
down_revision = "20261122_composed"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table trainer.job add column cleared boolean not null default false")
    op.execute("create index job_uncleared on trainer.job (finished_at)"
               " where state = 'succeeded' and not cleared")  # fmt: skip


def downgrade() -> None:
    op.execute("alter table trainer.job drop column cleared")
