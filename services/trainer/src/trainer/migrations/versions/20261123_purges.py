"""Purges are remembered: workers hear of them whenever they next look."""

from alembic import op

revision = "20261123_purges"
down_revision = "20261122_lighter"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        create table trainer.purge (
            dataset text primary key,
            purged_at timestamptz not null default clock_timestamp()
        )
    """)


def downgrade() -> None:
    op.execute("drop table trainer.purge")
