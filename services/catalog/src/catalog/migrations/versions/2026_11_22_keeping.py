"""On what basis a lab keeps a copy of a restricted dataset; which backups hold datasets."""

from alembic import op

revision = "2026_11_22_keeping"
down_revision = "2026_11_22_rules"

BASIS = """
alter table catalog.dataset
    add column basis text,
    add column basis_by text,
    add column basis_at timestamptz
"""

BACKUP = """
create table catalog.backup (
    place text primary key,
    written_at timestamptz not null default now(),
    datasets text[] not null
)
"""


def upgrade() -> None:
    """Add the columns and the table."""
    op.execute(BASIS)
    op.execute(BACKUP)


def downgrade() -> None:
    """Drop them."""
    op.execute("drop table catalog.backup")
    op.execute(
        "alter table catalog.dataset drop column basis, drop column basis_by, drop column basis_at"
    )
