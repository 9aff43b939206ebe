"""Jobs made of jobs: a parent waits for its children and then combines what they came to."""

from alembic import op

revision = "20261122_composed"
down_revision = "20261122_usage"
branch_labels = None
depends_on = None

COLUMNS = (
    "parent_id text references trainer.job on delete cascade",
    "place integer",
    "combined jsonb",
)

# Of a parent too: its watchers see how far its children are.
NOTIFY = """
create or replace function trainer.notify_job() returns trigger language plpgsql as $$
begin
    perform pg_notify('trainer_job', new.job_id);
    if new.parent_id is not null then
        perform pg_notify('trainer_job', new.parent_id);
    end if;
    return null;
end
$$
"""

FORMER_NOTIFY = """
create or replace function trainer.notify_job() returns trigger language plpgsql as $$
begin
    perform pg_notify('trainer_job', new.job_id);
    return null;
end
$$
"""

# The fair order, defined once: a person's n-th waiting job comes after everybody's (n-1)-th,
# counting what each already has running; among equals whoever was served longest ago is next.
# A parent has no place in it as long as one of its children has not ended.
QUEUE = """
create view trainer.queue as
select job_id, due, running,
       row_number() over fair::integer as position,
       coalesce(sum(minutes) over (fair rows between unbounded preceding and 1 preceding), 0)
           as minutes_before
from (
    select j.job_id, j.created_at, j.not_before <= now() as due, served.last_claimed,
           served.running, (j.estimate->>'minutes')::double precision as minutes,
           served.running + row_number() over (
               partition by j.owner_id
               order by j.priority desc, j.created_at, j.place nulls first, j.job_id
           ) as turn
    from trainer.job j
    join (
        select owner_id, max(claimed_at) as last_claimed,
               count(*) filter (where state = 'running') as running
        from trainer.job
        where owner_id in (select owner_id from trainer.job where state = 'queued')
        group by owner_id
    ) served using (owner_id)
    where j.state = 'queued'{but}
) waiting
window fair as (order by turn, last_claimed nulls first, created_at, job_id)
"""

BUT = """ and not exists (
        select from trainer.job child
        where child.parent_id = j.job_id and child.state in ('queued', 'running')
    )"""


def upgrade() -> None:
    for column in COLUMNS:
        op.execute(f"alter table trainer.job add column {column}")
    op.execute("create index job_children on trainer.job (parent_id, place)"
               " where parent_id is not null")  # fmt: skip
    op.execute("drop view trainer.queue")
    op.execute(QUEUE.format(but=BUT))
    op.execute(NOTIFY)


def downgrade() -> None:
    op.execute(FORMER_NOTIFY)
    op.execute("drop view trainer.queue")
    op.execute(QUEUE.format(but="").replace("j.place nulls first, ", ""))
    for column in COLUMNS:
        op.execute(f"alter table trainer.job drop column {column.split()[0]}")
