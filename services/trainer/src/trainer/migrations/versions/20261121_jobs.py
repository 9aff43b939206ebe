"""Jobs, their epochs and artifacts, and the workers."""

from alembic import op

revision = "20261121_jobs"
down_revision = None
branch_labels = None
depends_on = None

JOB = """
create table trainer.job (
    job_id text primary key,
    name text not null,
    experiment text not null,
    cohort_id text,
    dataset text,
    restricted boolean not null,
    owner_id text not null,
    owner jsonb not null,
    spec jsonb not null,
    spec_sha256 text not null,
    warnings jsonb not null,
    estimate jsonb not null,
    idempotency_key text,
    priority integer not null default 0,
    state text not null default 'queued'
        check (state in ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
    progress jsonb not null,
    metrics jsonb,
    reason text,
    attempts integer not null default 0,
    failures jsonb not null default '[]',
    fence bigint not null default 0,
    worker text,
    cancel_requested boolean not null default false,
    not_before timestamptz not null default now(),
    lease_expires_at timestamptz,
    created_at timestamptz not null default clock_timestamp(),
    claimed_at timestamptz,
    started_at timestamptz,
    finished_at timestamptz,
    check ((state = 'running') = (lease_expires_at is not null)),
    check ((state in ('queued', 'running')) = (finished_at is null)),
    unique (owner_id, idempotency_key)
)
"""

INDEXES = (
    "create index job_listing on trainer.job (created_at desc, job_id desc)",
    "create index job_owner on trainer.job (owner_id, created_at desc, job_id desc)",
    "create index job_queued on trainer.job (owner_id, priority desc, created_at)"
    " where state = 'queued'",
    "create index job_running on trainer.job (lease_expires_at) where state = 'running'",
)

EPOCH = """
create table trainer.epoch (
    job_id text not null references trainer.job on delete cascade,
    epoch integer not null,
    train_loss double precision,
    validation_loss double precision,
    validation_accuracy double precision,
    validation_roc_auc double precision,
    seconds double precision not null,
    checkpoint jsonb not null,
    fence bigint not null,
    finished_at timestamptz not null default clock_timestamp(),
    primary key (job_id, epoch)
)
"""

ARTIFACT = """
create table trainer.artifact (
    job_id text not null references trainer.job on delete cascade,
    name text not null,
    key text not null,
    bytes bigint not null,
    sha256 text not null,
    media_type text not null,
    created_at timestamptz not null default clock_timestamp(),
    primary key (job_id, name)
)
"""

WORKER = """
create table trainer.worker (
    name text primary key,
    host text not null,
    pid integer not null,
    slots integer not null,
    about jsonb not null,
    started_at timestamptz not null,
    heartbeat_at timestamptz not null
)
"""

# The fair order, defined once: a person's n-th waiting job comes after everybody's (n-1)-th,
# counting what each already has running; among equals whoever was served longest ago is next.
QUEUE = """
create view trainer.queue as
select job_id, due,
       row_number() over (
           order by turn, last_claimed nulls first, created_at, job_id
       )::integer as position
from (
    select j.job_id, j.created_at, j.not_before <= now() as due, served.last_claimed,
           served.running + row_number() over (
               partition by j.owner_id order by j.priority desc, j.created_at, j.job_id
           ) as turn
    from trainer.job j
    join (
        select owner_id, max(claimed_at) as last_claimed,
               count(*) filter (where state = 'running') as running
        from trainer.job
        where owner_id in (select owner_id from trainer.job where state = 'queued')
        group by owner_id
    ) served using (owner_id)
    where j.state = 'queued'
) waiting
"""

# Heartbeats move lease_expires_at only, which is not in the list: watchers hear what they can see.
NOTIFY = """
create function trainer.notify_job() returns trigger language plpgsql as $$
begin
    perform pg_notify('trainer_job', new.job_id);
    return null;
end
$$
"""

TRIGGER = """
create trigger job_changed
after insert or update of name, state, progress, metrics, reason, attempts, cancel_requested, worker
on trainer.job for each row execute function trainer.notify_job()
"""


def upgrade() -> None:
    for statement in (JOB, *INDEXES, EPOCH, ARTIFACT, WORKER, QUEUE, NOTIFY, TRIGGER):
        op.execute(statement)


def downgrade() -> None:
    op.execute("drop view trainer.queue")
    for table in ("worker", "artifact", "epoch", "job"):
        op.execute(f"drop table trainer.{table}")
    op.execute("drop function trainer.notify_job()")
