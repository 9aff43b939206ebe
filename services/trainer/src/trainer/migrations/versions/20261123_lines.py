"""A job's log: its last lines, written in the transaction of what they tell."""

from alembic import op

revision = "20261123_lines"
down_revision = "20261123_purges"
branch_labels = None
depends_on = None

LINE = """
create table trainer.line (
    job_id text not null references trainer.job on delete cascade,
    line_id bigint generated always as identity,
    at timestamptz not null default clock_timestamp(),
    level text not null check (level in ('info', 'warning', 'error')),
    text text not null,
    primary key (job_id, line_id)
)
"""

# 500 lines of 500 characters: what a job says can grow no further.
ADD_LINE = """
create function trainer.add_line(of_job text, how text, said text) returns void
language sql as $$
    insert into trainer.line (job_id, level, text) values (of_job, how, left(said, 500));
    delete from trainer.line where job_id = of_job and line_id <= (
        select line_id from trainer.line where job_id = of_job
        order by line_id desc offset 500 limit 1
    );
$$
"""

# Whoever turns a job (API, sweeper, worker, training process), its log hears of it.
LOG_JOB = """
create function trainer.log_job() returns trigger language plpgsql as $$
declare
    phase text := new.progress->>'phase';
begin
    if new.state = 'running' and old.state <> 'running' then
        perform trainer.add_line(new.job_id, 'info',
            format('Attempt %s begins on worker %s', new.attempts, new.worker));
    elsif new.state = 'queued' and old.state = 'running' then
        perform trainer.add_line(new.job_id, 'warning',
            concat_ws(': ', 'Back in the queue', new.reason));
    elsif new.state = 'queued' and old.state <> 'queued' then
        perform trainer.add_line(new.job_id, 'info', 'Queued again');
    elsif new.state = 'failed' and old.state <> 'failed' then
        perform trainer.add_line(new.job_id, 'error', concat_ws(': ', 'Failed', new.reason));
    elsif new.state <> old.state then
        perform trainer.add_line(new.job_id, 'info', initcap(new.state));
    elsif new.cancel_requested and not old.cancel_requested then
        perform trainer.add_line(new.job_id, 'info', 'Asked to stop');
    elsif new.waiting is distinct from old.waiting then
        perform trainer.add_line(new.job_id,
            case when new.waiting is null then 'info' else 'warning' end,
            coalesce('Waits: ' || new.waiting, 'Waits no longer'));
    elsif phase is distinct from old.progress->>'phase' then
        perform trainer.add_line(new.job_id, 'info', initcap(phase));
    end if;
    return null;
end
$$
"""

LOG_EPOCH = """
create function trainer.log_epoch() returns trigger language plpgsql as $$
begin
    perform trainer.add_line(new.job_id, 'info', format(
        'Epoch %s of %s: training loss %s, validation loss %s, accuracy %s, ROC-AUC %s; %s s',
        new.epoch,
        (select progress->>'epochs' from trainer.job where job_id = new.job_id),
        coalesce(round(new.train_loss::numeric, 4)::text, 'none'),
        coalesce(round(new.validation_loss::numeric, 4)::text, 'none'),
        coalesce(round(new.validation_accuracy::numeric, 3)::text, 'none'),
        coalesce(round(new.validation_roc_auc::numeric, 3)::text, 'none'),
        round(new.seconds::numeric, 1)
    ));
    return null;
end
$$
"""

# An epoch whose answer was lost is written again as an update: it is told once.
TRIGGERS = (
    """
    create trigger job_logged
    after update of state, progress, waiting, cancel_requested
    on trainer.job for each row execute function trainer.log_job()
    """,
    """
    create trigger epoch_logged
    after insert on trainer.epoch for each row execute function trainer.log_epoch()
    """,
)


def upgrade() -> None:
    for statement in (LINE, ADD_LINE, LOG_JOB, LOG_EPOCH, *TRIGGERS):
        op.execute(statement)


def downgrade() -> None:
    op.execute("drop trigger epoch_logged on trainer.epoch")
    op.execute("drop trigger job_logged on trainer.job")
    for function in ("log_epoch()", "log_job()", "add_line(text, text, text)"):
        op.execute(f"drop function trainer.{function}")
    op.execute("drop table trainer.line")
