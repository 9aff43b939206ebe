"""Whose artifacts are kept although they are old, and whose have been let go."""

from alembic import op

revision = "20261122_retention"
down_revision = "20261122_webhooks"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table trainer.job add column keep boolean not null default false")
    op.execute("alter table trainer.job add column expired_at timestamptz")
    op.execute("create index job_outdated on trainer.job (finished_at)"
               " where finished_at is not null and expired_at is null and not keep")  # fmt: skip


def downgrade() -> None:
    for column in ("expired_at", "keep"):
        op.execute(f"alter table trainer.job drop column {column}")
