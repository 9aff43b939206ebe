"""People, their sessions, tokens and agreements, and the audit log."""

from alembic import op

revision = "2026_11_21_people"
down_revision = None

PERSON = """
create table gateway.person (
    person_id uuid primary key default gen_random_uuid(),
    email text not null,
    name text not null,
    role text not null check (role in ('reader', 'researcher', 'admin')),
    password_hash text not null,
    created_at timestamptz not null default now(),
    disabled_at timestamptz
)
"""

SESSION = """
create table gateway.session (
    digest bytea primary key,
    person_id uuid not null references gateway.person on delete cascade,
    created_at timestamptz not null default now(),
    seen_at timestamptz not null default now(),
    expires_at timestamptz not null,
    address text
)
"""

API_KEYS = """
create table gateway.token (
    token_id uuid primary key default gen_random_uuid(),
    digest bytea not null unique,
    person_id uuid not null references gateway.person on delete cascade,
    name text not null,
    hint text not null,
    scopes text[] not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    used_at timestamptz,
    revoked_at timestamptz
)
"""

AGREEMENT = """
create table gateway.agreement (
    person_id uuid not null references gateway.person on delete cascade,
    dataset text not null,
    registration text not null,
    recorded_at timestamptz not null default now(),
    confirmed_at timestamptz,
    confirmed_by uuid references gateway.person,
    primary key (person_id, dataset)
)
"""

# Failures are kept by e-mail digest, known or not: a lockout must not tell who has an account.
SIGN_IN_FAILURE = """
create table gateway.sign_in_failure (
    digest bytea primary key,
    failures integer not null,
    last_at timestamptz not null default now(),
    locked_until timestamptz not null default now()
)
"""

INVITATION = """
create table gateway.invitation (
    digest bytea primary key,
    purpose text not null check (purpose in ('setup')),
    created_at timestamptz not null default now(),
    expires_at timestamptz not null
)
"""

# No foreign key to person: what somebody did outlives their account.
AUDIT = """
create table gateway.audit (
    audit_id bigint generated always as identity primary key,
    at timestamptz not null,
    person_id uuid,
    action text not null,
    object text,
    status integer not null,
    times integer not null default 1,
    bytes bigint not null default 0,
    address text,
    request_id text
)
"""

APPEND_ONLY = """
create function gateway.refuse_change() returns trigger language plpgsql as $$
begin
    if current_setting('gateway.retention', true) is distinct from 'on' then
        raise exception 'the audit log is append-only';
    end if;
    return old;
end $$
"""

INDEXES = (
    "create unique index person_email on gateway.person (lower(email))",
    "create index session_person on gateway.session (person_id)",
    "create index session_expiry on gateway.session (expires_at)",
    "create index token_person on gateway.token (person_id)",
    "create index audit_person on gateway.audit (person_id, audit_id)",
    "create index audit_action on gateway.audit (action, audit_id)",
    "create index audit_time on gateway.audit (at)",
)

TRIGGER = """
create trigger append_only before update or delete on gateway.audit
for each row execute function gateway.refuse_change()
"""

NO_TRUNCATE = """
create trigger never_truncated before truncate on gateway.audit
for each statement execute function gateway.refuse_change()
"""

TABLES = ("audit", "invitation", "sign_in_failure", "agreement", "token", "session", "person")


def upgrade() -> None:
    """Create the tables."""
    for statement in (PERSON, SESSION, API_KEYS, AGREEMENT, SIGN_IN_FAILURE, INVITATION, AUDIT):
        op.execute(statement)
    for statement in (*INDEXES, APPEND_ONLY, TRIGGER, NO_TRUNCATE):
        op.execute(statement)


def downgrade() -> None:
    """Drop the tables."""
    for table in TABLES:
        op.execute(f"drop table gateway.{table}")
    op.execute("drop function gateway.refuse_change()")
