"""Saved queries."""

from alembic import op

revision = "2026_11_22_queries"
down_revision = "2026_11_22_cohorts"

QUERY = """
create table catalog.saved_query (
    query_id uuid primary key default gen_random_uuid(),
    name text not null,
    dataset text not null references catalog.dataset on delete cascade,
    filter jsonb not null,
    sort text,
    shared boolean not null,
    owner text not null,
    owner_name text not null,
    created_at timestamptz not null default now(),
    changed_at timestamptz not null default now(),
    constraint saved_query_name unique (owner, dataset, name)
)
"""


def upgrade() -> None:
    """Create the table."""
    op.execute(QUERY)


def downgrade() -> None:
    """Drop it."""
    op.execute("drop table catalog.saved_query")
