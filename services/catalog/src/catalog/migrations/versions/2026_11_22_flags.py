"""Flags on images."""

from alembic import op

revision = "2026_11_22_flags"
down_revision = "2026_11_21_catalog"

FLAG = """
create table catalog.flag (
    flag_id bigint generated always as identity primary key,
    dataset text not null,
    image_id bigint not null references catalog.image_key on delete cascade,
    kind text not null check (kind in ('unreadable', 'wrong_side', 'wrong_roi', 'note')),
    note text,
    author text not null,
    author_name text not null,
    created_at timestamptz not null default now()
)
"""

OF_IMAGE = "create index on catalog.flag (image_id)"
OF_DATASET = "create index on catalog.flag (dataset, kind)"
# A person says a thing of an image once; notes are free.
ONCE = """
create unique index flag_once on catalog.flag (image_id, author, kind) where kind <> 'note'
"""


def upgrade() -> None:
    """Create the table."""
    for statement in (FLAG, OF_IMAGE, OF_DATASET, ONCE):
        op.execute(statement)


def downgrade() -> None:
    """Drop it."""
    op.execute("drop table catalog.flag")
