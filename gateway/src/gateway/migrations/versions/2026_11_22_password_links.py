"""One-time links by which a person sets a password; an account may wait for its first one."""

from alembic import op

revision = "2026_11_22_password_links"
down_revision = "2026_11_21_people"

LINK = """
create table gateway.password_link (
    digest bytea primary key,
    person_id uuid not null references gateway.person on delete cascade,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null
)
"""


def upgrade() -> None:
    """Create the table. The former release takes a missing password for a wrong one."""
    op.execute("alter table gateway.person alter password_hash drop not null")
    op.execute(LINK)
    op.execute("create index password_link_person on gateway.password_link (person_id)")
    op.execute("create index audit_object on gateway.audit (object, audit_id)")


def downgrade() -> None:
    """Drop it; who had no password yet gets one that nobody knows."""
    op.execute("drop index gateway.audit_object")
    op.execute("drop table gateway.password_link")
    op.execute("update gateway.person set password_hash = '!' where password_hash is null")
    op.execute("alter table gateway.person alter password_hash set not null")
