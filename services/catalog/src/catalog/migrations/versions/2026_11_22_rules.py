"""By which rules a revision was made: the same files by other rules are another revision."""

from alembic import op

revision = "2026_11_22_rules"
down_revision = "2026_11_22_queries"


def upgrade() -> None:
    """Add the column; revisions from before have none and equal no other."""
    op.execute("alter table catalog.revision add column rules text")


def downgrade() -> None:
    """Drop it."""
    op.execute("alter table catalog.revision drop column rules")
