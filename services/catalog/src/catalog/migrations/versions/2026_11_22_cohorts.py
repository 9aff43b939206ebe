"""Folds and evidence of members; what is left of a deleted cohort."""

from alembic import op

revision = "2026_11_22_cohorts"
down_revision = "2026_11_22_flags"

MEMBER = """
alter table catalog.cohort_member
    add column fold integer,
    add column evidence jsonb
"""

# The hash and the definition of a deleted cohort stay: jobs that were trained on it cite them.
COHORT = """
alter table catalog.cohort
    add column deleted_at timestamptz,
    add column deleted_by text
"""


def upgrade() -> None:
    """Add the columns."""
    op.execute(MEMBER)
    op.execute(COHORT)


def downgrade() -> None:
    """Drop them; cohorts without members go with them."""
    op.execute("delete from catalog.cohort where deleted_at is not null")
    op.execute("alter table catalog.cohort drop column deleted_at, drop column deleted_by")
    op.execute("alter table catalog.cohort_member drop column fold, drop column evidence")
