"""Jobs can be put away; the queue knows what stands before a job and what its owner has running."""

from alembic import op

revision = "20261122_turns"
down_revision = "20261122_survival"
branch_labels = None
depends_on = None

# The fair order, defined once: a person's n-th waiting job comes after everybody's (n-1)-th,
# counting what each already has running; among equals whoever was served longest ago is next.
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
window fair as (order by turn, last_claimed nulls first, created_at, job_id)
"""

FORMER = """
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


def upgrade() -> None:
    op.execute("alter table trainer.job add column archived boolean not null default false")
    op.execute("drop view trainer.queue")
    op.execute(QUEUE)


def downgrade() -> None:
    op.execute("drop view trainer.queue")
    op.execute(FORMER)
    op.execute("alter table trainer.job drop column archived")
